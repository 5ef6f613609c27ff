# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement says: one possible value in the objective's unit, or why there is none.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import median
from typing import NamedTuple, Optional, Sequence, Tuple

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
    unit, shown = _units(symbol, stated)
    base = Decimal(repr(value)) * unit.factor
    reading = Reading(value if unit is shown else float(base / shown.factor), shown, base)
    if not _is_possible(base, shown):
        raise UnusableError(_impossible(reading.value, shown))
    return reading


def read_middle(measurement: Measurement, stated: Optional[Unit]) -> Reading:
    """Return the reading, or the median of the samples if there is no value beside them.

    Raises NoDataError, UnusableError.
    """
    if measurement.value is not None or measurement.total is not None or not measurement.values:
        return read_measurement(measurement, stated)
    samples, unit = read_samples(measurement, stated)
    middle = median(samples)
    return Reading(float(middle / unit.factor), unit, middle)


def read_burn_rate(burned: Optional[float]) -> Reading:
    """Return a burn rate as a reading. Raises NoDataError if none is known."""
    if burned is None:
        raise NoDataError("no event is known of any window")
    return Reading(burned, PLAIN, Decimal(repr(burned)))


def read_samples(
    measurement: Measurement, stated: Optional[Unit]
) -> Tuple[Tuple[Decimal, ...], Unit]:
    """Return all samples in the base unit, and the unit to show them in.

    Raises UnusableError if one of them is no number, cannot be true, or does not convert.
    """
    unit, shown = _units(measurement.unit, stated)
    return to_base(measurement.values, unit, shown), shown


def to_base(values: Sequence[float], unit: Unit, shown: Unit) -> Tuple[Decimal, ...]:
    """Return samples in `unit` in the base unit. Raises UnusableError if one cannot be."""
    samples = []
    for index, value in enumerate(values):
        if value is None or isinstance(value, bool) or not math.isfinite(value):
            raise UnusableError(
                f"sample {index + 1} of {len(values)} is {value}, which is no number"
            )
        base = Decimal(repr(value)) * unit.factor
        if not _is_possible(base, shown):
            raise UnusableError(_impossible(value, unit))
        samples.append(base)
    return tuple(samples)


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


def _units(symbol: Optional[str], stated: Optional[Unit]) -> Tuple[Unit, Unit]:
    """Return the unit that was measured in, and the one to show. Raises UnusableError."""
    if symbol is None:
        return (PLAIN, PLAIN) if stated is None else (stated, stated)
    try:
        unit = unit_named(symbol)
    except UnitError as exc:
        raise UnusableError(str(exc)) from None
    if stated is not None and unit.dimension != stated.dimension:
        raise UnusableError(
            f"the objective's unit is {stated.symbol}, but the source measures in {unit.symbol}"
        )
    return unit, unit if stated is None else stated


def _is_possible(base: Decimal, unit: Unit) -> bool:
    """Return whether such a thing exists: no duration is below 0, no share above 100 %."""
    lowest, highest = possible_range(unit)
    return (lowest is None or lowest <= base) and (highest is None or base <= highest)


def _impossible(value: float, unit: Unit) -> str:
    bounds = "between 0 and 100 %" if unit.dimension == "share" else "at least 0"
    return (
        f"{show(value, unit)} cannot be: a value in {unit.symbol} is {bounds};"
        " state no unit if it is a difference or a multiple"
    )
