# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `ratchet`: what was red from the start may stay so until a date, but not get worse.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._criteria import Criterion
from ansible_collections.phased.rollout.plugins.module_utils._finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._reading import Reading
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._units import show
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict


class Ratchet(NamedTuple):
    """until: the last day, in UTC, on which being no worse than the baseline is a warning."""

    until: date

    def excuse(
        self,
        missed: Sequence[Finding],
        reading: Reading,
        baseline: Optional[Baseline],
        today: date,
    ) -> Excuse:
        """Return whether what was missed, or not surely met, is excused today, and why or why not.

        A red baseline is what a ratchet is for; only one that could not be told is no use.
        """
        if today > self.until:
            return Excuse(False, f" (its ratchet ended on {self.until})")
        if baseline is None or baseline.value is None or not math.isfinite(baseline.value):
            return Excuse(False, " (its ratchet has no baseline)")
        if baseline.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR):
            return Excuse(False, f" (its ratchet's baseline was {baseline.verdict.value})")
        known = [
            (miss.criterion, miss.limit)
            for miss in missed
            if miss.criterion is not None and miss.limit is not None
        ]
        if len(known) < len(missed):
            return Excuse(False, "")  # it is not known what would be no worse
        before = Decimal(repr(baseline.value)) * reading.unit.factor
        than = f"its baseline ({show(baseline.value, reading.unit)})"
        if not all(_no_worse(*limit, reading.base, before) for limit in known):
            return Excuse(False, f", and worse than {than}")
        return Excuse(True, f", but no worse than {than}: red, and may be until {self.until}")


class Excuse(NamedTuple):
    """Whether a miss is excused, and the words to add to its reason."""

    holds: bool
    words: str


def read_ratchet(fields: Fields) -> Ratchet:
    """Return the ratchet that the fields state. Raises ShapeError."""
    fields.only("until")
    raw = fields.raw.get("until")
    try:
        return Ratchet(date.fromisoformat(str(raw)))
    except ValueError:
        needed = "it must be the last day of the ratchet, such as 2026-12-31"
        raise ShapeError(fields.at("until"), raw, needed) from None


def _no_worse(criterion: Criterion, limit: Decimal, now: Decimal, before: Decimal) -> bool:
    if criterion.better_sign:
        return (now - before) * criterion.better_sign >= 0
    return abs(now - limit) <= abs(before - limit)
