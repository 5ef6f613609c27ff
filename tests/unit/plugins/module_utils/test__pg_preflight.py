# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import (
    Facts,
    require_program,
    require_restoring,
    require_version,
    require_writable,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

FACTS: dict[str, Any] = {
    "version_num": 150008,
    "version": "15.8",
    "system_identifier": "7",
    "bytes": 1000,
    "in_recovery": False,
    "bootstrap_user": "postgres",
    "user": "backup",
    "superuser": False,
    "may_create": True,
    "data_directory": None,
}


class Rows:
    """A session that has the same answer to everything."""

    database = "app"

    def __init__(self, *names: str) -> None:
        self._rows = [{"name": name} for name in names]

    def rows(self, _query: str) -> list[dict[str, str]]:
        return self._rows


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        pytest.param("pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)", None, id="the same"),
        pytest.param("pg_dump (PostgreSQL) 15.1", None, id="an older minor version"),
        pytest.param("pg_dump (PostgreSQL) 17beta1", None, id="a newer one"),
        pytest.param(
            "pg_dump (PostgreSQL) 14.20",
            "pg_dump is of version 14, the server of 15.8.*postgresql-client-15",
            id="an older one",
        ),
        pytest.param("no idea", "does not say which version", id="it does not say"),
    ],
)
def test_a_program_must_not_be_older_than_the_server(said: str, refused: str | None) -> None:
    if refused is None:
        require_program("pg_dump", said, Facts(**FACTS))
        return
    with pytest.raises(PgError, match=refused):
        require_program("pg_dump", said, Facts(**FACTS))


def test_an_old_server_program_is_in_another_package() -> None:
    with pytest.raises(PgError, match="install postgresql-15 on this host"):
        require_program("initdb", "initdb (PostgreSQL) 14.1", Facts(**FACTS))


@pytest.mark.parametrize(
    ("number", "version", "fine"), [(140000, "14", True), (130021, "13.21", 0)]
)
def test_the_oldest_server(number: int, version: str, fine: bool) -> None:
    facts = Facts(**{**FACTS, "version_num": number, "version": version})
    if fine:
        require_version(facts, "app")
        return
    with pytest.raises(PgError, match=r"database app is on PostgreSQL 13\.21; 14 or newer"):
        require_version(facts, "app")


@pytest.mark.parametrize(
    ("facts", "owners", "refused"),
    [
        pytest.param(
            {"superuser": True, "may_create": False}, ["x"], None, id="a superuser may all"
        ),
        pytest.param({}, [], None, id="a role that may create, and is all owners"),
        pytest.param(
            {"may_create": False}, [], "give it CREATEDB", id="a role that may not create"
        ),
        pytest.param({}, ["x", "y"], "what belongs to x, y", id="a role that is not the owner"),
        pytest.param({"in_recovery": True, "superuser": True}, [], "is a standby", id="a standby"),
    ],
)
def test_who_can_prove_a_backup_in_the_same_server(
    facts: dict[str, Any], owners: list[str], refused: str | None
) -> None:
    found: Any = Rows(*owners)
    if refused is None:
        require_restoring(found, Facts(**{**FACTS, **facts}))
        return
    with pytest.raises(PgError, match=f"{refused}.*use proof: cluster"):
        require_restoring(found, Facts(**{**FACTS, **facts}))


def test_the_directory_must_be_there_and_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_writable(tmp_path)
    with pytest.raises(PgError, match="none does not exist on this host; create it"):
        require_writable(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(PgError, match="file does not exist"):
        require_writable(tmp_path / "file")
    # The superuser may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_args: False)
    with pytest.raises(PgError, match=f"cannot write to {tmp_path}; make it the owner"):
        require_writable(tmp_path)
