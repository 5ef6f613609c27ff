# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second session of a migration: it holds the lock, watches the first, and ends long waits.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Dict, List, Optional, Set, Type

from ansible_collections.phased.rollout.plugins.module_utils import _migrate_queries as queries
from ansible_collections.phased.rollout.plugins.module_utils._locks import (
    LockLog,
    Row,
    name_session,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

#: The server frees the lock of a watch that was killed within this time.
_LOCK_SECONDS = 1.0
# Between the limit that the command's sessions were asked to keep and its enforcement.
_GRACE_SECONDS = 0.5
_MISSING_TABLE = "(SQLSTATE 42P01)"


@dataclass(frozen=True)
class Limits:
    """What a migration's sessions may take, in seconds."""

    lock: float
    statement: float

    def options(self) -> str:
        """Return the limits as options of libpq, in whole milliseconds; 0 would be no limit."""
        lock, statement = (max(1, round(1000 * limit)) for limit in (self.lock, self.statement))
        return f"-c lock_timeout={lock} -c statement_timeout={statement}"


class Watch:
    """A session beside a migration, in its database. Every method raises PgError.

    role: as whom it is connected. log: the locks seen. cancelled: why a statement of the migration
    was ended from here, if one was ("lock" or "statement"). elsewhere: another database that the
    migration was seen in.
    """

    def __init__(self, server: Server, database: str, *, mark: str, limits: Limits) -> None:
        name = f"{queries.WATCHER}@{socket.gethostname()}"[:63]
        self._server = replace(server, environment={**server.environment, "PGAPPNAME": name})
        self._database, self._mark, self._limits = database, mark, limits
        self._marked = False
        self._prepared: Set[str] = set()
        self._since: Optional[str] = None
        self._runs = 0
        self._session = Session(self._server, database)
        self.role: str = self._session.row("SELECT current_user AS role")["role"]
        self.log = LockLog()
        self.cancelled: Optional[str] = None
        self.elsewhere: Optional[str] = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._session.close()

    def abandon(self) -> None:
        """End what it asks right now, from another thread; the method that waits raises PgError."""
        self._session.abandon()

    def lock(self) -> None:
        """Take the lock that only one migration of a database can hold, until the end."""
        end = time.monotonic() + _LOCK_SECONDS
        while not self._session.row(queries.TAKE_LOCK)["taken"]:
            if time.monotonic() > end:
                holders = [name_session(row["session"]) for row in self.ask(queries.WHO_HAS_LOCK)]
                raise PgError(
                    f"another migration of database {self._database} is running, watched by"
                    f" {' and '.join(holders) or 'one that has just ended'};"
                    " run this again when it has ended"
                )
            time.sleep(0.1)

    def reconnect(self) -> None:
        """Connect again after the server or the connection was gone, and hold the lock again."""
        self._session.close()
        self._session = Session(self._server, self._database)
        self._prepared.clear()
        self.lock()

    def ask(self, query: str) -> List[Dict[str, Any]]:
        """Return the rows of a query."""
        return self._session.rows(query)

    def version(self, query: str, none: str) -> str:
        """Return the schema's version; none if its table is missing or empty.

        The query sees the tables that the application's sessions see.
        """
        try:
            self._session.execute("RESET search_path")
            rows = self._session.rows(query.strip().rstrip(";"))
        except PgError as exc:
            if _MISSING_TABLE not in str(exc):
                raise
            return none
        finally:
            self._session.execute("SET search_path = pg_catalog")
        found = [str(value) for row in rows for value in row.values() if value is not None]
        return ",".join(sorted(found)) or none

    def transactions(self) -> List[Row]:
        """Return the transactions of others that hold tables, or are idle."""
        return [{**row, **row["session"]} for row in self.ask(queries.TRANSACTIONS)]

    def migrating(self) -> List[str]:
        """Return the sessions of other migrations that are still there."""
        return [name_session(row["session"]) for row in self.ask(queries.WHO_MIGRATES)]

    def start(self) -> None:
        """Take sessions that look like the command's for its own from now on."""
        self._since = self._session.row("SELECT clock_timestamp()::text AS now")["now"]
        self._runs += 1
        self.cancelled = None

    def look(self) -> None:
        """Look once at the migration's sessions, and end a statement that takes too long."""
        seen = self._session.prepared_row(self._prepare())
        self._marked = self._marked or any(row["marked"] for row in seen["sessions"])
        self.elsewhere = self.elsewhere or seen["elsewhere"]
        self.log.look(seen["at"], seen["locks"])
        waits = self.log.waits()
        for row in seen["sessions"]:
            if waits.get(row["pid"], 0.0) > self._limits.lock + _GRACE_SECONDS:
                self._cancel(row["pid"], "lock")
            elif (row["seconds"] or 0.0) > self._limits.statement + _GRACE_SECONDS:
                self._cancel(row["pid"], "statement")

    def _prepare(self) -> str:
        """Return the name of the query for a look, which is planned once: it is asked often."""
        name = "look_at_marked" if self._marked else f"look_since_{self._runs}"
        if name not in self._prepared:
            since = None if self._marked else self._since
            self._session.prepare(name, queries.look(self._mark, since))
            self._prepared.add(name)
        return name

    def _cancel(self, pid: int, why: str) -> None:
        """End a statement of a tool that did not take over the limits that it was given."""
        self._session.rows(f"SELECT pg_cancel_backend({int(pid)}) AS sent")
        self.cancelled = why
