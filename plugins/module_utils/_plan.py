# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: what is wrong with it before anything runs, and the records of its phases. Pure.

Each kind of check has a file of its own, `_plan_*.py`. This module util is PRIVATE to the
collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._duration import whole_seconds
from ansible_collections.phased.rollout.plugins.module_utils._plan_check import coherence_findings
from ansible_collections.phased.rollout.plugins.module_utils._plan_commands import (
    command_findings,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_controls import (
    control_findings,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import (
    ERROR,
    Finding,
    in_order,
    stands_in,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_hash import plan_hash
from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import SOURCES, STAGES
from ansible_collections.phased.rollout.plugins.module_utils._plan_limits import limit_findings
from ansible_collections.phased.rollout.plugins.module_utils._plan_planned import planned_findings
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import (
    Plan,
    gate_of,
    read_plan,
    window_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_record import phase_record
from ansible_collections.phased.rollout.plugins.module_utils._plan_risk import risk_findings
from ansible_collections.phased.rollout.plugins.module_utils._plan_rollback import (
    rollback_findings,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_traps import trap_findings
from ansible_collections.phased.rollout.plugins.module_utils._window import opening

__all__ = [
    "ERROR", "SOURCES", "Finding", "Hotfix", "Plan", "check_plan", "critical_validations",
    "findings_of", "gate_of", "hotfix_record", "phase_record", "read_plan", "window_states",
]  # fmt: skip


@dataclass(frozen=True)
class Hotfix:
    """What is to take the short path: a branch, its commit, and what the plan has released so far.

    tag: name of the release, made up if it is empty. released: tags of phases. review_within: how
    long after the release somebody has to have reviewed it, for example 48h.
    """

    branch: str
    commit: str
    released: Sequence[str]
    review_within: str
    tag: str = ""


def findings_of(plan: Plan) -> List[Finding]:
    """Return what is wrong with a plan, errors first.

    What cannot be read has one finding, whatever else it would make of its place.
    """
    checked = chain(
        coherence_findings(plan),
        control_findings(plan),
        rollback_findings(plan),
        risk_findings(plan),
        limit_findings(plan),
        trap_findings(plan),
        command_findings(plan),
        planned_findings(plan.phases),
    )
    unread = [finding.path for finding in plan.findings]
    known = [one for one in checked if not any(stands_in(path, one.path) for path in unread)]
    return in_order([*plan.findings, *known])


def check_plan(
    phases: Sequence[Mapping[str, Any]],
    objectives: Mapping[str, Mapping[str, Any]],
    freezes: Sequence[Mapping[str, Any]] = (),
    roles: Optional[Mapping[str, Sequence[str]]] = None,
) -> List[Finding]:
    """Return what is wrong with a plan as it is written, errors first."""
    return findings_of(read_plan(phases, objectives, freezes, roles))


def window_states(plan: Plan, now: datetime) -> Dict[str, Dict[str, Any]]:
    """Return by phase whether it may be released and deployed now, else from when on and why not.

    An objective that the window names is not asked. Times are ISO 8601 in UTC.
    """
    found = {}
    for number, phase in plan.by_id.items():
        state = opening(window_of(phase), plan.freezes, now)
        opens_at = state.opens_at and state.opens_at.isoformat(timespec="seconds")
        found[f"phase-{number}"] = {"open": state.open, "opens_at": opens_at, "why": state.why}
    return found


def hotfix_record(plan: Plan, hotfix: Hotfix) -> Dict[str, Any]:
    """Return a hotfix as the record of a phase, with the gate of the newest phase released.

    Its only change is the very commit, so that nothing can join it on its way. What it is called
    comes from branch and commit, so that the same hotfix is the same phase when it is run again.
    Raises ValueError if nothing is released, or if nothing would judge it.
    """
    phases = [phase_record(plan, number) for number in plan.by_id]
    released = [phase for phase in phases if phase["tag"] in hotfix.released]
    if not released:
        tags = ", ".join(phase["tag"] for phase in phases)
        raise ValueError(
            f"no phase of the plan is released (there is none of the tags {tags}), so nothing says"
            " what must hold in production: let the fix go with the first phase"
        )
    validations = critical_validations(released)
    judged = [phase for phase in released if phase["gate"]]
    if not judged:
        raise ValueError("no phase that is released has a gate, so nothing would judge the hotfix")
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", hotfix.branch)
    key = f"{slug}-{hotfix.commit[:7]}"
    record = {
        **judged[-1],
        "id": key,
        "key": key,
        "name": hotfix.branch,
        "title": hotfix.branch,
        "changes": [{"id": hotfix.branch, "branch": hotfix.commit}],
        "requires": [],
        "approvals": [],
        "prerequisites": [],
        "window": None,
        "planned": {},
        "validations": validations,
        "tag": hotfix.tag or key,
        "label": f"pre-{key}",
        "review_within_seconds": _review_seconds(hotfix.review_within),
    }
    del record["plan_hash"]
    return {**record, "plan_hash": plan_hash(record, plan)}


def critical_validations(phases: Sequence[Mapping[str, Any]]) -> Dict[str, List[Any]]:
    """Return by stage the validations of phases that are marked as critical, each once.

    Raises ValueError if none of them would judge what is about to be released.
    """
    found: Dict[str, List[Any]] = {stage: [] for stage in STAGES}
    for phase in phases:
        for stage, items in phase["validations"].items():
            wanted = (item for item in items if item.get("critical"))
            found[stage] += [item for item in wanted if item not in found[stage]]
    if not found["integration"]:
        judging = ", ".join(f"phase {phase['id']}" for phase in phases)
        raise ValueError(
            f"no integration validation of {judging} is marked critical: true, so nothing would"
            " judge the hotfix before its release: mark those that it must pass"
        )
    return found


def _review_seconds(duration: str) -> int:
    try:
        return whole_seconds(duration)
    except ValueError as exc:
        raise ValueError(f"review_within is {duration!r}: {exc}") from None
