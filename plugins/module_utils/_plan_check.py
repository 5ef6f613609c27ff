# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan holds together: what it names exists, once, and comes before what stands on it.

Pure. This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import (
    Finding,
    did_you_mean,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan, Read, present


def coherence_findings(plan: Plan) -> Iterator[Finding]:
    """Yield what is used twice, what does not exist, and what stands on what comes later."""
    yield from _used_twice(plan)
    for path, phase in plan.phases.items():
        yield from _objectives(path, phase, plan.names)
        yield from _order(path, phase, plan.by_id)
        for stage, items in (phase["validations"] or {}).items():
            for index, item in present(items):
                yield from _validation(f"{path}.validations.{stage}[{index}]", stage, item)
    yield from _dependencies(plan)


def _used_twice(plan: Plan) -> Iterator[Finding]:
    seen: Dict[Tuple[str, Any], str] = {}
    for path, phase in plan.phases.items():
        own = [("id", f"{path}.id", phase["id"]), ("tag", f"{path}.tag", phase["tag"])]
        for index, change in present(phase["changes"]):
            for key in ("id", "branch"):
                own.append((f"change {key}", f"{path}.changes[{index}].{key}", change[key]))
        for kind, where, value in own:
            first = seen.setdefault((kind, value), where)
            if value is not None and first != where:
                problem = f"{value!r} is already used by {first}"
                yield Finding(where, problem, "give each one its own", rule="used_twice")


def _objectives(path: str, phase: Read, names: Iterable[str]) -> Iterator[Finding]:
    watch, window, rollback = (phase[key] or {} for key in ("watch", "window", "rollback"))
    named = [
        (f"{key}[{n}]", name)
        for key in ("prerequisites", "gate")
        for n, name in present(phase[key])
    ]
    named += [
        (f"watch.{key}[{n}]", name)
        for key in ("objectives", "critical")
        for n, name in present(watch.get(key))
    ]
    named.append(
        ("window.low_traffic.objective", (window.get("low_traffic") or {}).get("objective"))
    )
    named.append(("rollback.rehearsed", rollback.get("rehearsed")))
    for where, name in named:
        if name is not None and name not in names:
            yield Finding(
                f"{path}.{where}",
                f"objective {name!r} is not defined in rollout_objectives",
                did_you_mean(name, names),
                rule="not_defined",
            )


def _order(path: str, phase: Read, by_id: Dict[int, Read]) -> Iterator[Finding]:
    own = phase["id"]
    named = [(f"inherits[{n}]", other) for n, other in present(phase["inherits"])]
    named += [(f"requires[{n}].phase", one["phase"]) for n, one in present(phase["requires"])]
    for where, other in named:
        if other is not None and other not in by_id:
            numbers = ", ".join(map(str, sorted(by_id)))
            problem = f"no phase has id {other!r}"
            yield Finding(f"{path}.{where}", problem, f"use one of {numbers}", rule="not_defined")
        elif None not in (own, other) and other >= own:
            yield Finding(
                f"{path}.{where}",
                f"phase {own} cannot stand on phase {other}, which does not come before it",
                f"name a phase below {own}",
                rule="order",
            )


def _validation(path: str, stage: str, item: Read) -> Iterator[Finding]:
    if (item["command"] is None) == (item["request"] is None):
        found = sorted(key for key, value in item.items() if value)
        yield Finding(path, f"found {found}", "set name, and command or request")
    if item["traced"] is not None and item["request"] is None:
        yield Finding(f"{path}.traced", "only a request is traced", "set request, or leave it out")
    if item["critical"] and stage == "staging":
        where = "mark one of integration or production instead"
        yield Finding(f"{path}.critical", "a hotfix does not pass staging", where, rule="hotfix")


def _dependencies(plan: Plan) -> Iterator[Finding]:
    """Yield dependencies on changes that do not exist, come later, or depend on this one."""
    places: Dict[str, Tuple[int, Read]] = {}
    listed: List[Tuple[str, int, Read]] = []
    for place, (path, phase) in enumerate(plan.phases.items()):
        for index, change in present(phase["changes"]):
            places.setdefault(change["id"], (place, change))
            listed.append((f"{path}.changes[{index}]", place, change))
    for path, place, change in listed:
        for index, name in present(change["depends_on"]):
            where = f"{path}.depends_on[{index}]"
            if name not in places:
                near = did_you_mean(name, places)
                yield Finding(where, f"no change has id {name!r}", near, rule="not_defined")
            elif places[name][0] > place or _leads_back(name, change["id"], places):
                problem = f"change {name} is merged after {change['id']}, or depends on it"
                yield Finding(where, problem, "name a change that comes before", rule="order")


def _leads_back(start: str, target: str, places: Dict[str, Tuple[int, Read]]) -> bool:
    """Return whether what start depends on, however far, comes back to target."""
    waiting, seen = [start], set()
    while waiting:
        name = waiting.pop()
        if name == target:
            return True
        if name in places and name not in seen:
            seen.add(name)
            waiting += [other for _n, other in present(places[name][1]["depends_on"])]
    return False
