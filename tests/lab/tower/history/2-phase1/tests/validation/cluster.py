# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away PostgreSQL: its own folder, a socket in it, no port, gone at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "tower_validation"
# As in production: one role owns the schema, the service only reads and writes rows.
ROLES = """
CREATE ROLE tower_owner LOGIN;
CREATE ROLE tower_app LOGIN;
"""
PRIVILEGES = """
ALTER SCHEMA public OWNER TO tower_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tower_app;
"""
# What is thrown away need not survive a crash.
OPTIONS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=50")


class CannotStartError(Exception):
    """The throw-away surroundings could not be made; the text says what to do."""


def guarded(*command: str) -> list[str]:
    """Return a command line that dies with this process, even when this one is killed."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


def server_programs() -> Path:
    """Return the folder of the newest PostgreSQL server programs. Raises CannotStartError."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise CannotStartError(
            "no initdb below /usr/lib/postgresql; on Debian: apt-get install postgresql"
        )
    return max(found, key=lambda path: int(path.parent.name))


class Cluster:
    """A running cluster in folder, with the roles and the database that Tower needs."""

    def __init__(self, folder: Path) -> None:
        """Make it, start it. Raises CannotStartError."""
        if os.geteuid() == 0:
            raise CannotStartError(
                "PostgreSQL does not run as root; run this as an unprivileged user"
            )
        self._folder = folder
        self._log = folder / "postgresql.log"
        self._programs = server_programs()
        self._initdb()
        self.start()
        try:
            self.execute(ROLES, database="postgres")
            self.execute(f"CREATE DATABASE {DATABASE} OWNER tower_owner", database="postgres")
            self.execute(PRIVILEGES)
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start it and wait until it answers. Raises CannotStartError."""
        options = [
            f"-c{option}" for option in (*OPTIONS, f"unix_socket_directories={self._folder}")
        ]
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(guarded(*command), stdout=log, stderr=log)
        self._wait()

    def url(self, role: str) -> str:
        """Return the URL of the database as role sees it."""
        return f"postgresql://{role}@/{DATABASE}?host={self._folder}"

    @contextlib.contextmanager
    def connection(self, role: str, database: str = DATABASE) -> Iterator[Any]:
        """Give a connection that commits every statement."""
        connection = psycopg2.connect(host=str(self._folder), user=role, dbname=database)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def execute(self, sql: str, *values: Any, database: str = DATABASE) -> None:
        """Run sql as the superuser."""
        with self.connection("postgres", database) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)

    def rows(self, sql: str, *values: Any, role: str = "postgres") -> list[tuple[Any, ...]]:
        """Return the rows that sql gives to role."""
        with self.connection(role) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def value(self, sql: str, *values: Any) -> Any:
        """Return the one value that sql gives."""
        return self.rows(sql, *values)[0][0]

    def stop(self) -> None:
        """Stop at once; nothing in it is worth an orderly shutdown."""
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _initdb(self) -> None:
        made = subprocess.run(
            [
                str(self._programs / "initdb"),
                *("--pgdata", str(self._folder / "data"), "--username=postgres"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C"),
                *("--no-sync", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise CannotStartError(f"initdb failed: {made.stderr.strip()}")

    def _wait(self) -> None:
        limit = time.monotonic() + 15
        while True:
            try:
                with self.connection("postgres", "postgres"):
                    return
            except psycopg2.OperationalError as exc:
                if self._process.poll() is not None or time.monotonic() > limit:
                    self.stop()
                    last = self._log.read_text(encoding="utf-8").strip()[-500:]
                    raise CannotStartError(f"PostgreSQL did not start: {last}") from exc
                time.sleep(0.05)
