# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._judge import Result
from ansible_collections.phased.rollout.plugins.module_utils._score import (
    Total,
    overall,
    read_total,
    score,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._verdict import (
    SEVERITY,
    Verdict,
)

EMPTY = Result(*[None] * len(Result._fields))  # type: ignore[arg-type]
BAD = (Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAIL)


def result(verdict: Any, weight: float = 1, *, key: bool = False, dry_run: bool = False) -> Result:
    return EMPTY._replace(verdict=Verdict(verdict), weight=weight, key=key, dry_run=dry_run)


def results(*pairs: Any) -> list[Result]:
    """Return results with these (verdict, weight) pairs."""
    return [result(verdict, weight) for verdict, weight in pairs]


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


def test_a_dry_run_counts_nowhere() -> None:
    shown = [result("fail", 5, key=True, dry_run=True), result("error", dry_run=True)]
    assert overall(shown) is Verdict.INCONCLUSIVE
    assert score(shown) is None
    assert overall([*shown, result("pass")]) is Verdict.PASS
    assert score([*shown, result("pass")]) == 100


TOTAL = Total(Fraction(90), Fraction(75))


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        pytest.param([], "inconclusive", id="nothing was judged"),
        pytest.param(results(("pass", 9), ("fail", 1)), "pass", id="the limit itself is enough"),
        pytest.param(results(("pass", 0.9), ("fail", 0.1)), "pass", id="also in decimals"),
        pytest.param(results(("pass", 89), ("fail", 11)), "warn", id="just below it"),
        pytest.param(results(("pass", 1), ("warn", 1)), "warn", id="the limit of the warning"),
        pytest.param(results(("pass", 74), ("fail", 26)), "fail", id="below the warning"),
        pytest.param(results(("warn", 1)), "fail", id="warnings alone"),
        pytest.param(
            [result("pass", 99), result("fail", key=True)], "fail", id="a failed key objective"
        ),
        pytest.param(
            [result("pass", 99), result("inconclusive", key=True)],
            "inconclusive",
            id="a key objective that cannot be told",
        ),
        pytest.param(
            [result("pass", 99), result("fail", 0, key=True)],
            "fail",
            id="a failed key objective without weight",
        ),
        pytest.param([result("pass", 99), result("warn", key=True)], "pass", id="a warned key"),
        pytest.param(
            results(("pass", 99), ("inconclusive", 1)), "inconclusive", id="something not told"
        ),
        pytest.param(results(("pass", 99), ("error", 0.01)), "error", id="something not measured"),
        pytest.param(
            results(("pass", 99), ("error", 0), ("inconclusive", 0)), "pass", id="without weight"
        ),
        pytest.param(
            results(("pass", 1), ("fail", 2), ("error", 1)), "fail", id="it could not pass anyhow"
        ),
        pytest.param(results(("pass", 0)), "inconclusive", id="nothing has weight"),
    ],
)
def test_with_a_total_the_score_decides(judged: Any, expected: str) -> None:
    assert overall(judged, TOTAL).value == expected
    assert overall(judged[::-1], TOTAL).value == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param({"pass": "90%", "warn": "75%"}, TOTAL, id="as in Keptn"),
        pytest.param({"pass": " 92.5 %"}, Total(Fraction(185, 2)), id="without a warning"),
    ],
)
def test_read_total(raw: Any, expected: Any) -> None:
    assert read_total(raw) == expected


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({}, r"total\.pass is missing", id="nothing"),
        pytest.param({"pass": 90}, "must be a percentage", id="90 of what"),
        pytest.param({"pass": "0%"}, "above 0%", id="what always holds"),
        pytest.param({"pass": "101%"}, "must be a percentage", id="what never holds"),
        pytest.param({"pass": "nan%"}, "must be a percentage", id="no number"),
        pytest.param({"pass": "75%", "warn": "90%"}, "not be above", id="the wrong way round"),
        pytest.param({"pass": "75%", "wran": "90%"}, "did you mean warn", id="a typo"),
    ],
)
def test_a_total_that_makes_no_sense_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read_total(raw)


RESULTS = st.lists(
    st.builds(
        result,
        st.sampled_from(Verdict),
        st.floats(0, 100),
        key=st.booleans(),
        dry_run=st.booleans(),
    ),
    max_size=6,
)
TOTALS = st.one_of(st.none(), st.just(TOTAL))


@given(RESULTS, TOTALS)
def test_adding_a_failed_key_objective_always_fails(judged: Any, total: Any) -> None:
    assert overall([*judged, result("fail", 0, key=True)], total) is Verdict.FAIL


@given(RESULTS, TOTALS)
def test_nothing_with_weight_passes_untold(judged: Any, total: Any) -> None:
    if overall(judged, total) in (Verdict.PASS, Verdict.WARN):
        counted = [one for one in judged if not one.dry_run]
        assert counted
        for one in counted:
            if one.weight > 0 or one.key:
                assert one.verdict not in (Verdict.INCONCLUSIVE, Verdict.ERROR)


@given(RESULTS, TOTALS, st.integers(0, 5), st.sampled_from(Verdict))
def test_a_worse_verdict_never_makes_the_whole_better(
    judged: Any, total: Any, place: int, worse: Verdict
) -> None:
    if place >= len(judged) or SEVERITY[worse] <= SEVERITY[judged[place].verdict]:
        return
    after = [*judged]
    after[place] = judged[place]._replace(verdict=worse)
    before_verdict, after_verdict = overall(judged, total), overall(after, total)
    if before_verdict not in (Verdict.PASS, Verdict.WARN):
        assert after_verdict not in (Verdict.PASS, Verdict.WARN)


@given(RESULTS, TOTALS, st.randoms())
def test_the_order_changes_nothing(judged: Any, total: Any, order: Any) -> None:
    shuffled = order.sample(judged, len(judged))
    assert overall(shuffled, total) is overall(judged, total)
    assert score(shuffled) == score(judged)


@given(RESULTS)
def test_the_score_lies_between_0_and_100(judged: Any) -> None:
    reached = score(judged)
    assert reached is None or (math.isfinite(reached) and 0 <= reached <= 100)
