# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing two sets of samples by rank, whatever their distribution.

Mann and Whitney (1947) for whether one is larger, Hodges and Lehmann (1963) for by how much.
This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, Optional, Sequence, Tuple

#: Up to so many pairs the distribution of U is counted out, if no two samples are equal.
EXACT_PAIRS = 400
#: With fewer samples on a side the normal approximation says nothing.
FEWEST_APPROXIMATED = 8


class Ranks(NamedTuple):
    """How new samples compare with old ones.

    effect: the common language effect size, the part of all pairs in which the new sample is the
    larger one, ties counting half; 0.5 is equal. p_less, p_greater: how probable at least this is
    if the new samples are not smaller, or not larger. z: distance from equal, in deviations.
    """

    effect: float
    p_less: float
    p_greater: float
    z: float


def compare_ranks(new: Sequence[Decimal], old: Sequence[Decimal]) -> Ranks:
    """Return how the new samples rank among the old ones, neither being empty.

    Two probabilities of 1 mean that nothing can be told: too few samples, or all of them equal.
    """
    pairs, ordered = len(new) * len(old), sorted(old)
    twice = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in new)
    ties = [count for count in Counter([*new, *old]).values() if count > 1]
    deviation = _deviation(len(new), len(old), ties)
    z = (twice / 2 - pairs / 2) / deviation if deviation else 0.0
    if not ties and pairs <= EXACT_PAIRS:
        p_less = _at_most(twice // 2, len(new), len(old))
        p_greater = _at_most(pairs - twice // 2, len(new), len(old))
    elif deviation and min(len(new), len(old)) >= FEWEST_APPROXIMATED:
        half = 0.5 / deviation  # the correction for U being a whole number
        p_less, p_greater = _normal_at_most(z + half), _normal_at_most(half - z)
    else:
        p_less = p_greater = 1.0
    return Ranks(twice / 2 / pairs, p_less, p_greater, z)


def median_shift(
    new: Sequence[float], old: Sequence[float], confidence: float
) -> Tuple[float, Optional[Tuple[float, float]]]:
    """Return the median of all differences new - old, and its bounds if there are enough samples.

    confidence: of each bound.
    """
    pairs, ordered = len(new) * len(old), sorted(old)
    middle = (
        _difference(new, ordered, (pairs + 1) // 2) + _difference(new, ordered, pairs // 2 + 1)
    ) / 2
    outside = _pairs_outside(len(new), len(old), confidence)
    if outside < 1:
        return middle, None
    low = _difference(new, ordered, outside)
    return middle, (low, _difference(new, ordered, pairs - outside + 1))


def _deviation(new: int, old: int, ties: Sequence[int]) -> float:
    """Return the standard deviation of U, corrected for ties; 0 if all samples are equal."""
    both = new + old
    tied = sum(count**3 - count for count in ties) / (both * (both - 1))
    return math.sqrt(max(0.0, new * old / 12 * (both + 1 - tied)))


def _normal_at_most(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


@lru_cache(maxsize=64)
def _ways(new: int, old: int) -> Tuple[int, ...]:
    """Return in how many orders of the samples U is 0, 1, 2, ...: the Gaussian binomials."""
    size = new * old + 1
    ways = [1] + [0] * (size - 1)
    for step in range(1, new + 1):
        for u in range(size - 1, old + step - 1, -1):
            ways[u] -= ways[u - old - step]
        for u in range(step, size):
            ways[u] += ways[u - step]
    return tuple(ways)


def _at_most(u: int, new: int, old: int) -> float:
    """Return the exact probability of a U of at most u between equal distributions."""
    return sum(_ways(new, old)[: u + 1]) / math.comb(new + old, new)


def _pairs_outside(new: int, old: int, confidence: float) -> int:
    """Return which smallest difference is the lower bound of the shift; below 1 is none."""
    if new * old <= EXACT_PAIRS:
        outside = 0
        while _at_most(outside, new, old) <= 1 - confidence:
            outside += 1
        return outside
    z = NormalDist().inv_cdf(confidence)
    return math.floor(new * old / 2 - z * _deviation(new, old, ()))


def _difference(new: Sequence[float], old: Sequence[float], rank: int) -> float:
    """Return the rank-th smallest difference new - old without forming all; old is sorted."""
    low, high = min(new) - old[-1], max(new) - old[0]
    for _halving in range(64):
        middle = (low + high) / 2
        if sum(len(old) - bisect_left(old, value - middle) for value in new) >= rank:
            high = middle
        else:
            low = middle
    # The differences next to the end of the search; rounding may put it on either side of one.
    near = (
        value - other
        for value in new
        for place in (bisect_left(old, value - high),)
        for other in old[max(0, place - 1) : place + 1]
    )
    return min(near, key=lambda difference: abs(difference - high))
