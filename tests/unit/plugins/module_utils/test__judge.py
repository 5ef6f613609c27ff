# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import json
import math
from typing import Any, Optional, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._criteria import parse_criterion
from ansible_collections.phased.rollout.plugins.module_utils._judge import (
    Result,
    as_dict,
    judge,
    judge_all,
    overall,
    score,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import Objective
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._units import unit_named
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

NAN, INF = float("nan"), float("inf")
RELATIVE = "<= +10% of baseline"


def objective(
    passes: Sequence[str] = ("< 100ms",),
    warns: Sequence[str] = (),
    unit: Optional[str] = "ms",
    name: str = "a",
    **more: Any,
) -> Objective:
    return Objective(
        name=name,
        passes=tuple(map(parse_criterion, passes)),
        warns=tuple(map(parse_criterion, warns)),
        unit=unit_named(unit) if unit else None,
        **more,
    )


@pytest.mark.parametrize(
    ("passes", "warns", "value", "baseline", "expected"),
    [
        pytest.param(
            ["< 100ms"],
            [],
            50,
            None,
            ("pass", "< 100ms", "50 ms is < 100ms"),
            id="it holds",
        ),
        pytest.param(
            ["< 100ms"],
            [],
            100,
            None,
            ("fail", "< 100ms", "100 ms is not < 100ms"),
            id="it does not",
        ),
        pytest.param(
            ["< 100ms"],
            ["< 200ms"],
            150,
            None,
            ("warn", "< 200ms", "150 ms is not < 100ms, but is < 200ms"),
            id="only the warning holds",
        ),
        pytest.param(
            ["< 100ms"],
            ["< 200ms"],
            250,
            None,
            ("fail", "< 100ms", "250 ms is not < 100ms"),
            id="not even the warning holds",
        ),
        pytest.param(
            ["< 100ms"],
            ["> 200ms"],
            50,
            None,
            ("pass", "< 100ms", "50 ms is < 100ms"),
            id="pass is asked before warn",
        ),
        pytest.param(
            ["< 100ms", RELATIVE],
            [],
            54,
            50.0,
            ("pass", f"< 100ms and {RELATIVE}", f"54 ms is < 100ms and {RELATIVE} (55 ms)"),
            id="all of a list hold",
        ),
        pytest.param(
            ["< 100ms", RELATIVE],
            [],
            60,
            50.0,
            ("fail", RELATIVE, f"60 ms is not {RELATIVE} (55 ms)"),
            id="one of a list does not",
        ),
        pytest.param(
            ["< 100ms"],
            ["< 200ms", "< 120ms"],
            150,
            None,
            ("fail", "< 100ms", "150 ms is not < 100ms"),
            id="all of the warn list must hold too",
        ),
        pytest.param(
            [RELATIVE],
            [],
            50,
            None,
            (
                "inconclusive",
                RELATIVE,
                f"50 ms cannot be judged by '{RELATIVE}': there is no baseline to compare with",
            ),
            id="no baseline",
        ),
        pytest.param(
            ["< 100ms", RELATIVE],
            [],
            50,
            0.0,
            (
                "inconclusive",
                RELATIVE,
                f"50 ms cannot be judged by '{RELATIVE}': the baseline is 0, and only one above 0"
                " can be compared with; give a limit without 'of baseline'",
            ),
            id="a baseline of 0",
        ),
        pytest.param(
            ["< 100ms", RELATIVE],
            [],
            150,
            None,
            ("fail", "< 100ms", "150 ms is not < 100ms"),
            id="a missing baseline does not excuse what already failed",
        ),
        pytest.param(
            [RELATIVE],
            ["< 200ms"],
            50,
            None,
            (
                "inconclusive",
                RELATIVE,
                f"50 ms cannot be judged by '{RELATIVE}': there is no baseline to compare with",
            ),
            id="a warning does not stand in for a missing baseline",
        ),
        pytest.param(
            ["< 100ms"],
            [RELATIVE],
            150,
            None,
            (
                "inconclusive",
                RELATIVE,
                f"150 ms cannot be judged by '{RELATIVE}': there is no baseline to compare with",
            ),
            id="a warning without its baseline",
        ),
        pytest.param(
            [],
            [],
            50,
            None,
            ("inconclusive", None, "50 ms, but no pass criterion is stated"),
            id="nothing to compare with",
        ),
        pytest.param(
            [],
            ["< 100ms"],
            50,
            None,
            ("inconclusive", None, "50 ms, but no pass criterion is stated"),
            id="only a warning is stated",
        ),
        pytest.param(
            ["< 100"],
            [],
            50,
            None,
            (
                "error",
                None,
                "criterion '< 100' has no unit, but the measurement is in ms;"
                " give the limit in ms or a unit that converts to it",
            ),
            id="a unit that does not fit",
        ),
        pytest.param(
            ["< 100ms"],
            ["< 5%"],
            50,
            None,
            (
                "error",
                None,
                "criterion '< 5%' is in %, but the measurement is in ms;"
                " give the limit in ms or a unit that converts to it",
            ),
            id="a unit that does not fit in warn is found though pass holds",
        ),
    ],
)
def test_judge(
    passes: list[str], warns: list[str], value: float, baseline: Optional[float], expected: Any
) -> None:
    result = judge(objective(passes, warns), Measurement(value=float(value)), baseline)
    assert (result.verdict.value, result.criterion, result.reason) == expected


@pytest.mark.parametrize(
    ("measurement", "criterion"),
    [
        pytest.param(Measurement(value=0.1, unit="s"), "<= 100ms", id="0.1 s is 100 ms"),
        pytest.param(Measurement(value=0.29, unit="ratio"), ">= 29%", id="0.29 is 29 %"),
        pytest.param(Measurement(good=999, total=1000), ">= 99.9%", id="999 of 1000 are 99.9 %"),
    ],
)
def test_the_limit_itself_is_met_to_the_last_digit(
    measurement: Measurement, criterion: str
) -> None:
    assert judge(objective([criterion], unit=None), measurement, None).verdict is Verdict.PASS


def test_a_result_carries_the_evidence() -> None:
    measurement = Measurement(
        good=998, total=1000, samples=1000, note="a warning", asked="SELECT 1", seconds=0.25
    )
    judged = objective([">= 99.5%"], unit=None, key=True, weight=3, description="It works")
    assert as_dict(judge(judged, measurement, 99.9)) == {
        "name": "a",
        "verdict": "pass",
        "value": 99.8,
        "unit": "%",
        "criterion": ">= 99.5%",
        "baseline": 99.9,
        "samples": 1000,
        "good": 998,
        "total": 1000,
        "seconds": 0.25,
        "asked": "SELECT 1",
        "reason": "99.8 % is >= 99.5% (a warning)",
        "description": "It works",
        "key": True,
        "weight": 3,
    }


#: Every way an answer can be damaged, and every shape of criterion it could slip through.
DAMAGED = {
    "no value": Measurement(),
    "NaN": Measurement(value=NAN),
    "+Inf": Measurement(value=INF),
    "-Inf": Measurement(value=-INF),
    "nothing happened": Measurement(good=0, total=0),
    "no total": Measurement(good=5),
    "no good": Measurement(total=5),
    "total is NaN": Measurement(good=5, total=NAN),
    "total is infinite": Measurement(good=5, total=INF),
    "good is NaN": Measurement(good=NAN, total=5),
    "more good than all": Measurement(good=6, total=5),
    "negative good": Measurement(good=-1, total=5),
    "negative total": Measurement(good=-5, total=-5),
    "an error": Measurement(error="refused"),
    "an error beside a value": Measurement(value=50.0, error="refused"),
    "an unknown unit": Measurement(value=50.0, unit="furlong"),
}
OPERATORS, LIMITS = ("<", "<=", ">", ">=", "=="), ("0", "100", "0ms", "100ms", "0%", "100%")
SHAPES = [
    *(f"{op} {limit}" for op, limit in itertools.product(OPERATORS, LIMITS)),
    *(RELATIVE, ">= -5% of baseline", "== +0% of baseline"),
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_answer_never_passes(damage: str) -> None:
    units = (None, "s", "%", "count", "B")
    for shape, unit, baseline in itertools.product(SHAPES, units, (None, 50.0, NAN)):
        for warns in ((), (shape,)):
            result = judge(objective([shape], warns, unit), DAMAGED[damage], baseline)
            assert result.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR), (shape, unit, warns)
            assert result.reason


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("unit", ["s", "%", "count", "B"])
def test_no_negative_amount_passes(shape: str, unit: Any) -> None:
    result = judge(objective([shape], [shape], unit), Measurement(value=-1.0), 50.0)
    assert result.verdict is Verdict.ERROR


def test_an_objective_that_was_not_measured_is_an_error() -> None:
    results = judge_all([objective()], {}, {})
    assert [(result.verdict.value, result.reason) for result in results] == [
        ("error", "it was not measured")
    ]


def test_the_worst_comes_first_otherwise_the_plan_s_order_stays() -> None:
    values = {"b": 50.0, "a": 60.0, "late": 500.0, "none": None}
    results = judge_all(
        [objective(name=name) for name in values],
        {name: Measurement(value=value) for name, value in values.items()},
        {},
    )
    assert [result.name for result in results] == ["late", "none", "b", "a"]


def results(*pairs: Any) -> list[Result]:
    """Return results with these (verdict, weight) pairs."""
    base = judge(objective(), Measurement(value=50.0), None)
    return [base._replace(verdict=Verdict(verdict), weight=weight) for verdict, weight in pairs]


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        pytest.param(results(), None, id="nothing was judged"),
        pytest.param(results(("pass", 1), ("pass", 3)), 100, id="all passed"),
        pytest.param(results(("pass", 1), ("fail", 1)), 50, id="one of two failed"),
        pytest.param(results(("warn", 1)), 50, id="a warning brings half"),
        pytest.param(results(("pass", 3), ("fail", 1)), 75, id="weights count"),
        pytest.param(results(("inconclusive", 1), ("error", 1)), 0, id="no data brings nothing"),
        pytest.param(results(("pass", 0)), None, id="nothing has weight"),
        # https://v1.keptn.sh/docs/1.0.x/define/quality-gates/: 1 + 0.5 of 2
        pytest.param(results(("pass", 1), ("warn", 1)), 75, id="one passed, one warned"),
    ],
)
def test_score(judged: Any, expected: Any) -> None:
    assert score(judged) == expected


def test_judging_nothing_is_inconclusive() -> None:
    assert overall([]) is Verdict.INCONCLUSIVE


FLOATS = st.one_of(st.none(), st.floats())
UNITS = st.sampled_from([None, "s", "ms", "%", "ratio", "count", "KiB"])
CRITERIA = st.lists(st.sampled_from(SHAPES), max_size=3)
OBJECTIVES = st.builds(
    objective, CRITERIA, CRITERIA, UNITS, key=st.booleans(), weight=st.floats(0, 100)
)
MEASUREMENTS = st.builds(
    Measurement,
    value=FLOATS,
    unit=UNITS,
    good=FLOATS,
    total=FLOATS,
    error=st.one_of(st.none(), st.text()),
)
RESULTS = st.lists(st.builds(judge, OBJECTIVES, MEASUREMENTS, FLOATS), max_size=6)


@given(OBJECTIVES, MEASUREMENTS, FLOATS)
def test_only_a_true_number_passes(judged: Any, measurement: Measurement, baseline: Any) -> None:
    result = judge(judged, measurement, baseline)
    if result.verdict in (Verdict.PASS, Verdict.WARN):
        assert result.value is not None
        assert math.isfinite(result.value)
        assert measurement.error is None
        assert judged.passes
        assert result.criterion
        assert measurement.total is None or measurement.total > 0
        if "baseline" in str(result.criterion):
            assert baseline > 0


@given(OBJECTIVES, st.sampled_from([NAN, INF, -INF]), UNITS, FLOATS)
def test_nothing_passes_on_nan_or_infinity(
    judged: Any, value: Any, unit: Any, baseline: Any
) -> None:
    result = judge(judged, Measurement(value=value, unit=unit), baseline)
    assert result.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)


@given(CRITERIA, CRITERIA, st.floats(0, 1e6), FLOATS, st.sampled_from(SHAPES))
def test_one_more_criterion_never_makes_a_pass(
    passes: list[str], warns: list[str], value: Any, baseline: Any, more: Any
) -> None:
    if not passes:
        return
    measurement = Measurement(value=value)
    if judge(objective([*passes, more], warns), measurement, baseline).verdict is Verdict.PASS:
        assert judge(objective(passes, warns), measurement, baseline).verdict is Verdict.PASS


@given(RESULTS)
def test_adding_a_failed_key_objective_always_fails(judged: Any) -> None:
    failed = judge(objective(key=True, weight=0), Measurement(value=500.0), None)
    assert overall([*judged, failed]) is Verdict.FAIL


@given(OBJECTIVES, MEASUREMENTS, FLOATS)
def test_judging_again_gives_the_same(judged: Any, measurement: Measurement, baseline: Any) -> None:
    assert judge(judged, measurement, baseline) == judge(judged, measurement, baseline)


@given(RESULTS)
def test_results_are_json_without_nan(judged: Any) -> None:
    json.dumps([*map(as_dict, judged), score(judged)], allow_nan=False)


@given(RESULTS)
def test_the_score_lies_between_0_and_100(judged: Any) -> None:
    reached = score(judged)
    assert reached is None or 0 <= reached <= 100
