# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Effect,
    Subject,
    Tracker,
    read_trackers,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError


def read(**raw: Any) -> Tracker:
    return read_trackers({"runs": {"time": "at", **raw}})["runs"]


SUBJECT = {"table": "jobs", "time": "made"}
EFFECT = {"table": "effects", "time": "made", "key": "run_id", "column": "gain"}


def test_the_least_is_a_time() -> None:
    assert read() == Tracker("runs", "trackers.runs", ("runs",), "at")


def test_all_that_can_be_described() -> None:
    found = read(
        table="app.runs",
        key="job_id",
        type="kind",
        where={"live": True, "n": [1, 2.5], "gone": None},
        timezone="Europe/Berlin",
        clock_tolerance="2s",
        longest_gap="5m",
        several="yes",
        subject={**SUBJECT, "type": "kind", "types": ["a", 7], "same": "owner", "delay": "9s"},
        outcome={"column": "state", "good": "ok"},
        effectiveness={**EFFECT, "before": "was"},
    )
    assert found == Tracker(
        name="runs",
        path="trackers.runs",
        table=("app", "runs"),
        time="at",
        key="job_id",
        type="kind",
        where=(("live", ("true",)), ("n", ("1", "2.5")), ("gone", (None,))),
        timezone="Europe/Berlin",
        clock_tolerance_seconds=2,
        longest_gap_seconds=300,
        several=True,
        subject=Subject(("jobs",), "job_id", "made", "kind", ("a", "7"), (), ("owner",), 9),
        outcome=("state", ("ok",)),
        effect=Effect(("effects",), "run_id", "run_id", "made", "gain", before="was"),
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param("runs", ("runs",), id="a table"),
        pytest.param("app.runs", ("app", "runs"), id="with its schema"),
        pytest.param(["app", "r.u.n"], ("app", "r.u.n"), id="with dots of its own"),
        pytest.param('Odd "; DROP', ('Odd "; DROP',), id="an odd one stays as it is"),
    ],
)
def test_a_table(table: Any, expected: tuple[str, ...]) -> None:
    assert read(table=table).table == expected


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"time": None}, r"runs\.time is missing: it must be the column", id="no time"),
        pytest.param({"tabel": "x"}, r"runs\.tabel .*did you mean table", id="a typo"),
        pytest.param({"table": "a.b.c"}, r"runs\.table is 'a\.b\.c'", id="three parts"),
        pytest.param({"table": "a."}, r"runs\.table is ''", id="half a name"),
        pytest.param({"table": []}, r"runs\.table is \[\]", id="no parts"),
        pytest.param({"table": 7}, r"runs\.table is 7", id="a number for a table"),
        pytest.param({"key": ["a"]}, r"runs\.key is \['a'\]", id="a list for a column"),
        pytest.param({"key": ""}, r"runs\.key is ''", id="an empty column"),
        pytest.param({"key": "a\0b"}, r"runs\.key is", id="a zero byte in a column"),
        pytest.param({"key": "ä" * 32}, "at most 63 bytes", id="a name that would be cut"),
        pytest.param({"where": {"a": []}}, r"where\.a is \[\]: it must be", id="no value"),
        pytest.param({"where": {"a": {"b": 1}}}, r"where\.a is", id="a mapping for a value"),
        pytest.param({"where": {"a": "\0"}}, "zero byte", id="a zero byte in a value"),
        pytest.param({"where": ["a"]}, r"runs\.where is", id="a list of conditions"),
        pytest.param({"several": "maybe"}, r"several is 'maybe'", id="no boolean"),
        pytest.param({"longest_gap": "long"}, r"longest_gap is 'long'", id="no length of time"),
        pytest.param({"subject": SUBJECT}, r"runs\.key is missing", id="a subject without a key"),
        pytest.param(
            {"key": "a", "subject": {**SUBJECT, "time": None}}, r"subject\.time", id="no birth"
        ),
        pytest.param(
            {"key": "a", "subject": {**SUBJECT, "table": None}}, r"subject\.table", id="no subjects"
        ),
        pytest.param(
            {"key": "a", "subject": {**SUBJECT, "types": ["x"]}},
            r"subject\.type is missing: types are listed",
            id="types without their column",
        ),
        pytest.param(
            {"key": "a", "subject": "jobs"}, r"runs\.subject is 'jobs'", id="a text for a subject"
        ),
        pytest.param(
            {"key": "a", "subject": {}}, r"subject\.table is missing", id="an empty subject"
        ),
        pytest.param({"outcome": {}}, r"outcome\.column is missing", id="an empty outcome"),
        pytest.param({"outcome": {"column": "a"}}, r"outcome\.good is missing", id="no good"),
        pytest.param(
            {"outcome": {"column": "a", "good": []}}, r"outcome\.good is \[\]", id="nothing good"
        ),
        pytest.param(
            {"outcome": {"column": "a", "good": [None]}}, r"good is \[None\]", id="NULL is no good"
        ),
        pytest.param({"outcome": {"good": [1]}}, r"outcome\.column is missing", id="no outcome"),
        pytest.param(
            {"effectiveness": {**EFFECT, "key": None}}, r"effectiveness\.key is missing", id="loose"
        ),
        pytest.param(
            {"effectiveness": {**EFFECT, "before": "b", "good": [1]}},
            r"effectiveness\.good is \[1\]: it does not go with before",
            id="a gain of good values",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)
