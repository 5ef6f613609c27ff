# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._trend import (
    EXACT_POINTS,
    FEWEST_POINTS,
    exact_p,
    normal_p,
    rise_confidence,
)

FEW = st.lists(st.integers(0, 4), min_size=1, max_size=7)
MANY = st.lists(st.integers(-9, 9), min_size=FEWEST_POINTS, max_size=EXACT_POINTS + 20)


def score(values: tuple[float, ...]) -> int:
    """Return Mann's S by its definition."""
    pairs = itertools.combinations(values, 2)
    return sum((later > earlier) - (later < earlier) for earlier, later in pairs)


def by_trying_all_orders(values: list[float]) -> float:
    """Return the part of all orders whose S is at least as high."""
    own = score(tuple(values))
    orders = [score(order) >= own for order in itertools.permutations(values)]
    return sum(orders) / len(orders)


@settings(deadline=None, max_examples=60)
@given(FEW)
def test_the_exact_chance_is_that_of_trying_all_orders(values: list[float]) -> None:
    assert exact_p(values) == pytest.approx(by_trying_all_orders(values), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "p"),
    [
        # Kendall (1975), table 1: P(S >= s) for n = 8 and n = 10 without ties.
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8], 1 / math.factorial(8), id="all 8 rise"),
        pytest.param([2, 1, 3, 4, 5, 6, 7, 8], 8 / math.factorial(8), id="all but one pair"),
        pytest.param([4, 1, 2, 3, 8, 5, 6, 7], 0.031, id="S = 16 of 8"),
        pytest.param([1, 7, 2, 9, 3, 4, 5, 10, 6, 8], 0.036, id="S = 21 of 10"),
        pytest.param([8, 7, 6, 5, 4, 3, 2, 1], 1.0, id="all fall"),
        pytest.param([5] * 8, 1.0, id="all the same"),
        pytest.param([0] * 4 + [1] * 8, 1 / 495, id="two groups of ties"),
    ],
)
def test_the_exact_chance_is_as_printed(values: list[float], p: float) -> None:
    assert exact_p(values) == pytest.approx(p, abs=0.0005 if p in (0.031, 0.036) else 1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=30, max_size=EXACT_POINTS))
def test_the_normal_distribution_is_near_the_exact_chance(values: list[float]) -> None:
    if len(set(values)) > 5:
        assert normal_p(values) == pytest.approx(exact_p(values), abs=0.01)


@settings(deadline=None)
@given(MANY)
def test_only_the_order_of_the_values_counts(values: list[float]) -> None:
    stretched = [math.exp(value) for value in values]
    assert rise_confidence(values) == rise_confidence(stretched)


@settings(deadline=None)
@given(MANY)
def test_a_series_and_its_mirror_do_not_both_rise(values: list[float]) -> None:
    rises, falls = rise_confidence(values), rise_confidence([-value for value in values])
    assert rises is not None
    assert falls is not None
    assert 0 <= rises <= 1
    assert rises + falls <= 1 + 1e-9


@settings(deadline=None)
@given(MANY, st.integers(0, 10_000))
def test_a_higher_last_value_never_makes_it_less_certain(values: list[float], more: int) -> None:
    raised = [*values[:-1], max(values) + 1 + more]
    before, after = rise_confidence(values), rise_confidence(raised)
    assert before is not None
    assert after is not None
    # Ties that go away widen the normal distribution a little.
    assert after >= before - 0.02


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="nothing"),
        pytest.param(list(range(FEWEST_POINTS - 1)), id="one too few"),
        pytest.param([*range(FEWEST_POINTS), math.nan], id="not a number"),
        pytest.param([*range(FEWEST_POINTS), math.inf], id="infinity"),
    ],
)
def test_nothing_is_said_without_enough_numbers(values: list[float]) -> None:
    assert rise_confidence(values) is None


@pytest.mark.parametrize("size", [FEWEST_POINTS, EXACT_POINTS, EXACT_POINTS + 1, 500])
def test_what_stays_the_same_does_not_rise(size: int) -> None:
    assert rise_confidence([1.5] * size) == 0


@pytest.mark.parametrize("size", [12, 60])
def test_chance_seldom_looks_like_a_rise(size: int) -> None:
    chance = random.Random(4)
    shown = sum(
        (rise_confidence([chance.random() for _point in range(size)]) or 0) >= 0.95
        for _series in range(1000)
    )
    assert 30 <= shown <= 70
