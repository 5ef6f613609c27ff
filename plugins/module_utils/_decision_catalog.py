# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a tracker's tables and columns are there and may be read. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import difflib
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
)

from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import Name, Tracker

Row = Mapping[str, Any]
Show = Callable[[Query], str]

COLUMNS = """
SELECT n.nspname AS schema, c.oid AS oid, c.relname AS name, c.relkind::text AS kind,
  pg_table_is_visible(c.oid) AS visible, has_schema_privilege(n.oid, 'USAGE') AS usable,
  a.attname AS column, format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), NULL) AS type,
  t.typcategory::text AS category, has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable,
  current_user AS role
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relname = {name} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""


class Need(NamedTuple):
    """A column that a tracker reads: where it is stated, and whether it must be a time or number.

    searched: whether rows are found by it, so that a large table needs an index on it.
    """

    path: str
    table: Name
    column: str
    must_be: str = ""
    searched: bool = False


def needs(tracker: Tracker) -> List[Need]:
    """Return the columns that a tracker reads."""
    table, path = tracker.table, tracker.path
    found = [Need(f"{path}.time", table, tracker.time, "time", searched=True)]
    if tracker.key:
        found.append(Need(f"{path}.key", table, tracker.key, searched=True))
    if tracker.type:
        found.append(Need(f"{path}.type", table, tracker.type))
    if tracker.outcome:
        found.append(Need(f"{path}.outcome.column", table, tracker.outcome[0]))
    found += [Need(f"{path}.where", table, column) for column, values in tracker.where]
    return [*found, *_needs_of_subject(tracker), *_needs_of_effect(tracker)]


def _needs_of_subject(tracker: Tracker) -> Iterator[Need]:
    subject, path = tracker.subject, f"{tracker.path}.subject"
    if subject is None:
        return
    yield Need(f"{path}.time", subject.table, subject.time, "time", searched=True)
    yield Need(f"{path}.key", subject.table, subject.key, searched=True)
    if subject.type:
        yield Need(f"{path}.type", subject.table, subject.type)
    for column, _values in subject.where:
        yield Need(f"{path}.where", subject.table, column)
    for column in subject.same:
        yield Need(f"{path}.same", subject.table, column)
        yield Need(f"{path}.same", tracker.table, column)


def _needs_of_effect(tracker: Tracker) -> Iterator[Need]:
    effect, path = tracker.effect, f"{tracker.path}.effectiveness"
    if effect is None:
        return
    number = "" if effect.good else "number"
    yield Need(f"{path}.time", effect.table, effect.time, "time", searched=True)
    yield Need(f"{path}.key", effect.table, effect.key)
    yield Need(f"{path}.column", effect.table, effect.column, number)
    if effect.before:
        yield Need(f"{path}.before", effect.table, effect.before, number)
    yield Need(f"{path}.decision_key", tracker.table, effect.decision_key, searched=True)


def columns_of(table: Name) -> Query:
    """Return the query for the columns of all tables with that name, in whatever schema."""
    return Query(COLUMNS, values={"name": table[-1]})


def the_table(table: Name, rows: Sequence[Row]) -> List[Row]:
    """Return the columns of the one table that the name stands for, empty if there is none."""
    if len(table) == 1:
        return [row for row in rows if row["visible"]]
    return [row for row in rows if row["schema"] == table[0]]


def problems(wanted: Sequence[Need], found: Mapping[Name, Sequence[Row]], show: Show) -> List[str]:
    """Return what is missing, each with what to do: tables, then columns, then privileges."""
    said: Dict[str, None] = {}
    for need in wanted:
        columns = the_table(need.table, found[need.table])
        problem = (
            _column_problem(need, columns, show)
            if columns
            else _table_problem(need, found[need.table])
        )
        if problem:
            said[problem] = None
    return list(said)


def _table_problem(need: Need, elsewhere: Sequence[Row]) -> str:
    name = ".".join(need.table)
    where = sorted({f"{row['schema']}.{row['name']}" for row in elsewhere})
    hint = f"; there is {' and '.join(where)}: name the schema" if where else ""
    section = need.path.rpartition(".")[0]
    return f"{section}.table: there is no table or view {name} in this database{hint}"


def _column_problem(need: Need, columns: Sequence[Row], show: Show) -> Optional[str]:
    row = next((one for one in columns if one["column"] == need.column), None)
    if row is None:
        names = [str(one["column"]) for one in columns]
        near = difflib.get_close_matches(need.column, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
        return f"{need.path}: table {full_name(columns[0])} has no column {need.column}; {hint}"
    table: Dict[str, Name] = {
        "schema": (row["schema"],),
        "table": (row["schema"], row["name"]),
        "role": (row["role"],),
    }
    grant = None
    if not row["usable"]:
        grant = "GRANT USAGE ON SCHEMA {schema} TO {role}"
    elif not row["readable"]:
        grant = "GRANT SELECT ON {table} TO {role}"
    if grant:
        may_not = f"role {row['role']} may not read table {full_name(row)}"
        return f"{may_not}: {show(Query(grant, table))}"
    is_time = str(row["type"]).startswith("timestamp")
    if (need.must_be == "time" and not is_time) or (
        need.must_be == "number" and row["category"] != "N"
    ):
        wanted = "a timestamp" if need.must_be == "time" else "a number, or good must list values"
        return (
            f"{need.path}: column {need.column} of table {full_name(row)} is of type {row['type']},"
            f" but must be {wanted}"
        )
    return None


def full_name(row: Row) -> str:
    """Return the name of a table with its schema, for messages."""
    return f"{row['schema']}.{row['name']}"
