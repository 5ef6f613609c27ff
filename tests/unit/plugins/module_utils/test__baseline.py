# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._baseline import (
    Baseline,
    read_baselines,
    trusted,
)
from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    NoBaselineError,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("0.5", Baseline(0.5), id="a number as a text"),
        pytest.param(3, Baseline(3.0), id="a number"),
        pytest.param({"value": 3}, Baseline(3.0), id="a value"),
        pytest.param(
            {"value": "3", "samples": [1, "2.5"], "verdict": "warn"},
            Baseline(3.0, (1.0, 2.5), Verdict.WARN),
            id="samples and a verdict",
        ),
        pytest.param({"value": None, "samples": None, "verdict": None}, Baseline(), id="nothing"),
    ],
)
def test_read_baselines(raw: Any, expected: Baseline) -> None:
    assert read_baselines({"a": raw, "b": None}) == {"a": expected}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param("12ms", r"baselines\.a is '12ms': it must be a number", id="a duration"),
        pytest.param({"value": "x"}, r"baselines\.a\.value is 'x'", id="no number"),
        pytest.param({"samples": [1, None]}, r"samples\[1\] is missing", id="a missing sample"),
        pytest.param({"samples": 5}, "must be a list of numbers", id="one sample"),
        pytest.param({"verdict": "good"}, "must be one of pass, warn", id="no verdict"),
        pytest.param({"valeu": 5}, "did you mean value", id="a typo"),
    ],
)
def test_what_makes_no_sense_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read_baselines({"a": raw})


@pytest.mark.parametrize("verdict", [None, Verdict.PASS, Verdict.WARN])
def test_a_baseline_that_passed_is_trusted(verdict: Any) -> None:
    assert trusted(Baseline(5.0, (), verdict)) == Baseline(5.0, (), verdict)
    assert trusted(None) is None


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAIL])
def test_a_baseline_that_did_not_is_not(verdict: Verdict) -> None:
    with pytest.raises(NoBaselineError, match=f"was {verdict.value}, so it is no yardstick"):
        trusted(Baseline(5.0, (), verdict))
