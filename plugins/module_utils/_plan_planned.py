# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned hours and days: how they are written, and where a plan contradicts itself in them. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding, doubt

#: How hours and days are written, as regular expressions.
HOURS = r"\d+(?:\.\d+)?(?: *- *\d+(?:\.\d+)?)?"
DAYS_PLANNED = r"\d+(?: *- *\d+)?(?: *, *\d+(?: *- *\d+)?)*"
#: The name under which the whole is planned; every other one is a step of it.
TOTAL = "total"
_DAY_SECONDS = 86400


class Hours(NamedTuple):
    """At least and at most so many."""

    least: float
    most: float

    def __str__(self) -> str:
        """Return them as they are written."""
        return f"{self.least:g}" if self.least == self.most else f"{self.least:g}-{self.most:g}"


def read_hours(raw: object) -> Hours:
    """Return hours, written as a number or a range. Raises ValueError."""
    text = "" if isinstance(raw, bool) else str(raw).strip()
    if re.fullmatch(HOURS, text):
        numbers = [float(number) for number in text.split("-")]
        if 0 < numbers[0] <= numbers[-1]:
            return Hours(numbers[0], numbers[-1])
    raise ValueError("write a number of hours, as 12, 0.25 or 16-20")


def read_planned_days(raw: object) -> List[int]:
    """Return days of the project, counted from 1, in their order. Raises ValueError."""
    text = "" if isinstance(raw, bool) else str(raw).strip()
    found: Dict[int, None] = {}
    if re.fullmatch(DAYS_PLANNED, text):
        for part in text.split(","):
            first, _dash, last = part.partition("-")
            found.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
    if not found or min(found) < 1 or max(found) > 9999:
        raise ValueError("write days of the project, as 3, 7-9 or 1,3")
    return sorted(found)


def planned_findings(phases: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield where hours and days contradict each other; phases by the path at which each stands."""
    for path, phase in phases.items():
        yield from _own(f"{path}.planned", phase["planned"])
        parts = []
        for index, change in enumerate(phase["changes"]):
            if change is not None:
                yield from _own(f"{path}.changes[{index}].planned", change["planned"])
                parts.append((f"change {change['id']}", _total(change["planned"])))
        yield from _whole_and_parts(f"{path}.planned", _total(phase["planned"]), parts, whole=False)
    yield from _successive(phases)


def _own(path: str, planned: Optional[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield where the steps of one thing do not come to its total."""
    steps = [(name, step) for name, step in _steps(planned).items() if name != TOTAL]
    stated = _steps(planned).get(TOTAL)
    if stated:
        yield from _whole_and_parts(f"{path}.{TOTAL}", stated, steps, whole=True)


def _steps(planned: Optional[Mapping[str, Any]]) -> Dict[str, Mapping[str, Any]]:
    return {name: step for name, step in (planned or {}).items() if step is not None}


def _total(planned: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return what is planned for the whole, from its steps where it is not stated."""
    steps = _steps(planned)
    stated = steps.pop(TOTAL, {})
    hours = [step["hours"] for step in steps.values()]
    days = sorted({day for step in steps.values() for day in step["days"] or []})
    summed = None if None in hours or not hours else _sum(hours)
    return {"hours": stated.get("hours") or summed, "days": stated.get("days") or days}


def _sum(hours: List[Hours]) -> Hours:
    return Hours(sum(one.least for one in hours), sum(one.most for one in hours))


def _whole_and_parts(
    path: str,
    total: Mapping[str, Any],
    parts: Sequence[Tuple[str, Mapping[str, Any]]],
    *,
    whole: bool,
) -> Iterator[Finding]:
    """Yield where parts do not fit into a total; whole: there is nothing in it but these parts."""
    hours = [part["hours"] for _name, part in parts]
    stated = total.get("hours")
    if stated and hours and None not in hours:
        summed = _sum(hours)
        if summed.least > stated.most or (whole and summed.most < stated.least):
            yield doubt(
                f"{path}.hours" if whole else path,
                f"{stated} hours are planned, and its parts come to {summed}",
                "correct the one or the other",
                rule="planned_hours",
            )
    for name, part in parts:
        outside = sorted(set(part["days"] or ()) - set(total.get("days") or part["days"] or ()))
        if outside:
            yield doubt(
                f"{path}.days" if whole else path,
                f"{name} is planned for day {outside[0]}, which is none of the days of the whole",
                "correct the one or the other",
                rule="planned_days",
            )


def _successive(phases: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield phases that are planned to begin before what they require can have been."""
    days = {phase["id"]: _total(phase["planned"])["days"] for phase in phases.values()}
    for path, phase in phases.items():
        for required in filter(None, phase["requires"]):
            before, own = days.get(required["phase"]), days[phase["id"]]
            soak = (required["stable_for"] or 0) / _DAY_SECONDS
            if before and own and own[0] < before[-1] + soak:
                yield doubt(
                    f"{path}.planned",
                    f"it is planned from day {own[0]}, but phase {required['phase']}, which must"
                    f" have been stable for {soak:g} days, is planned until day {before[-1]}",
                    "plan it later, or the other one earlier",
                    rule="planned_order",
                )
