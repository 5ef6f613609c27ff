# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what protects a phase can do so: approvals, window, watch, deployment. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._decision_time import show_duration
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import (
    Finding,
    did_you_mean,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import (
    DEPLOYED_STRATEGIES,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import (
    Plan,
    Read,
    gate_of,
    present,
    window_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._window import ALWAYS
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import DAY_MINUTES


def control_findings(plan: Plan) -> Iterator[Finding]:
    """Yield which protections of a phase cannot work."""
    for path, phase in plan.phases.items():
        yield from _approvals(path, phase, plan)
        yield from _window(path, phase)
        yield from _watch(path, phase, plan.by_id)
        yield from _stability(path, phase, plan.by_id)
        strategy = (phase["deploy"] or {}).get("strategy") or DEPLOYED_STRATEGIES[0]
        if strategy not in DEPLOYED_STRATEGIES:
            yield Finding(
                f"{path}.deploy.strategy",
                f"this version does not deploy {strategy} yet",
                f"use one of {', '.join(DEPLOYED_STRATEGIES)}",
                rule="strategy",
            )


def persons_of(approval: Read, plan: Plan) -> List[str]:
    """Return who may give an approval, each once."""
    stated = approval["persons"] or plan.roles.get(approval["role"]) or ()
    return list({name.casefold(): name for _n, name in present(stated)}.values())


def watched(phase: Read, by_id: Dict[int, Read]) -> List[str]:
    """Return the objectives that its watch measures: its own, or those of the gate."""
    watch = phase["watch"]
    if watch is None or phase["id"] is None:
        return []
    own: Sequence[Any] = watch["objectives"] or gate_of(by_id, phase["id"])
    return [name for _index, name in present(own)]


def _approvals(path: str, phase: Read, plan: Plan) -> Iterator[Finding]:
    roles: Dict[str, str] = {}
    for index, approval in present(phase["approvals"]):
        where, role = f"{path}.approvals[{index}]", approval["role"]
        persons, count = persons_of(approval, plan), approval["count"] or 1
        first = roles.setdefault(role, where)
        if first != where:
            yield Finding(
                f"{where}.role",
                f"{first} is about {role!r} already",
                "make them one",
                rule="used_twice",
            )
        if not persons and role is not None and role not in plan.roles:
            near = did_you_mean(role, plan.roles) if plan.roles else f"as {role}: [ada]"
            yield Finding(
                f"{where}.role",
                f"nobody is named who may approve as {role!r}",
                f"list them in rollout_roles ({near}) or in persons",
                rule="approvers",
            )
        elif persons and len(persons) < count:
            yield Finding(
                f"{where}.count",
                f"{count} persons must approve as {role!r}, and only {', '.join(persons)} may",
                "name more persons, or lower the count",
                rule="approvers",
            )


def _window(path: str, phase: Read) -> Iterator[Finding]:
    read, window = phase["window"], window_of(phase)
    if read is None or window is None:
        return
    if window.opens == DAY_MINUTES:
        yield Finding(
            f"{path}.window.from", "no day has a time from 24:00 on", 'write "00:00"', rule="window"
        )
    elif window.never:
        yield Finding(
            f"{path}.window.to",
            f"the window {window} never opens",
            "let it close later than it opens, or on the next day",
            rule="window",
        )
    elif (
        window.days == ALWAYS.days
        and not read["low_traffic"]
        and window.closes - window.opens == DAY_MINUTES
    ):
        yield Finding(
            f"{path}.window",
            "it is always open",
            "set days, from and to, or low_traffic",
            rule="window",
        )


def _watch(path: str, phase: Read, by_id: Dict[int, Read]) -> Iterator[Finding]:
    watch = phase["watch"]
    if watch is None or phase["id"] is None:
        return
    measured = watched(phase, by_id)
    if not measured:
        yield Finding(
            f"{path}.watch.objectives",
            "it watches nothing",
            "name objectives, or set a gate",
            rule="watch",
        )
    if watch["duration"] and watch["interval"] and watch["interval"] >= watch["duration"]:
        yield Finding(
            f"{path}.watch.interval",
            f"it is measured every {show_duration(watch['interval'])}, and watched for"
            f" {show_duration(watch['duration'])}",
            "measure more often than once",
            rule="watch",
        )
    for index, name in present(watch["critical"]):
        if name not in measured:
            yield Finding(
                f"{path}.watch.critical[{index}]",
                f"{name!r} is not watched",
                did_you_mean(name, measured),
                rule="watch",
            )


def _stability(path: str, phase: Read, by_id: Dict[int, Read]) -> Iterator[Finding]:
    """Yield stable times that nothing measures, or not for so long."""
    for index, required in present(phase["requires"]):
        other, needed = by_id.get(required["phase"]), required["stable_for"]
        if other is None or needed is None:
            continue
        watch, where = other["watch"], f"{path}.requires[{index}].stable_for"
        name = f"phase {required['phase']}"
        if watch is None:
            yield Finding(
                where,
                f"nothing watches whether {name} is stable",
                f"give {name} a watch",
                rule="stability",
            )
        elif watch["duration"] is not None and watch["duration"] < needed:
            yield Finding(
                where,
                f"{name} must be stable for {show_duration(needed)}, and is watched for"
                f" {show_duration(watch['duration'])}",
                f"lengthen the watch of {name}",
                rule="stability",
            )
