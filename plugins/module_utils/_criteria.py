# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Criteria as people write them: '< 100ms', '>= 99.5%', '== 0', '<= +10% of baseline'.

All arithmetic is decimal and exact: 0.29 is '>= 29%'. This module util is PRIVATE to the
collection.
"""

from __future__ import annotations

import math
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


@dataclass(frozen=True, eq=False)
class Criterion:
    """One comparison with a limit.

    number: the limit in `unit`. For a relative criterion it is what the baseline is multiplied
    with (+10% is 1.1) if there is no unit, and what is added to it if there is one.
    """

    text: str
    op: str
    number: Decimal
    unit: Optional[Unit]
    relative: bool = False

    @property
    def better_sign(self) -> int:
        """Return 1 if more is better, -1 if less is, 0 if only the limit itself is good."""
        return {"<": -1, ">": 1}.get(self.op[0], 0)

    def limit(self, measured: Unit, baseline: Optional[float]) -> Decimal:
        """Return the limit in the base unit of `measured`; baseline is in `measured`.

        Raises UnitError if the criterion's unit does not fit, NoBaselineError if a baseline is
        needed and this one is missing or cannot be compared with.
        """
        if self.unit is not None:
            if self.unit.dimension != measured.dimension:
                _check_fit(self, self.unit, measured)
            if not self.relative:
                return self.number * self.unit.factor
        if baseline is None:
            raise NoBaselineError("there is no baseline to compare with")
        if not 0 < baseline < math.inf:
            raise NoBaselineError(
                f"the baseline is {baseline:g}, and only one above 0 can be compared with;"
                " give a limit without 'of baseline'"
            )
        base = Decimal(repr(baseline)) * measured.factor
        if self.unit is None:
            return base * self.number
        limit = base + self.number * self.unit.factor
        if limit <= 0:
            raise NoBaselineError(
                f"a fall by that much from a baseline of {baseline:g} leaves nothing to compare"
                " with; give a limit without 'of baseline'"
            )
        return limit

    def holds(self, value: Decimal, limit: Decimal) -> bool:
        """Return whether value meets the limit, both in base units."""
        return COMPARE[self.op](value, limit)


def _check_fit(criterion: Criterion, unit: Unit, measured: Unit) -> None:
    """Raise UnitError unless it is zero, which is the same in every unit."""
    if unit.symbol == "" and not criterion.number:
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
        return _relative(text.strip(), found["op"], number, sign, unit)
    if sign:
        # Taken as a plain number, '>= -5%' would hold for every share there is.
        raise CriterionError("a limit with a sign is relative: write '+10% of baseline'")
    try:
        return Criterion(text.strip(), found["op"], number, unit_named(unit))
    except UnitError as exc:
        raise CriterionError(str(exc)) from None


def _relative(text: str, op: str, number: Decimal, sign: str, unit: str) -> Criterion:
    """Return a criterion on the change from the baseline. Raises CriterionError."""
    if not sign:
        raise CriterionError("a change from the baseline has a sign, such as '+10%' or '-5ms'")
    if unit != "%":
        try:
            return Criterion(text, op, number, unit_named(unit), relative=True)
        except UnitError as exc:
            raise CriterionError(str(exc)) from None
    if number <= -100:
        raise CriterionError("a fall by 100% or more leaves nothing to compare with")
    return Criterion(text, op, 1 + number / 100, None, relative=True)
