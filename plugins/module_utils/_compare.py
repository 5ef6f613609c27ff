# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing the samples of a measurement with those of its baseline: option `compare`.

The new samples pass if they are shown to be smaller than the old ones plus the tolerance, fail if
they are shown to be larger, and are inconclusive otherwise. Kayenta passes what it cannot tell
apart, such as too few samples: https://github.com/spinnaker/kayenta/issues/799.
This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import NormalDist
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._ranks import (
    Ranks,
    compare_ranks,
    median_shift,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._units import (
    Unit,
    read_share,
    show,
)


class Compare(NamedTuple):
    """How much larger the new samples may be, and how sure that must be.

    tolerance: the change that is allowed, as a ratio. confidence: of each of the two answers.
    effect: the part of all pairs in which the new sample may be the larger one, or None.
    """

    tolerance: Decimal
    confidence: float
    effect: Optional[Decimal] = None


class Compared(NamedTuple):
    """The findings, with how far the median moved, its bounds, and the effect size."""

    findings: List[Finding]
    shift: Optional[float] = None
    interval: Optional[Tuple[float, float]] = None
    effect: Optional[float] = None


def read_compare(fields: Fields) -> Compare:
    """Return the comparison that the fields state. Raises ShapeError."""
    fields.only("tolerance", "confidence", "effect")
    stated = fields.raw.get("effect") is not None
    return Compare(
        tolerance=read_share(fields, "tolerance"),
        confidence=float(read_share(fields, "confidence", above=0.5, below=1, default="98%")),
        effect=read_share(fields, "effect", above=0.5, below=1) if stated else None,
    )


def not_compared(rule: Compare, why: str) -> Compared:
    """Return that nothing can be told, and why."""
    return Compared([Finding(_text(rule), None, why_open=why)])


def compare(rule: Compare, new: Sequence[Decimal], old: Sequence[Decimal], unit: Unit) -> Compared:
    """Return what the comparison came to; the samples are in base units, unit is to be shown."""
    if not new or not old:
        whose = "the measurement" if not new else "the baseline"
        return not_compared(rule, f"{whose} holds no samples, and both must")
    ranks = compare_ranks(new, old)
    shift, interval = median_shift(
        [float(value / unit.factor) for value in new],
        [float(value / unit.factor) for value in old],
        rule.confidence,
    )
    detail = f"{_moved(shift, unit)}, larger in {ranks.effect:.0%} of all pairs"
    findings = [_within_tolerance(rule, new, old, detail)]
    if rule.effect is not None:
        findings.append(_within_effect(rule, rule.effect, ranks, min(len(new), len(old))))
    return Compared(findings, shift, interval, ranks.effect)


def _within_tolerance(
    rule: Compare, new: Sequence[Decimal], old: Sequence[Decimal], detail: str
) -> Finding:
    allowed = compare_ranks(new, [value * (1 + rule.tolerance) for value in old])
    wrong, shown = 1 - rule.confidence, f"{_text(rule)} ({detail})"
    if min(allowed.p_less, allowed.p_greater) <= wrong:
        return Finding(_text(rule), allowed.p_less <= wrong, shown)
    needed = _needed(allowed, rule.confidence, min(len(new), len(old)))
    more = (
        f"about {needed} more on either side would tell, if the difference stays as it is"
        if needed
        else "no number of samples would tell, if the difference stays as it is"
    )
    why = (
        f"{len(new)} samples against {len(old)} ({detail}) do not show it"
        f" with {rule.confidence:.4g} confidence; {more}"
    )
    return Finding(_text(rule), None, shown, why, needed)


def _needed(ranks: Ranks, confidence: float, samples: int) -> Optional[int]:
    """Return about how many more samples would tell: z grows with the root of their number."""
    if not ranks.z:
        return None
    wanted = samples * (NormalDist().inv_cdf(confidence) / ranks.z) ** 2
    return max(1, math.ceil(wanted - samples)) if wanted < 1e9 else None


def _within_effect(rule: Compare, limit: Decimal, ranks: Ranks, samples: int) -> Finding:
    """Return whether the effect size is at most the limit, by the bound of Hoeffding (1963, 5.7).

    It is wider than need be, but holds for every distribution and number of samples.
    """
    text = f"larger than the baseline's in at most {float(limit):.4g} of all pairs"
    margin = -math.log(1 - rule.confidence) / 2
    away = abs(ranks.effect - float(limit))
    detail, shown = f"{ranks.effect:.4g}", f"{text} ({ranks.effect:.4g})"
    if away * away * samples >= margin:
        return Finding(text, ranks.effect < limit, shown)
    needed = math.ceil(margin / away**2) - samples if away > 1e-4 else None
    why = f"it is {detail}, and {samples} samples do not tell that from the limit"
    return Finding(text, None, shown, f"{why}; {needed} more would" if needed else why, needed)


def _text(rule: Compare) -> str:
    return f"within {float(100 * rule.tolerance):g}% of the baseline's samples"


def _moved(shift: float, unit: Unit) -> str:
    if not shift:
        return "the median is the same"
    return f"the median moved by {show(shift, unit)}"
