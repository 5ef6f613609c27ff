# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `sql`: what one question to PostgreSQL answers, or how long the answer takes.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._samples import (
    read_reduce,
    reduce_samples,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    SourceError,
    UnreachableError,
    answered_number,
    library,
)

MEASURES = ("value", "seconds", "samples")


@dataclass(frozen=True)
class SqlSource(Source):
    """A query in a read-only transaction.

    params: bound by name, never put into the text. measured: the value, the seconds that the query
    takes, or a sample in every row. reduce: how samples become one value.
    """

    #: A database has few connections, and others need them too.
    AT_ONCE: ClassVar[Optional[int]] = 10

    login: Login
    query: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    measured: str = "value"
    reduce: str = "mean"

    @classmethod
    def read(cls, fields: Fields, context: Context) -> SqlSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "query", "params", "database", "measure", "reduce")
        library("psycopg2")
        database = fields.text(
            "database",
            "it must be the name of the database, here or in login_db",
            context.login.database,
        )
        params = fields.raw.get("params") or {}
        if not isinstance(params, Mapping):
            raise ShapeError(fields.at("params"), params, "it must map names to values")
        measured = fields.choice("measure", MEASURES, "value")
        if "reduce" in fields.raw and measured != "samples":
            raise ShapeError(fields.at("reduce"), fields.raw["reduce"], "it needs measure=samples")
        return cls(
            timeout_seconds=context.timeout_of(fields),
            login=replace(context.login, database=database),
            query=fields.text("query", "it must be an SQL query that gives one row"),
            params=params,
            measured=measured,
            reduce=read_reduce(fields, "mean"),
        )

    @property
    def asked(self) -> str:
        """The query with the names of its parameters, not their values."""
        return self.query.strip()

    def measure(self) -> Measurement:
        """Return what the row or the rows say, or the seconds that the query took."""
        columns, rows, seconds = self._run()
        if not rows:
            return Measurement(note="the query gave no row")
        if self.measured == "seconds":
            return Measurement(value=seconds, unit="s", samples=len(rows))
        if self.measured == "samples":
            return read_samples(columns, rows, self.reduce)
        return read_rows(columns, rows)

    def _run(self) -> Tuple[List[str], List[Tuple[Any, ...]], float]:
        """Return the names of the columns, the rows, and the seconds the query took."""
        psycopg2 = library("psycopg2")
        try:
            connection = psycopg2.connect(
                **self.login.libpq(),
                connect_timeout=max(2, int(self.timeout_seconds)),
                application_name="phased.rollout",
            )
            try:
                connection.set_session(readonly=True)
                with connection.cursor() as cursor:
                    # LOCAL, so that a pooled connection is given back as it was.
                    limit_ms = max(1, int(self.timeout_seconds * 1000))
                    cursor.execute("SET LOCAL statement_timeout = %s", (limit_ms,))
                    started = time.perf_counter()
                    cursor.execute(self.query, self.params or None)
                    if cursor.description is None:
                        raise SourceError("the statement gives no rows; it must be a query")
                    rows = cursor.fetchall()
                    seconds = time.perf_counter() - started
                    return [column.name for column in cursor.description], rows, seconds
            finally:
                connection.close()
        except psycopg2.Error as exc:
            # Without a code it did not come from the server: there is no connection.
            error = SourceError if exc.pgcode else UnreachableError
            raise error(f"{self.login}: {self._cleaned(exc)}") from None
        except (KeyError, IndexError, TypeError, ValueError) as exc:
            raise SourceError(f"the query and its params do not go together: {exc!r}") from None

    def _cleaned(self, exc: Exception) -> str:
        """Return the first line of an error, with no password in it."""
        diagnostics = getattr(exc, "diag", None)
        text = getattr(diagnostics, "message_primary", None) or str(exc).strip()
        line = text.splitlines()[0] if text else type(exc).__name__
        return line.replace(self.login.password, "***") if self.login.password else line


def read_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Measurement:
    """Return the measurement in the one row: its `value`, or its `good` and `total`.

    Raises SourceError if there are more rows, or neither of these columns.
    """
    if len(rows) > 1:
        raise SourceError(f"the query gave {len(rows)} rows, but one is needed; aggregate them")
    row = dict(zip(columns, rows[0]))
    if {"good", "total"} <= set(row):
        good, total = (answered_number(row[name], f"column {name}") for name in ("good", "total"))
        return Measurement(good=good, total=total, samples=_count(total), note=_nulls(row))
    if "value" in row:
        value = answered_number(row["value"], "column value")
        return Measurement(value=value, note=_nulls(row))
    raise SourceError(
        f"the query gives the columns {', '.join(columns)}; name one value, or two good and total"
    )


def read_samples(columns: Sequence[str], rows: Sequence[Sequence[Any]], how: str) -> Measurement:
    """Return the measurement in the column `value` of all rows, none if one of them is no number.

    Raises SourceError if there is no such column, or something else in it.
    """
    if "value" not in columns:
        raise SourceError(f"the query gives the columns {', '.join(columns)}; name one value")
    place = list(columns).index("value")
    found = [answered_number(row[place], "column value") for row in rows]
    values = tuple(value for value in found if value is not None and math.isfinite(value))
    if len(values) < len(found):
        # Leaving them out would leave out what was never finished, which is the slowest of all.
        bad = len(found) - len(values)
        return Measurement(note=f"{bad} of {len(found)} values are NULL or no number")
    return Measurement(value=reduce_samples(values, how), samples=len(values), values=values)


def _nulls(row: Mapping[str, Any]) -> Optional[str]:
    """Return which of the columns that count are NULL, None if all have a value."""
    nulls = [name for name in ("value", "good", "total") if name in row and row[name] is None]
    return f"{' and '.join(nulls)} is NULL: there were no rows to count" if nulls else None


def _count(total: Optional[float]) -> Optional[int]:
    return int(total) if total is not None and total == total // 1 else None
