# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of decision tables, as templates of SQL. Pure.

Names and values never stand in a template: {table} and {since} are put in by psycopg2.sql, which
quotes them. All templates of a tracker share one vocabulary. In all of them `d` is the table of
decisions, `s` that of its subjects and `e` that of its effects.
This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Dict, Iterator, List, Mapping, Optional, Tuple, Union

from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Condition,
    Effect,
    Name,
    Subject,
    Tracker,
)

Value = Union[None, str, float, datetime, Tuple[Optional[str], ...]]


@dataclass(frozen=True)
class Query:
    """A template, the identifiers and the values in it."""

    template: str
    names: Mapping[str, Name] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """The time that is asked about: the window up to now, in intervals of `by`. Seconds."""

    window: float
    by: float

    @property
    def slots(self) -> int:
        """The number of intervals."""
        return round(self.window / self.by)


CLOCK = Query("SELECT clock_timestamp() AS now")


def vocabulary(tracker: Tracker, span: Span, now: datetime, of_type: Optional[str] = None) -> Query:
    """Return a query without a template, with all that the templates of a tracker may name."""
    subject, effect = tracker.subject, tracker.effect
    columns: Dict[str, Optional[str]] = {
        "time": tracker.time,
        "key": tracker.key,
        "type": tracker.type,
        "outcome": tracker.outcome[0] if tracker.outcome else None,
    }
    names: Dict[str, Name] = {"table": tracker.table}
    values: Dict[str, Value] = {
        "now": now,
        "since": now - timedelta(seconds=span.window),
        "by": span.by,
        "late": now + timedelta(seconds=tracker.clock_tolerance_seconds),
        "tolerance": tracker.clock_tolerance_seconds,
        "longest_gap": tracker.longest_gap_seconds,
        "timezone": tracker.timezone,
        "of_type": of_type,
        "good": tracker.outcome[1] if tracker.outcome else None,
    }
    stated = list(_numbered("where", tracker.where))
    if subject:
        names["subjects"] = subject.table
        columns.update(s_time=subject.time, s_key=subject.key, s_type=subject.type)
        columns.update({f"same_{number}": name for number, name in enumerate(subject.same)})
        values["settled"] = now - timedelta(seconds=subject.delay_seconds)
        stated += _numbered("s_where", subject.where)
    if effect:
        names["effects"] = effect.table
        columns.update(e_time=effect.time, e_key=effect.key, e_column=effect.column)
        columns.update(e_before=effect.before, decision_key=effect.decision_key)
        values["e_good"] = effect.good
    for word, (column, allowed) in stated:
        columns[word] = column
        values[f"{word}_is"] = allowed
    names.update({word: (column,) for word, column in columns.items() if column is not None})
    return Query("", names, values)


def counted(tracker: Tracker, *, typed: bool) -> str:
    """Return the query for the number of decisions in the window."""
    return f"SELECT count(*) AS total FROM {{table}} d WHERE {decided(tracker, typed=typed)}"


def per_interval(tracker: Tracker, *, typed: bool) -> str:
    """Return the query for decisions by slot; slot 0 is the last interval."""
    return (
        f"SELECT {_slot('d.{time}')} AS slot, count(*) AS total FROM {{table}} d"
        f" WHERE {decided(tracker, typed=typed)} GROUP BY 1"
    )


def captured(tracker: Tracker, subject: Subject, *, typed: bool) -> str:
    """Return the query for subjects, and those with a decision, by type."""
    clauses = ["s.{s_time} > {since}", *conditions("s", "s_where", subject.where)]
    if subject.delay_seconds:
        # A subject from the future does not wait for its decision: that clock is wrong.
        clauses.append("(s.{s_time} <= {settled} OR s.{s_time} > {now})")
    if typed:
        clauses.append("s.{s_type}::text = {of_type}")
    # A decision of tomorrow, by its clock, is no evidence of today.
    there = ["d.{key} IN (SELECT due.key FROM due)", "d.{time} <= {late}"]
    its = " AND ".join([*there, *conditions("d", "where", tracker.where)])
    # A join of two sets is quick with an index on the key, and bearable without.
    return (
        f"WITH due AS (SELECT s.{{s_key}} AS key,"
        f" {_type('s.{s_type}' if subject.type else None)} AS type"
        f" FROM {{subjects}} s WHERE {' AND '.join(clauses)}),"
        f" found AS (SELECT DISTINCT d.{{key}} AS key FROM {{table}} d WHERE {its})"
        " SELECT due.type, count(*) AS total, count(found.key) AS good"
        " FROM due LEFT JOIN found ON found.key = due.key GROUP BY 1"
    )


def succeeded(tracker: Tracker, *, typed: bool) -> str:
    """Return the query for decisions, and those that went well, by type; NULL is not well."""
    return (
        f"SELECT {_type('d.{type}' if tracker.type else None)} AS type, count(*) AS total,"
        f" count(*) FILTER (WHERE d.{{outcome}} IN {{good}}) AS good"
        f" FROM {{table}} d WHERE {decided(tracker, typed=typed)} GROUP BY 1"
    )


def effects(tracker: Tracker, effect: Effect, *, typed: bool) -> str:
    """Return the query for effects by slot: how many, how many are known, and their sum.

    An effect is counted only if its decision is there.
    """
    value = "e.{e_column}::float8"
    if effect.good:
        value = "CASE WHEN e.{e_column} IN {e_good} THEN 1 ELSE 0 END"
    elif effect.before:
        value += " - e.{e_before}::float8"
    its = ["d.{decision_key} = e.{e_key}", *conditions("d", "where", tracker.where)]
    if typed:
        its.append("d.{type}::text = {of_type}")
    return (
        f"SELECT {_slot('e.{e_time}')} AS slot, count(*) AS total, count({value}) AS known,"
        f" sum({value}) AS sum FROM {{effects}} e WHERE e.{{e_time}} > {{since}}"
        f" AND e.{{e_time}} <= {{now}}"
        f" AND EXISTS (SELECT FROM {{table}} d WHERE {' AND '.join(its)}) GROUP BY 1"
    )


def decided(tracker: Tracker, *, typed: bool) -> str:
    """Return the condition for a decision in the window."""
    clauses = ["d.{time} > {since}", "d.{time} <= {now}"]
    clauses += conditions("d", "where", tracker.where)
    if typed:
        clauses.append("d.{type}::text = {of_type}")
    return " AND ".join(clauses)


def conditions(alias: str, word: str, stated: Tuple[Condition, ...]) -> List[str]:
    """Return what `where` demands of a table."""
    words = [numbered for numbered, condition in _numbered(word, stated)]
    return [f"{alias}.{{{numbered}}} IN {{{numbered}_is}}" for numbered in words]


def _numbered(word: str, stated: Tuple[Condition, ...]) -> Iterator[Tuple[str, Condition]]:
    for number, condition in enumerate(stated):
        yield f"{word}_{number}", condition


def _slot(time: str) -> str:
    return f"floor(extract(epoch FROM {{now}}::timestamptz - {time}) / {{by}})::int"


def _type(column: Optional[str]) -> str:
    return f"{column}::text" if column else "NULL::text"
