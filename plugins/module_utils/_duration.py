# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people write them: 30s, 5m, 1h30m, or a number of seconds.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
import re

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

#: What the units of a duration are worth.
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
#: A hundred years: what is longer was not meant.
LONGEST_SECONDS = 36500 * 86400
#: A duration that states its units, as a regular expression.
WITH_UNITS = r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+"
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def read_duration(fields: Fields, key: str) -> float:
    """Return the seconds that stand under a key, more than 0. Raises ShapeError."""
    raw = fields.raw.get(key)
    seconds = _seconds(raw)
    if not 0 < seconds < math.inf:
        raise ShapeError(fields.at(key), raw, "it must be a duration above 0, such as 30s or 1h30m")
    return seconds


def whole_seconds(raw: object) -> int:
    """Return the seconds of a duration that states its units, 1 to LONGEST_SECONDS.

    A bare number is none: who writes 48 where hours are usual means hours. Raises ValueError,
    saying what would be right.
    """
    stated = isinstance(raw, str) and re.fullmatch(WITH_UNITS, raw.strip())
    seconds = _seconds(raw) if stated else math.nan
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise ValueError("write a number and s, m, h, d or w, as 48h or 1h30m")
    return round(seconds)


def _seconds(raw: object) -> float:
    """Return the seconds, NaN if it is no duration."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        return math.nan
    text = str(raw).strip()
    if re.fullmatch(WITH_UNITS, text):
        return sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        return float(text)
    except ValueError:
        return math.nan
