# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracker: where decisions stand, and what they belong to, as a person describes it. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._decision_time import duration
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

OPTIONS = (
    *("table", "time", "key", "type", "where", "timezone", "clock_tolerance", "longest_gap"),
    *("several", "subject", "outcome", "effectiveness"),
)
SUBJECT_OPTIONS = ("table", "key", "time", "type", "types", "where", "same", "delay")
EFFECT_OPTIONS = ("table", "key", "decision_key", "time", "column", "before", "good")
#: PostgreSQL cuts longer names off without an error, and would then ask another table.
LONGEST_NAME_BYTES = 63

#: A table or view, with or without its schema.
Name = Tuple[str, ...]
#: A column, and the values of which it must have one; None stands for NULL, which equals nothing.
Condition = Tuple[str, Tuple[Optional[str], ...]]


@dataclass(frozen=True)
class Subject:
    """The things that should have been decided.

    types: those that must occur. same: columns that agree between a decision and its subject.
    """

    table: Name
    key: str
    time: str
    type: Optional[str] = None
    types: Tuple[str, ...] = ()
    where: Tuple[Condition, ...] = ()
    same: Tuple[str, ...] = ()
    delay_seconds: float = 0


@dataclass(frozen=True)
class Effect:
    """What came of decisions: a number, a number with what it was before, or good values."""

    table: Name
    key: str
    decision_key: str
    time: str
    column: str
    before: Optional[str] = None
    good: Tuple[Optional[str], ...] = ()


@dataclass(frozen=True)
class Tracker:
    """A table of decisions. outcome: the column and its good values."""

    name: str
    path: str
    table: Name
    time: str
    key: Optional[str] = None
    type: Optional[str] = None
    where: Tuple[Condition, ...] = ()
    timezone: str = "UTC"
    clock_tolerance_seconds: float = 1
    longest_gap_seconds: Optional[float] = None
    several: bool = False
    subject: Optional[Subject] = None
    outcome: Optional[Condition] = None
    effect: Optional[Effect] = None


def read_trackers(raw: Mapping[str, Any], path: str = "trackers") -> Dict[str, Tracker]:
    """Return the trackers by name. Raises ShapeError."""
    return {
        str(name): read_tracker(str(name), Fields(described, f"{path}.{name}"))
        for name, described in raw.items()
    }


def read_tracker(name: str, fields: Fields) -> Tracker:
    """Return the tracker that the fields describe. Raises ShapeError."""
    fields.only(*OPTIONS)
    has_subject, has_outcome, has_effect = (
        fields.raw.get(part) is not None for part in ("subject", "outcome", "effectiveness")
    )
    key = _column(fields, "key", optional=not has_subject)
    return Tracker(
        name=name,
        path=fields.path,
        table=_table(fields, name),
        time=_need(fields, "time", "the column that says when a decision was made"),
        key=key,
        type=_column(fields, "type"),
        where=_where(fields),
        timezone=fields.text("timezone", "a time zone, as Europe/Berlin", "UTC"),
        clock_tolerance_seconds=duration(fields, "clock_tolerance") or 1,
        longest_gap_seconds=duration(fields, "longest_gap"),
        several=fields.flag("several"),
        subject=_subject(fields.section("subject", ""), key or "") if has_subject else None,
        outcome=_outcome(fields.section("outcome", "")) if has_outcome else None,
        effect=_effect(fields.section("effectiveness", "")) if has_effect else None,
    )


def _subject(fields: Fields, key: str) -> Subject:
    fields.only(*SUBJECT_OPTIONS)
    type_column, types = _column(fields, "type"), _values(fields, "types", fields.raw.get("types"))
    if types and not type_column:
        raise ShapeError(fields.at("type"), None, "types are listed, so it must name their column")
    return Subject(
        table=_table(fields),
        key=_column(fields, "key") or key,
        time=_need(fields, "time", "the column that says when the subject came to be"),
        type=type_column,
        types=tuple(value for value in types if value is not None),
        where=_where(fields),
        same=tuple(_checked(fields.at("same"), column) for column in fields.texts("same")),
        delay_seconds=duration(fields, "delay") or 0,
    )


def _outcome(fields: Fields) -> Condition:
    fields.only("column", "good")
    return _need(fields, "column", "the column that says how it went"), _good(fields)


def _effect(fields: Fields) -> Effect:
    fields.only(*EFFECT_OPTIONS)
    key = _need(fields, "key", "the column that says which decision it belongs to")
    before = _column(fields, "before")
    good = _good(fields) if fields.raw.get("good") is not None else ()
    if before and good:
        raise ShapeError(
            fields.at("good"), fields.raw["good"], "it does not go with before, which is a number"
        )
    return Effect(
        table=_table(fields),
        key=key,
        decision_key=_column(fields, "decision_key") or key,
        time=_need(fields, "time", "the column that says when the effect was known"),
        column=_need(fields, "column", "the column that holds the effect"),
        before=before,
        good=good,
    )


def _good(fields: Fields) -> Tuple[Optional[str], ...]:
    values = _values(fields, "good", fields.raw.get("good"))
    if not values or None in values:
        raise ShapeError(
            fields.at("good"), fields.raw.get("good"), "it must list the good values, as [true]"
        )
    return values


def _where(fields: Fields) -> Tuple[Condition, ...]:
    if fields.raw.get("where") is None:
        return ()
    where = fields.section("where", "")
    conditions = []
    for column, stated in where.raw.items():
        values = (None,) if stated is None else _values(where, column, stated)
        if not values:
            raise ShapeError(where.at(str(column)), stated, "it must be a value, or list some")
        conditions.append((_checked(where.at(str(column)), column), values))
    return tuple(conditions)


def _values(fields: Fields, key: str, stated: object) -> Tuple[Optional[str], ...]:
    """Return values as PostgreSQL reads them from text, whatever type the column has."""
    listed = [] if stated is None else stated if isinstance(stated, list) else [stated]
    for value in listed:
        if value is not None and not isinstance(value, (str, int, float)):
            raise ShapeError(fields.at(key), stated, "it must be a text, number or boolean")
        if isinstance(value, str) and "\0" in value:
            raise ShapeError(fields.at(key), stated, "it must not hold a zero byte")
    return tuple(
        str(value).lower() if isinstance(value, bool) else None if value is None else str(value)
        for value in listed
    )


def _table(fields: Fields, default: Optional[str] = None) -> Name:
    """Return the name of a table: schema.table, or a list if a name has a dot of its own."""
    found = fields.raw.get("table", default)
    parts = found.split(".") if isinstance(found, str) else found
    needed = "it must be a table, as decisions or tower.decisions or [schema, table]"
    if not isinstance(parts, list) or not 1 <= len(parts) <= 2:
        raise ShapeError(fields.at("table"), found, needed)
    return tuple(_checked(fields.at("table"), part) for part in parts)


def _need(fields: Fields, key: str, what: str) -> str:
    return _checked(fields.at(key), fields.raw.get(key), f"it must be {what}")


def _column(fields: Fields, key: str, *, optional: bool = True) -> Optional[str]:
    found = fields.raw.get(key)
    return None if found is None and optional else _checked(fields.at(key), found)


def _checked(path: str, name: object, needed: str = "it must be the name of a column") -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        raise ShapeError(path, name, needed)
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME_BYTES:
        raise ShapeError(path, name, f"a name has at most {LONGEST_NAME_BYTES} bytes")
    return name
