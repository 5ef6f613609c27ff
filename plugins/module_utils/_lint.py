# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL of a migration, judged with the sizes of the tables that it touches.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._lint_rules import (
    Kind,
    Raw,
    kind_of,
    own_findings,
)
from ansible_collections.phased.rollout.plugins.module_utils._sql_tables import (
    Name,
    Touched,
    touched_by,
)
from ansible_collections.phased.rollout.plugins.module_utils._sql_text import Statement

STOP, NOTE = "stop", "note"
_LONGEST_STATEMENT = 200


class Size(NamedTuple):
    """How large a table is, its indexes included; None is not known. why: why it is not."""

    rows: Optional[int] = None
    bytes: Optional[int] = None
    why: str = ""


NEW = Size(0, 0)
MISSING = Size(why="there is no such table in the database, or not on the search path")


@dataclass(frozen=True)
class Limits:
    """Up to what size of a table a rewrite is nothing, and whether the old release is gone."""

    rows: int
    bytes: int
    contract: bool


@dataclass(frozen=True)
class Located:
    """A finding with its statement, and with the tables that decide about it."""

    raw: Raw
    statement: Statement
    tables: Tuple[Name, ...]
    indexes: Tuple[Name, ...]
    new: bool


def locate(statements: Sequence[Statement], raw: Sequence[Raw]) -> List[Located]:
    """Return all findings, those without a linter's rule included, in the order of the text.

    A finding that stands in no statement is taken to be about the one before it.
    """
    findings = [*raw, *(own for statement in statements for own in own_findings(statement))]
    made: Set[Name] = set()
    indexes: Dict[Name, Tuple[Name, ...]] = {}
    found: List[Located] = []
    for number, statement in enumerate(statements):
        end = statements[number + 1].start if number + 1 < len(statements) else None
        begin = statement.start if number else 0
        touched = touched_by(statement)
        for finding in findings:
            if begin <= finding.start and (end is None or finding.start < end):
                found.append(_located(finding, statement, touched, made, indexes))
        if touched.made and not touched.maybe_made:
            made.add(touched.made)
        if touched.index:
            schema = touched.tables[0].schema if touched.tables else None
            indexes[Name(touched.index.schema or schema, touched.index.name)] = touched.tables
    return found


def names_in(found: Sequence[Located]) -> Set[Name]:
    """Return the tables and indexes whose size decides about findings."""
    return {name for one in found if not one.new for name in (*one.tables, *one.indexes)}


def with_new(sizes: Mapping[Name, Size], statements: Sequence[Statement]) -> Dict[Name, Size]:
    """Return the sizes, where a table that is missing may be one that is made IF NOT EXISTS."""
    touched = map(touched_by, statements)
    made = {one.made for one in touched if one.maybe_made}
    return {name: NEW if size == MISSING and name in made else size for name, size in sizes.items()}


def weigh(
    found: Sequence[Located], sizes: Mapping[Name, Size], limits: Limits
) -> List[Dict[str, Any]]:
    """Return the findings as the module tells them. sizes: of every table that is not new."""
    return [_weighed(one, sizes, limits) for one in found]


def _located(
    raw: Raw,
    statement: Statement,
    touched: Touched,
    made: Set[Name],
    known_indexes: Mapping[Name, Tuple[Name, ...]],
) -> Located:
    by_index = [known_indexes[name] for name in touched.indexes if name in known_indexes]
    tables = touched.tables + tuple(name for names in by_index for name in names)
    indexes = tuple(name for name in touched.indexes if name not in known_indexes)
    subject = tables + ((touched.made,) if touched.maybe_made and touched.made else ())
    old = tuple(name for name in subject if name not in made)
    new = not old and not indexes and bool(subject or touched.made)
    return Located(raw, statement, old if not new else subject, indexes, new)


def _weighed(one: Located, sizes: Mapping[Name, Size], limits: Limits) -> Dict[str, Any]:
    name, size = _decisive(one, sizes)
    severity, why = _judge(kind_of(one.raw.rule), one, name, size, limits)
    text = " ".join(one.statement.text.split())
    if len(text) > _LONGEST_STATEMENT:
        text = f"{text[:_LONGEST_STATEMENT]} …"
    return {
        "rule": one.raw.rule,
        "statement": text,
        "line": one.statement.line,
        "table": str(name) if name else None,
        "rows": size.rows,
        "bytes": size.bytes,
        "severity": severity,
        "message": f"{one.raw.message.rstrip('.')}. {why}",
        "help": one.raw.help,
    }


def _decisive(one: Located, sizes: Mapping[Name, Size]) -> Tuple[Optional[Name], Size]:
    """Return the table that matters most: one of unknown size, else the largest."""
    names = [*one.tables, *one.indexes]
    if one.new:
        made = touched_by(one.statement).made
        return (names[0] if names else made), NEW
    known = [(name, sizes.get(name, Size(why="it was not looked up"))) for name in names]
    if not known:
        return None, Size(why="the statement names no table")
    unknown = [pair for pair in known if None in (pair[1].rows, pair[1].bytes)]
    return (unknown or sorted(known, key=lambda pair: pair[1].bytes or 0, reverse=True))[0]


def _judge(
    kind: Kind, one: Located, name: Optional[Name], size: Size, limits: Limits
) -> Tuple[str, str]:
    """Return the severity, and why, in a sentence."""
    if kind is Kind.STYLE:
        return NOTE, "This stops nothing."
    if kind is Kind.ALWAYS:
        return STOP, "This is a stop whatever the table is like."
    if one.new:
        return NOTE, f"{name} is made by this migration, so nobody uses it yet."
    if kind is not Kind.BREAKS:
        return _judge_size(kind, name, size, limits)
    if limits.contract:
        return NOTE, "The release that used it is gone when a contract migration runs."
    return STOP, "The release before may still use it; do it in a contract migration."


def _judge_size(kind: Kind, name: Optional[Name], size: Size, limits: Limits) -> Tuple[str, str]:
    if size.rows is None or size.bytes is None:
        return STOP, f"How large {name or 'the table'} is, is not known: {size.why}."
    told = f"{name} has {size.rows:,} rows in {size.bytes:,} bytes"
    if kind is Kind.ROWS:
        return (NOTE if size.rows == 0 else STOP), f"{told}."
    if size.rows <= limits.rows and size.bytes <= limits.bytes:
        return NOTE, f"{told}, which takes no time."
    return STOP, f"{told}; up to {limits.rows:,} rows and {limits.bytes:,} bytes are let pass."
