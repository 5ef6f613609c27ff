# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging: a pure function of objective, measurement, baseline and date. No data never passes.

The order of the criteria: pass if one alternative of `pass` holds, else warn if one of `warn`
does, else fail. `compare` and `burn` must hold with either. A criterion that cannot be compared
leaves the outcome open unless another one decides it. This module util is PRIVATE to the
collection.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._baseline import (
    Baseline,
    trusted,
)
from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    Criterion,
    NoBaselineError,
)
from ansible_collections.phased.rollout.plugins.module_utils._evidence import (
    Evidence,
    Interval,
    read_evidence,
)
from ansible_collections.phased.rollout.plugins.module_utils._finding import (
    Finding,
    first_that_holds,
    left_open,
    misses,
    texts,
)
from ansible_collections.phased.rollout.plugins.module_utils._interval import (
    events_needed,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    CriteriaSet,
    Objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._reading import (
    NoDataError,
    Reading,
    UnusableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._units import Unit, UnitError, show
from ansible_collections.phased.rollout.plugins.module_utils._verdict import (
    SEVERITY,
    Verdict,
)

NOT_MEASURED = Measurement(error="it was not measured")


class Result(NamedTuple):
    """What one objective came to, with the evidence. None is absent; floats are finite."""

    name: str
    verdict: Verdict
    value: Optional[float]
    unit: Optional[str]
    criterion: Optional[str]
    baseline: Optional[float]
    samples: Optional[int]
    good: Optional[float]
    total: Optional[float]
    interval: Optional[Interval]
    shift: Optional[float]
    effect: Optional[float]
    needed: Optional[int]
    seconds: Optional[float]
    asked: Optional[str]
    reason: str
    description: Optional[str]
    key: bool
    weight: float
    dry_run: bool


class _Decision(NamedTuple):
    verdict: Verdict
    criterion: Optional[str]
    reason: str
    needed: Optional[int] = None


def judge(
    objective: Objective,
    measurement: Measurement,
    baseline: Optional[Baseline] = None,
    today: Optional[date] = None,
) -> Result:
    """Return the result for one objective; baseline is in the unit of the result.

    today: the date in UTC; without it no ratchet applies.
    """
    evidence = None
    try:
        evidence = read_evidence(objective, measurement, baseline)
        decision = _decide(objective, evidence, baseline, today)
    except NoDataError as exc:
        decision = _Decision(Verdict.INCONCLUSIVE, None, str(exc))
    except (UnusableError, UnitError) as exc:
        decision = _Decision(Verdict.ERROR, None, str(exc))
    reading = evidence.reading if evidence else None
    unit = reading.unit if reading else objective.unit
    note = measurement.note if reading else None
    return Result(
        objective.name,
        decision.verdict,
        reading.value if reading else None,
        (unit.symbol or None) if unit else measurement.unit,
        decision.criterion,
        _finite(baseline.value) if baseline else None,
        measurement.samples,
        _finite(measurement.good),
        _finite(measurement.total),
        evidence.interval if evidence else None,
        evidence.shift if evidence else None,
        evidence.effect if evidence else None,
        decision.needed,
        measurement.seconds,
        measurement.asked,
        f"{decision.reason} ({note})" if note else decision.reason,
        objective.description,
        objective.key,
        objective.weight,
        objective.dry_run,
    )


def judge_all(
    objectives: Sequence[Objective],
    measurements: Mapping[str, Measurement],
    baselines: Mapping[str, Baseline],
    today: Optional[date] = None,
) -> List[Result]:
    """Return the results, worst first, otherwise in the given order."""
    results = [
        judge(
            objective,
            measurements.get(objective.name, NOT_MEASURED),
            baselines.get(objective.name),
            today,
        )
        for objective in objectives
    ]
    return sorted(results, key=lambda result: -SEVERITY[result.verdict])


def as_dict(result: Result) -> Dict[str, Any]:
    """Return the result with every key, ready for JSON."""
    interval = None if result.interval is None else list(result.interval)
    return {**result._asdict(), "verdict": result.verdict.value, "interval": interval}


def _decide(
    objective: Objective,
    evidence: Evidence,
    baseline: Optional[Baseline],
    today: Optional[date],
) -> _Decision:
    # All criteria are compared before any decides: a unit that does not fit is an error on the
    # first day, not on the day the warning is needed.
    passes = _findings(objective, objective.passes, evidence, baseline)
    warns = _findings(objective, objective.warns, evidence, baseline)
    if not passes and evidence.besides:
        passes = [list(evidence.besides)]
    if not passes:
        shown = _shown(evidence.reading)
        return _Decision(Verdict.INCONCLUSIVE, None, f"{shown}, but no pass criterion is stated")
    met = first_that_holds(passes)
    if met is not None:
        return _Decision(Verdict.PASS, texts(met), _reason(evidence.reading, [], met))
    missed, unsure = misses(passes), left_open(passes)
    decision = _below_pass(evidence.reading, missed, unsure, warns)
    if objective.ratchet is None or today is None or decision.verdict is Verdict.WARN:
        return decision
    if not all(finding.holds for finding in evidence.besides):
        return decision  # samples and burn rates say themselves what is too bad
    excuse = objective.ratchet.excuse([*missed, *unsure], evidence.reading, baseline, today)
    return decision._replace(
        verdict=Verdict.WARN if excuse.holds else decision.verdict,
        reason=decision.reason + excuse.words,
    )


def _below_pass(
    reading: Reading,
    missed: Sequence[Finding],
    unsure: Sequence[Finding],
    warns: Sequence[Sequence[Finding]],
) -> _Decision:
    """Return the decision where no alternative of `pass` is known to hold.

    What surely meets `warn` is a warning, even if more events might show it to be a pass: else it
    would be better to have a lower share. It is no stand-in for a limit that is not known.
    """
    met = first_that_holds(warns)
    if met is not None and all(finding.limit is not None for finding in unsure):
        reason = _reason(reading, missed, met, unsure)
        return _Decision(Verdict.WARN, texts(met), reason, _most_needed(unsure))
    still_open = unsure or left_open(warns)
    if still_open:
        named = texts(still_open)
        why = f"{_shown(reading)} cannot be judged by '{named}': {still_open[0].why_open}"
        return _Decision(Verdict.INCONCLUSIVE, named, why, _most_needed(still_open))
    return _Decision(Verdict.FAIL, texts(missed), _reason(reading, missed, []))


def _most_needed(findings: Sequence[Finding]) -> Optional[int]:
    return max([one.needed for one in findings if one.needed is not None], default=None)


def _findings(
    objective: Objective,
    alternatives: Sequence[CriteriaSet],
    evidence: Evidence,
    baseline: Optional[Baseline],
) -> List[List[Finding]]:
    found = []
    for criteria in alternatives:
        findings = [_find(objective, criterion, evidence, baseline) for criterion in criteria]
        findings += evidence.besides
        found.append(findings)
    return found


def _find(
    objective: Objective, criterion: Criterion, evidence: Evidence, baseline: Optional[Baseline]
) -> Finding:
    value = None
    try:
        if criterion.relative:
            yardstick = trusted(baseline, objective.yardsticks)
            value = yardstick.value if yardstick else None
        limit, shown = _limit(criterion, evidence.reading.unit, value)
    except NoBaselineError as exc:
        return Finding(criterion.text, None, why_open=str(exc))
    if objective.confidence is not None:
        return _find_surely(criterion, limit, objective.confidence, evidence)
    holds = criterion.holds(evidence.reading.base, limit)
    return Finding(criterion.text, holds, shown, "", None, criterion, limit)


@lru_cache(maxsize=1024)
def _limit(criterion: Criterion, unit: Unit, baseline: Optional[float]) -> Tuple[Decimal, str]:
    """Return the limit in base units, and the criterion with its limit in numbers.

    It is the same for all that is measured, so it is worked out once.
    Raises UnitError, NoBaselineError.
    """
    limit = criterion.limit(unit, baseline)
    if not criterion.relative:
        return limit, criterion.text
    return limit, f"{criterion.text} ({show(float(limit / unit.factor), unit)})"


def _find_surely(
    criterion: Criterion, limit: Decimal, confidence: float, evidence: Evidence
) -> Finding:
    """Return whether the whole interval, and not only the value in it, meets the limit."""
    unit, interval = evidence.reading.unit, evidence.interval or (0, 1)
    lower, upper = (Decimal(repr(bound)) * unit.factor for bound in interval)
    worst, best = (lower, upper) if criterion.better_sign > 0 else (upper, lower)
    between = " and ".join(show(float(f"{bound:.5g}"), unit) for bound in interval)
    detail = f"between {between} at {100 * confidence:g} % confidence"
    shown = f"{criterion.text} ({detail})"
    if criterion.holds(worst, limit):
        return Finding(criterion.text, True, shown, "", None, criterion, limit)
    if not criterion.holds(best, limit):
        return Finding(criterion.text, False, shown, "", None, criterion, limit)
    good, total = evidence.counted
    needed = events_needed(good, total, float(limit), confidence)
    more = f"{needed} more" if needed else "no number of further events"
    why = f"with {total:g} events it lies {detail}; {more} would tell, if the share stays as it is"
    return Finding(criterion.text, None, shown, why, needed, criterion, limit)


def _reason(
    reading: Reading,
    missed: Sequence[Finding],
    met: Sequence[Finding],
    unsure: Sequence[Finding] = (),
) -> str:
    """Return the outcome in words: the value, the limits it missed, the limits it met."""
    against = [f"not {one.shown}" for one in missed] + [f"not surely {one.text}" for one in unsure]
    said = f" is {' and '.join(against)}" if against else ""
    if met:
        said += (", but is " if said else " is ") + " and ".join([one.shown for one in met])
    return _shown(reading) + said


def _shown(reading: Reading) -> str:
    return show(reading.value, reading.unit)


def _finite(value: Optional[float]) -> Optional[float]:
    return value if value is not None and math.isfinite(value) else None
