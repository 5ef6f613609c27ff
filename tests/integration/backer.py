# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database to be backed up, the directory of its backups, and what must be true of both."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import read_manifest
from ansible_collections.phased.rollout.tests.integration.conftest import MODULES, Postgresql
from ansible_collections.phased.rollout.tests.integration.pg_zoo import quoted

DRIVER = Path(__file__).with_name("step_driver.py")
ROWS = 1000
TABLES = f"""
    CREATE TABLE generations (id int PRIMARY KEY, kind text NOT NULL);
    INSERT INTO generations SELECT n, 'image' FROM generate_series(1, {ROWS}) n;
    CREATE TABLE alembic_version (version_num text);
    INSERT INTO alembic_version VALUES ('0001');
    CREATE SEQUENCE numbers
"""
VERSION = "SELECT version_num FROM alembic_version"


@dataclass
class Source:
    """A live database and the directory that keeps its backups."""

    server: Postgresql
    name: str
    directory: Path

    def login(self, **options: Any) -> dict[str, Any]:
        own = self.server.login(self.server.user, self.server.password, self.name)
        return {**own, "directory": str(self.directory), **options}

    def execute(self, statements: str) -> list[tuple[Any, ...]]:
        return self.server.execute(statements, self.name)

    def rows(self) -> int:
        ((count,),) = self.execute("SELECT count(*) FROM generations")
        found: int = count
        return found

    def back_up(
        self,
        label: str = "one",
        *,
        check_mode: bool = False,
        before: tuple[str, ...] = (),
        **options: Any,
    ) -> dict[str, Any]:
        """Return what the module returns. before: argv that goes before the module's."""
        given = {**self.login(label=label, **options), "_ansible_check_mode": check_mode}
        done = subprocess.run(
            [*before, sys.executable, "-m", f"{MODULES}.pg_backup"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def refused(self, label: str = "one", **options: Any) -> str:
        """Return why the module failed."""
        result = self.back_up(label, **options)
        assert result.get("failed"), result
        message: str = result["msg"]
        assert message.startswith(f"Cannot back up database {options.get('login_db', self.name)}: ")
        return message

    def backups(self) -> list[str]:
        """Return what looks like a backup to anybody, after making sure that it is one."""
        found = sorted(path.name for path in self.directory.iterdir() if path.name[0] != ".")
        assert all(read_manifest(self.directory / name) for name in found)
        return found

    def left(self) -> list[str]:
        """Return what killed runs have left: hidden names, and databases."""
        hidden = sorted(path.name for path in self.directory.iterdir() if path.name[0] == ".")
        query = "SELECT datname FROM pg_database WHERE datname LIKE '%\\_scratch\\_%'"
        return hidden + sorted(name for (name,) in self.server.execute(query))

    def programs(self) -> int:
        """Return how many connections of the module and its programs there are."""
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'phased.rollout'"
            " OR datname LIKE '%\\_scratch\\_%' OR application_name LIKE 'pg_dump%'"
        )
        ((count,),) = self.server.execute(query)
        found: int = count
        return found


def environment() -> dict[str, str]:
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path}


def new_source(server: Postgresql, folder: Path, tables: str = TABLES) -> Source:
    """Make a database with some rows, and a directory for its backups."""
    directory = folder / "backups"
    directory.mkdir()
    source = Source(server, f"app{secrets.token_hex(3)}", directory)
    server.execute(f"CREATE DATABASE {quoted(source.name)}")
    if tables:
        source.execute(tables)
    return source


def drop(source: Source) -> None:
    source.server.execute(f"DROP DATABASE IF EXISTS {quoted(source.name)} WITH (FORCE)")


def as_a_user() -> tuple[str, ...]:
    """Return the argv that goes before a program which refuses to run as root.

    It may do to files what this process may, so that it can read the checkout.
    """
    nobody = ("unshare", "--user", "--map-user=nobody", "--map-group=nogroup", "--")
    return nobody if os.geteuid() == 0 else ()


@dataclass
class Halting:
    """A backup that halts at a step, so that something can happen to it there."""

    source: Source
    folder: Path

    def run(
        self,
        halt: str = "",
        happens: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
        **options: Any,
    ) -> dict[str, Any]:
        """Return what the module returned, {} if it was killed; halt is the name of the step."""
        for name in ("halt", "halted", "go", "steps", "argv"):
            (self.folder / name).unlink(missing_ok=True)
        if halt:
            (self.folder / "halt").write_text(halt)
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), "pg_backup", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        assert process.stdin
        given = {"label": "one", "version_query": VERSION, **options}
        process.stdin.write(
            json.dumps({"ANSIBLE_MODULE_ARGS": self.source.login(**given)}).encode()
        )
        process.stdin.close()
        process.stdin = None
        while halt and process.poll() is None and not (self.folder / "halted").exists():
            time.sleep(0.005)
        assert not halt or (self.folder / "halted").exists(), f"it never came to {halt}"
        happens(process)
        (self.folder / "go").touch()
        output, _errors = process.communicate(timeout=60)
        result: dict[str, Any] = json.loads(output) if output else {}
        return result

    def steps(self) -> list[str]:
        """Return the steps of the last run."""
        return (self.folder / "steps").read_text().splitlines()
