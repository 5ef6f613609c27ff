# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a series rises: the one-sided Mann-Kendall test. Pure.

It asks nothing of the values but that they come one after the other and are independent; one wild
value moves it little. Values that follow each other closely (autocorrelation) look more certain
than they are, so a point should be a mean over an interval, not a single event.

H. B. Mann, Nonparametric tests against trend, Econometrica 13 (1945) 245-259;
M. G. Kendall, Rank Correlation Methods (1975), for ties.
This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Optional, Sequence

#: With fewer points nothing is said. At 8, chance alone can still be told from a trend at 1 %.
FEWEST_POINTS = 8
#: Up to here every order of the values is counted; beyond it a normal distribution is good enough.
EXACT_POINTS = 40


def rise_confidence(values: Sequence[float]) -> Optional[float]:
    """Return how certain it is that the values rise, as a ratio: 1 - p of the one-sided test.

    None if there are too few values, or one of them is no finite number. A series that stays as it
    is or falls is near 0.
    """
    if len(values) < FEWEST_POINTS or not all(map(math.isfinite, values)):
        return None
    exact = len(values) <= EXACT_POINTS
    return 1 - (exact_p(values) if exact else normal_p(values))


def exact_p(values: Sequence[float]) -> float:
    """Return the chance that a random order of these values has no more falling pairs.

    Orders are counted by their falling pairs with Gauss's multinomial coefficient, ties included:
    the product of (1 - q^i) for i to n, divided by the same for each group of ties.
    """
    size = len(values)
    falling = sum(values[j] > values[i] for i in range(size) for j in range(i))
    counts = [1] + [0] * falling  # of orders, by falling pairs; more pairs are never needed
    for factor in range(1, size + 1):
        for pairs in range(falling, factor - 1, -1):
            counts[pairs] -= counts[pairs - factor]
    orders = math.factorial(size)
    for tied in Counter(values).values():
        orders //= math.factorial(tied)
        for factor in range(1, tied + 1):
            for pairs in range(factor, falling + 1):
                counts[pairs] += counts[pairs - factor]
    return sum(counts) / orders


def normal_p(values: Sequence[float]) -> float:
    """Return the same chance from the normal distribution, with ties and continuity corrected."""
    size = len(values)
    rises = sum(
        (values[i] > values[j]) - (values[i] < values[j]) for i in range(size) for j in range(i)
    )
    spread = sum(n * (n - 1) * (2 * n + 5) for n in Counter(values).values())
    variance = (size * (size - 1) * (2 * size + 5) - spread) / 18
    if variance == 0:
        return 1.0
    # P(S >= s): the step before s is the edge, so half of a step (steps are 2 wide) is taken off.
    return 0.5 * math.erfc((rises - 1) / math.sqrt(2 * variance))
