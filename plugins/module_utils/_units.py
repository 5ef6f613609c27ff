# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of measurements and criteria, and how they convert.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError


class UnitError(ValueError):
    """A unit is not known, or does not fit where it stands."""


class Unit(NamedTuple):
    """A unit: its symbol, what it measures, and how many base units it is worth."""

    symbol: str
    dimension: str
    factor: Decimal


#: The unit of a number that states none.
PLAIN = Unit("", "number", Decimal(1))

#: dimension -> symbol -> worth in the dimension's base unit.
_TABLE: Dict[str, Dict[str, str]] = {
    "time": {"us": "0.000001", "ms": "0.001", "s": "1", "min": "60", "h": "3600"},
    "share": {"ratio": "1", "%": "0.01"},
    "size": {
        "B": "1", "kB": "1e3", "MB": "1e6", "GB": "1e9", "TB": "1e12",
        "KiB": str(2**10), "MiB": str(2**20), "GiB": str(2**30), "TiB": str(2**40),
    },
    "number": {"count": "1"},
    "rate": {"/s": "60", "/min": "1"},
}  # fmt: skip
_ALIASES = {"µs": "us", "μs": "us", "second": "s", "seconds": "s", "minutes": "min",
            "hours": "h", "percent": "%", "bytes": "B"}  # fmt: skip
_UNITS: Dict[str, Unit] = {
    symbol: Unit(symbol, dimension, Decimal(worth))
    for dimension, worths in _TABLE.items()
    for symbol, worth in worths.items()
}
#: Shares do not come out of a division exactly; this much over 100 % is still 100 %.
_SLACK = Decimal("1e-9")


def unit_named(symbol: Optional[str]) -> Unit:
    """Return the unit with this symbol or a usual other name; PLAIN for None or "".

    Raises UnitError if there is none.
    """
    if not symbol:
        return PLAIN
    try:
        return _UNITS[_ALIASES.get(symbol, symbol)]
    except KeyError:
        known = ", ".join(_UNITS)
        raise UnitError(f"unit {symbol!r} is not known; known units: {known}") from None


def possible_range(unit: Unit) -> Tuple[Optional[Decimal], Optional[Decimal]]:
    """Return the lowest and highest value, in base units, that a thing of this unit can have.

    None is no bound. Only a plain number may be negative; a share lies between 0 and 100 %.
    """
    if unit.symbol == PLAIN.symbol:
        return None, None
    if unit.dimension == "share":
        return -_SLACK, 1 + _SLACK
    return Decimal(0), None


def show(value: float, unit: Unit) -> str:
    """Return a value with its unit as a person reads it, for example '99.5 %'."""
    return f"{value:.9g} {unit.symbol}" if unit.symbol else f"{value:.9g}"


def read_share(
    fields: Fields,
    key: str,
    *,
    above: float = 0,
    below: float = math.inf,
    default: Optional[str] = None,
) -> Decimal:
    """Return the share under a key, such as '99.5%' or 0.995, as an exact ratio between the two.

    Raises ShapeError.
    """
    found = fields.raw.get(key)
    text = str(default if found is None else found).strip()
    try:
        number = Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if isinstance(found, bool) or not number.is_finite() or not above < number < below:
        upper = "" if below == math.inf else f" and below {100 * below:g}%"
        raise ShapeError(
            fields.at(key), found, f"it must be a share above {100 * above:g}%{upper}, such as 95%"
        )
    return number
