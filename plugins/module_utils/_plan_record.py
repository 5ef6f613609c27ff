# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a phase: what every step gets to know of the plan. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._plan_controls import (
    persons_of,
    watched,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_hash import plan_hash
from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import (
    DEFAULT_DEPLOY,
    STAGES,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan, Read, gate_of
from ansible_collections.phased.rollout.plugins.module_utils._plan_rollback import within_of
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import (
    show_clock,
    show_days,
)


def phase_record(plan: Plan, phase_id: int) -> Dict[str, Any]:
    """Return the phase with that id, complete: every key present, durations in seconds.

    Its gate holds what it inherits; its prerequisites what its window and its rollback name.
    Objectives stay names: what they ask may hold facts that are known only when they are measured.
    Raises KeyError if no phase has that id.
    """
    if phase_id not in plan.by_id:
        raise KeyError(f"no phase has id {phase_id}; the plan has {sorted(plan.by_id)}")
    phase, raw = plan.by_id[phase_id], plan.raw[phase_id]
    record: Dict[str, Any] = {
        "id": phase_id,
        "key": f"phase-{phase_id}",
        "name": phase["name"],
        "title": f"phase {phase_id}, {phase['name']}",
        "risk": phase["risk"],
        "changes": [_change(*both) for both in zip(raw["changes"], phase["changes"])],
        "requires": [_requirement(one, raw_one) for one, raw_one in
                     zip(phase["requires"], raw.get("requires") or [])],
        "approvals": [_approval(one, plan) for one in phase["approvals"]],
        "prerequisites": _prerequisites(phase),
        "gate": gate_of(plan.by_id, phase_id),
        "validations": {s: list((raw.get("validations") or {}).get(s) or []) for s in STAGES},
        "window": _window(phase["window"]),
        "deploy": dict(phase["deploy"] or DEFAULT_DEPLOY),
        "watch": _watch(phase, plan),
        "rollback": _rollback(phase),
        "escalation": [_contact(one) for one in phase["escalation"]],
        "planned": _planned(phase["planned"]),
        "tag": phase["tag"],
        "label": f"pre-phase-{phase_id}-deployment",
    }  # fmt: skip
    return {**record, "plan_hash": plan_hash(record, plan)}


def _change(raw: Mapping[str, Any], read: Read) -> Dict[str, Any]:
    """Return a change as written, with what is planned for it in numbers."""
    found = dict(raw)
    if read["planned"] is not None:
        found["planned"] = _planned(read["planned"])
    if read["rollback"] is not None:
        found["rollback"] = {"within_seconds": read["rollback"]["within"]}
    return found


def _requirement(read: Read, raw: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "phase": read["phase"],
        "key": f"phase-{read['phase']}",
        "stable_for": raw["stable_for"],
        "stable_for_seconds": read["stable_for"],
    }


def _approval(read: Read, plan: Plan) -> Dict[str, Any]:
    return {
        "role": read["role"],
        "count": read["count"],
        "persons": persons_of(read, plan),
        "expires_seconds": read["expires"],
        "exclude_runner": read["exclude_runner"],
    }


def _prerequisites(phase: Read) -> List[str]:
    traffic = ((phase["window"] or {}).get("low_traffic") or {}).get("objective")
    named = [*phase["prerequisites"], (phase["rollback"] or {}).get("rehearsed"), traffic]
    return list(dict.fromkeys(name for name in named if name is not None))


def _window(read: Optional[Read]) -> Optional[Dict[str, Any]]:
    if read is None:
        return None
    return {
        "days": show_days(read["days"]),
        "from": show_clock(read["from"]),
        "to": show_clock(read["to"]),
        "timezone": str(read["timezone"]),
        "low_traffic": (read["low_traffic"] or {}).get("objective"),
    }


def _watch(phase: Read, plan: Plan) -> Optional[Dict[str, Any]]:
    read = phase["watch"]
    if read is None:
        return None
    return {
        "duration_seconds": read["duration"],
        "interval_seconds": read["interval"],
        "objectives": watched(phase, plan.by_id),
        "on_breach": read["on_breach"],
        "critical": list(read["critical"]),
    }


def _rollback(phase: Read) -> Dict[str, Any]:
    read = phase["rollback"] or {"database": "keep", "policy": "automatic", "rehearsed": None}
    return {
        "within_seconds": within_of(phase),
        "database": read["database"],
        "policy": read["policy"],
        "rehearsed": read["rehearsed"],
    }


def _contact(read: Read) -> Dict[str, Any]:
    return {
        "person": read["person"],
        "contact": read["contact"],
        "after_seconds": read["after"],
        "for": read["for"],
    }


def _planned(read: Optional[Read]) -> Dict[str, Any]:
    return {
        name: {
            "hours_least": step["hours"] and step["hours"].least,
            "hours_most": step["hours"] and step["hours"].most,
            "people": step["people"],
            "days": step["days"] or [],
        }
        for name, step in (read or {}).items()
    }
