# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration destroys: found on a copy of the database, counted again in the live one.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._psql import identifier, literal

Ask = Callable[[str], List[Dict[str, Any]]]

#: What can go. Of the first two the live database tells how much, of the others only the copy.
TABLE, COLUMN, TYPE = "table", "column", "type of column"
ROWS, VALUES = "rows", "values of column"

# Tables are known by their oid and columns by their number, so that a new name is no loss.
_TABLES = """
SELECT c.oid::bigint AS oid, format('%I.%I', n.nspname, c.relname) AS name,
       has_table_privilege(c.oid, 'SELECT') AS readable,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object('number', a.attnum, 'name', a.attname,
                                             'type', format_type(a.atttypid, a.atttypmod)))
         FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       ), '[]') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY name
"""
_NAME = """
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass({name}) AND c.relkind = 'r'
"""


@dataclass(frozen=True)
class Column:
    """A column. filled: rows that have a value in it."""

    name: str
    type: str
    filled: int


@dataclass(frozen=True)
class Table:
    """A table. rows: None if the role may not read them. columns: by their number."""

    name: str
    rows: Optional[int]
    columns: Mapping[int, Column]


Inventory = Mapping[int, Table]
#: table (quoted and qualified), what (goes), column or None, rows or None if they are not known.
Loss = Dict[str, Any]


def take_inventory(ask: Ask) -> Inventory:
    """Return all tables of a database by oid, each with what is in it. Raises PgError."""
    return {row["oid"]: _table(ask, row) for row in ask(_TABLES)}


def losses(before: Inventory, after: Inventory) -> List[Loss]:
    """Return what was there before and is not there after, by table and column."""
    found: List[Loss] = []
    for oid, table in before.items():
        left = after.get(oid)
        if left is None:
            found.append(_loss(table, TABLE, None, table.rows))
            continue
        gone = (table.rows or 0) - (left.rows or 0)
        if gone > 0:
            found.append(_loss(table, ROWS, None, gone))
        for number, column in table.columns.items():
            found += _column_losses(table, column, left.columns.get(number), max(0, gone))
    return found


def count_losses(ask: Ask, expected: Sequence[Mapping[str, Any]]) -> List[Loss]:
    """Return the losses that a rehearsal found, with the rows that the live database has now.

    Raises PgError if the live database lacks a table or column of them.
    """
    return [{**loss, "rows": _count(ask, loss)} for loss in expected]


def total(found: Sequence[Loss]) -> Optional[int]:
    """Return how many rows go, or lose a value; None if that is not known."""
    if any(loss["rows"] is None for loss in found):
        return None
    return sum(int(loss["rows"]) for loss in found)


def explain(found: Sequence[Loss]) -> str:
    """Return the losses in words."""
    return "; ".join(
        f"{loss['what']} {loss['table']}{'.' + loss['column'] if loss['column'] else ''}:"
        f" {'an unknown number of' if loss['rows'] is None else loss['rows']} rows"
        for loss in found
    )


def require_accepted(found: Sequence[Loss], accepted: int) -> None:
    """Raise PgError unless exactly what would be destroyed was accepted."""
    rows = total(found)
    if rows is None:
        raise PgError(
            f"this would destroy what cannot be counted ({explain(found)}): grant the migrating"
            " role SELECT on these tables, so that it can be counted and accepted"
        )
    if rows != accepted:
        raise PgError(
            f"this would destroy {rows} rows ({explain(found) or 'nothing'}), and {accepted} were"
            f" accepted; if that is what you want, accept a loss of {rows}"
        )


def _table(ask: Ask, row: Mapping[str, Any]) -> Table:
    if not row["readable"]:
        return Table(row["name"], None, {})
    counted = [
        "count(*) AS rows",
        *(f'count({identifier(c["name"])}) AS "{c["number"]}"' for c in row["columns"]),
    ]
    (counts,) = ask(f"SELECT {', '.join(counted)} FROM ONLY {row['name']}")
    columns = {
        column["number"]: Column(column["name"], column["type"], counts[str(column["number"])])
        for column in row["columns"]
    }
    return Table(row["name"], counts["rows"], columns)


def _column_losses(
    table: Table, column: Column, left: Optional[Column], gone_rows: int
) -> List[Loss]:
    """Return what becomes of one column, besides the rows that go with all their values."""
    if left is None:
        return [_loss(table, COLUMN, column.name, column.filled)]
    found = []
    if left.type != column.type:
        found.append(_loss(table, TYPE, column.name, column.filled))
    if column.filled - left.filled > gone_rows:
        found.append(_loss(table, VALUES, column.name, column.filled - left.filled - gone_rows))
    return found


def _loss(table: Table, what: str, column: Optional[str], rows: Optional[int]) -> Loss:
    return {"table": table.name, "what": what, "column": column, "rows": rows}


def _count(ask: Ask, loss: Mapping[str, Any]) -> Optional[int]:
    if loss["what"] in (ROWS, VALUES):
        known: Optional[int] = loss["rows"]
        return known
    if loss["rows"] is None:
        return None
    names = ask(_NAME.format(name=literal(loss["table"])))
    if not names:
        raise PgError(f"the live database has no table {loss['table']}, which the rehearsal lost")
    counted = f"count({identifier(loss['column'])})" if loss["column"] else "count(*)"
    rows: int = ask(f"SELECT {counted} AS rows FROM ONLY {names[0]['name']}")[0]["rows"]
    return rows
