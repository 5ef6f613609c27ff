# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each risk requires of a phase, and what a phase lacks. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

from ansible_collections.phased.rollout.plugins.module_utils._git_changes import RISKS
from ansible_collections.phased.rollout.plugins.module_utils._plan_controls import (
    persons_of,
    watched,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import (
    Plan,
    Read,
    gate_of,
    present,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_rollback import within_of


class Control(NamedTuple):
    """What a risk, and every higher one, requires: its name, where it stands, how to have it."""

    risk: str
    name: str
    key: str
    holds: Callable[[Read, Plan], bool]
    suggestion: str


def _judged_before(phase: Read, _plan: Plan) -> bool:
    validations = phase["validations"] or {}
    return bool(validations.get("integration") or validations.get("staging"))


def _gate(phase: Read, plan: Plan) -> bool:
    return phase["id"] is None or bool(gate_of(plan.by_id, phase["id"]))


def _two_persons(phase: Read, plan: Plan) -> bool:
    """Return whether no one person can give all approvals."""
    approvals = [approval for _index, approval in present(phase["approvals"])]
    if any((approval["count"] or 1) > 1 for approval in approvals):
        return True
    names = [{name.casefold() for name in persons_of(one, plan)} for one in approvals]
    return bool(names) and not set.intersection(*names)


#: Every one is also required of the risks above. A backup that was read back and the same tree from
#: validation to production are no choice of the plan: the recipe has them at every risk.
CONTROLS = (
    Control("minimal", "a validation or a gate", "validations",
            lambda phase, plan: _judged_before(phase, plan) or _gate(phase, plan),
            "set validations.integration or validations.staging, or a gate"),
    Control("low", "a gate", "gate", _gate, "set it, for example [error_ratio]"),
    Control("medium", "something that judges it before its release", "prerequisites",
            lambda phase, plan: _judged_before(phase, plan) or bool(phase["prerequisites"]),
            "set prerequisites, validations.integration or validations.staging"),
    Control("high", "a watch", "watch",
            lambda phase, plan: bool(watched(phase, plan.by_id)), "set watch: {duration: 48h}"),
    Control("high", "a time for its rollback", "rollback.within",
            lambda phase, plan: within_of(phase) is not None, "set it, for example 15m"),
    Control("high", "an approval", "approvals",
            lambda phase, plan: bool(phase["approvals"]), "set approvals: [{role: ...}]"),
    Control("critical", "approvals of two persons", "approvals", _two_persons,
            "set count: 2, or add a role of other persons"),
    Control("critical", "a window", "window",
            lambda phase, plan: phase["window"] is not None,
            'set window: {days: mon-thu, from: "09:00", to: "16:00"}'),
    Control("critical", "a deployment that can be switched back at once", "deploy.strategy",
            lambda phase, plan: (phase["deploy"] or {}).get("strategy") == "blue_green",
            "set it to blue_green"),
    Control("critical", "a rollback that was rehearsed", "rollback.rehearsed",
            lambda phase, plan: bool((phase["rollback"] or {}).get("rehearsed")),
            "name the objective that tells whether it was"),
    Control("critical", "somebody to call", "escalation",
            lambda phase, plan: bool(phase["escalation"]),
            "set escalation: [{person: ..., contact: ...}]"),
)  # fmt: skip


def risk_findings(plan: Plan) -> Iterator[Finding]:
    """Yield what phases lack for their risk, and changes that are riskier than their phase."""
    for path, phase in plan.phases.items():
        risk = phase["risk"]
        if risk is None:
            continue
        for control in CONTROLS:
            if RISKS.index(control.risk) <= RISKS.index(risk) and not control.holds(phase, plan):
                yield Finding(
                    f"{path}.{control.key}",
                    f"a phase of {risk} risk needs {control.name}",
                    control.suggestion,
                    rule="risk",
                )
        for index, change in present(phase["changes"]):
            if change["risk"] is not None and RISKS.index(change["risk"]) > RISKS.index(risk):
                yield Finding(
                    f"{path}.risk",
                    f"it is {risk}, and that of change {change['id']} (changes[{index}]) is"
                    f" {change['risk']}: a phase needs the care of its riskiest change",
                    f"set it to {change['risk']}",
                    rule="risk_of_change",
                )
