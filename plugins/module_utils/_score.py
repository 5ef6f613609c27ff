# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One verdict and one score for many results.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Iterable, List, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._judge import Result
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)
from ansible_collections.phased.rollout.plugins.module_utils._verdict import (
    SEVERITY,
    Verdict,
    worst,
)

#: Keptn's rule: the part of its weight that an objective brings.
CREDIT = {Verdict.PASS: Fraction(1), Verdict.WARN: Fraction(1, 2)}


class Total(NamedTuple):
    """The scores, from 0 to 100, that are a pass and, where there is one, a warning."""

    passes: Fraction
    warns: Optional[Fraction] = None


def read_total(raw: Any, path: str = "total") -> Optional[Total]:
    """Return the total that was stated, None if there is none. Raises ShapeError."""
    if raw is None:
        return None
    fields = Fields(raw, path)
    fields.only("pass", "warn")
    stated = fields.raw.get("warn") is not None
    total = Total(_percent(fields, "pass"), _percent(fields, "warn") if stated else None)
    if total.warns is not None and total.warns > total.passes:
        raise ShapeError(fields.at("warn"), raw["warn"], "it must not be above that of pass")
    return total


def _percent(fields: Fields, key: str) -> Fraction:
    """Return the percentage under a key. Raises ShapeError."""
    raw = fields.raw.get(key)
    try:
        text = str(raw).strip()
        number = Fraction(text[:-1]) if text.endswith("%") else Fraction(-1)
    except (ValueError, ZeroDivisionError):
        number = Fraction(-1)
    if not 0 < number <= 100:
        raise ShapeError(fields.at(key), raw, "it must be a percentage above 0%, such as '90%'")
    return number


def score(results: Iterable[Result]) -> Optional[float]:
    """Return how much was reached, 0 to 100, by Keptn's rule; None if nothing has weight.

    Each objective brings its weight for pass, half of it for warn, nothing otherwise; one on a
    dry run is left out.
    https://github.com/keptn/spec/blob/master/service_level_objective.md
    """
    reached = _reached(_counted(results))
    return None if reached is None else float(reached)


def overall(results: Iterable[Result], total: Optional[Total] = None) -> Verdict:
    """Return the verdict on all, inconclusive if there is nothing to judge.

    Without a total it is the worst one. With a total the score decides, unless a key objective
    failed or could not be told, or anything with weight could not be told: what was not measured
    cannot be outweighed by what was.
    """
    counted = _counted(results)
    if total is None:
        return worst(result.verdict for result in counted)
    decisive = [result.verdict for result in counted if result.key and _is_bad(result.verdict)]
    weighed = [result for result in counted if result.weight > 0]
    untold = [r.verdict for r in weighed if r.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)]
    best = [r._replace(verdict=Verdict.PASS) if r.verdict in untold else r for r in weighed]
    by_score = _by_score(_reached(best), total)
    if by_score is Verdict.FAIL or not untold:
        return worst([*decisive, by_score])
    return worst([*decisive, *untold])


def _by_score(reached: Optional[Fraction], total: Total) -> Verdict:
    if reached is None:
        return Verdict.INCONCLUSIVE
    if reached >= total.passes:
        return Verdict.PASS
    return Verdict.WARN if total.warns is not None and reached >= total.warns else Verdict.FAIL


def _counted(results: Iterable[Result]) -> List[Result]:
    return [result for result in results if not result.dry_run]


def _reached(results: List[Result]) -> Optional[Fraction]:
    """Return the score, exactly; None if nothing has weight."""
    weight = reached = Fraction(0)
    for result in results:
        own = Fraction(repr(float(result.weight)))
        weight += own
        reached += own * CREDIT.get(result.verdict, Fraction(0))
    return 100 * reached / weight if weight else None


def _is_bad(verdict: Verdict) -> bool:
    return SEVERITY[verdict] >= SEVERITY[Verdict.INCONCLUSIVE]
