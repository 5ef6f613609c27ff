# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths of time that a database can reckon with, read and shown. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

SHOWN_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
#: A hundred years: what is longer was not meant, and no timestamp lies that far back.
LONGEST_SECONDS = 36500 * 86400
#: Timestamps know no smaller time than this.
SHORTEST_SECONDS = 1e-6


def duration(fields: Fields, key: str) -> Optional[float]:
    """Return the seconds under a key, None if there is nothing. Raises ShapeError."""
    if fields.raw.get(key) is None:
        return None
    seconds = read_duration(fields, key)
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise ShapeError(
            fields.at(key), fields.raw[key], "it must be between a microsecond and 100 years"
        )
    return seconds


def show_duration(seconds: float) -> str:
    """Return a length of time in the largest unit that takes it as a whole number."""
    for unit, worth in SHOWN_SECONDS.items():
        if seconds >= worth and seconds % worth == 0:
            return f"{seconds / worth:.0f}{unit}"
    return f"{seconds:g}s"
