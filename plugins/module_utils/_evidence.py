# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement says about its objective, before any criterion is asked.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._baseline import (
    Baseline,
    trusted,
)
from ansible_collections.phased.rollout.plugins.module_utils._burn import burn_findings
from ansible_collections.phased.rollout.plugins.module_utils._compare import (
    Compare,
    Compared,
    compare,
    not_compared,
)
from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    NoBaselineError,
)
from ansible_collections.phased.rollout.plugins.module_utils._finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._interval import (
    share_bounds,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import Objective
from ansible_collections.phased.rollout.plugins.module_utils._reading import (
    Reading,
    UnusableError,
    read_burn_rate,
    read_measurement,
    read_middle,
    read_samples,
    to_base,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement

Interval = Tuple[float, float]


class Evidence(NamedTuple):
    """What a measurement says: its reading, and what must hold besides the criteria.

    interval: of the value, if the objective states a confidence, else of the shift.
    """

    reading: Reading
    counted: Tuple[float, float] = (0, 0)
    besides: Tuple[Finding, ...] = ()
    interval: Optional[Interval] = None
    shift: Optional[float] = None
    effect: Optional[float] = None


def read_evidence(
    objective: Objective, measurement: Measurement, baseline: Optional[Baseline]
) -> Evidence:
    """Return what the measurement says. Raises NoDataError, UnusableError."""
    if objective.compare is None and objective.burn is None:
        reading = read_measurement(measurement, objective.unit)
        if objective.confidence is None:
            return Evidence(reading)
        return _counted(objective.confidence, measurement, reading)
    if measurement.error is not None:
        raise UnusableError(measurement.error)
    besides: List[Finding] = []
    compared, burned = Compared([]), None
    if objective.compare:
        compared = _compared(objective.compare, objective, measurement, baseline)
        besides += compared.findings
    if objective.burn:
        findings, burned = burn_findings(objective.burn, measurement.windows)
        besides += findings
    if objective.passes or objective.warns:
        reading = read_measurement(measurement, objective.unit)
    elif objective.compare:
        reading = read_middle(measurement, objective.unit)
    else:
        reading = read_burn_rate(burned)
    return Evidence(
        reading,
        besides=tuple(besides),
        interval=compared.interval,
        shift=compared.shift,
        effect=compared.effect,
    )


def _counted(confidence: float, measurement: Measurement, reading: Reading) -> Evidence:
    """Return a counted share with its bounds, in the unit of its reading. Raises UnusableError."""
    good, total = measurement.good, measurement.total
    if good is None or total is None:
        raise UnusableError(
            "confidence needs counts, but the source gave a value without them; let it give good"
            " and total, or leave the confidence out"
        )
    per_unit = float(1 / reading.unit.factor)
    lower, upper = share_bounds(good, total, confidence)
    return Evidence(reading, (good, total), interval=(lower * per_unit, upper * per_unit))


def _compared(
    rule: Compare,
    objective: Objective,
    measurement: Measurement,
    baseline: Optional[Baseline],
) -> Compared:
    new, unit = read_samples(measurement, objective.unit)
    try:
        yardstick = trusted(baseline, objective.yardsticks)
    except NoBaselineError as exc:
        return not_compared(rule, str(exc))
    if yardstick is None:
        return not_compared(rule, "there is no baseline to compare with")
    try:
        old = to_base(yardstick.samples, unit, unit)
    except UnusableError as exc:
        return not_compared(rule, f"the baseline cannot be used: {exc}")
    return compare(rule, new, old, unit)
