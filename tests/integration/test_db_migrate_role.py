# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role db_migrate on one host that is everything: forth, back, rehearsed, and judged."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.migrations import (
    MIGRATOR,
    QUERY,
    Application,
    create_application,
)

CHECKOUT = Path(__file__).parents[2]
LABEL = "pre-rollback"
USER = pwd.getpwuid(os.geteuid()).pw_name
UP = "CREATE TABLE ai_consultations (id int PRIMARY KEY, advice text); SELECT pg_sleep(0.5)"
LOST = [{"table": "public.ai_consultations", "what": "table", "column": None, "rows": 3}]


class Role:
    """The role, called on this host with the application's release and database."""

    def __init__(self, app: Application, folder: Path) -> None:
        self.app, self._folder = app, folder

    def run(self, entry: str, *options: str, **variables: Any) -> tuple[int, dict[str, Any], str]:
        """Return the exit code, the facts that it handed back, and what was printed."""
        server, facts = self.app.server, self._folder / "facts.json"
        facts.unlink(missing_ok=True)
        names = ("db_migrate_result", "db_migrate_rehearsal", "db_migrate_lint")
        told = ", ".join(f"'{name}': {name} | default(none)" for name in names)
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            # In place of the socket that a database host has.
            "module_defaults": {"phased.rollout.pg_restore": self._login()},
            "environment": {
                "PGHOST": server.host,
                "PGPORT": str(server.port),
                "PGUSER": server.user,
                "PGPASSWORD": server.password,
            },
            "tasks": [
                {
                    "ansible.builtin.include_role": {
                        "name": "phased.rollout.db_migrate",
                        "tasks_from": entry,
                    },
                    "vars": variables,
                },
                {
                    "ansible.builtin.copy": {
                        "dest": str(facts),
                        "content": "{{ {" + told + "} | to_json }}",
                        "mode": "0600",
                    },
                    "check_mode": False,
                },
            ],
        }
        playbook = self._folder / "play.yml"
        playbook.write_text(yaml.safe_dump([play]))
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", playbook, *options],
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".collections"),
                "ANSIBLE_INVENTORY": str(self._inventory()),
                "ANSIBLE_LOCALHOST_WARNING": "0",
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        handed = json.loads(facts.read_text()) if facts.exists() else {}
        return done.returncode, handed, done.stdout + done.stderr

    def _login(self) -> dict[str, Any]:
        server = self.app.server
        return server.login(server.user, server.password, self.app.database)

    def _inventory(self) -> Path:
        app = self.app
        tool = [sys.executable, MIGRATOR]
        hosts = {
            "rollout_db": {
                "hosts": {
                    "localhost": {
                        "ansible_connection": "local",
                        "ansible_become": False,
                        "ansible_python_interpreter": sys.executable,
                        "rollout_service": {"user": USER, "root": "/nonexistent"},
                        "rollout_backup": {
                            "database": app.database,
                            "directory": str(self._folder / "backups"),
                        },
                        "rollout_login": self._login(),
                        "rollout_migrate": {
                            "command": [*tool, "0002"],
                            "back_command": [*tool, "{version}"],
                            "sql_command": ["cat", "0002.up.sql"],
                            "environment_file": str(app.environment),
                            "version_query": QUERY,
                            "no_version": "0000",
                        },
                        "db_migrate_directory": str(app.release),
                        "db_migrate_longest_transaction": 60,
                    }
                }
            }
        }
        path = self._folder / "hosts.yml"
        path.write_text(yaml.safe_dump(hosts))
        return path

    def back_up(self) -> dict[str, Any]:
        """Take a proven backup, and return what the role db_backup hands back of it."""
        directory = self._folder / "backups"
        directory.mkdir(exist_ok=True)
        told = self.app.run_module(
            "pg_backup",
            {
                **self._login(),
                "label": LABEL,
                "directory": str(directory),
                "version_query": QUERY,
            },
        )
        assert told["backup"]["proven"], told
        return {key: value for key, value in told["backup"].items() if key != "tables"}


@pytest.fixture
def app(
    postgresql: Postgresql, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> Application:
    """An application at version 0001, with a release that brings 0002."""
    application = create_application(postgresql, tmp_path, run_module)
    application.step("0001", "CREATE TABLE items (id int); INSERT INTO items VALUES (1)")
    application.step(
        "0002", f"{UP}; ALTER TABLE items ADD COLUMN c int; SELECT pg_sleep(0.5)",
        "DROP TABLE ai_consultations; ALTER TABLE items DROP COLUMN c",
    )  # fmt: skip
    assert application.migrate(to="0001")["after"] == "0001"
    return application


@pytest.fixture
def role(app: Application, tmp_path: Path) -> Role:
    return Role(app, tmp_path)


def copies_of(app: Application) -> list[tuple[Any, ...]]:
    return app.execute(f"SELECT 1 FROM pg_database WHERE datname LIKE '{app.database}\\_%'")


def test_a_migration_is_judged_rehearsed_and_run(role: Role) -> None:
    code, told, printed = role.run("lint")
    assert code == 0, printed
    lint = told["db_migrate_lint"]
    assert (lint["stops"], lint["statements"]) == (0, 4)
    assert lint["sql"].startswith("CREATE TABLE ai_consultations")

    backup = role.back_up()
    code, told, printed = role.run("rehearse", db_migrate_backup=backup)
    assert code == 0, printed
    rehearsal = told["db_migrate_rehearsal"]
    assert (rehearsal["passed"], rehearsal["reason"]) == (True, "")
    assert (rehearsal["before"], rehearsal["after"]) == ("0001", "0002")
    assert min(rehearsal[name] for name in ("seconds", "back_seconds", "again_seconds")) > 0
    (lock,) = [lock for lock in rehearsal["locks"] if lock["table"] == "public.items"]
    assert lock["mode"] == "ACCESS EXCLUSIVE"
    assert rehearsal["exclusive_milliseconds"] >= 400
    assert rehearsal["blocking_milliseconds"] >= rehearsal["exclusive_milliseconds"]
    assert rehearsal["loss"] == []
    assert [loss["what"] for loss in rehearsal["back_loss"]] == ["table", "column"]
    assert rehearsal["back_loss_rows"] == 0
    assert role.app.version() == "0001"
    assert copies_of(role.app) == []

    code, told, printed = role.run("main", "--check")
    assert (code, role.app.version()) == (0, "0001"), printed
    assert "version 0001, from which it would migrate" in printed
    code, told, printed = role.run("main", db_migrate_when="after")
    assert (code, role.app.version()) == (0, "0001"), printed
    assert "due after the release is served, not before" in printed
    code, told, printed = role.run("main")
    assert (code, told["db_migrate_result"]["after"]) == (0, "0002"), printed
    code, told, printed = role.run("rehearse", db_migrate_backup=backup)
    rehearsal = told["db_migrate_rehearsal"]
    assert (code, rehearsal["passed"]) == (0, False), printed
    assert "is at version 0001, the live database at 0002" in rehearsal["reason"]


def test_a_rehearsal_where_no_migration_is_due_passes(role: Role) -> None:
    assert role.app.migrate(to="0002")["after"] == "0002"
    code, told, printed = role.run("rehearse", db_migrate_backup=role.back_up())
    assert code == 0, printed
    rehearsal = told["db_migrate_rehearsal"]
    assert (rehearsal["passed"], rehearsal["before"], rehearsal["after"]) == (True, "0002", "0002")
    assert (rehearsal["back_seconds"], rehearsal["again_seconds"]) == (0, 0)
    assert (rehearsal["exclusive_milliseconds"], rehearsal["back_loss_rows"]) == (0, 0)


@pytest.mark.parametrize(
    ("up", "down", "reason"),
    [
        pytest.param("SELECT 1 / 0", "SELECT 1", "division by zero", id="forth"),
        pytest.param(UP, "DROP TABLE no_such_table", "no_such_table", id="back"),
        pytest.param(UP, "SELECT 1", '"ai_consultations" already exists', id="forth again"),
    ],
)
def test_a_rehearsal_that_does_not_pass_says_why(
    role: Role, up: str, down: str, reason: str
) -> None:
    role.app.step("0002", up, down)
    code, told, printed = role.run("rehearse", db_migrate_backup=role.back_up())
    assert code == 0, printed
    assert not told["db_migrate_rehearsal"]["passed"]
    assert reason in told["db_migrate_rehearsal"]["reason"]
    for name in ("seconds", "back_seconds", "exclusive_milliseconds"):
        assert told["db_migrate_rehearsal"][name] is None
    assert copies_of(role.app) == []
    assert role.app.version() == "0001"


def test_a_way_back_that_loses_rows_is_counted_and_accepted_to_the_row(role: Role) -> None:
    app = role.app
    assert app.migrate(to="0002")["after"] == "0002"
    app.execute("INSERT INTO ai_consultations SELECT n, 'x' FROM generate_series(1, 2) n")
    given: dict[str, Any] = {"db_migrate_backup": role.back_up(), "db_migrate_back_to": "0001"}
    app.execute("INSERT INTO ai_consultations VALUES (3, 'after the backup')")
    code, told, printed = role.run("back", **given)
    assert code != 0
    shown = f"destroys 3 rows, of which 2 are in backup {LABEL}; 0 are accepted:"
    assert shown in " ".join(printed.split())
    assert "table public.ai_consultations: 3" in printed
    assert "accept a loss of 3" in printed
    assert app.execute("SELECT count(*) FROM ai_consultations") == [(3,)]
    code, told, printed = role.run("back", "--check", **given, db_migrate_accept_loss=3)
    assert (code, app.version()) == (0, "0002"), printed
    code, told, printed = role.run("back", **given, db_migrate_accept_loss=3)
    assert code == 0, printed
    assert told["db_migrate_result"]["loss"][0] == LOST[0]
    assert (app.version(), copies_of(app)) == ("0001", [])
    code, told, printed = role.run("back", **given, db_migrate_accept_loss=3)
    assert (code, told["db_migrate_result"]["changed"]) == (0, False), printed


def test_a_way_back_needs_a_proven_backup_of_this_very_database(role: Role) -> None:
    app = role.app
    backup = role.back_up()
    assert app.migrate(to="0002")["after"] == "0002"
    for wrong, says in (
        ({**backup, "proven": False}, "is not proven"),
        ({**backup, "database": "another"}, "of database another"),
        (backup, "at version 0001; a way back needs a proven backup of"),
        ({**backup, "migration_version": None}, "is at version 0001, the live database at 0002"),
        ({}, "Backup .none. is not proven"),
    ):
        code, _told, printed = role.run(
            "back", db_migrate_backup=wrong, db_migrate_back_to="0000", db_migrate_accept_loss=0
        )
        assert code != 0
        assert re.search(says, printed), printed
        assert (app.version(), copies_of(app)) == ("0002", [])


def test_a_way_back_that_fails_on_the_copy_is_not_tried(role: Role) -> None:
    app = role.app
    assert app.migrate(to="0002")["after"] == "0002"
    app.step("0002", UP, "DROP TABLE ai_consultations; SELECT 1 / 0")
    code, _told, printed = role.run(
        "back", db_migrate_backup=role.back_up(), db_migrate_back_to="0001"
    )
    assert code != 0
    assert "The live database was left as it is. On a copy the way back to 0001" in printed
    assert (app.version(), copies_of(app)) == ("0002", [])


def test_the_copy_cannot_have_the_name_of_a_database_that_is_kept(role: Role) -> None:
    for name in (role.app.database, "postgres"):
        code, _told, printed = role.run(
            "rehearse",
            db_migrate_backup={"label": "x"},
            db_migrate_rehearsal_database=name,
        )
        assert code != 0
        assert "it must end with _rehearsal" in printed
