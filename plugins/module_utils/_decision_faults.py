# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with records of decisions, as templates of SQL. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Dict, List

from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import (
    conditions,
    decided,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Subject,
    Tracker,
)


def integrity(tracker: Tracker) -> Dict[str, str]:
    """Return a query for each kind of fault that can be looked for; each gives `total`.

    Faults of decisions in the window; those whose time is NULL or lies ahead are in no window.
    """
    all_of_it = conditions("d", "where", tracker.where)
    faulty = {
        "null_time": " AND ".join(["d.{time} IS NULL", *all_of_it]),
        "in_the_future": " AND ".join(["d.{time} > {late}", *all_of_it]),
    }
    in_window = decided(tracker, typed=False)
    if tracker.key:
        faulty["null_key"] = f"{in_window} AND d.{{key}} IS NULL"
    if tracker.type:
        faulty["null_type"] = f"{in_window} AND d.{{type}} IS NULL"
    queries = {
        fault: f"SELECT count(*) AS total FROM {{table}} d WHERE {where}"
        for fault, where in faulty.items()
    }
    if tracker.key and not tracker.several:
        queries["duplicates"] = _duplicates(in_window, all_of_it)
    if tracker.subject:
        queries.update(_against_subjects(tracker, tracker.subject, in_window))
    if tracker.effect:
        queries["stray_effects"] = (
            "SELECT count(*) AS total FROM {effects} e WHERE e.{e_time} > {since}"
            " AND NOT EXISTS (SELECT FROM {table} d WHERE d.{decision_key} = e.{e_key})"
        )
    if tracker.longest_gap_seconds is not None:
        queries["gaps"] = _gaps(in_window)
    return queries


def _duplicates(in_window: str, all_of_it: List[str]) -> str:
    every = " AND ".join(["d.{key} IN (SELECT n.{key} FROM newest n)", *all_of_it])
    return (
        f"WITH newest AS (SELECT d.{{key}} FROM {{table}} d WHERE {in_window})"
        f" SELECT COALESCE(sum(n - 1), 0)::bigint AS total FROM (SELECT count(*) AS n"
        f" FROM {{table}} d WHERE {every} GROUP BY d.{{key}} HAVING count(*) > 1) AS repeated"
    )


def _against_subjects(tracker: Tracker, subject: Subject, in_window: str) -> Dict[str, str]:
    joined = (
        "SELECT count(*) AS total FROM {table} d JOIN {subjects} s ON s.{s_key} = d.{key}"
        f" WHERE {in_window}"
    )
    differing = [
        f"d.{{same_{number}}}::text IS DISTINCT FROM s.{{same_{number}}}::text"
        for number in range(len(subject.same))
    ]
    if tracker.type and subject.type:
        differing.append("d.{type}::text IS DISTINCT FROM s.{s_type}::text")
    unseen = " AND ".join(["s.{s_time} IS NULL", *conditions("s", "s_where", subject.where)])
    queries = {
        "null_subject_time": f"SELECT count(*) AS total FROM {{subjects}} s WHERE {unseen}",
        "orphans": (
            f"SELECT count(*) AS total FROM {{table}} d WHERE {in_window} AND d.{{key}} IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM {subjects} s WHERE s.{s_key} = d.{key})"
        ),
        "before_subject": (
            f"{joined} AND d.{{time}} < s.{{s_time}} - make_interval(secs => {{tolerance}})"
        ),
    }
    if differing:
        queries["contradictions"] = f"{joined} AND ({' OR '.join(differing)})"
    return queries


def _gaps(in_window: str) -> str:
    return (
        "SELECT count(*) AS total FROM (SELECT at - lag(at, 1, {since}::timestamptz)"
        " OVER (ORDER BY at) AS gap FROM (SELECT d.{time}::timestamptz AS at FROM {table} d"
        f" WHERE {in_window} UNION ALL SELECT {{now}}::timestamptz) AS moments) AS gaps"
        " WHERE gap > make_interval(secs => {longest_gap})"
    )
