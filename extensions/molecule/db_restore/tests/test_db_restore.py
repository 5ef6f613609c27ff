# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup is back, what it replaced is kept, and what was refused has changed nothing."""

from __future__ import annotations

from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_db"]
LIVE = "tower_consolidated"
Sql = Callable[[str, str], str]


@pytest.fixture
def kept(sql: Sql) -> str:
    names = f"SELECT datname FROM pg_database WHERE datname LIKE '{LIVE}\\_before\\_%' ORDER BY 1"
    return sql("postgres", names).splitlines()[-1]


def tables(sql: Sql, database: str) -> set[str]:
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return set(sql(database, asked).split())


def test_the_backup_is_back(sql: Sql) -> None:
    assert "generations" in tables(sql, LIVE)
    assert "later" not in tables(sql, LIVE)
    assert sql(LIVE, "SELECT version_num FROM alembic_version") == "0001"


def test_what_was_replaced_is_kept(sql: Sql, kept: str) -> None:
    assert sql(kept, "SELECT count(*) FROM later") == "12"
    comment = (
        f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{kept}'"
    )
    assert "replaced by backup molecule. To go back: BEGIN;" in sql("postgres", comment)


def test_what_was_refused_has_changed_nothing(sql: Sql) -> None:
    assert sql(LIVE, "SELECT count(*) FROM again") == "7"


def test_the_rehearsal_has_a_copy_of_its_own(sql: Sql) -> None:
    assert tables(sql, "tower_rehearsal") == tables(sql, LIVE) - {"again"}


@pytest.mark.parametrize("database", [LIVE, "tower_rehearsal"])
def test_owner_and_rights_are_the_same(sql: Sql, database: str) -> None:
    asked = (
        "SELECT pg_get_userbyid(datdba), has_database_privilege('tower_app', oid, 'CONNECT')"
        f" FROM pg_database WHERE datname = '{database}'"
    )
    assert sql("postgres", asked) == "tower_owner|t"
    assert sql(database, "SELECT has_table_privilege('tower_app', 'generations', 'INSERT')") == "t"


def test_nothing_is_left_beside(root: Any, sql: Sql) -> None:
    scratch = "SELECT count(*) FROM pg_database WHERE datname LIKE '%scratch%'"
    assert sql("postgres", scratch) == "0"
    assert set(root.file("/var/backups/restore").listdir()) == {"molecule", "damaged"}
