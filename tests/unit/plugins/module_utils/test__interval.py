# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta  # type: ignore[import-untyped]

from ansible_collections.phased.rollout.plugins.module_utils._interval import (
    MOST_EVENTS,
    beta_distribution,
    events_needed,
    share_bounds,
)

COUNTS = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CONFIDENCES = st.sampled_from([0.8, 0.95, 0.99])


@given(COUNTS, CONFIDENCES)
def test_the_bounds_are_those_of_clopper_and_pearson(counts: Any, confidence: float) -> None:
    good, total = counts
    lower = beta.ppf(1 - confidence, good, total - good + 1) if good else 0
    upper = beta.ppf(confidence, good + 1, total - good) if good < total else 1
    assert share_bounds(good, total, confidence) == pytest.approx((lower, upper), abs=1e-9)


@given(st.floats(0, 1), st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_the_beta_distribution_is_that_of_scipy(x: float, a: float, b: float) -> None:
    assert beta_distribution(x, a, b) == pytest.approx(beta.cdf(x, a, b), abs=1e-9)


@given(COUNTS, CONFIDENCES)
def test_the_share_lies_between_its_bounds(counts: Any, confidence: float) -> None:
    good, total = counts
    lower, upper = share_bounds(good, total, confidence)
    assert 0 <= lower <= good / total <= upper <= 1
    assert lower < upper


@given(COUNTS, CONFIDENCES)
def test_one_good_event_fewer_lowers_both_bounds(counts: Any, confidence: float) -> None:
    good, total = counts
    if good:
        fewer, more = (share_bounds(n, total, confidence) for n in (good - 1, good))
        assert fewer[0] < more[0]
        assert fewer[1] < more[1]


def test_more_events_than_can_be_counted_give_bounds_that_are_wider_not_narrower() -> None:
    lower, upper = share_bounds(9.95e11, 1e12, 0.95)
    assert lower < beta.ppf(0.05, 9.95e11, 5e9 + 1) < 0.995
    assert upper > beta.ppf(0.95, 9.95e11 + 1, 5e9) > 0.995
    assert (lower, upper) == share_bounds(0.995 * MOST_EVENTS, MOST_EVENTS, 0.95)


@pytest.mark.parametrize(
    ("good", "total", "limit", "needed"),
    [
        pytest.param(1, 1, 0.99, 298, id="99 % needs 299 without an error"),
        pytest.param(1, 1, 0.995, 597, id="99.5 % needs 598 without an error"),
        pytest.param(1, 1, 0.998, 1496, id="99.8 % needs 1497 without an error"),
        pytest.param(597, 597, 0.995, 1, id="one is missing"),
        pytest.param(995, 1000, 0.995, None, id="a share at the limit never leaves it"),
        pytest.param(1, 1, 1, None, id="100 % is never sure"),
        pytest.param(0, 1, 0.5, 4, id="a share below the limit is shown to be below"),
        pytest.param(50_001, 100_000, 0.5, None, id="out of reach"),
    ],
)
def test_events_needed(good: float, total: float, limit: float, needed: Any) -> None:
    assert events_needed(good, total, limit, 0.95) == needed


@given(COUNTS, st.floats(0.01, 0.99))
def test_what_is_needed_is_enough(counts: Any, limit: float) -> None:
    good, total = counts
    needed = events_needed(good, total, limit, 0.95)
    if needed is not None:
        after = total + needed
        lower, upper = share_bounds(good / total * after, after, 0.95)
        assert not lower + 1e-9 < limit < upper - 1e-9
