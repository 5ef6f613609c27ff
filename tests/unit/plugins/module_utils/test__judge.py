# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from datetime import date
from typing import Any, Optional, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._criteria import parse_criterion
from ansible_collections.phased.rollout.plugins.module_utils._judge import (
    Result,
    as_dict,
    judge,
    judge_all,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    CriteriaSet,
    Objective,
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._score import overall, score
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement, Window
from ansible_collections.phased.rollout.plugins.module_utils._units import unit_named
from ansible_collections.phased.rollout.plugins.module_utils._verdict import SEVERITY, Verdict

NAN, INF = float("nan"), float("inf")
RELATIVE = "<= +10% of baseline"


def alternatives(criteria: Sequence[str]) -> tuple[CriteriaSet, ...]:
    return (tuple(map(parse_criterion, criteria)),) if criteria else ()


def known(value: Optional[float], **more: Any) -> Optional[Baseline]:
    return None if value is None else Baseline(value, **more)


def objective(
    passes: Sequence[str] = ("< 100ms",),
    warns: Sequence[str] = (),
    unit: Optional[str] = "ms",
    name: str = "a",
    **more: Any,
) -> Objective:
    return Objective(
        name=name,
        passes=alternatives(passes),
        warns=alternatives(warns),
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
    result = judge(objective(passes, warns), Measurement(value=float(value)), known(baseline))
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
    assert as_dict(judge(judged, measurement, Baseline(99.9))) == {
        "name": "a",
        "verdict": "pass",
        "value": 99.8,
        "unit": "%",
        "criterion": ">= 99.5%",
        "baseline": 99.9,
        "samples": 1000,
        "good": 998,
        "total": 1000,
        "interval": None,
        "shift": None,
        "effect": None,
        "needed": None,
        "seconds": 0.25,
        "asked": "SELECT 1",
        "reason": "99.8 % is >= 99.5% (a warning)",
        "description": "It works",
        "key": True,
        "weight": 3,
        "dry_run": False,
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
            result = judge(objective([shape], warns, unit), DAMAGED[damage], known(baseline))
            assert result.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR), (shape, unit, warns)
            assert result.reason


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("unit", ["s", "%", "count", "B"])
def test_no_negative_amount_passes(shape: str, unit: Any) -> None:
    result = judge(objective([shape], [shape], unit), Measurement(value=-1.0), known(50.0))
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


FLOATS = st.one_of(st.none(), st.floats())
BASELINES = st.one_of(
    st.none(),
    st.builds(Baseline, FLOATS, verdict=st.one_of(st.none(), st.sampled_from(Verdict))),
)
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
RESULTS = st.lists(st.builds(judge, OBJECTIVES, MEASUREMENTS, BASELINES), max_size=6)


@given(OBJECTIVES, MEASUREMENTS, BASELINES)
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
            assert baseline.value > 0
            assert baseline.verdict in (None, Verdict.PASS, Verdict.WARN)


@given(OBJECTIVES, st.sampled_from([NAN, INF, -INF]), UNITS, BASELINES)
def test_nothing_passes_on_nan_or_infinity(
    judged: Any, value: Any, unit: Any, baseline: Any
) -> None:
    result = judge(judged, Measurement(value=value, unit=unit), baseline)
    assert result.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)


@given(CRITERIA, CRITERIA, st.floats(0, 1e6), BASELINES, st.sampled_from(SHAPES))
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


@given(OBJECTIVES, MEASUREMENTS, BASELINES)
def test_judging_again_gives_the_same(judged: Any, measurement: Measurement, baseline: Any) -> None:
    assert judge(judged, measurement, baseline) == judge(judged, measurement, baseline)


@given(RESULTS)
def test_results_are_json_without_nan(judged: Any) -> None:
    json.dumps([*map(as_dict, judged), score(judged)], allow_nan=False)


@given(RESULTS)
def test_the_score_lies_between_0_and_100(judged: Any) -> None:
    reached = score(judged)
    assert reached is None or 0 <= reached <= 100


def stated(measurement: Measurement, baseline: Optional[Baseline] = None, **raw: Any) -> Result:
    """Return what an objective as a plan writes it came to."""
    return judge(read_objective("a", Fields(raw, "a")), measurement, baseline)


ANY = {"any": ["< 100ms", ["< 200ms", "<= +5% of baseline"]]}


@pytest.mark.parametrize(
    ("value", "baseline", "expected", "reason"),
    [
        pytest.param(50, None, "pass", "50 ms is < 100ms", id="the first alternative"),
        pytest.param(
            150,
            150,
            "pass",
            "150 ms is < 200ms and <= +5% of baseline (157.5 ms)",
            id="the second alternative",
        ),
        pytest.param(
            150,
            100,
            "fail",
            "150 ms is not < 100ms and not <= +5% of baseline (105 ms)",
            id="neither",
        ),
        pytest.param(
            150,
            None,
            "inconclusive",
            "150 ms cannot be judged by '<= +5% of baseline': there is no baseline to compare with",
            id="one that is out of the question, one that cannot be told",
        ),
        pytest.param(
            250,
            None,
            "fail",
            "250 ms is not < 100ms and not < 200ms",
            id="no excuse",
        ),
    ],
)
def test_alternatives(value: Any, baseline: Any, expected: str, reason: str) -> None:
    judged = stated(Measurement(value=value), known(baseline), unit="ms", **{"pass": ANY})
    assert (judged.verdict.value, judged.reason) == (expected, reason)


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAIL])
def test_a_baseline_that_did_not_pass_is_never_compared_with(verdict: Verdict) -> None:
    samples = tuple(100.0 + n for n in range(40))
    baseline = Baseline(100.0, samples, verdict)
    measurement = Measurement(value=100.0, values=samples)
    for rule in ({"pass": RELATIVE}, {"compare": {"tolerance": "50%"}}):
        judged = stated(measurement, baseline, unit="ms", **rule)
        assert judged.verdict is Verdict.INCONCLUSIVE
        assert f"the verdict on the baseline was {verdict.value}" in judged.reason
        passed = stated(measurement, baseline._replace(verdict=Verdict.PASS), unit="ms", **rule)
        assert passed.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("good", "total", "warn", "expected", "needed"),
    [
        pytest.param(598, 598, [], "pass", None, id="598 without an error are enough for 99.5 %"),
        pytest.param(597, 597, [], "inconclusive", 1, id="597 are not"),
        pytest.param(1, 1, [], "inconclusive", 597, id="one is not"),
        pytest.param(996, 1000, [], "inconclusive", 12868, id="the value is above the limit"),
        pytest.param(994, 1000, [], "inconclusive", 13960, id="the value is below the limit"),
        pytest.param(995, 1000, [], "inconclusive", None, id="the value is the limit"),
        pytest.param(980, 1000, [], "fail", None, id="surely below the limit"),
        pytest.param(980, 1000, ">= 95%", "warn", None, id="but surely above the warning's"),
        pytest.param(996, 1000, ">= 95%", "warn", 12868, id="at least surely a warning"),
        pytest.param(960, 1000, ">= 95%", "inconclusive", 332, id="not even surely a warning"),
    ],
)
def test_confidence(good: Any, total: Any, warn: Any, expected: str, needed: Any) -> None:
    measurement = Measurement(good=good, total=total)
    rule: Any = {"pass": ">= 99.5%", "warn": warn, "confidence": 0.95}
    judged = stated(measurement, **rule)
    assert (judged.verdict.value, judged.needed) == (expected, needed)
    assert judged.interval is not None
    assert judged.interval[0] <= 100 * good / total <= judged.interval[1]


def test_what_is_not_sure_says_how_many_events_are_needed() -> None:
    rule: Any = {"pass": ">= 99.5%", "confidence": "95%"}
    judged = stated(Measurement(good=500, total=500), **rule)
    assert judged.reason == (
        "100 % cannot be judged by '>= 99.5%': with 500 events it lies between 99.403 % and 100 %"
        " at 95 % confidence; 98 more would tell, if the share stays as it is"
    )


def test_an_error_rate_can_be_sure_as_well() -> None:
    limits: Any = {"pass": "< 0.5%", "confidence": 0.95}
    assert stated(Measurement(good=0, total=598), **limits).verdict is Verdict.PASS
    assert stated(Measurement(good=0, total=597), **limits).needed == 1
    assert stated(Measurement(good=20, total=1000), **limits).verdict is Verdict.FAIL


def test_confidence_without_counts_is_an_error() -> None:
    rule: Any = {"pass": ">= 99.5%", "confidence": 0.95}
    judged = stated(Measurement(value=99.9, unit="%"), **rule)
    assert judged.verdict is Verdict.ERROR
    assert judged.reason.startswith("confidence needs counts, but the source gave a value without")


SLOW, FAST = (tuple(base + n for n in range(40)) for base in (200.0, 100.0))
BURNT = (Window("1h", 80, 100), Window("5m", 8, 10))
CALM = (Window("1h", 100, 100), Window("5m", 10, 10))
COMPARED: Any = {"compare": {"tolerance": "20%"}, "unit": "ms"}
BURNING: Any = {"burn": {"objective": "99%", "windows": [["1h", "5m", 14.4]]}}


@pytest.mark.parametrize(
    ("measurement", "raw", "expected", "value"),
    [
        pytest.param(Measurement(values=FAST), COMPARED, "pass", 119.5, id="as fast as before"),
        pytest.param(Measurement(values=SLOW), COMPARED, "fail", 219.5, id="slower"),
        pytest.param(Measurement(), COMPARED, "inconclusive", None, id="no samples"),
        pytest.param(
            Measurement(value=150.0), COMPARED, "inconclusive", 150.0, id="a value, no samples"
        ),
        pytest.param(
            Measurement(value=150.0, values=FAST), COMPARED, "pass", 150.0, id="its own value"
        ),
        pytest.param(
            Measurement(value=0.15, unit="s", values=tuple(v / 1000 for v in FAST)),
            COMPARED,
            "pass",
            150.0,
            id="in another unit",
        ),
        pytest.param(
            Measurement(value=150.0, values=FAST),
            {**COMPARED, "pass": "< 100ms", "warn": "< 200ms"},
            "warn",
            150.0,
            id="with criteria",
        ),
        pytest.param(
            Measurement(value=50.0, values=SLOW),
            {**COMPARED, "pass": "< 100ms", "warn": "< 200ms"},
            "fail",
            50.0,
            id="a warning does not stand in for it",
        ),
        pytest.param(Measurement(windows=CALM), BURNING, "pass", 0.0, id="nothing burns"),
        pytest.param(Measurement(windows=BURNT), BURNING, "fail", 20.0, id="it burns"),
        pytest.param(Measurement(), BURNING, "inconclusive", None, id="no windows"),
        pytest.param(
            Measurement(value=1.0, windows=BURNT),
            {**BURNING, "pass": "== 1"},
            "fail",
            1.0,
            id="it burns whatever the value",
        ),
        pytest.param(
            Measurement(windows=CALM, error="refused"), BURNING, "error", None, id="an error"
        ),
        pytest.param(
            Measurement(values=(NAN, *FAST)), COMPARED, "error", None, id="NaN in samples"
        ),
        pytest.param(
            Measurement(values=(-1.0, *FAST)), COMPARED, "error", None, id="a negative duration"
        ),
        pytest.param(
            Measurement(values=(None, *FAST)),  # type: ignore[arg-type]
            COMPARED,
            "error",
            None,
            id="None in samples",
        ),
    ],
)
def test_samples_and_windows(measurement: Any, raw: Any, expected: str, value: Any) -> None:
    judged = stated(measurement, Baseline(None, FAST, Verdict.PASS), **raw)
    assert (judged.verdict.value, judged.value) == (expected, value)
    assert judged.reason


@pytest.mark.parametrize("damage", [NAN, INF, -1.0, None])
def test_a_damaged_sample_in_the_baseline_never_passes(damage: Any) -> None:
    judged = stated(Measurement(values=FAST), Baseline(1.0, (*FAST, damage)), **COMPARED)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "sample 41 of 41" in judged.reason or "cannot be" in judged.reason


def test_the_reason_of_a_comparison_and_of_a_burn_rate() -> None:
    slow = stated(Measurement(values=SLOW), Baseline(None, FAST), **COMPARED)
    assert slow.reason == (
        "219.5 ms is not within 20% of the baseline's samples"
        " (the median moved by 100 ms, larger in 100% of all pairs)"
    )
    assert (slow.shift, slow.effect) == (100, 1)
    assert stated(Measurement(windows=BURNT), **BURNING).reason == (
        "20 is not at most 14.4 times the error budget over 1h and 5m (20 and 20)"
    )


COUNTS = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LIMITS_IN_PERCENT = st.sampled_from(["50", "90", "99", "99.5"])


@given(COUNTS, LIMITS_IN_PERCENT, LIMITS_IN_PERCENT, st.sampled_from([None, 0.8, 0.95]), st.data())
def test_fewer_good_events_never_make_it_better(
    counts: Any, limit: str, warn: str, confidence: Any, data: Any
) -> None:
    good, total = counts
    rule = {
        "pass": f">= {limit}%",
        "warn": f">= {min(limit, warn, key=float)}%",
        "confidence": confidence,
        "ratchet": {"until": "2026-12-31"},
    }
    red = Baseline(data.draw(st.sampled_from([40.0, 89.0, 99.2])), verdict=Verdict.FAIL)
    judged = read_objective("a", Fields(rule, "a"))
    before, after = (
        judge(judged, Measurement(good=n, total=total), red, date(2026, 7, 1)).verdict
        for n in (good, data.draw(st.integers(0, good)))
    )
    assert SEVERITY[after] >= SEVERITY[before]


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 1e6))
def test_a_larger_value_never_makes_it_better(value: float, more: float, baseline: float) -> None:
    rule: Any = {"pass": {"any": ["< 5", RELATIVE]}, "warn": ["< 50", "<= +50% of baseline"]}
    before, after = (
        stated(Measurement(value=number), Baseline(baseline), **rule).verdict
        for number in (value, value + more)
    )
    assert SEVERITY[after] >= SEVERITY[before]


MANY = st.lists(st.floats(0, 1000), max_size=12).map(tuple)
EVENTS = st.one_of(st.none(), st.just(NAN), st.integers(0, 50))
WINDOWS = st.tuples(*(st.builds(Window, st.just(name), EVENTS, EVENTS) for name in ("1h", "5m")))
WHOLE = st.builds(
    Measurement,
    value=st.one_of(st.none(), st.floats(0, 100)),
    unit=st.sampled_from([None, "s", "ms"]),
    values=MANY,
    windows=WINDOWS,
)
RULES = st.sampled_from(
    [
        {"pass": "< 50ms", "unit": "ms"},
        {"pass": RELATIVE, "warn": "< 90ms", "unit": "ms"},
        {"pass": ANY, "unit": "ms"},
        COMPARED,
        BURNING,
        {**COMPARED, **BURNING, "pass": "< 50ms"},
    ]
)
GONE = st.sampled_from(
    [{"value": None}, {"value": NAN}, {"values": ()}, {"windows": ()}, {"error": "refused"}]
)
YARDSTICKS = st.one_of(st.none(), st.builds(Baseline, st.floats(0, 100), MANY))


@given(WHOLE, RULES, YARDSTICKS, GONE)
def test_taking_data_away_never_makes_a_pass(
    measurement: Measurement, rule: Any, baseline: Any, gone: Any
) -> None:
    good = (Verdict.PASS, Verdict.WARN)
    if stated(replace(measurement, **gone), baseline, **rule).verdict in good:
        assert stated(measurement, baseline, **rule).verdict in good
    if baseline is not None and stated(measurement, None, **rule).verdict is Verdict.PASS:
        assert stated(measurement, baseline, **rule).verdict in (*good, Verdict.FAIL)


@given(st.lists(st.tuples(WHOLE, RULES), max_size=5), st.randoms())
def test_the_order_of_the_objectives_changes_nothing(pairs: Any, order: Any) -> None:
    objectives = [read_objective(str(n), Fields(rule, "")) for n, (_one, rule) in enumerate(pairs)]
    measurements = {str(n): one for n, (one, _rule) in enumerate(pairs)}
    shuffled = order.sample(objectives, len(objectives))
    before, after = (judge_all(them, measurements, {}) for them in (objectives, shuffled))
    assert sorted(before, key=by_name) == sorted(after, key=by_name)
    assert overall(before) is overall(after)


def by_name(judged: Result) -> str:
    return judged.name
