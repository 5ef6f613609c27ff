# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application whose database is migrated: a release folder, an environment file, a database."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from ansible_collections.phased.rollout.tests.integration.conftest import (
    MODULES,
    Postgresql,
    free_port,
    hand_over,
    scratch_folder,
    unprivileged,
)

OWNER, PASSWORD = "app_owner", "p@ss/word: of the owner"
QUERY = "SELECT version FROM schema_version"
NUMBERS = itertools.count(1)
MIGRATOR = str(Path(__file__).with_name("migrator.py"))
#: SQL that goes on until the test calls let_go().
HELD = "DO $$ BEGIN WHILE EXISTS (SELECT FROM held) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$"
MIGRATING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()" \
    " AND application_name LIKE 'phased.rollout.migrate %'"  # fmt: skip
WATCHING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()" \
    " AND application_name LIKE 'phased.rollout.watch@%'"  # fmt: skip
#: Short, so that a test does not wait for what it is not about.
OPTIONS: dict[str, Any] = {
    "version_query": QUERY,
    "no_version": "0000",
    "lock_timeout": 0.3,
    "retries": 1,
    "backoff": 0.05,
    "timeout": 60,
}


@dataclass
class Application:
    """An application with a database of its own, which its role owns."""

    server: Postgresql
    database: str
    release: Path
    run_module: Callable[..., dict[str, Any]]

    @property
    def environment(self) -> Path:
        return self.release.with_suffix(".env")

    def url(self, **changes: str) -> str:
        given = {"user": OWNER, "password": PASSWORD, "database": self.database, **changes}
        part = {name: quote(value, safe="") for name, value in given.items()}
        address = f"{self.server.host}:{self.server.port}"
        return f"postgresql://{part['user']}:{part['password']}@{address}/{part['database']}"

    def set_environment(self, **variables: str) -> None:
        lines = [f"{name}={value}\n" for name, value in variables.items()]
        self.environment.touch(mode=0o600)
        self.environment.write_text("".join(lines))

    def step(self, version: str, up: str, down: str = "SELECT 1") -> None:
        """Write a step of the migration."""
        (self.release / f"{version}.up.sql").write_text(up)
        (self.release / f"{version}.down.sql").write_text(down)

    def arguments(self, *command: str, **options: Any) -> dict[str, Any]:
        return {
            **OPTIONS,
            "command": list(command) or [sys.executable, MIGRATOR, "{version}"],
            "directory": str(self.release),
            "environment_file": str(self.environment),
            **options,
        }

    def migrate(self, *command: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run the module; its result shows no password, whatever it is."""
        told = self.run_module("pg_migrate", self.arguments(*command, **options), check_mode=check)
        assert PASSWORD not in json.dumps(told)
        assert quote(PASSWORD, safe="") not in json.dumps(told)
        return told

    def start(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start the module as a process that can be killed."""
        given = json.dumps({"ANSIBLE_MODULE_ARGS": self.arguments(*command, **options)})
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-m", f"{MODULES}.pg_migrate"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert process.stdin
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
        return process

    def execute(self, statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the server's superuser."""
        return self.server.execute(statements, self.database)

    def hold(self) -> None:
        """Let a step that is HELD go on."""
        self.execute(
            "CREATE TABLE held (id int); INSERT INTO held VALUES (1);"
            f"GRANT SELECT ON held TO {OWNER}"
        )

    def let_go(self) -> None:
        """Let a step that is HELD end."""
        self.execute("DELETE FROM held")

    def wait_until_held(self) -> None:
        self.wait_for(f"{MIGRATING} AND query LIKE '%FROM held%'")

    def version(self) -> str:
        rows = self.execute(QUERY)
        return str(rows[0][0]) if rows else "0000"

    @contextmanager
    def transaction(
        self, *statements: str, user: str | None = None
    ) -> Iterator[psycopg2.extensions.connection]:
        """Hold a transaction open while the block runs, unless the block ends it."""
        dsn = self.url() if user == OWNER else self.server.dsn_of(self.database)
        connection = psycopg2.connect(dsn, application_name="a web worker")
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            yield connection
        finally:
            connection.close()

    @contextmanager
    def released(
        self, connection: psycopg2.extensions.connection, *, when: str, seconds: float = 0
    ) -> Iterator[None]:
        """Roll a transaction back some seconds after a query has given a row."""

        def release() -> None:
            self.wait_for(when)
            time.sleep(seconds)
            connection.rollback()

        thread = threading.Thread(target=release)
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def wait_for(self, query: str, seconds: float = 60) -> None:
        """Wait until a query gives a row."""
        end = time.monotonic() + seconds
        while not self.execute(query):
            assert time.monotonic() < end, f"this never came: {query}"
            time.sleep(0.02)


def create_application(
    server: Postgresql, folder: Path, run_module: Callable[..., dict[str, Any]], name: str = ""
) -> Application:
    """Make a database that the application's role owns, and an empty release."""
    number = next(NUMBERS)
    database = f"{name or 'app'}_{number}"
    release = folder / "release"
    release.mkdir()
    role = f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'"
    if not server.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'"):
        server.execute(role)
    quoted = database.replace('"', '""')
    server.execute(f'CREATE DATABASE "{quoted}" OWNER {OWNER}')
    application = Application(server, database, release, run_module)
    application.set_environment(DATABASE_URL=application.url())
    return application


class OwnServer:
    """A server that a test may stop and start, with prepared transactions allowed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1].parent
        self._process: subprocess.Popen[bytes] | None = None
        self.postgresql = Postgresql("127.0.0.1", free_port(), "rollout_test", "own-password")
        passwords = folder / "password"
        passwords.write_text(self.postgresql.password)
        hand_over(passwords)
        self._run(
            *("initdb", f"--pgdata={folder / 'data'}", f"--username={self.postgresql.user}"),
            *(f"--pwfile={passwords}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
        )

    def start(self) -> None:
        server = self.postgresql
        self._process = subprocess.Popen(
            [
                *(*unprivileged("--pdeathsig=INT"), str(self._programs / "postgres")),
                *("-D", str(self._folder / "data"), "-k", str(self._folder)),
                *("-p", str(server.port)),
                *("-c", "fsync=off", "-c", f"listen_addresses={server.host}"),
                *("-c", "max_prepared_transactions=4"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while True:
            try:
                server.execute("SELECT 1")
                return
            except psycopg2.OperationalError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        if self._process:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        argv = [*unprivileged(), str(self._programs / program), *arguments]
        subprocess.run(argv, check=True, capture_output=True)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Start a server for one test."""
    with scratch_folder() as folder:
        server = OwnServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
