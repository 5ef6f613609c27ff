# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read-only view of a PostgreSQL database, in which all questions see the same rows.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type

from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    SourceError,
    UnreachableError,
    library,
)

# Rows that a policy hides would make shares look better than they are: off makes it an error.
LIMITS = (
    "SELECT set_config('statement_timeout', {limit_ms}, true),"
    " set_config('row_security', 'off', true)"
)


class Snapshot:
    """A transaction, REPEATABLE READ READ ONLY, open while the block runs.

    Every method raises SourceError. limit_seconds: what one query may take.
    """

    def __init__(self, login: Login, limit_seconds: float) -> None:
        """Raise MissingLibraryError without psycopg2."""
        self._login = login
        self._limit_seconds = limit_seconds
        self._psycopg2 = library("psycopg2")
        self._sql = library("psycopg2.sql")
        self._connection: Any = None
        self._limited = False

    def __enter__(self) -> Snapshot:
        """Connect; the first query fixes what is seen."""
        try:
            self._connection = self._psycopg2.connect(
                **self._login.libpq(),
                connect_timeout=max(2, int(self._limit_seconds)),
                application_name="phased.rollout",
            )
        except self._psycopg2.Error as exc:
            raise self._error(exc) from None
        self._connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        self._limited = False
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close the connection; nothing was written."""
        self._connection.close()

    def renew(self) -> None:
        """See the rows as they are from now on."""
        self._connection.rollback()
        self._limited = False

    def run(self, query: Query) -> Tuple[List[Mapping[str, Any]], float, str]:
        """Return the rows, the seconds, and the statement with names in place of values."""
        try:
            with self._connection.cursor() as cursor:
                if not self._limited:
                    limit_ms = str(max(1, int(self._limit_seconds * 1000)))
                    limits = Query(LIMITS, values={"limit_ms": limit_ms})
                    cursor.execute(self._composed(limits, self._sql.Literal))
                    self._limited = True
                statement = self._composed(query, self._sql.Literal).as_string(cursor)
                started = time.perf_counter()
                cursor.execute(statement)
                found = cursor.fetchall()
                seconds = time.perf_counter() - started
                columns = [column.name for column in cursor.description]
        except self._psycopg2.Error as exc:
            raise self._error(exc) from None
        return [dict(zip(columns, row)) for row in found], seconds, self.show(query)

    def show(self, query: Query) -> str:
        """Return the statement for people: names quoted, values as :name."""
        shown = self._composed(query, None)
        text: str = shown.as_string(self._connection)
        return text

    def _composed(self, query: Query, literal: Any) -> Any:
        words: Dict[str, Any] = {
            word: self._sql.Identifier(*parts) for word, parts in query.names.items()
        }
        for word, value in query.values.items():
            words[word] = literal(value) if literal else self._sql.SQL(f":{word}")
        return self._sql.SQL(query.template).format(**words)

    def _error(self, exc: Any) -> SourceError:
        """Return what went wrong in one line, with no password in it."""
        text = exc.diag.message_primary or str(exc).strip()
        line = text.splitlines()[0] if text else type(exc).__name__
        if self._login.password:
            line = line.replace(self._login.password, "***")
        connected = self._connection is not None and not self._connection.closed
        kind = SourceError if connected else UnreachableError
        return kind(f"{self._login}: {line}")
