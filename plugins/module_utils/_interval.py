# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a counted share can be trusted: exact binomial bounds (Clopper and Pearson, 1934).

Each bound is one-sided: with `confidence` the true share is not beyond it. Counts may be fractions,
as rates over a window are. This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from typing import Optional, Tuple

#: More events than this count as this many at the same share: the bounds are then a little wider
#: than they need be, never narrower, and take milliseconds.
MOST_EVENTS = 1e7
_TINY, _CLOSE = 1e-300, 1e-15


def share_bounds(good: float, total: float, confidence: float) -> Tuple[float, float]:
    """Return the lower and the upper bound of a share, as ratios.

    good, total: events, 0 <= good <= total, total above 0. confidence: of each bound, in (0, 1).
    """
    good, total = _within_reach(good, total)
    lower = 0.0 if good <= 0 else _beta_quantile(1 - confidence, good, total - good + 1)
    upper = 1.0 if good >= total else _beta_quantile(confidence, good + 1, total - good)
    return lower, upper


def events_needed(good: float, total: float, limit: float, confidence: float) -> Optional[int]:
    """Return how many more events separate the share from limit, if it stays as it is.

    None if no number within reach does, as when the share is the limit.
    """
    share = good / total
    if share == limit or not 0 < limit < 1 or total >= MOST_EVENTS:
        return None
    start, few, many = total, 0, 1
    while not _separated(share, start + many, limit, confidence):
        few, many = many, 2 * many
        if start + many > MOST_EVENTS:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        if _separated(share, start + middle, limit, confidence):
            many = middle
        else:
            few = middle
    return many


def _separated(share: float, total: float, limit: float, confidence: float) -> bool:
    """Return whether limit lies beyond the bound on its side of the share."""
    good = share * total
    if share > limit:
        return beta_distribution(limit, good, total - good + 1) <= 1 - confidence
    return beta_distribution(1 - limit, total - good, good + 1) <= 1 - confidence


def _within_reach(good: float, total: float) -> Tuple[float, float]:
    return (good, total) if total <= MOST_EVENTS else (good / total * MOST_EVENTS, MOST_EVENTS)


def beta_distribution(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), for a, b above 0.

    By the continued fraction of DLMF 8.17.22, on the side where it converges fast.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _below(1 - x, b, a)
    return _below(x, a, b)


def _below(x: float, a: float, b: float) -> float:
    return x * (1 - x) * _density(x, a, b) * _fraction(x, a, b) / a


def _density(x: float, a: float, b: float) -> float:
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_beta)


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction, by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value, m = d, 0
    while True:
        m += 1
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or _TINY)
            c = (1 + term / c) or _TINY
            value *= c * d
        if abs(c * d - 1) < _CLOSE or m > 100_000:
            return value


def _beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the x with I_x(a, b) = probability: Newton's method, kept inside a bracket."""
    low, high, x = 0.0, 1.0, a / (a + b)
    for _step in range(200):
        excess = beta_distribution(x, a, b) - probability
        if excess > 0:
            high = x
        else:
            low = x
        slope = _density(x, a, b) if 0 < x < 1 else 0.0
        following = x - excess / slope if slope > 0 else (low + high) / 2
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - x) <= _CLOSE * x or following in (low, high):
            return following
        x = following
    return x
