# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server, reached through PostgreSQL's own programs.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._login import Login

#: What libpq calls each part of a login. The password is in no argv.
_LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "ssl_mode": "PGSSLMODE",
    "ca_cert": "PGSSLROOTCERT",
}
_PR_SET_PDEATHSIG = 1
_MOST_ERROR_BYTES = 4000
_WATCH_SECONDS = 0.2


class PgError(Exception):
    """PostgreSQL could not do what was asked. The message names the database and the reason."""


def find_program(name: str, major: Optional[int] = None) -> str:
    """Return the path of a PostgreSQL program: that of a major version, else of the newest.

    Raises PgError if there is none.
    """
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    same = [path for path in versions if path.parts[-3] == str(major)]
    found = str((same or versions)[-1]) if versions else shutil.which(name)
    if not found:
        raise PgError(f"{name} is not installed on this host; install the PostgreSQL client")
    return found


def conninfo(database: str) -> str:
    """Return a database's name for -d, where a name with = or :// would mean something else."""
    quoted = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{quoted}'"


@dataclass(frozen=True)
class Server:
    """Where a server is and as whom to connect, as environment of PostgreSQL's programs."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: The server's major version, once it is known: its own programs are the ones to use.
    major: Optional[int] = None

    @classmethod
    def of(cls, login: Login) -> Server:
        """Return the server that a login names."""
        parts = {variable: getattr(login, name) for name, variable in _LIBPQ.items()}
        return cls({name: str(value) for name, value in parts.items() if value not in (None, "")})

    @property
    def is_local(self) -> bool:
        """Whether it is reached by a socket, so that its files are on this host."""
        host = self.environment.get("PGHOST", os.environ.get("PGHOST", ""))
        return not host or host.startswith("/")

    def start(
        self,
        name: str,
        *arguments: str,
        orphaned: signal.Signals = signal.SIGTERM,
        **streams: Any,
    ) -> subprocess.Popen[bytes]:
        """Return a PostgreSQL program that was started, and that ends when this process does.

        orphaned: what the kernel ends it by then.
        Raises PgError if it is not installed.
        """
        # run_command neither talks to a running program nor ends it with the module. Threads only
        # ask questions of sessions that are open: every program is started before or beside them.
        return subprocess.Popen(  # pylint: disable=ansible-bad-function,subprocess-popen-preexec-fn
            [find_program(name, self.major), *arguments],
            env={
                **os.environ,
                "PGCLIENTENCODING": "UTF8",
                "PGAPPNAME": "phased.rollout",
                **self.environment,
                "LC_ALL": "C",
            },
            preexec_fn=partial(end_with_parent, orphaned),  # noqa: PLW1509
            **{"stdin": subprocess.DEVNULL, **streams},
        )

    def run(
        self,
        name: str,
        *arguments: str,
        stdout: Optional[Path] = None,
        watch: Callable[[], None] = lambda: None,
    ) -> str:
        """Return what a PostgreSQL program printed, or print it into a file.

        watch is called several times a second; what it raises ends the program.
        Raises PgError with the program's own words if it fails.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            target = stdout.open("wb") if stdout else out
            try:
                code = _wait(self.start(name, *arguments, stdout=target, stderr=errors), watch)
            finally:
                if stdout:
                    target.close()
            if code != 0:
                raise PgError(f"{name} failed ({ended(code)}): {said(errors)}")
            return said(out, most=None)


def _wait(process: subprocess.Popen[bytes], watch: Callable[[], None]) -> int:
    """Return the exit code of a program, which ends early if watch raises."""
    try:
        while True:
            try:
                return process.wait(_WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                watch()
    finally:
        if process.poll() is None:
            # It ends its own workers when it is asked to end, and cannot when it is killed.
            process.terminate()
            process.wait()


def ended(code: int) -> str:
    """Return how a program ended, in words."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def said(stream: Any, most: Optional[int] = _MOST_ERROR_BYTES) -> str:
    """Return what stands in a file that a program wrote, at most the last `most` bytes."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - most) if most else 0)
    text: str = stream.read().decode("utf-8", "replace").strip()
    return text or ("it said nothing" if most else "")


def end_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Let the kernel end this process when its parent dies, even by kill -9.

    By SIGTERM, because pg_dump and pg_restore pass it on to the workers that they have forked.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


def listed(names: List[str], most: int = 5) -> str:
    """Return names for a message, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
