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
    requires a later one, a tag or branch that is used twice, or a limit that nothing can meet.
  - Resolves one phase into a record in which every key is present and its gate holds all that it
    inherits.
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
  phase:
    description: Number of the phase to resolve.
    type: int
"""

EXAMPLES = r"""
- name: Resolve phase 1
  phased.rollout.plan_info:
    phases: "{{ rollout_phases }}"
    objectives: "{{ rollout_objectives }}"
    phase: 1
  register: plan
"""

RETURN = r"""
findings:
  description: What is wrong with the plan. A finding of severity V(error) forbids to run it.
  returned: success
  type: list
  elements: dict
  sample:
    - path: rollout_phases[0].gate[2]
      problem: objective 'integrty' is not defined in rollout_objectives
      suggestion: did you mean integrity?
      severity: error
phase:
  description: The record of the phase, V(null) if none was asked for or an error was found.
  returned: success
  type: dict
phases:
  description: Number, name and tag of every phase, in the order of the plan.
  returned: success
  type: list
  elements: dict
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._plan import check_plan, phase_record

ARGUMENT_SPEC = {
    "phases": {"type": "list", "elements": "dict", "required": True},
    "objectives": {"type": "dict", "required": True},
    "phase": {"type": "int"},
}


def main() -> None:
    """Return the findings and the phase."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    phases, objectives = module.params["phases"], module.params["objectives"]
    findings = check_plan(phases, objectives)
    record = None
    if module.params["phase"] is not None and not any(f.severity == "error" for f in findings):
        try:
            record = phase_record(phases, module.params["phase"])
        except KeyError as exc:
            module.fail_json(msg=f"Cannot resolve the phase: {exc.args[0]}")
    module.exit_json(
        changed=False,
        findings=[asdict(finding) for finding in findings],
        phase=record,
        phases=[{key: phase.get(key) for key in ("id", "name", "tag")} for phase in phases],
    )


if __name__ == "__main__":
    main()
