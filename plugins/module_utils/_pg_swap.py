# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a restored database take the place of the live one, in one transaction.

Renaming a database locks it: whoever connects meanwhile waits. The connections that there are get
ended, a last look is taken at what they wrote, and both names change at once or not at all,
whatever is killed or cut.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    MAINTENANCE,
    Properties,
    adopt,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_replaced import cut
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import in_parallel
from ansible_collections.phased.rollout.plugins.module_utils._psql import (
    Session,
    identifier,
    literal,
)

#: How long the server itself waits for connections to end before it gives up a renaming.
_RENAME_SECONDS = 5
_POLL_SECONDS = 0.01
_LOCKED = """
SELECT EXISTS (
  SELECT FROM pg_locks
  WHERE pid = {pid} AND granted AND mode = 'AccessExclusiveLock'
    AND classid = 'pg_database'::regclass AND objid = {oid}
) AS locked
"""
_END_OTHERS = """
SELECT pid, backend_type, usename, application_name, client_addr, pg_terminate_backend(pid) AS told
FROM pg_stat_activity WHERE datid = {oid} AND pid <> {mine}
"""


@dataclass(frozen=True)
class Names:
    """The name that the restored database takes, and under which one the live one is kept, if any.

    mark: what is said of the database that is kept.
    """

    live: str
    restored: str
    kept: Optional[str] = None
    mark: str = ""


def rename(session: Session, name: str, to: str) -> None:
    """Give a database another name. Raises PgError if it does not exist or is in use."""
    session.execute(f"ALTER DATABASE {identifier(name)} RENAME TO {identifier(to)}")


def swap(
    server: Server,
    session: Session,
    names: Names,
    *,
    properties: Properties,
    check: Callable[[Session], None] = lambda inside: None,
) -> float:
    """Return for how many seconds nobody could use the database while both were renamed.

    session: of MAINTENANCE, outside a transaction. properties: what the restored database is to
    have. check: called with a session of the live database when nobody else is left in it; what it
    raises stops the swap.
    Raises PgError and what check raises. Then both have their names, and the live one serves on.
    """
    aside = cut(names.restored, "~")
    session.execute("BEGIN", f"SET LOCAL lock_timeout = '{_RENAME_SECONDS}s'")
    try:
        adopt(session, names.restored, properties)
        # The lock keeps everybody out of it, such as a server process that collects statistics.
        rename(session, names.restored, aside)
        started = time.monotonic()
        if names.kept is not None:
            started = _take_away(server, session, names.live, names.kept, check)
            kept = identifier(names.kept)
            session.execute(f"COMMENT ON DATABASE {kept} IS {literal(names.mark)}")
        rename(session, aside, names.live)
    except BaseException:
        # Without the connection the server has rolled it back already.
        with suppress(PgError):
            session.execute("ROLLBACK")
        raise
    try:
        session.execute("COMMIT")
    except PgError as exc:
        raise PgError(
            f"whether {names.live} was replaced is not known, since the connection ended with the"
            f" last step ({exc}); run it again, which finds out"
        ) from exc
    return time.monotonic() - started


def _take_away(
    server: Server, session: Session, live: str, kept: str, check: Callable[[Session], None]
) -> float:
    """Return since when nobody can use the live database, after renaming it."""
    with Session(server, MAINTENANCE) as helper, Session(server, live) as inside:
        emptying = _Emptying(helper, inside, check)
        pid = _pid_of(session)
        in_parallel(
            [
                lambda: emptying.rename(session, live, kept),
                lambda: emptying.empty(blocked_by=pid),
            ]
        )
        return emptying.started_at()


class _OverError(Exception):
    """The renaming has ended before the database was empty; it says itself why."""


class _Emptying:
    """The live database while one thread renames it, and another ends what is connected to it.

    The renaming waits for the session inside to end, which is the last one.
    """

    def __init__(self, helper: Session, inside: Session, check: Callable[[Session], None]) -> None:
        self._helper, self._inside, self._check = helper, inside, check
        query = f"SELECT oid::bigint FROM pg_database WHERE datname = {literal(inside.database)}"
        self._oid: int = helper.row(query)["oid"]
        self._mine = _pid_of(inside)
        self._over = threading.Event()
        self._started: Optional[float] = None
        self._passed = False
        self._errors: List[Exception] = []

    def rename(self, session: Session, live: str, kept: str) -> None:
        """Rename the database, which waits until it is empty."""
        try:
            rename(session, live, kept)
        except PgError as exc:
            self._errors.append(exc)
        finally:
            self._over.set()

    def empty(self, *, blocked_by: int) -> None:
        """End all other connections and check what they have left, or stop the renaming."""
        try:
            self._wait_for_lock(blocked_by)
            self._started = time.monotonic()
            self._end_others()
            self._check(self._inside)
            self._passed = True
        except _OverError:
            pass
        except Exception as exc:  # whatever it is, the renaming must not go on
            self._errors.insert(0, exc)
            with suppress(PgError):
                self._helper.execute(f"SELECT pg_cancel_backend({blocked_by})")
        finally:
            self._inside.close()

    def started_at(self) -> float:
        """Return when the first connection was ended. Raises what went wrong."""
        if self._errors:
            raise self._errors[0]
        if not self._passed or self._started is None:
            raise PgError(f"database {self._inside.database} was not checked before its renaming")
        return self._started

    def _wait_for_lock(self, pid: int) -> None:
        query = _LOCKED.format(pid=pid, oid=self._oid)
        while not self._helper.row(query)["locked"]:
            self._go_on()

    def _end_others(self) -> None:
        query = _END_OTHERS.format(oid=self._oid, mine=self._mine)
        deadline = time.monotonic() + _RENAME_SECONDS - 1
        while True:
            left = self._helper.rows(query)
            if not left:
                return
            if time.monotonic() > deadline:
                names = listed([_described(row) for row in left])
                raise PgError(
                    f"database {self._inside.database} stays in use: {names} did not end within"
                    f" {_RENAME_SECONDS - 1} s of being told to; end it, then run again"
                )
            self._go_on()

    def _go_on(self) -> None:
        if self._over.wait(_POLL_SECONDS):
            raise _OverError


def _pid_of(session: Session) -> int:
    pid: int = session.row("SELECT pg_backend_pid() AS pid")["pid"]
    return pid


def _described(row: Dict[str, Any]) -> str:
    """Return a connection in words."""
    who = row["application_name"] or row["usename"] or row["backend_type"]
    return f"{who} from {row['client_addr'] or 'this host'} (process {row['pid']})"
