#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what the monitor has measured."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_samples
short_description: Keep what the monitor has measured
version_added: 0.1.0
description:
  - Writes the results of M(phased.rollout.slo_check) as samples of one tick of the monitor. How
    long a phase has been stable is computed from them.
  - Samples are never changed. Of one phase, objective and time the first sample stays. A further
    one changes nothing, so that a tick can be repeated.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
  - phased.rollout.ledger
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  phase:
    description: Key of the phase that is watched.
    type: str
    required: true
  at:
    description:
      - The time of the tick in ISO 8601 with its offset from UTC, the same for all that is measured
        in it, and for the tick if it is repeated.
      - One more than 5 minutes ahead of the database server's clock is refused.
    type: str
    required: true
  results:
    description: What was measured, as RV(phased.rollout.slo_check#module:results).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Measure
  phased.rollout.slo_check:
    objectives: "{{ rollout_objectives }}"
  register: measured

- name: Keep it
  phased.rollout.ledger_samples:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_writer
    login_password: "{{ ledger_password }}"
    rollout: tower-ssot
    phase: phase-1
    at: "2026-01-31T12:00:00Z"
    results: "{{ measured['results'] }}"
"""

RETURN = r"""
written:
  description: How many samples were new, in check mode how many would be.
  returned: success
  type: int
kept:
  description: How many had been there already, and stayed as they were.
  returned: success
  type: int
"""

from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LedgerAbsentError,
    LedgerError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._sample import (
    read_moment,
    read_samples,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError

ARGUMENT_SPEC: Dict[str, Any] = {
    "rollout": {"type": "str", "required": True},
    "phase": {"type": "str", "required": True},
    "at": {"type": "str", "required": True},
    "results": {"type": "list", "elements": "dict", "required": True},
    **LOGIN_ARGUMENT_SPEC,
}


def keep(params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    """Return how many samples were new. Raises ShapeError, LedgerError, MissingLibraryError."""
    rollout, phase = params["rollout"], params["phase"]
    at = read_moment(params["at"], "at")
    samples = read_samples(params["results"], phase, at)
    if not samples:
        raise ShapeError("results", [], "it must hold what was measured of one objective at least")
    try:
        with Ledger.connect(Login.of(params), make=not check_mode) as ledger:
            if check_mode:
                there = [
                    one.objective for one in ledger.samples(rollout, phase, at) if one.at == at
                ]
                written = sum(sample.objective not in there for sample in samples)
            else:
                written = ledger.add_samples(rollout, samples)
    except LedgerAbsentError:
        written = len(samples)
    return {"changed": written > 0, "written": written, "kept": len(samples) - written}


def main() -> None:
    """Keep the samples."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        told = keep(module.params, check_mode=module.check_mode)
    except (ShapeError, LedgerError) as exc:
        module.fail_json(msg=f"Cannot keep the samples of {module.params['phase']}: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
