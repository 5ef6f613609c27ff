# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staging's schema is at the head of the release, and nothing else was touched."""

from __future__ import annotations

import re
from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_staging"]

Sql = Callable[[str, str], str]
REVISION = "SELECT version_num FROM alembic_version"


def test_the_schema_is_at_the_head_of_the_release(host: Any, sql: Sql, tree: str) -> None:
    with host.sudo("tower"):
        heads = host.check_output("sh -c %s", f"cd /opt/tower/releases/{tree} && alembic heads")
    assert heads == f"{sql('tower_staging', REVISION)} (head)"


def test_production_is_not_migrated(sql: Sql) -> None:
    assert sql("tower_consolidated", REVISION) == "0001"


def test_the_owner_of_the_schema_ran_the_migration(sql: Sql) -> None:
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'generation_decisions'"
    assert sql("tower_staging", owner) == "tower_owner"


@pytest.mark.parametrize(
    ("role", "right", "has_it"),
    [
        ("tower_app", "INSERT", "t"),
        ("rollout_reader", "SELECT", "t"),
        ("rollout_reader", "INSERT", "f"),
    ],
)
def test_the_rights_on_the_new_table(sql: Sql, role: str, right: str, has_it: str) -> None:
    asked = f"SELECT has_table_privilege('{role}', 'generation_decisions', '{right}')"
    assert sql("tower_staging", asked) == has_it


def test_no_migration_is_left_running(root: Any) -> None:
    unit = "rollout-migrate-tower_staging.service"
    assert root.check_output(f"systemctl show --property=LoadState {unit}") == "LoadState=not-found"
    assert root.run("pgrep --full --exact 'sleep 60'").rc == 1


def test_no_secret_and_no_copy_is_left_behind(root: Any, sql: Sql) -> None:
    assert root.run("ls /run/rollout-migrate-*").rc != 0
    copies = "SELECT count(*) FROM pg_database WHERE datname LIKE '%rehearsal%'"
    assert sql("postgres", copies) == "0"


def test_the_way_back_destroyed_the_decisions_that_were_accepted(sql: Sql) -> None:
    """The scenario went back and forth again after it had counted at least one."""
    since = "SELECT count(*) FROM generation_decisions WHERE project_id = 'p'"
    assert sql("tower_staging", since) == "0"


def test_the_password_is_in_no_journal(root: Any) -> None:
    (url,) = re.findall(r"://.*", root.file("/etc/tower/migrate.env").content_string)
    password = url.split("@")[0].rpartition(":")[2]
    assert len(password) > 8
    assert password not in root.check_output("journalctl --no-pager --quiet --output=verbose")
