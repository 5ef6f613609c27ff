#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a rollout plan and resolve one of its phases."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_info
short_description: Check a rollout plan and resolve one of its phases
version_added: 0.1.0
description:
  - Finds what makes no sense in a plan, such as an objective that is not defined, a phase that
    requires a later one, a tag or branch that is used twice, a limit that nothing can meet, or a
    phase that has less than its risk requires. All of it is in docs/plan.md.
  - Resolves phases into records in which every key is present, durations are seconds, and a gate
    holds all that it inherits.
  - Makes such a record for a hotfix, with the gate of the newest phase that is released and the
    validations marked C(critical) of all of them.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
options:
  phases:
    description: The phases of the plan, as in C(rollout_phases).
    type: list
    elements: dict
    required: true
  objectives:
    description: The objectives of the plan by name, as in C(rollout_objectives).
    type: dict
    required: true
  freezes:
    description: Periods in which nothing is rolled out, as in C(rollout_freezes).
    type: list
    elements: dict
    default: []
  roles:
    description: Who may approve, by role, as in C(rollout_roles).
    type: dict
    default: {}
  baselines:
    description:
      - What objectives measure today, by name, as the role P(phased.rollout.gate#role) takes it.
      - Finds limits that are missed from the start.
    type: dict
    default: {}
  phase:
    description: Number of the phase to resolve.
    type: int
  hotfix:
    description: The hotfix to make a record for.
    type: dict
    suboptions:
      branch:
        description: Its branch.
        type: str
        required: true
      commit:
        description: Full id of the commit to release.
        type: str
        required: true
      released:
        description: The tags that the release branch contains; those of phases count.
        type: list
        elements: str
        required: true
      tag:
        description: Name of its release, made from branch and commit if it is empty.
        type: str
        default: ""
      review_within:
        description: How long after its release it must have been reviewed.
        type: str
        default: 48h
"""

EXAMPLES = r"""
- name: Resolve phase 1
  phased.rollout.plan_info:
    phases: "{{ rollout_phases }}"
    objectives: "{{ rollout_objectives }}"
    freezes: "{{ rollout_freezes }}"
    roles: "{{ rollout_roles }}"
    phase: 1
  register: plan

- name: Make the record of a hotfix
  phased.rollout.plan_info:
    phases: "{{ rollout_phases }}"
    objectives: "{{ rollout_objectives }}"
    hotfix:
      branch: hotfix/memory-leak
      commit: 76d4bb83f8a2cd7a7a6fd4f2a1a6b7e0c9a5d1e3
      released: [v1.0.0-ssot-phase1]
  register: plan
"""

RETURN = r"""
findings:
  description:
    - What is wrong with the plan, errors first. A finding of severity V(error) forbids to run it,
      one of severity V(warning) is to be shown. C(rule) is the check that found it.
  returned: success
  type: list
  elements: dict
  sample:
    - path: rollout_phases[0].gate[2]
      problem: objective 'integrty' is not defined in rollout_objectives
      suggestion: did you mean integrity?
      severity: error
      rule: not_defined
phase:
  description:
    - The record of the phase or hotfix, V(null) if none was asked for or an error was found.
  returned: success
  type: dict
phases:
  description: Number, name and tag of every phase, in the order of the plan.
  returned: success
  type: list
  elements: dict
records:
  description: The records of all phases, in the order of the plan, none if an error was found.
  returned: success
  type: list
  elements: dict
windows:
  description:
    - By the key of every phase whether it may be released and deployed now, by its window and the
      freezes, else from when on (V(null) is never) and why not. None if an error was found.
    - An objective that a window names is not asked; it is one of the phase's prerequisites.
  returned: success
  type: dict
  sample:
    phase-1:
      open: false
      opens_at: "2026-12-28T08:00:00+00:00"
      why: "frozen until 2026-12-27 00:00 UTC: Christmas"
"""

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._plan import (
    ERROR,
    Hotfix,
    Plan,
    findings_of,
    hotfix_record,
    phase_record,
    read_plan,
    window_states,
)

PLAN_SPEC: Dict[str, Any] = {
    "phases": {"type": "list", "elements": "dict", "required": True},
    "objectives": {"type": "dict", "required": True},
    "freezes": {"type": "list", "elements": "dict", "default": []},
    "roles": {"type": "dict", "default": {}},
    "baselines": {"type": "dict", "default": {}},
}
ARGUMENT_SPEC: Dict[str, Any] = {
    **PLAN_SPEC,
    "phase": {"type": "int"},
    "hotfix": {
        "type": "dict",
        "options": {
            "branch": {"type": "str", "required": True},
            "commit": {"type": "str", "required": True},
            "released": {"type": "list", "elements": "str", "required": True},
            "tag": {"type": "str", "default": ""},
            "review_within": {"type": "str", "default": "48h"},
        },
    },
}


def resolve(asked: Dict[str, Any], now: datetime) -> Dict[str, Any]:
    """Return the findings, and what the phases come to if none of them is an error.

    now: aware. Raises KeyError or ValueError as record does.
    """
    plan = read_plan(**{name: asked[name] for name in PLAN_SPEC})
    findings = findings_of(plan)
    refused = any(finding.severity == ERROR for finding in findings)
    return {
        "findings": [asdict(finding) for finding in findings],
        "phases": [{key: one.get(key) for key in ("id", "name", "tag")} for one in asked["phases"]],
        "phase": None if refused else record(plan, asked),
        "records": [] if refused else [phase_record(plan, number) for number in plan.by_id],
        "windows": {} if refused else window_states(plan, now),
    }


def record(plan: Plan, asked: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Return the record of the phase or hotfix that was asked for, None if there is none.

    Raises KeyError or ValueError if the plan has no such phase or no way for the hotfix.
    """
    if asked["hotfix"]:
        return hotfix_record(plan, Hotfix(**asked["hotfix"]))
    return None if asked["phase"] is None else phase_record(plan, asked["phase"])


def main() -> None:
    """Return what there is to say of the plan."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[("phase", "hotfix")],
        supports_check_mode=True,
    )
    try:
        found = resolve(module.params, datetime.now(timezone.utc))
    except (KeyError, ValueError) as exc:
        what = "hotfix" if module.params["hotfix"] else "phase"
        module.fail_json(msg=f"Cannot resolve the {what}: {exc.args[0]}")
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
