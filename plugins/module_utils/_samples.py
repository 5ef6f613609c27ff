# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many samples, and the one value they are judged by.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from statistics import fmean
from typing import Callable, Dict, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

_NAMED: Dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda values: values[-1],
    "mean": fmean,
    "min": min,
    "max": max,
}
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?)")


def read_reduce(fields: Fields, default: Optional[str] = None) -> str:
    """Return how samples become one value, for example 'mean' or 'p95'. Raises ShapeError."""
    raw = fields.raw.get("reduce")
    how = default if raw is None else raw
    match = _PERCENTILE.fullmatch(how) if isinstance(how, str) else None
    named = isinstance(how, str) and how in _NAMED
    if not named and not (match and 0 < Decimal(match[1]) <= 100):
        known = ", ".join(_NAMED)
        raise ShapeError(
            fields.at("reduce"), how, f"it must be {known} or a percentile such as p95"
        )
    return str(how)


def reduce_samples(values: Sequence[float], how: str) -> float:
    """Return the one value of the samples, of which there must be one at least."""
    if how in _NAMED:
        return _NAMED[how](values)
    return percentile(values, how[1:])


def percentile(values: Sequence[float], percent: str) -> float:
    """Return the smallest value that at least `percent` (as text) of the values do not exceed.

    This is the nearest-rank method: of few values it is the largest, never something between.
    """
    # In decimals, because 0.07 * 100 is more than 7 in floats and would be the 8th value.
    return sorted(values)[max(0, math.ceil(Decimal(percent) * len(values) / 100) - 1)]
