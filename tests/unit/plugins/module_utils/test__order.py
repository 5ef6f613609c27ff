# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from itertools import combinations, permutations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._order import EXACT, Order

Risks = dict[tuple[int, int], int]


def both(*pairs: tuple[int, int]) -> Risks:
    """The pairs in conflict, either way the same risk."""
    return {**dict.fromkeys(pairs, 1), **{(b, a): 1 for a, b in pairs}}


@pytest.mark.parametrize(
    ("needs", "risks", "expected", "to_resolve"),
    [
        pytest.param({}, {}, [0, 1, 2, 3], 0, id="without conflicts it is the plan's"),
        pytest.param({}, both((1, 2)), [0, 1, 2, 3], 1, id="one conflict is met in any order"),
        pytest.param(
            {}, both((0, 1), (0, 2), (0, 3)), [1, 2, 3, 0], 1, id="what conflicts with all is last"
        ),
        pytest.param(
            {1: {0}}, both((0, 1), (0, 2), (0, 3)), [2, 3, 0, 1], 2, id="unless others need it"
        ),
        pytest.param(
            {}, {(0, 1): 5, (1, 0): 1}, [1, 0, 2, 3], 1, id="of two ways, the less risky one"
        ),
        pytest.param({0: {3}}, {}, [1, 2, 3, 0], 0, id="a change comes after what it needs"),
    ],
)
def test_best(
    needs: dict[int, set[int]], risks: Risks, expected: list[int], to_resolve: int
) -> None:
    order = Order(4, needs, risks)
    assert order.best() == expected
    assert order.cost(expected)[0] == to_resolve


@pytest.mark.parametrize("seed", range(60))
def test_no_order_is_better_than_the_best(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randint(2, 6)
    needs = {n: {m for m in range(n) if chance.random() < 0.2} for n in range(count)}
    risks = {}
    for one, other in combinations(range(count), 2):
        if chance.random() < 0.5:
            risks[one, other], risks[other, one] = chance.randint(1, 5), chance.randint(1, 5)
    order = Order(count, needs, risks)
    allowed = [
        list(p)
        for p in permutations(range(count))
        if all(needs[n] <= set(p[:place]) for place, n in enumerate(p))
    ]
    assert order.best() in allowed
    assert order.cost(order.best()) == min(order.cost(p) for p in allowed)


def test_many_changes_in_conflict_still_have_an_order() -> None:
    count = EXACT * 3
    needs = {n: {n - 1} for n in range(2, count, 5)}
    star = both(*((0, n) for n in range(1, count)))
    best = Order(count, needs, star).best()
    assert sorted(best) == list(range(count))
    assert best[-1] == 0
    assert all(best.index(n - 1) < best.index(n) for n in needs)
