# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging: a pure function of objective, measurement and baseline. No data never passes.

The order of the criteria: pass if all of `pass` hold, else warn if all of `warn` hold, else fail.
A criterion that cannot be compared leaves the outcome open unless another one decides it.
This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    Criterion,
    NoBaselineError,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import Objective
from ansible_collections.phased.rollout.plugins.module_utils._reading import (
    NoDataError,
    Reading,
    UnusableError,
    read_measurement,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._units import UnitError, show
from ansible_collections.phased.rollout.plugins.module_utils._verdict import (
    SEVERITY,
    Verdict,
    worst,
)

#: Keptn's rule: the part of its weight that an objective brings.
CREDIT = {Verdict.PASS: 1.0, Verdict.WARN: 0.5}


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
    seconds: Optional[float]
    asked: Optional[str]
    reason: str
    description: Optional[str]
    key: bool
    weight: float


class _Decision(NamedTuple):
    verdict: Verdict
    criterion: Optional[str]
    reason: str


class _Comparison(NamedTuple):
    """A criterion on a reading. holds is None, and open_because says why, if it cannot be told."""

    criterion: Criterion
    holds: Optional[bool]
    limit: Optional[Decimal] = None
    open_because: str = ""


def judge(objective: Objective, measurement: Measurement, baseline: Optional[float]) -> Result:
    """Return the result for one objective; baseline is in the unit of the result."""
    reading = None
    try:
        reading = read_measurement(measurement, objective.unit)
        decision = _decide(objective, reading, baseline)
    except NoDataError as exc:
        decision = _Decision(Verdict.INCONCLUSIVE, None, str(exc))
    except (UnusableError, UnitError) as exc:
        decision = _Decision(Verdict.ERROR, None, str(exc))
    unit = reading.unit if reading else objective.unit
    note = measurement.note if reading else None
    return Result(
        name=objective.name,
        verdict=decision.verdict,
        value=reading.value if reading else None,
        unit=unit.symbol or None if unit else measurement.unit,
        criterion=decision.criterion,
        baseline=_finite(baseline),
        samples=measurement.samples,
        good=_finite(measurement.good),
        total=_finite(measurement.total),
        seconds=measurement.seconds,
        asked=measurement.asked,
        reason=f"{decision.reason} ({note})" if note else decision.reason,
        description=objective.description,
        key=objective.key,
        weight=objective.weight,
    )


def judge_all(
    objectives: Sequence[Objective],
    measurements: Mapping[str, Measurement],
    baselines: Mapping[str, Optional[float]],
) -> List[Result]:
    """Return the results, worst first, otherwise in the given order."""
    results = [
        judge(
            objective,
            measurements.get(objective.name, Measurement(error="it was not measured")),
            baselines.get(objective.name),
        )
        for objective in objectives
    ]
    return sorted(results, key=lambda result: -SEVERITY[result.verdict])


def overall(results: Sequence[Result]) -> Verdict:
    """Return the verdict on all: the worst one, so a failed key objective always decides."""
    return worst(result.verdict for result in results)


def score(results: Sequence[Result]) -> Optional[float]:
    """Return how much was reached, 0 to 100, by Keptn's rule; None if nothing has weight.

    Each objective brings its weight for pass, half of it for warn, nothing otherwise.
    https://github.com/keptn/spec/blob/master/service_level_objective.md
    """
    weight = sum(result.weight for result in results)
    if not 0 < weight < math.inf:
        return None
    reached = sum(result.weight * CREDIT.get(result.verdict, 0.0) for result in results)
    return 100 * reached / weight


def as_dict(result: Result) -> Dict[str, Any]:
    """Return the result with every key, ready for JSON."""
    return {**result._asdict(), "verdict": result.verdict.value}


def _decide(objective: Objective, reading: Reading, baseline: Optional[float]) -> _Decision:
    # Both lists are compared in full before either decides: a unit that does not fit is an error
    # on the first day, not on the day the warning is needed.
    passes = [_compare(criterion, reading, baseline) for criterion in objective.passes]
    warns = [_compare(criterion, reading, baseline) for criterion in objective.warns]
    if not passes:
        return _Decision(
            Verdict.INCONCLUSIVE, None, f"{_shown(reading)}, but no pass criterion is stated"
        )
    for verdict, comparisons in ((Verdict.PASS, passes), (Verdict.WARN, warns)):
        outcome = _all_hold(comparisons)
        if outcome is None:
            return _left_open(comparisons, reading)
        if outcome:
            misses = _misses(passes)
            return _Decision(
                verdict, _texts(comparisons), _reason(reading, misses, met=comparisons)
            )
    misses = _misses(passes)
    return _Decision(Verdict.FAIL, _texts(misses), _reason(reading, misses, met=[]))


def _compare(criterion: Criterion, reading: Reading, baseline: Optional[float]) -> _Comparison:
    try:
        limit = criterion.limit(reading.unit, baseline)
    except NoBaselineError as exc:
        return _Comparison(criterion, None, open_because=str(exc))
    return _Comparison(criterion, criterion.holds(reading.base, limit), limit)


def _all_hold(comparisons: Sequence[_Comparison]) -> Optional[bool]:
    """Return whether all hold; False for none at all; None if it cannot be told."""
    outcomes = [comparison.holds for comparison in comparisons]
    if not outcomes or False in outcomes:
        return False
    return None if None in outcomes else True


def _misses(comparisons: Sequence[_Comparison]) -> List[_Comparison]:
    return [comparison for comparison in comparisons if comparison.holds is False]


def _left_open(comparisons: Sequence[_Comparison], reading: Reading) -> _Decision:
    left = [comparison for comparison in comparisons if comparison.holds is None]
    return _Decision(
        Verdict.INCONCLUSIVE,
        _texts(left),
        f"{_shown(reading)} cannot be judged by '{_texts(left)}': {left[0].open_because}",
    )


def _reason(reading: Reading, misses: Sequence[_Comparison], *, met: Sequence[_Comparison]) -> str:
    """Return the outcome in words: the value, the limits it missed, the limits it met."""
    parts = []
    if misses:
        parts.append("is not " + " and not ".join(_limit(miss, reading) for miss in misses))
    if met:
        parts.append("is " + " and ".join(_limit(one, reading) for one in met))
    return f"{_shown(reading)} {', but '.join(parts)}"


def _limit(comparison: _Comparison, reading: Reading) -> str:
    """Return the criterion as written, with its limit in numbers if that is relative."""
    criterion, limit = comparison.criterion, comparison.limit
    if criterion.unit is not None or limit is None:
        return criterion.text
    return f"{criterion.text} ({show(float(limit / reading.unit.factor), reading.unit)})"


def _shown(reading: Reading) -> str:
    return show(reading.value, reading.unit)


def _texts(comparisons: Sequence[_Comparison]) -> str:
    return " and ".join(comparison.criterion.text for comparison in comparisons)


def _finite(value: Optional[float]) -> Optional[float]:
    return value if value is not None and math.isfinite(value) else None
