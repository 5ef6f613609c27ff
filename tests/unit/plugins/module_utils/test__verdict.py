# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict, worst

VERDICTS = st.lists(st.sampled_from(Verdict))
ORDER = ["pass", "warn", "inconclusive", "error", "fail"]


def test_the_order_is_best_to_worst() -> None:
    assert [verdict.value for verdict in Verdict] == ORDER


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        pytest.param([], "inconclusive", id="judging nothing is inconclusive"),
        pytest.param(["pass", "pass"], "pass", id="all passed"),
        pytest.param(["pass", "warn"], "warn", id="a warning is not lost"),
        pytest.param(
            ["warn", "inconclusive"], "inconclusive", id="no data is worse than a warning"
        ),
        pytest.param(["error", "inconclusive"], "error", id="an error is worse than no data"),
        pytest.param(["error", "fail", "pass"], "fail", id="a failure is the worst"),
    ],
)
def test_worst(verdicts: list[str], expected: Any) -> None:
    assert worst([Verdict(verdict) for verdict in verdicts]) == Verdict(expected)


@given(VERDICTS, VERDICTS)
def test_worst_does_not_depend_on_the_order(left: list[Verdict], right: list[Verdict]) -> None:
    assert worst(left + right) == worst(right + left)


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.sampled_from(Verdict))
def test_one_more_verdict_never_makes_it_better(verdicts: list[Verdict], more: Verdict) -> None:
    before, after = worst(verdicts), worst([*verdicts, more])
    assert ORDER.index(after.value) >= ORDER.index(before.value)
    assert after in (before, more)


@given(VERDICTS)
def test_pass_means_that_all_passed_and_something_did(verdicts: list[Verdict]) -> None:
    passed = bool(verdicts) and all(verdict is Verdict.PASS for verdict in verdicts)
    assert (worst(verdicts) is Verdict.PASS) == passed
