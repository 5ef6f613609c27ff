# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An objective: what must hold, as the plan states it.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Any, List, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._baseline import TRUSTED
from ansible_collections.phased.rollout.plugins.module_utils._burn import Burn, read_burn
from ansible_collections.phased.rollout.plugins.module_utils._compare import Compare, read_compare
from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    Criterion,
    CriterionError,
    parse_criterion,
)
from ansible_collections.phased.rollout.plugins.module_utils._ratchet import Ratchet, read_ratchet
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)
from ansible_collections.phased.rollout.plugins.module_utils._steady import LIMIT_OPTIONS
from ansible_collections.phased.rollout.plugins.module_utils._units import (
    Unit,
    UnitError,
    read_share,
    unit_named,
)
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

#: `baseline` names the run to compare with; whoever calls looks it up and hands over its value.
#: The limits are for measuring again and again, and are read there.
OPTIONS = (
    "description", "source", "unit", "pass", "warn", "key", "weight", "baseline",
    "confidence", "compare", "burn", "ratchet", "dry_run", *LIMIT_OPTIONS,
)  # fmt: skip
CRITERIA_NEEDED = "it must be a criterion, a list of criteria that must all hold, or 'any' of these"
#: Criteria of which every one must hold.
CriteriaSet = Tuple[Criterion, ...]


@dataclass(frozen=True)
class Objective:
    """What must hold. How it is measured (its source) is not part of it.

    passes, warns: alternatives; one must hold, and all of it. unit: the one stated, or None.
    confidence: of the bounds of a counted share. yardsticks: what the verdict on the baseline may
    have been.
    """

    name: str
    passes: Tuple[CriteriaSet, ...] = ()
    warns: Tuple[CriteriaSet, ...] = ()
    unit: Optional[Unit] = None
    key: bool = False
    weight: float = 1
    description: Optional[str] = None
    confidence: Optional[float] = None
    compare: Optional[Compare] = None
    burn: Optional[Burn] = None
    ratchet: Optional[Ratchet] = None
    dry_run: bool = False
    yardsticks: AbstractSet[Verdict] = TRUSTED


def read_objective(name: str, fields: Fields) -> Objective:
    """Return the objective that the fields state. Raises ShapeError."""
    fields.only(*OPTIONS)
    objective = Objective(
        name=name,
        passes=_alternatives(fields, "pass"),
        warns=_alternatives(fields, "warn"),
        unit=_unit(fields),
        key=fields.flag("key"),
        weight=fields.number("weight", 1),
        description=fields.optional_text("description"),
        confidence=_confidence(fields),
        compare=read_compare(fields.section("compare", "")) if _states(fields, "compare") else None,
        burn=read_burn(fields.section("burn", "")) if _states(fields, "burn") else None,
        ratchet=read_ratchet(fields.section("ratchet", "")) if _states(fields, "ratchet") else None,
        dry_run=fields.flag("dry_run"),
    )
    if objective.confidence is not None:
        _require_provable(objective, fields)
    return objective


def _states(fields: Fields, key: str) -> bool:
    return fields.raw.get(key) is not None


def _alternatives(fields: Fields, key: str) -> Tuple[CriteriaSet, ...]:
    """Return the alternatives under a key. Raises ShapeError."""
    raw = fields.raw.get(key)
    if not isinstance(raw, dict):
        criteria = _criteria(raw, fields.at(key))
        return (criteria,) if criteria else ()
    stated = Fields(raw, fields.at(key))
    stated.only("any")
    entries = raw.get("any")
    if not isinstance(entries, list) or not entries:
        raise ShapeError(stated.at("any"), entries, "it must be a list of alternatives")
    found = []
    for index, entry in enumerate(entries):
        path = stated.at(f"any[{index}]")
        found.append(_criteria(entry, path))
        if not found[-1]:
            raise ShapeError(path, entry, CRITERIA_NEEDED)
    return tuple(found)


def _criteria(raw: Any, path: str) -> CriteriaSet:
    """Return the criteria that must all hold, none for nothing. Raises ShapeError."""
    listed: List[Any] = [] if raw is None else raw if isinstance(raw, list) else [raw]
    found = []
    for index, text in enumerate(listed):
        at = f"{path}[{index}]" if isinstance(raw, list) else path
        if not isinstance(text, str):
            raise ShapeError(at, text, f"it must be a text; {CRITERIA_NEEDED}")
        try:
            found.append(parse_criterion(text))
        except CriterionError as exc:
            raise ShapeError(at, text, str(exc)) from None
    return tuple(found)


def _unit(fields: Fields) -> Optional[Unit]:
    symbol = fields.optional_text("unit")
    try:
        return unit_named(symbol) if symbol else None
    except UnitError as exc:
        raise ShapeError(fields.at("unit"), symbol, str(exc)) from None


def _confidence(fields: Fields) -> Optional[float]:
    if not _states(fields, "confidence"):
        return None
    if _states(fields, "compare") or _states(fields, "burn"):
        raise ShapeError(
            fields.at("confidence"),
            fields.raw["confidence"],
            "it is for the criteria on a counted share; compare has a confidence of its own, and a"
            " burn rate has none",
        )
    return float(read_share(fields, "confidence", above=0.5, below=1))


def _require_provable(objective: Objective, fields: Fields) -> None:
    """Raise ShapeError for a limit that no number of events can be shown to meet."""
    if not objective.passes:
        raise ShapeError(fields.at("pass"), None, "confidence needs a limit to be sure of")
    for criterion in (one for each in objective.passes + objective.warns for one in each):
        unit = criterion.unit
        share = None if unit is None else criterion.number * unit.factor
        bound = {1: 1, -1: 0}.get(criterion.better_sign)
        if bound is None or (share == bound and not criterion.relative):
            raise ShapeError(
                fields.at("confidence"),
                fields.raw["confidence"],
                f"no number of events can show '{criterion.text}' for sure;"
                " lower the limit, as in '>= 99.9%', or leave the confidence out",
            )
