# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import statistics
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu  # type: ignore[import-untyped]

from ansible_collections.phased.rollout.plugins.module_utils._ranks import (
    FEWEST_APPROXIMATED,
    compare_ranks,
    median_shift,
)

WHOLE = st.lists(st.integers(0, 30), min_size=FEWEST_APPROXIMATED, max_size=40)
APART = st.lists(st.integers(0, 10**6), min_size=2, max_size=36, unique=True)


def decimals(values: Any) -> list[Decimal]:
    return [Decimal(value) for value in values]


@given(WHOLE, WHOLE)
def test_with_ties_it_is_scipy_s_approximation(new: Any, old: Any) -> None:
    ties = len({*new, *old}) < len(new) + len(old)
    if not ties or len({*new, *old}) == 1:
        return
    ranks = compare_ranks(decimals(new), decimals(old))
    for found, alternative in ((ranks.p_less, "less"), (ranks.p_greater, "greater")):
        theirs = mannwhitneyu(new, old, alternative=alternative, method="asymptotic")
        assert found == pytest.approx(theirs.pvalue, abs=1e-12)
        assert ranks.effect == pytest.approx(theirs.statistic / len(new) / len(old))


@given(APART, st.integers(1, 20))
def test_without_ties_few_samples_are_counted_out(values: Any, cut: int) -> None:
    new, old = values[: min(cut, len(values) - 1)], values[min(cut, len(values) - 1) :]
    ranks = compare_ranks(decimals(new), decimals(old))
    for found, alternative in ((ranks.p_less, "less"), (ranks.p_greater, "greater")):
        theirs = mannwhitneyu(new, old, alternative=alternative, method="exact")
        assert found == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        pytest.param([0] * 50, [0] * 50, id="nothing but zeros"),
        pytest.param([7] * 50, [7] * 50, id="nothing but the same"),
        pytest.param([1, 1, 2], [5, 5, 6], id="few, with ties"),
        pytest.param([1], [2, 2], id="one against two"),
    ],
)
def test_what_cannot_be_told_has_no_small_probability(new: Any, old: Any) -> None:
    ranks = compare_ranks(decimals(new), decimals(old))
    assert (ranks.p_less, ranks.p_greater) == (1, 1)


@pytest.mark.parametrize(
    ("new", "old", "effect"),
    [
        pytest.param([1, 2], [1, 2], 0.5, id="equal"),
        pytest.param([3, 4], [1, 2], 1, id="always larger"),
        pytest.param([1, 2], [3, 4], 0, id="never larger"),
        pytest.param([1, 1], [1, 0], 0.75, id="ties count half"),
    ],
)
def test_effect(new: Any, old: Any, effect: float) -> None:
    assert compare_ranks(decimals(new), decimals(old)).effect == effect


@given(WHOLE, WHOLE)
def test_the_shift_is_the_median_of_all_differences(new: Any, old: Any) -> None:
    differences = sorted(one - other for one in new for other in old)
    shift, interval = median_shift(new, old, 0.95)
    assert shift == statistics.median(differences)
    if interval is not None:
        assert interval[0] <= shift <= interval[1]
        assert {*interval} <= {*differences}


@given(WHOLE, WHOLE, st.integers(1, 1000))
def test_the_shift_moves_with_the_samples(new: Any, old: Any, more: int) -> None:
    shift, interval = median_shift(new, old, 0.95)
    moved, moved_interval = median_shift([value + more for value in new], old, 0.95)
    assert moved == shift + more
    assert (interval is None) == (moved_interval is None)
    if interval is not None and moved_interval is not None:
        assert moved_interval == (interval[0] + more, interval[1] + more)


def test_the_bounds_hold_the_truth_as_often_as_they_say() -> None:
    """The bounds of 10 against 10: the 24th smallest and largest of 100 differences.

    Hollander and Wolfe, table of U: P(U <= 23) = 0.0216, P(U <= 24) = 0.0262.
    """
    new, old = list(range(0, 100, 10)), list(range(1, 101, 10))
    differences = sorted(one - other for one in new for other in old)
    _shift, interval = median_shift(new, old, 0.975)
    assert interval == (differences[23], differences[-24])


def test_two_samples_have_no_bounds() -> None:
    assert median_shift([1, 2], [3, 4], 0.95) == (-2, None)
