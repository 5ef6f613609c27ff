# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live database with backups, for the tests of pg_restore, and a server that may be killed."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import psycopg2

from ansible_collections.phased.rollout.tests.integration.conftest import (
    START_SECONDS,
    Postgresql,
    free_port,
    hand_over,
    scratch_folder,
    unprivileged,
)

DRIVER = Path(__file__).with_name("step_driver.py")
LABEL = "pre-phase-2"
TABLES = """
    CREATE TABLE generations (id int PRIMARY KEY, kind text NOT NULL);
    INSERT INTO generations SELECT n, 'image' FROM generate_series(1, 100) n;
    CREATE TABLE decisions (id serial PRIMARY KEY, generation int REFERENCES generations);
    INSERT INTO decisions (generation) SELECT id FROM generations WHERE id <= 50
"""
RunModule = Callable[..., dict[str, Any]]


@dataclass
class Live:
    """A live database, the directory of its backups, and the modules that work on them."""

    server: Postgresql
    name: str
    directory: Path
    run_module: RunModule

    def execute(self, statements: str, database: Optional[str] = None) -> list[tuple[Any, ...]]:
        """Run statements in the database and return the rows of the last one."""
        return self.server.execute(statements, database or self.name)

    def login(self, **options: Any) -> dict[str, Any]:
        own = self.server.login(self.server.user, self.server.password, self.name)
        return {**own, "directory": str(self.directory), **options}

    def back_up(self, label: str = LABEL, **options: Any) -> dict[str, Any]:
        given = self.login(label=label, **{"proof": "list", **options})
        told = self.run_module("pg_backup", given)
        assert "backup" in told, told["msg"]
        return told

    def restore(
        self, label: str = LABEL, *, check_mode: bool = False, **options: Any
    ) -> dict[str, Any]:
        given = self.login(label=label, **options)
        return self.run_module("pg_restore", given, check_mode=check_mode)

    def forecast(self, label: str = LABEL, **options: Any) -> dict[str, Any]:
        return self.restore(label, check_mode=True, **options)

    def start(self, folder: Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a restore that halts where folder/halt says."""
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), "pg_restore", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
        )
        assert process.stdin
        given = {"ANSIBLE_MODULE_ARGS": self.login(**{"label": LABEL, **options})}
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def databases(self) -> set[str]:
        """Return the databases whose name begins with that of the live one."""
        query = "SELECT datname FROM pg_database"
        return {name for (name,) in self.server.execute(query) if name.startswith(self.name)}

    def kept(self) -> list[str]:
        """Return the databases that were replaced, the oldest first."""
        return sorted(name for name in self.databases() if "_before_" in name)

    def content(self, database: Optional[str] = None) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables."""
        query = (
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {
            table: sorted(self.execute(f"SELECT * FROM {table}", database), key=repr)
            for (table,) in self.execute(query, database)
        }

    def change_manifest(self, of: str = LABEL, **changes: Any) -> None:
        path = self.directory / of / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    def drop(self) -> None:
        for name in self.databases():
            self.server.execute(f"DROP DATABASE {quoted(name)} WITH (FORCE)")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def new_live(
    server: Postgresql, directory: Path, run_module: RunModule, name: str = "", tables: str = TABLES
) -> Live:
    """Make a live database with some rows, and a directory for its backups."""
    live = Live(server, name or f"live{secrets.token_hex(3)}", directory, run_module)
    server.execute(f"CREATE DATABASE {quoted(live.name)}")
    live.execute(tables)
    directory.mkdir(exist_ok=True)
    return live


class Cluster:
    """A server that may be stopped, killed and started again. It ends with this process."""

    def __init__(self, folder: Path, options: list[str]) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        assert programs, "PostgreSQL is missing: apt-get install postgresql-15"
        self.folder = folder
        self.server = Postgresql("127.0.0.1", free_port(), "rollout_test", secrets.token_hex(8))
        self._programs = programs[-1].parent
        self._options = options
        self._process: Optional[subprocess.Popen[bytes]] = None

    def create(self) -> None:
        passwords = self.folder / "password"
        passwords.write_text(self.server.password)
        hand_over(passwords)
        argv: list[Any] = [
            *unprivileged(),
            self._programs / "initdb",
            f"--pgdata={self.folder / 'data'}",
            f"--username={self.server.user}",
            f"--pwfile={passwords}",
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
        ]
        subprocess.run(argv, check=True, capture_output=True)

    def start(self) -> None:
        argv: list[Any] = [
            *unprivileged("--pdeathsig=INT"),
            *(self._programs / "postgres", "-D", self.folder / "data"),
            *("-p", str(self.server.port), "-k", self.folder),
            *(f"--listen_addresses={self.server.host}", "--fsync=off", *self._options),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.02)

    def answers(self) -> bool:
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(self.server.dsn, connect_timeout=2).close()
            return True
        return False

    def stop(self, signal: int) -> None:
        """Stop it: 2 ends its connections, 3 leaves everything as it is, as a crash does."""
        if self._process:
            self._process.send_signal(signal)
            self._process.wait(START_SECONDS)

    def restart(self) -> None:
        """Let it crash, and start it again."""
        self.stop(3)
        self.start()


@contextmanager
def own_cluster(*options: str) -> Iterator[Cluster]:
    """Run a server that may be killed while the block runs."""
    with scratch_folder() as folder:
        cluster = Cluster(folder, list(options))
        cluster.create()
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop(3)


@dataclass
class Halting:
    """A restore that halts at a step, so that something can happen to it there."""

    live: Live
    folder: Path
    steps: list[str] = field(default_factory=list)

    def run(
        self,
        halt: str = "",
        happens: Callable[[Any], object] = lambda process: None,
        **options: Any,
    ) -> dict[str, Any]:
        """Return what a restore returned to which something happened; {} if nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        if halt:
            (self.folder / "halt").write_text(halt)
        process = self.live.start(self.folder, **options)
        while halt and process.poll() is None and not (self.folder / "halted").exists():
            time.sleep(0.005)
        if halt:
            assert (self.folder / "halted").exists(), f"it never came to {halt}"
        happens(process)
        (self.folder / "go").touch()
        output, _errors = process.communicate(timeout=60)
        self.steps = (self.folder / "steps").read_text().splitlines()
        result: dict[str, Any] = json.loads(output) if output else {}
        return result
