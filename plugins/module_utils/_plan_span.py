# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that meet a criterion, as ranges that can be compared. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._criteria import Criterion
from ansible_collections.phased.rollout.plugins.module_utils._units import PLAIN, Unit

_ENDLESS = Decimal("Infinity")
#: The end of a range: a value, and -1 just below it, 0 at it, 1 just above it.
End = Tuple[Decimal, int]


class Scale(NamedTuple):
    """What the numbers of a range count; only those of one scale can be compared.

    dimension: of the unit, "" for multiples. baseline: what they are relative to, None if they are
    not.
    """

    dimension: str
    baseline: Optional[str] = None


class Span(NamedTuple):
    """All values from low to high, both included."""

    low: End = (-_ENDLESS, 0)
    high: End = (_ENDLESS, 0)

    @property
    def empty(self) -> bool:
        """Return whether there is no such value."""
        return self.low > self.high

    def within(self, other: Span) -> bool:
        """Return whether the other one has all values of this one."""
        return other.low <= self.low and self.high <= other.high

    def both(self, other: Span) -> Span:
        """Return the values that are in both."""
        return Span(max(self.low, other.low), min(self.high, other.high))

    def gap(self, other: Span) -> bool:
        """Return whether there are values between the two, or one at which they almost meet."""
        lower, upper = sorted((self, other))
        if lower.high[0] != upper.low[0]:
            return lower.high[0] < upper.low[0]
        return upper.low[1] - lower.high[1] > 1


Spans = Dict[Scale, Span]


def possible(scale: Scale, measured: Optional[Unit]) -> Span:
    """Return the values that there can be on a scale; measured: the unit, if it is known."""
    if scale.baseline is not None:
        return Span()
    if scale.dimension == "share":
        return Span((Decimal(0), 0), (Decimal(1), 0))
    signed = scale.dimension == PLAIN.dimension and (measured is None or measured == PLAIN)
    return Span() if signed else Span(low=(Decimal(0), 0))


def spans(
    criteria: Sequence[Sequence[Criterion]], measured: Optional[Unit], baseline: str
) -> Spans:
    """Return by scale the values that meet the criteria, nothing if there are alternatives.

    baseline: what relative criteria compare with; those with different ones cannot be compared.
    """
    found: Spans = {}
    for criterion in criteria[0] if len(criteria) == 1 else ():
        scale = _scale(criterion, measured, baseline)
        found[scale] = found.get(scale, Span()).both(_span(criterion))
    return found


def in_common(one: Spans, other: Spans) -> List[Tuple[Span, Span]]:
    """Return the spans of both on each scale that both have."""
    return [(one[scale], other[scale]) for scale in one if scale in other]


def looser(one: Spans, other: Spans) -> bool:
    """Return whether `one` takes all values that the other one takes, and more."""
    return any(b.within(a) and a != b for a, b in in_common(one, other))


def _scale(criterion: Criterion, measured: Optional[Unit], baseline: str) -> Scale:
    unit = criterion.unit
    if criterion.relative:
        return Scale("" if unit is None else unit.dimension, baseline)
    if unit is None or unit == PLAIN:
        unit = measured or PLAIN  # zero is the same in every unit
    return Scale(unit.dimension)


def _span(criterion: Criterion) -> Span:
    factor = criterion.unit.factor if criterion.unit is not None else Decimal(1)
    at, below, above = ((criterion.number * factor, side) for side in (0, -1, 1))
    return {
        "<": Span(high=below),
        "<=": Span(high=at),
        ">": Span(low=above),
        ">=": Span(low=at),
        "==": Span(at, at),
    }[criterion.op]
