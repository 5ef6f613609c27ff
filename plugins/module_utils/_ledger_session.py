# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the database that holds the ledger; the only file that knows psycopg2's errors.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import Any, Dict, Generator, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LeaseError,
    LeaseLostError,
    LedgerError,
    LedgerGoneError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_migrations import (
    EXPIRED_FENCE,
    STALE_FENCE,
)
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._source import library

#: Another run's transaction lasts milliseconds; who waits longer than this waits for a broken one.
LOCK_SECONDS = 10
_CONNECT: Dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "phased.rollout",
    "client_encoding": "UTF8",
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30000,
}
# What the role or the database has set must not change what is written, nor whether it lasts.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "search_path": "pg_catalog",
    "row_security": "off",
    "synchronous_commit": "on",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": "60s",
    # A client that vanished without a word keeps its locks no longer than this.
    "idle_in_transaction_session_timeout": "30s",
}
_WORDS = {
    "42501": "{said}; let the ledger's owner run the module phased.rollout.ledger_schema with this"
    " role as writer",
    "25006": "{said}; the ledger needs the primary server, and a role that may write",
    "55P03": f"another session has kept the ledger locked for {LOCK_SECONDS} s; look into"
    " pg_stat_activity for one of application phased.rollout that is idle in transaction, then run"
    " this again",
    EXPIRED_FENCE: "{said}; nothing was written; renew it (phased.rollout.ledger_lease with fence)",
}
_KINDS = {STALE_FENCE: LeaseLostError, EXPIRED_FENCE: LeaseError}
_ROWS_AT_ONCE = 2000

Params = Mapping[str, Any]
Row = Tuple[Any, ...]


class LedgerSession:
    """One connection, until close(). Every method raises LedgerError."""

    def __init__(self, login: Login) -> None:
        """Connect. Raises MissingLibraryError without psycopg2."""
        self.login = login
        self._psycopg2 = library("psycopg2")
        self._lost = ""
        with self._spoken():
            self._connection = self._psycopg2.connect(**login.libpq(), **_CONNECT)
            self._connection.set_session(isolation_level="READ COMMITTED", autocommit=True)
            settings = ", ".join(["set_config(%s, %s, false)"] * len(_SETTINGS))
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT {settings}", [*chain.from_iterable(_SETTINGS.items())])
            self._connection.autocommit = False

    def close(self) -> None:
        """Close the connection; what was not committed is not there."""
        self._connection.close()

    @contextmanager
    def transaction(self, writing: str = "", *, commit: bool = True) -> Iterator[None]:
        """Commit when the block ends, roll back when it raises. writing: what, for messages."""
        try:
            yield
            if commit:
                self._lost = f"; whether {writing} was written is not known" if writing else ""
                with self._spoken():
                    self._connection.commit()
        finally:
            self._lost = ""
            if not self._connection.closed:
                with self._spoken():
                    self._connection.rollback()

    def execute(self, statement: str, params: Optional[Params] = None) -> int:
        """Return how many rows a statement was for."""
        with self._spoken(), self._connection.cursor() as cursor:
            cursor.execute(statement, params)
            count: int = cursor.rowcount
            return count

    def insert(self, statement: str, template: str, rows: Sequence[Params]) -> int:
        """Return how many rows were inserted by INSERT … VALUES %s … RETURNING 1."""
        extras = library("psycopg2.extras")
        with self._spoken(), self._connection.cursor() as cursor:
            return len(extras.execute_values(cursor, statement, rows, template, fetch=True))

    def rows(self, query: str, params: Optional[Params] = None) -> List[Row]:
        """Return the rows of a query."""
        with self._spoken(), self._connection.cursor() as cursor:
            cursor.execute(query, params)
            found: List[Row] = cursor.fetchall()
            return found

    def row(self, query: str, params: Optional[Params] = None) -> Row:
        """Return the one row of a query."""
        return self.rows(query, params)[0]

    def stream(self, query: str, params: Optional[Params] = None) -> Generator[Row, None, None]:
        """Yield the rows of a query, of which only a few are in memory at a time."""
        with self._spoken(), self._connection.cursor("phased_rollout") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(query, params)
            yield from cursor

    def quoted(self, name: str) -> str:
        """Return a name as an identifier of SQL."""
        quoted: str = library("psycopg2.extensions").quote_ident(name, self._connection)
        return quoted

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Turn an error of psycopg2 into one of the ledger."""
        try:
            yield
        except self._psycopg2.Error as exc:
            raise self._error(exc) from None

    def _error(self, exc: Any) -> LedgerError:
        text = exc.diag.message_primary or str(exc).strip() or type(exc).__name__
        said, code = text.splitlines()[0], exc.pgcode or ""
        if self.login.password:
            said = said.replace(self.login.password, "***")
        connection = getattr(self, "_connection", None)
        if connection is None:
            return LedgerGoneError(f"cannot connect to the ledger: {self.login}: {said}")
        if connection.closed or code.startswith(("08", "57P")):
            return LedgerGoneError(
                f"lost the connection to the ledger: {self.login}: {said}{self._lost};"
                " run the same again when the server is back: what was written is not written twice"
            )
        return _KINDS.get(code, LedgerError)(
            f"{self.login}: {_WORDS.get(code, '{said}').format(said=said)}"
        )
