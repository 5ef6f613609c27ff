# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Criteria as people write them: '< 100ms', '>= 99.5%', '== 0', '<= +10% of baseline'.

All arithmetic is decimal and exact: 0.29 is '>= 29%'. This module util is PRIVATE to the
collection.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Callable, Dict, Optional

from ansible_collections.phased.rollout.plugins.module_utils._units import (
    Unit,
    UnitError,
    unit_named,
)

COMPARE: Dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
EXAMPLES = "'< 100ms', '>= 99.5%', '== 0', '<= +10% of baseline' or '>= -5% of baseline'"

_SHAPE = re.compile(
    r"(?P<op><=|>=|==|<|>)\s*(?P<sign>[+-]?)(?P<number>[0-9]+(?:\.[0-9]+)?)\s*"
    r"(?P<unit>[^\s0-9]*)(?P<relative>\s+of\s+baseline)?"
)


class CriterionError(ValueError):
    """A criterion cannot be read."""


class NoBaselineError(ValueError):
    """A criterion compares with a baseline, and there is none to compare with."""


@dataclass(frozen=True)
class Criterion:
    """One comparison with a limit.

    number: the limit in `unit`; for a relative criterion the factor on the baseline (+10% is 1.1).
    unit: of the limit; None for a relative criterion, whose limit has the measurement's unit.
    """

    text: str
    op: str
    number: Decimal
    unit: Optional[Unit]

    def limit(self, measured: Unit, baseline: Optional[float]) -> Decimal:
        """Return the limit in the base unit of `measured`; baseline is in `measured`.

        Raises UnitError if the criterion's unit does not fit, NoBaselineError if a baseline is
        needed and this one is missing or cannot be compared with.
        """
        if self.unit is not None:
            _check_fit(self, self.unit, measured)
            return self.number * self.unit.factor
        if baseline is None:
            raise NoBaselineError("there is no baseline to compare with")
        if not 0 < baseline < float("inf"):
            raise NoBaselineError(
                f"the baseline is {baseline:g}, and only one above 0 can be compared with;"
                " give a limit without 'of baseline'"
            )
        return Decimal(repr(baseline)) * measured.factor * self.number

    def holds(self, value: Decimal, limit: Decimal) -> bool:
        """Return whether value meets the limit, both in base units."""
        return COMPARE[self.op](value, limit)


def _check_fit(criterion: Criterion, unit: Unit, measured: Unit) -> None:
    """Raise UnitError unless the two compare. Zero is the same in every unit."""
    if unit.dimension == measured.dimension or (unit.symbol == "" and not criterion.number):
        return
    if not measured.symbol:
        raise UnitError(
            f"criterion '{criterion.text}' is in {unit.symbol}, but the measurement has no unit;"
            " state the objective's unit"
        )
    found = f"is in {unit.symbol}" if unit.symbol else "has no unit"
    raise UnitError(
        f"criterion '{criterion.text}' {found}, but the measurement is in {measured.symbol};"
        f" give the limit in {measured.symbol} or a unit that converts to it"
    )


def parse_criterion(text: str) -> Criterion:
    """Return the criterion that a text states. Raises CriterionError saying what would be right."""
    found = _SHAPE.fullmatch(text.strip())
    if not found:
        raise CriterionError(f"it must be a comparison with a limit, such as {EXAMPLES}")
    sign, unit = found["sign"], found["unit"]
    number = Decimal(sign + found["number"])
    if found["relative"]:
        return Criterion(text.strip(), found["op"], _factor(number, sign, unit), None)
    if sign:
        # Taken as a plain number, '>= -5%' would hold for every share there is.
        raise CriterionError("a limit with a sign is relative: write '+10% of baseline'")
    try:
        return Criterion(text.strip(), found["op"], number, unit_named(unit))
    except UnitError as exc:
        raise CriterionError(str(exc)) from None


def _factor(percent: Decimal, sign: str, unit: str) -> Decimal:
    """Return what a baseline is multiplied with. Raises CriterionError if it makes no sense."""
    if unit != "%" or not sign:
        raise CriterionError("a change from the baseline is a signed percentage, such as '+10%'")
    if percent <= -100:
        raise CriterionError("a fall by 100% or more leaves nothing to compare with")
    return 1 + percent / 100
