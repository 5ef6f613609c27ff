# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An objective: what must hold, as the plan states it.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    Criterion,
    CriterionError,
    parse_criterion,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
    to_number,
)
from ansible_collections.phased.rollout.plugins.module_utils._units import (
    Unit,
    UnitError,
    unit_named,
)

#: `baseline` names the run to compare with; whoever calls looks it up and hands over its value.
OPTIONS = ("description", "source", "unit", "pass", "warn", "key", "weight", "baseline")


@dataclass(frozen=True)
class Objective:
    """What must hold. How it is measured (its source) is not part of it.

    unit: the one stated, or None. passes, warns: every entry must hold.
    """

    name: str
    passes: Tuple[Criterion, ...] = ()
    warns: Tuple[Criterion, ...] = ()
    unit: Optional[Unit] = None
    key: bool = False
    weight: float = 1
    description: Optional[str] = None


def read_objective(name: str, fields: Fields) -> Objective:
    """Return the objective that the fields state. Raises ShapeError."""
    fields.only(*OPTIONS)
    return Objective(
        name=name,
        passes=_criteria(fields, "pass"),
        warns=_criteria(fields, "warn"),
        unit=_unit(fields),
        key=fields.flag("key"),
        weight=fields.number("weight", 1),
        description=fields.optional_text("description"),
    )


def read_baselines(raw: Mapping[str, object]) -> Dict[str, Optional[float]]:
    """Return the baselines by objective, None where there is none. Raises ShapeError."""
    return {
        name: None if value is None else to_number(value, f"baselines.{name}")
        for name, value in raw.items()
    }


def _criteria(fields: Fields, key: str) -> Tuple[Criterion, ...]:
    found = []
    for index, text in enumerate(fields.texts(key)):
        try:
            found.append(parse_criterion(text))
        except CriterionError as exc:
            is_list = isinstance(fields.raw[key], list)
            path = fields.at(f"{key}[{index}]" if is_list else key)
            raise ShapeError(path, text, str(exc)) from None
    return tuple(found)


def _unit(fields: Fields) -> Optional[Unit]:
    symbol = fields.optional_text("unit")
    try:
        return unit_named(symbol) if symbol else None
    except UnitError as exc:
        raise ShapeError(fields.at("unit"), symbol, str(exc)) from None
