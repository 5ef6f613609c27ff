# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one part of a plan contradicts another, or forgets what another one asks. Pure.

Objectives of one source are compared where they are judged at the same time, and where one is
judged after the other. This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._git_changes import RISKS
from ansible_collections.phased.rollout.plugins.module_utils._plan_controls import watched
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding, doubt
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import (
    Plan,
    Read,
    Stated,
    gate_of,
    present,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_span import (
    Spans,
    in_common,
    looser,
    spans,
)

#: What does not change what is asked, only how patiently.
_PATIENCE = ("timeout", "retries", "retry_delay", "max_age", "request_timeout")


class Asked(NamedTuple):
    """One objective where it is asked: its place, and the values that it lets pass."""

    path: str
    name: str
    source: str
    passes: Spans


class Moment(NamedTuple):
    """What is judged at one time. own: what stands there; all of it: with what is inherited."""

    what: str
    own: List[Asked]
    whole: List[Asked]


def trap_findings(plan: Plan) -> Iterator[Finding]:
    """Yield contradictions between objectives, and what a later phase forgets of an earlier one."""
    before: List[Moment] = []
    for path, phase in plan.phases.items():
        if phase["id"] is None:
            continue
        for moment in _moments(path, phase, plan):
            yield from _at_once(moment)
            yield from _after(before, moment)
            if moment.own:
                before.append(moment)
        yield from _forgotten(path, phase, plan)
        for other in _stands_on(phase, plan.by_id):
            yield from _lost(path, phase, other, plan)


def source_of(stated: Stated) -> Optional[str]:
    """Return what tells whether two objectives measure the same, None if it cannot be told."""
    source = stated.raw["source"]
    if source["type"] == "value":
        return None
    asked = {
        key: " ".join(value.split()) if isinstance(value, str) else value
        for key, value in source.items()
        if key not in _PATIENCE
    }
    return json.dumps(asked, sort_keys=True, default=str)


def _moments(path: str, phase: Read, plan: Plan) -> Iterator[Moment]:
    own = phase["id"]
    gate = gate_of(plan.by_id, own)
    whole = {
        "prerequisites": [name for _n, name in present(phase["prerequisites"])],
        "gate": gate,
        "watch.objectives": watched(phase, plan.by_id),
    }
    for key, names in whole.items():
        listed = (phase["watch"] or {}).get("objectives") if "." in key else phase[key]
        places = {name: f"{path}.{key}[{index}]" for index, name in present(listed)}
        asked = [*_asked(names, places, f"before phase {own}", plan)]
        yield Moment(f"phase {own}: {key}", [one for one in asked if one.path], asked)


def _asked(names: List[str], places: Dict[str, str], baseline: str, plan: Plan) -> Iterator[Asked]:
    for name in names:
        stated = plan.objectives.get(name)
        source = source_of(stated) if stated else None
        if stated and source:
            objective = stated.objective
            against = str(stated.raw.get("baseline") or baseline)
            passes = spans(objective.passes, objective.unit, against)
            yield Asked(places.get(name, ""), name, source, passes)


def _pairs(moment: Moment) -> Iterator[Tuple[Asked, Asked]]:
    """Yield each objective that stands there with every other one that asks the same."""
    for one in moment.own:
        for other in moment.whole:
            if other.name != one.name and other.source == one.source:
                yield one, other


def _at_once(moment: Moment) -> Iterator[Finding]:
    place = {asked.name: index for index, asked in enumerate(moment.whole)}
    for one, other in _pairs(moment):
        clash = any(a.both(b).empty for a, b in in_common(one.passes, other.passes))
        if clash and place[one.name] > place[other.name]:
            problem = f"what meets {one.name} cannot meet {other.name}, and both ask the same"
            yield Finding(one.path, problem, "correct one of them", rule="contradiction")
        elif looser(one.passes, other.passes):
            yield doubt(
                one.path,
                f"{one.name} says nothing beside {other.name}, which asks the same and is stricter",
                "leave it out, or correct one of them",
                rule="no_effect",
            )


def _after(before: List[Moment], moment: Moment) -> Iterator[Finding]:
    """Yield objectives that allow what an earlier one has forbidden."""
    there = {one.name for one in moment.whole}
    watch = moment.what.endswith("watch.objectives")
    for one in moment.own:
        for earlier in reversed(before):
            gone = [other for other in earlier.whole if other.name not in there]
            stricter = [
                other.name
                for other in gone
                if other.source == one.source and looser(one.passes, other.passes)
            ]
            if stricter:
                yield doubt(
                    one.path,
                    f"{one.name} allows what {stricter[0]} ({earlier.what}) does not"
                    + (", so between the two nothing is raised" if watch else ""),
                    "repeat the stricter one here, or correct one of them",
                    rule="dead_band" if watch else "loosened",
                )
                break


def _forgotten(path: str, phase: Read, plan: Plan) -> Iterator[Finding]:
    """Yield what a phase must not have made worse, and does not ask again in the end."""
    gate = [plan.objectives[n] for n in gate_of(plan.by_id, phase["id"]) if n in plan.objectives]
    sources = {source_of(stated) for stated in gate}
    for index, name in present(phase["prerequisites"]):
        stated = plan.objectives.get(name)
        if stated is None or source_of(stated) in sources - {None}:
            continue
        objective = stated.objective
        relative = any(one.relative for each in objective.passes for one in each)
        if relative or objective.compare:
            yield doubt(
                f"{path}.prerequisites[{index}]",
                f"{name} compares with what was before, and the gate of the phase does not ask it",
                f"add {name} to the gate",
                rule="gate_forgets",
            )


def _stands_on(phase: Read, by_id: Dict[int, Read]) -> List[Read]:
    numbers = [one["phase"] for _n, one in present(phase["requires"])]
    return [by_id[n] for n in dict.fromkeys(numbers) if n in by_id and n < phase["id"]]


def _inherited(phase: Read, by_id: Dict[int, Read]) -> List[int]:
    found: List[int] = []
    for _index, number in present(phase["inherits"]):
        if number in by_id and number < phase["id"]:
            found += [number, *_inherited(by_id[number], by_id)]
    return found


def _lost(path: str, phase: Read, other: Read, plan: Plan) -> Iterator[Finding]:
    """Yield what a phase does not ask of what the one asks on which it stands."""
    number = other["id"]
    if number not in _inherited(phase, plan.by_id):
        yield doubt(
            f"{path}.inherits",
            f"it stands on phase {number}, and its gate does not contain that of phase {number}",
            f"set inherits: [{number}], so that what was reached is measured again",
            rule="not_inherited",
        )
    if None in (phase["risk"], other["risk"]):
        return
    own = {one["role"]: one["count"] or 1 for _n, one in present(phase["approvals"])}
    if RISKS.index(phase["risk"]) < RISKS.index(other["risk"]):
        return
    for _index, approval in present(other["approvals"]):
        role, count = approval["role"], approval["count"] or 1
        if own.get(role, 0) < count:
            yield doubt(
                f"{path}.approvals",
                f"phase {number} needs {count} as {role!r}, and this one, with no less risk,"
                f" {own.get(role, 0)}",
                "ask for as many, or for none in both",
                rule="fewer_approvals",
            )
