# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dump a database, and sum what is in it, both as of the same moment.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    incarnation_of,
    properties_of,
    roles_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import DUMP
from ansible_collections.phased.rollout.plugins.module_utils._pg_moment import (
    LOCK_SECONDS,
    one_moment,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    conninfo,
    ended,
    said,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    Sums,
    sum_tables,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

ROLES = "roles.sql"
_UNDEFINED_TABLE, _LOCK_NOT_AVAILABLE = "(SQLSTATE 42P01)", "(SQLSTATE 55P03)"


def dump(
    server: Server, database: str, folder: Path, *, jobs: int, version_query: Optional[str]
) -> Dict[str, Any]:
    """Return what the manifest says of a dump, after writing it and the roles into a folder.

    Raises PgError.
    """
    with one_moment(server, database, jobs=jobs) as (sessions, moment):
        first = sessions[0]
        facts = {
            "snapshot": moment["snapshot"],
            "taken_at": moment["taken_at"],
            "migration_version": migration_version(first, version_query),
            "properties": properties_of(first),
            "incarnation": incarnation_of(first),
            "roles": roles_of(first),
        }
        arguments = (
            *("-Fd", "-j", str(jobs), "-f", str(folder / DUMP), f"--snapshot={moment['id']}"),
            *(f"--lock-wait-timeout={LOCK_SECONDS}s", "--no-password", "-d", conninfo(database)),
        )
        return {**facts, "tables": _run(server, arguments, folder / ROLES, sessions)}


def migration_version(session: Session, query: Optional[str]) -> Optional[str]:
    """Return what a query says of the schema's version, several joined; None without its table.

    session: one in a transaction, which goes on.
    """
    if not query:
        return None
    session.execute("SAVEPOINT version", "RESET search_path")
    try:
        rows = session.rows(query.strip().rstrip(";"))
    except PgError as exc:
        session.execute("ROLLBACK TO version")
        if _UNDEFINED_TABLE in str(exc):
            return None
        raise PgError(f"the version of the schema cannot be asked for: {exc}") from exc
    session.execute("ROLLBACK TO version")
    found = [value for row in rows for value in list(row.values())[:1] if value is not None]
    return ", ".join(sorted(map(str, found))) or None


class _Summing:
    """Sums that are added up in a thread. A program is not started while it works."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = sessions
        self._found: Sums = {}
        self.error: Optional[PgError] = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def result(self) -> Sums:
        """Return the sums as soon as they are there. Raises PgError."""
        self._thread.join()
        if self.error is not None:
            raise self.error
        return self._found

    def abandon(self) -> None:
        """Give up. The sessions are of no use afterwards."""
        for session in self._sessions:
            session.abandon()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._found = sum_tables(self._sessions)
        except PgError as exc:
            self.error = exc
        except Exception as exc:  # none may be lost: without a sum there is no backup
            self.error = PgError(f"the tables cannot be summed: {exc!r}")


def _run(
    server: Server, arguments: Sequence[str], roles: Path, sessions: Sequence[Session]
) -> Sums:
    """Return the sums of all tables, made while pg_dump works. What fails first ends all of it."""
    with tempfile.TemporaryFile() as errors, ExitStack() as stack:
        process = server.start("pg_dump", *arguments, stdout=subprocess.DEVNULL, stderr=errors)
        stack.callback(_end, process)
        server.run(
            *("pg_dumpall", "--roles-only", "--no-role-passwords", "--no-password"), stdout=roles
        )
        summing = _Summing(sessions)
        try:
            while summing.error is None and process.poll() is None:
                _wait_a_moment(process)
            if process.poll():
                raise PgError(
                    f"pg_dump failed ({ended(process.returncode)}): {_hint(said(errors))}"
                )
            return summing.result()
        except BaseException:
            summing.abandon()
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    process.wait()


def _wait_a_moment(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.2)


def _hint(words: str) -> str:
    """Return what pg_dump said, with what to do where its own words do not tell."""
    changed = "could not obtain lock on relation" in words
    hint = "; somebody wanted to change a table while it was dumped: run again when that is done"
    return words + (hint if changed else "")
