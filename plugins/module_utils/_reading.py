# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement says: one possible value in the objective's unit, or why there is none.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._units import (
    PLAIN,
    Unit,
    UnitError,
    possible_range,
    show,
    unit_named,
)


class NoDataError(Exception):
    """There is nothing to judge."""


class UnusableError(Exception):
    """There is an answer, but it was not measured well enough to be judged."""


class Reading(NamedTuple):
    """A value that can be judged: as shown in its unit, and exactly in the base unit."""

    value: float
    unit: Unit
    base: Decimal


def read_measurement(measurement: Measurement, stated: Optional[Unit]) -> Reading:
    """Return the reading, in the stated unit if there is one.

    Raises NoDataError if there is no value, UnusableError if it could not be measured, cannot be
    true, or is in a unit that does not convert to the stated one.
    """
    if measurement.error is not None:
        raise UnusableError(measurement.error)
    value, symbol = _value(measurement)
    if value is None:
        raise NoDataError(measurement.note or "no data")
    if not math.isfinite(value):
        raise NoDataError(f"the answer is {value}, which is no number: probably nothing happened")
    try:
        unit = PLAIN if symbol is None else unit_named(symbol)
    except UnitError as exc:
        raise UnusableError(str(exc)) from None
    if stated is None or symbol is None:
        unit = stated or unit
        reading = Reading(value, unit, Decimal(repr(value)) * unit.factor)
    else:
        reading = _converted(Decimal(repr(value)) * unit.factor, unit, stated)
    _require_possible(reading)
    return reading


def _value(measurement: Measurement) -> Tuple[Optional[float], Optional[str]]:
    """Return the value and its unit; a counted share is in percent."""
    good, total = measurement.good, measurement.total
    if good is None and total is None:
        return measurement.value, measurement.unit
    if good is None or total is None or math.isnan(good) or math.isnan(total):
        raise NoDataError("only one of good and total is known")
    if total == 0:
        raise NoDataError("0 of 0: nothing happened, so nothing can be said")
    if not 0 <= good <= total < math.inf:
        raise UnusableError(f"{good:g} good of {total:g} in total cannot be")
    return 100 * good / total, "%"


def _converted(base: Decimal, unit: Unit, stated: Unit) -> Reading:
    if unit.dimension != stated.dimension:
        raise UnusableError(
            f"the objective's unit is {stated.symbol}, but the source measures in {unit.symbol}"
        )
    return Reading(float(base / stated.factor), stated, base)


def _require_possible(reading: Reading) -> None:
    """Raise UnusableError if no such thing exists: a duration below 0, a share above 100 %."""
    lowest, highest = possible_range(reading.unit)
    if (lowest is None or lowest <= reading.base) and (highest is None or reading.base <= highest):
        return
    bounds = "at least 0" if highest is None else "between 0 and 100 %"
    raise UnusableError(
        f"{show(reading.value, reading.unit)} cannot be: a value in {reading.unit.symbol} is"
        f" {bounds}; state no unit if it is a difference or a multiple"
    )
