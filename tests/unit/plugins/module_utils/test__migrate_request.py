# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a migration, and the command that follows from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._migrate_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._migrate_runner import unit_name
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

VARIABLES = {"DATABASE_URL": "postgresql://owner@db/tower"}


def params(**changes: Any) -> dict[str, Any]:
    return {
        "command": ["alembic", "upgrade", "{version}"],
        "directory": "/nonexistent",
        "user": "tower",
        "environment_file": "/nonexistent/migrate.env",
        "database_variable": "DATABASE_URL",
        "database": None,
        "version_query": "SELECT version_num FROM alembic_version",
        "no_version": "base",
        "to": "0004",
        "lock_timeout": 3.0,
        "statement_timeout": 300.0,
        "retries": 5,
        "backoff": 1.0,
        "longest_backoff": 30.0,
        "longest_transaction": 60.0,
        "timeout": 600.0,
        "pending_command": ["alembic", "upgrade", "{version}:head", "--sql"],
        "find_loss": False,
        "expected_loss": [],
        "accept_loss": 0,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"lock_timeout": 0.0}, "lock_timeout is 0; it must be above 0", id="no limit"),
        pytest.param({"statement_timeout": -1.0}, "statement_timeout is -1", id="less than none"),
        pytest.param({"longest_transaction": float("inf")}, "longest_transaction is inf",
                     id="no end"),
        pytest.param({"timeout": float("nan")}, "timeout is nan", id="no number"),
        pytest.param({"retries": -1}, "retries is -1", id="less than no retries"),
        pytest.param({"backoff": 60.0}, "at most longest_backoff", id="a first pause too long"),
        pytest.param({"backoff": 0.0}, "a backoff above 0", id="no pause"),
        pytest.param({"command": []}, "command is empty", id="no command"),
    ],
)  # fmt: skip
def test_what_would_take_a_guard_away_is_refused(changes, says):
    with pytest.raises(PgError, match=says):
        Request.of(params(**changes))


def test_the_limits_become_options_of_libpq():
    request = Request.of(params(lock_timeout=0.25))
    target = request.target(VARIABLES, "mark")
    assert target.overlay["PGOPTIONS"] == "-c lock_timeout=250 -c statement_timeout=300000"
    read_only = request.target(VARIABLES, "mark", read_only=True).overlay["PGOPTIONS"]
    assert read_only.endswith("-c statement_timeout=300000 -c default_transaction_read_only=on")


def test_a_limit_never_rounds_to_none():
    request = Request.of(params(lock_timeout=0.0001, statement_timeout=0.0001))
    assert request.limits.options() == "-c lock_timeout=1 -c statement_timeout=1"


def test_only_the_file_says_where_the_database_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "migrate.env"
    path.write_text("PGDATABASE=tower\n")
    monkeypatch.setenv("PGHOST", "another.example.com")
    assert Request.of(params(environment_file=str(path))).variables() == {"PGDATABASE": "tower"}
    assert "PGHOST" not in os.environ


def test_the_version_stands_in_the_commands(tmp_path: Path) -> None:
    request = Request.of(params(directory=str(tmp_path)))
    target = request.target(VARIABLES, "mark")
    job = request.job(VARIABLES, target)
    assert (job.name, job.command) == ("tower", ["alembic", "upgrade", "0004"])
    pending = request.pending_job(VARIABLES, target, "0003")
    assert pending is not None
    assert (pending.name, pending.command[2]) == ("tower-preview", "0003:head")


def test_a_command_that_goes_to_a_version_needs_one() -> None:
    request = Request.of(params(to=None))
    with pytest.raises(PgError, match="needs the option to"):
        request.job(VARIABLES, request.target(VARIABLES, "mark"))


def test_nothing_is_pending_without_a_release_or_a_command(tmp_path: Path) -> None:
    target = Request.of(params()).target(VARIABLES, "mark")
    assert Request.of(params()).pending_job(VARIABLES, target, "0003") is None
    request = Request.of(params(directory=str(tmp_path), pending_command=None))
    assert request.pending_job(VARIABLES, target, "0003") is None


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "migrate.env"
    path.write_bytes(b"A=\xff")
    with pytest.raises(PgError, match=f"environment_file {path} is no text in UTF-8"):
        Request.of(params(environment_file=str(path))).variables()


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("tower_consolidated", "rollout-migrate-tower_consolidated.service"),
        ("tower-2.0", "rollout-migrate-tower-2.0.service"),
        ("an odd/näme", "rollout-migrate-an-odd-n-me.service"),
    ],
)
def test_unit_name(name, unit):
    assert unit_name(name) == unit
