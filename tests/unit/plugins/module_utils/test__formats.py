# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._formats import (
    Stated,
    read_format,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)

SOURCE = {"type": "value", "value": 1}


def keptn(*objectives: Any, **more: Any) -> dict[str, Any]:
    return {
        "spec_version": "1.0",
        "comparison": {"compare_with": "single_result"},
        "objectives": list(objectives),
        "total_score": {"pass": "90%", "warning": "75%"},
        **more,
    }


#: https://github.com/keptn/spec/blob/master/service_level_objective.md, the example at the end
DOCUMENTED = keptn(
    {
        "sli": "response_time_p95",
        "pass": [{"criteria": ["<=+10%", "<600"]}],
        "warning": [{"criteria": ["<=800"]}],
    },
    filter={"mz_id": "4711", "svc_id": "a14b-cd87-0d51"},
    comparison={
        "compare_with": "several_results",
        "include_result_with_score": "pass",
        "number_of_comparison_results": 3,
        "aggregate_function": "avg",
    },
)


def test_the_documented_keptn_file() -> None:
    assert read_format(DOCUMENTED, {"response_time_p95": SOURCE}) == Stated(
        {
            "response_time_p95": {
                "description": None,
                "source": SOURCE,
                "unit": None,
                "pass": {"any": [["<= +10% of baseline", "< 600"]]},
                "warn": {"any": [["<= 800"]]},
                "key": False,
                "weight": 1,
                "dry_run": False,
            }
        },
        {"pass": "90%", "warn": "75%"},
        only_passed=True,
    )


@pytest.mark.parametrize(
    ("criterion", "unit", "ours"),
    [
        pytest.param("<600", None, "< 600", id="a limit"),
        pytest.param("<= 600.5", None, "<= 600.5", id="a limit, with a space and a fraction"),
        pytest.param("=0", None, "== 0", id="equal"),
        pytest.param("<600", "ms", "< 600ms", id="a limit in the indicator's unit"),
        pytest.param("<=+10%", None, "<= +10% of baseline", id="at most 10 % more"),
        pytest.param(">=-8%", "ms", ">= -8% of baseline", id="at most 8 % less"),
        pytest.param("<15%", None, "< +15% of baseline", id="a percentage is always a change"),
        pytest.param("<=+10", None, "<= +10 of baseline", id="at most 10 more"),
        pytest.param(">=-5", "ms", ">= -5ms of baseline", id="at most 5 ms less"),
    ],
)
def test_keptn_criteria(criterion: str, unit: Any, ours: str) -> None:
    file = keptn({"sli": "a", "pass": [{"criteria": [criterion]}]})
    indicator = {**SOURCE, **({"unit": unit} if unit else {})}
    [stated] = read_format(file, {"a": indicator}).objectives.values()
    assert stated["pass"] == {"any": [[ours]]}
    assert (stated["unit"], stated["source"]) == (unit, SOURCE)
    read_objective("a", Fields(stated, "a"))


def test_keptn_sets_are_alternatives_and_no_pass_is_information() -> None:
    sets = [{"criteria": ["<100"]}, {"criteria": ["<200", "<=+5%"]}]
    file = keptn(
        {"sli": "a", "pass": sets, "weight": 2, "key_sli": True, "displayName": "p95"},
        {"sli": "b"},
    )
    stated = read_format(file, {"a": SOURCE, "b": SOURCE})
    assert not stated.only_passed
    a, b = (read_objective(name, Fields(raw, name)) for name, raw in stated.objectives.items())
    assert [[one.text for one in each] for each in a.passes] == [
        ["< 100"], ["< 200", "<= +5% of baseline"],
    ]  # fmt: skip
    assert (a.weight, a.key, a.description, a.dry_run) == (2, True, "p95", False)
    assert (b.passes, b.dry_run) == ((), True)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        pytest.param(keptn({"sli": "new"}), r"indicators\.new is missing: .* source", id="source"),
        pytest.param(keptn({"sli": "a"}, {"sli": "a"}), "earlier objective", id="a name twice"),
        pytest.param(keptn({"sli": "a"}, total_score=None), "total_score is missing", id="total"),
        pytest.param(
            keptn({"sli": "a", "pass": [{"criteria": ["600"]}]}),
            r"objectives\.objectives\[0\]\.pass\[0\]\.criteria\[0\] is '600'",
            id="no comparison",
        ),
        pytest.param(keptn({"sli": "a", "pas": []}), "did you mean pass", id="a typo"),
        pytest.param(keptn({"sli": "a", "pass": "<1"}), "must be a list", id="no list of sets"),
        pytest.param(
            keptn(comparison={"include_result_with_score": "any"}), "must be one of", id="included"
        ),
        pytest.param(keptn(objective=[]), "did you mean objectives", id="a typo at the top"),
    ],
)
def test_what_keptn_would_not_read_is_refused(file: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read_format(file, {"a": SOURCE})


def metric(query: str, kind: str = "Prometheus") -> dict[str, Any]:
    return {"metricSource": {"type": kind, "spec": {"query": query}}}


def openslo(ratio: Any, *objectives: Any, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "web"},
        "spec": {
            "service": "shop",
            "indicator": {"metadata": {"name": "sli"}, "spec": {"ratioMetric": ratio}},
            "timeWindow": [{"duration": "28d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": list(objectives) or [{"target": 0.995}],
            **spec,
        },
    }


GOOD_TOTAL = {"good": metric("g"), "total": metric("t")}


@pytest.mark.parametrize(
    ("ratio", "indicators", "source"),
    [
        pytest.param(
            GOOD_TOTAL, {}, {"type": "prometheus", "good": "g", "total": "t"}, id="good and total"
        ),
        pytest.param(
            {"bad": metric("b"), "total": metric("t")},
            {},
            {"type": "prometheus", "good": "(t) - (b)", "total": "t"},
            id="bad and total",
        ),
        pytest.param(
            {"raw": metric("r"), "rawType": "success"},
            {},
            {"type": "prometheus", "query": "r"},
            id="a ratio of successes",
        ),
        pytest.param(
            {"raw": metric("r"), "rawType": "failure"},
            {},
            {"type": "prometheus", "query": "1 - (r)"},
            id="a ratio of failures",
        ),
        pytest.param(GOOD_TOTAL, {"sli": SOURCE}, SOURCE, id="an indicator of our own"),
        pytest.param(
            {"counter": True, **GOOD_TOTAL}, {"sli": SOURCE}, SOURCE, id="counters, with a source"
        ),
    ],
)
def test_openslo_sources(ratio: Any, indicators: Any, source: Any) -> None:
    stated = read_format(openslo(ratio), indicators).objectives
    assert list(stated) == ["web"]
    assert (stated["web"]["source"], stated["web"]["pass"]) == (source, ">= 99.5%")
    read_objective("web", Fields(stated["web"], "web"))


def test_openslo_objectives() -> None:
    goals = [{"displayName": "inside", "target": 0.999}, {"targetPercent": 99}]
    file = openslo(None, *goals, indicator=None, indicatorRef="elsewhere", description="All well")
    stated = read_format(file, {"elsewhere": SOURCE}).objectives
    assert {name: (one["pass"], one["description"]) for name, one in stated.items()} == {
        "web inside": (">= 99.9%", "inside"),
        "web 2": (">= 99%", "All well"),
    }


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        pytest.param(
            openslo(GOOD_TOTAL, budgetingMethod="Timeslices"), "only Occurrences", id="slices"
        ),
        pytest.param(
            openslo(GOOD_TOTAL, {"target": 0.99, "timeSliceTarget": 0.9}),
            "slices of time cannot be judged",
            id="the target of a slice",
        ),
        pytest.param(
            openslo(None, indicator={"spec": {"thresholdMetric": metric("x")}}),
            "state a ratioMetric",
            id="a threshold",
        ),
        pytest.param(
            openslo({"counter": True, **GOOD_TOTAL}), r"indicators\.sli is missing", id="counters"
        ),
        pytest.param(
            openslo({"good": metric("g", "Datadog"), "total": metric("t")}),
            r"indicators\.sli is missing",
            id="another system",
        ),
        pytest.param(openslo(GOOD_TOTAL, {}), "share of good events", id="no target"),
        pytest.param(openslo(GOOD_TOTAL, {"target": 1}), "below 100%", id="a target of 100 %"),
        pytest.param(openslo(GOOD_TOTAL, {"target": 99.5}), "below 100%", id="a percentage"),
        pytest.param(
            openslo(GOOD_TOTAL, {"target": 0.9, "compositeWeight": 2}), "no such", id="a composite"
        ),
        pytest.param({**openslo(GOOD_TOTAL), "kind": "SLI"}, "must be one of SLO", id="an SLI"),
        pytest.param(
            {**openslo(GOOD_TOTAL), "apiVersion": "openslo/v2"}, "one of openslo/v1", id="version"
        ),
    ],
)
def test_what_openslo_says_and_we_cannot_judge_is_refused(file: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read_format(file, {})


def test_a_plan_of_our_own_is_left_as_it_is() -> None:
    plan = {"spec_version": {"pass": "== 1"}, "apiVersion": {"pass": "== 1"}}
    assert read_format(plan, {}) == Stated(plan)
    with pytest.raises(ShapeError, match="state their source themselves"):
        read_format(plan, {"a": SOURCE})
