# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._judge import judge
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

LAST_DAY = date(2026, 12, 31)
RED = Baseline(99.1, verdict=Verdict.FAIL)


def run(measurement: Any, baseline: Any, today: Any = LAST_DAY, **raw: Any) -> Any:
    stated = {"pass": ">= 99.5%", "unit": "%", "ratchet": {"until": "2026-12-31"}, **raw}
    if not isinstance(measurement, Measurement):
        measurement = Measurement(value=measurement)
    return judge(read_objective("a", Fields(stated, "a")), measurement, baseline, today)


@pytest.mark.parametrize(
    ("value", "baseline", "raw", "expected"),
    [
        pytest.param(99.6, RED, {}, "pass", id="green is green"),
        pytest.param(99.2, RED, {}, "warn", id="red, but better than before"),
        pytest.param(99.1, RED, {}, "warn", id="red, just as before"),
        pytest.param(99.0, RED, {}, "fail", id="red, and worse"),
        pytest.param(99.2, None, {}, "fail", id="no baseline"),
        pytest.param(99.2, Baseline(), {}, "fail", id="a baseline without a value"),
        pytest.param(99.2, Baseline(float("nan")), {}, "fail", id="a baseline that is NaN"),
        pytest.param(99.2, Baseline(float("-inf")), {}, "fail", id="an infinite baseline"),
        pytest.param(99.2, RED._replace(verdict=None), {}, "warn", id="a bare number"),
        pytest.param(
            99.2, RED._replace(verdict=Verdict.ERROR), {}, "fail", id="a baseline in error"
        ),
        pytest.param(None, RED, {}, "inconclusive", id="no data is not excused"),
        pytest.param(float("nan"), RED, {}, "inconclusive", id="NaN is not excused"),
        pytest.param(101.0, RED, {}, "error", id="nor is nonsense"),
        pytest.param(0.8, Baseline(0.9), {"pass": "< 0.5%"}, "warn", id="less is better"),
        pytest.param(1.0, Baseline(0.9), {"pass": "< 0.5%"}, "fail", id="more is worse"),
        pytest.param(48.0, Baseline(47.0), {"pass": "== 50%"}, "warn", id="nearer to the limit"),
        pytest.param(54.0, Baseline(47.0), {"pass": "== 50%"}, "fail", id="further from it"),
        pytest.param(
            99.2, RED, {"pass": ["> 99.5%", "< 99.1%"]}, "fail", id="better in one way only"
        ),
        pytest.param(
            Measurement(good=991, total=1000), RED, {"confidence": 0.95}, "warn", id="not sure yet"
        ),
        pytest.param(
            99.2,
            RED,
            {"compare": {"tolerance": "10%"}},
            "fail",
            id="a comparison that is open is no excuse",
        ),
    ],
)
def test_until_its_day(value: Any, baseline: Any, raw: Any, expected: str) -> None:
    assert run(value, baseline, **raw).verdict.value == expected


def test_it_says_that_it_is_red_and_until_when() -> None:
    judged = run(99.2, RED)
    assert judged.criterion == ">= 99.5%"
    assert judged.reason == (
        "99.2 % is not >= 99.5%, but no worse than its baseline (99.1 %):"
        " red, and may be until 2026-12-31"
    )
    assert run(99.0, RED).reason == "99 % is not >= 99.5%, and worse than its baseline (99.1 %)"
    assert run(99.2, None).reason == "99.2 % is not >= 99.5% (its ratchet has no baseline)"


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        pytest.param(date(2026, 1, 1), "warn", id="long before"),
        pytest.param(LAST_DAY, "warn", id="the last day"),
        pytest.param(date(2027, 1, 1), "fail", id="the day after"),
        pytest.param(None, "fail", id="no date"),
    ],
)
def test_it_ends(today: Any, expected: str) -> None:
    assert run(99.2, RED, today).verdict.value == expected


def test_after_its_day_it_says_so() -> None:
    judged = run(99.2, RED, date(2027, 1, 1))
    assert judged.reason == "99.2 % is not >= 99.5% (its ratchet ended on 2026-12-31)"


def test_samples_that_are_slower_are_not_excused() -> None:
    new, old = tuple(200.0 + n for n in range(20)), tuple(100.0 + n for n in range(20))
    stated = {"pass": "< 100ms", "unit": "ms", "compare": {"tolerance": "10%"}}
    judged = run(Measurement(value=150.0, values=new), Baseline(160.0, old), **stated)
    assert judged.verdict is Verdict.FAIL
    assert "worse than its baseline" not in judged.reason
