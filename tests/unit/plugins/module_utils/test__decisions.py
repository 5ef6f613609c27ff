# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import (
    Answer,
    Inquiry,
    as_dict,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query, Span
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Tracker,
    read_trackers,
)
from ansible_collections.phased.rollout.plugins.module_utils._decisions import (
    METRICS,
    answerable,
    require_answerable,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError

FULL: dict[str, Any] = {
    "time": "at",
    "key": "job",
    "type": "kind",
    "subject": {"table": "jobs", "time": "made", "type": "kind"},
    "outcome": {"column": "ok", "good": [True]},
    "effectiveness": {"table": "fx", "key": "id", "time": "at", "column": "gain"},
}
NOW = datetime(2026, 1, 12, tzinfo=timezone.utc)


def described(**changes: Any) -> Tracker:
    return read_trackers({"runs": {**FULL, **changes}})["runs"]


def inquiry(rows: list[dict[str, Any]], tracker: Optional[Tracker] = None, **options: Any) -> Any:
    """Return an inquiry to which every query is answered with the same rows, in 0.25 s."""
    asked: list[Query] = []

    def run(query: Query) -> Any:
        asked.append(query)
        return rows, 0.25, query.template

    made = Inquiry(tracker or described(), Span(3600, 300), NOW, run, **options)
    return made, asked


def answer(metric: str, rows: list[dict[str, Any]], **changes: Any) -> Answer:
    found: Answer = inquiry(rows, described(**changes))[0].answer(METRICS[metric])
    return found


def typed(*rows: tuple[Optional[str], int, int]) -> list[dict[str, Any]]:
    return [{"type": kind, "good": good, "total": total} for kind, good, total in rows]


def effects(*sums: Optional[float]) -> list[dict[str, Any]]:
    """Return rows of effects, oldest first: two effects an interval, None for none known."""
    return [
        {"slot": slot, "total": 2, "known": 0 if one is None else 2, "sum": one}
        for slot, one in zip(range(len(sums) - 1, -1, -1), sums)
    ]


TYPES = {**FULL["subject"], "types": ["image", "video"]}


@pytest.mark.parametrize(
    ("metric", "rows", "changes", "value", "note"),
    [
        pytest.param("count", [{"total": 0}], {}, None, "no decision in the last 1h", id="none"),
        pytest.param("count", [{"total": 7}], {}, 7, None, id="some"),
        pytest.param("query_time", [{"total": 0}], {}, None, "no decision", id="quickly nothing"),
        pytest.param("query_time", [{"total": 7}], {}, 0.25, None, id="the time of the count"),
        pytest.param("rate", [], {}, None, "no decision", id="no rate"),
        pytest.param("rate", [{"slot": 0, "total": 30}], {}, 0.5, None, id="a rate a minute"),
        pytest.param("capture_ratio", [], {}, None, "no subject", id="nothing to capture"),
        pytest.param("capture_ratio", typed((None, 1, 4)), {}, 25.0, None, id="captured"),
        pytest.param(
            "lowest_capture_ratio", typed(("image", 4, 4), ("video", 0, 9)), {}, 0.0,
            "lowest is video, of image, video; list subject.types", id="the lowest",
        ),
        pytest.param(
            "lowest_capture_ratio", typed(("image", 4, 4)), {"subject": TYPES}, None,
            "no subject of type video", id="a silent type",
        ),
        pytest.param(
            "lowest_capture_ratio", typed(("image", 4, 4), ("video", 1, 1)), {"subject": TYPES},
            100.0, "lowest is image, of image, video", id="all types",
        ),
        pytest.param("lowest_capture_ratio", [], {}, None, "no subject", id="no types"),
        pytest.param("success_ratio", [], {}, None, "no decision", id="no success"),
        pytest.param("success_ratio", typed(("a", 1, 2), (None, 1, 2)), {}, 50.0, None, id="half"),
        pytest.param("effectiveness", [], {}, None, "no effect", id="no effect"),
        pytest.param("effectiveness", effects(None), {}, None, "no effect", id="unknown effect"),
        pytest.param("effectiveness", effects(3, 5), {}, 2.0, None, id="a mean"),
        pytest.param("effectiveness", effects(3, None), {}, 1.5, "2 of 4 effects are NULL", id="?"),
        pytest.param("effectiveness", effects(3, math.nan), {}, None, "nan", id="no number"),
        pytest.param("effectiveness", effects(math.inf), {}, None, "inf", id="no end"),
        pytest.param(
            "effectiveness_trend", effects(*range(7)), {}, None, "at least 8", id="too few"
        ),
        pytest.param(
            "effectiveness_trend", effects(*range(7), math.nan), {}, None, "not all are numbers",
            id="not all numbers",
        ),
        pytest.param(
            "effectiveness_trend", effects(*range(8)), {}, 100 - 100 / 40320, "8 intervals",
            id="a rise",
        ),
        pytest.param("effectiveness_trend", effects(*[1] * 12), {}, 0.0, "12", id="no rise"),
        pytest.param("effectiveness_trend", effects(*range(8, 0, -1)), {}, 0.0, "8", id="a fall"),
        pytest.param("integrity", [{"total": 0}], {}, None, "no decision", id="nothing to check"),
    ],
)  # fmt: skip
def test_an_answer(
    metric: str, rows: Any, changes: Any, value: Optional[float], note: Optional[str]
) -> None:
    found = answer(metric, rows, **changes)
    assert found.value == (value if value is None else pytest.approx(value))
    assert (note or "") in (found.note or "")
    assert (found.note is None) == (note is None)
    json.dumps(as_dict(found), allow_nan=False)


def test_the_mean_of_a_numeric_is_a_float() -> None:
    rows = [{"slot": 0, "total": 2, "known": 2, "sum": Decimal("1.5")}]
    assert answer("effectiveness", rows).value == 0.75


@pytest.mark.parametrize(
    ("sums", "improves"),
    [
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8], True, id="a rise is shown"),
        pytest.param([8, 7, 6, 5, 4, 3, 2, 1], False, id="a fall is not"),
        pytest.param([1, 2, 3, 4, 5, 6, 7], None, id="with too few nothing is said"),
        pytest.param([1, 2, None, None, 3, 4, 5, 6, 7, 8, 9], True, id="intervals without effects"),
    ],
)
def test_whether_it_improves(sums: list[Optional[float]], improves: Optional[bool]) -> None:
    details = answer("effectiveness_trend", effects(*sums)).details
    assert details["improves"] is improves
    assert details["series"][-len(sums) :] == [one if one is None else one / 2 for one in sums]


def test_the_series_runs_from_old_to_new() -> None:
    rows = [{"slot": 0, "total": 5}, {"slot": 11, "total": 1}]
    assert answer("rate", rows).details["series"] == [1, *[0] * 10, 5]


def test_the_same_thing_is_asked_once() -> None:
    made, asked = inquiry([{"total": 7}])
    count, timed = made.answer(METRICS["count"]), made.answer(METRICS["query_time"])
    assert len(asked) == 1
    assert count.asked == timed.asked == asked[0].template
    assert (count.seconds, made.seconds) == (0.25, 0.25)


def test_faults_are_added_up_even_if_there_is_nothing_else() -> None:
    made, _asked = inquiry([{"total": 0}])
    made._run = lambda query: (
        [{"total": int("IS NULL" in query.template and "{time}" in query.template)}], 0, ""
    )  # fmt: skip
    found = made.answer(METRICS["integrity"])
    assert found.value >= 1
    assert "1 null_time" in str(found.note)


@pytest.mark.parametrize(
    ("lacking", "metrics"),
    [
        pytest.param("subject", {"capture_ratio", "lowest_capture_ratio"}, id="no subject"),
        pytest.param("outcome", {"success_ratio"}, id="no outcome"),
        pytest.param("effectiveness", {"effectiveness", "effectiveness_trend"}, id="no effects"),
    ],
)
def test_what_is_not_described_is_not_told(lacking: str, metrics: set[str]) -> None:
    tracker = described(**{lacking: None})
    assert set(METRICS) - set(answerable(tracker)) == metrics
    for metric in metrics:
        with pytest.raises(ShapeError, match=rf"runs\.{lacking} is missing: {metric} cannot"):
            require_answerable(tracker, metric, None, "x")


def test_everything_described_is_told() -> None:
    assert answerable(described()) == list(METRICS)


UNTYPED = {**FULL["subject"], "type": None}


@pytest.mark.parametrize(
    ("metric", "changes", "problem"),
    [
        pytest.param("integrity", {}, "source.of_type is 'a': integrity cannot", id="faults"),
        pytest.param("lowest_capture_ratio", {}, "cannot be told for one type", id="of all types"),
        pytest.param("count", {"type": None}, "runs.type is missing", id="decisions without type"),
        pytest.param(
            "capture_ratio", {"subject": UNTYPED}, "runs.subject.type is missing", id="subjects"
        ),
    ],
)
def test_what_has_no_type_is_not_told_by_type(metric: str, changes: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        require_answerable(described(**changes), metric, "a", "source.of_type")
