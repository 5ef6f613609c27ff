#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take, renew or give back the lease of a rollout."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_lease
short_description: Take, renew or give back the lease of a rollout
version_added: 0.1.0
description:
  - A rollout has one lease, so that two runs cannot change the world at once. Whoever takes it gets
    a fence, a number that is larger than every one before it. What is written with an older one is
    refused.
  - The lease is taken if it is free or has run out, by the clock of the database server. It is also
    taken, at once, if the run that holds it ran on this very host and its process has ended, as
    after a C(kill -9). If another run holds it, the module fails and says which, since when and
    until when.
  - Taking it again in the same run renews it, and the fence stays the same.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
  - phased.rollout.ledger
notes:
  - The process of a run is the outermost C(ansible-playbook), C(ansible) or C(ansible-pull) among
    the ancestors of this module. If there is none, as on a host other than the control node, or if
    there is no C(/proc), the lease of a killed run is free only when its time is over.
  - A process of another container, of another boot, or of another host is never taken for dead.
attributes:
  check_mode:
    support: full
    details:
      - Nothing is taken. The fence that would be given is returned, and is accepted as O(fence) by
        this module in check mode.
  diff_mode:
    support: none
options:
  state:
    description:
      - With V(present) the run has the lease afterwards, or the module fails.
      - With V(absent) it does not. A lease that another run holds is left alone.
    type: str
    default: present
    choices: [present, absent]
  run:
    description: Names the run of the playbook, such as the number of an AWX job.
    type: str
    required: true
  actor:
    description: Who runs it, as person@host. Required if O(state=present).
    type: str
  fence:
    description:
      - Fence of the lease that this run took. It is then only renewed, and the module fails if it
        was lost. Use it before each step that changes the world.
      - A lease that has run out, and that nobody has taken since, is renewed as well.
    type: int
  ttl:
    description:
      - How long the lease is good for without being renewed, in seconds, from 1 to 86400. No step
        should take longer.
    type: int
    default: 900
"""

EXAMPLES = r"""
- name: Take the lease
  phased.rollout.ledger_lease:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_writer
    login_password: "{{ ledger_password }}"
    rollout: tower-ssot
    run: "4711"
    actor: ada@control.example.com
  register: lease

- name: Make sure that the lease is still ours, right before pushing
  phased.rollout.ledger_lease:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_writer
    login_password: "{{ ledger_password }}"
    rollout: tower-ssot
    run: "4711"
    actor: ada@control.example.com
    fence: "{{ lease['fence'] }}"

- name: Give it back
  phased.rollout.ledger_lease:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_writer
    login_password: "{{ ledger_password }}"
    rollout: tower-ssot
    run: "4711"
    fence: "{{ lease['fence'] }}"
    state: absent
"""

RETURN = r"""
fence:
  description: Fence of the lease that this run has, null if it has none.
  returned: success
  type: int
outcome:
  description:
    - V(taken) if the run did not have the lease before, V(renewed) if it had, V(released) if it was
      given back, V(absent) if there was nothing to give back. Only V(taken) and V(released) are a
      change.
  returned: success
  type: str
lease:
  description: The lease as it is now, whoever holds it. Null if it is free.
  returned: success
  type: dict
  contains:
    fence:
      description: Its number.
      type: int
    holder:
      description: Who took it, as person@host.
      type: str
    run:
      description: The run that took it.
      type: str
    since:
      description: When it was taken, in UTC.
      type: str
    expires_at:
      description: When it runs out unless it is renewed, in UTC.
      type: str
    pid:
      description: Number of the process that runs the playbook, null if it is not known.
      type: int
taken_from:
  description: Whose lease was taken over, null if it was free.
  returned: success
  type: dict
  contains:
    holder:
      description: Who had it, as person@host.
      type: str
    run:
      description: The run that had it.
      type: str
    why:
      description: V(dead) if its process had ended, V(expired) if its time was over.
      type: str
"""

from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._lease import (
    Lease,
    Taken,
    running_playbook,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LeaseLostError,
    LedgerAbsentError,
    LedgerError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError

LONGEST_SECONDS = 86400
ARGUMENT_SPEC: Dict[str, Any] = {
    "rollout": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "run": {"type": "str", "required": True},
    "actor": {"type": "str"},
    "fence": {"type": "int"},
    "ttl": {"type": "int", "default": 900},
    **LOGIN_ARGUMENT_SPEC,
}


def settle(params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    """Return what became of the lease. Raises LedgerError, MissingLibraryError."""
    if not 0 < params["ttl"] <= LONGEST_SECONDS:
        raise LedgerError(f"ttl is {params['ttl']}: it must be from 1 to {LONGEST_SECONDS} seconds")
    is_wanted = params["state"] == "present"
    try:
        with Ledger.connect(Login.of(params), make=is_wanted and not check_mode) as ledger:
            if not is_wanted:
                return _give_back(ledger, params, check_mode=check_mode)
            if params["fence"] is None:
                return _take(ledger, params, check_mode=check_mode)
            return _renew(ledger, params, check_mode=check_mode)
    except LedgerAbsentError:
        return _told("taken", None, fence=1) if is_wanted else _told("absent", None)


def _take(ledger: Ledger, params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    taken = ledger.take_lease(
        params["rollout"],
        params["actor"],
        params["run"],
        params["ttl"],
        running_playbook(),
        check_mode=check_mode,
    )
    return _told(taken.outcome, taken.lease, fence=taken.lease.fence, taken=taken)


def _renew(ledger: Ledger, params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    rollout, run, fence = params["rollout"], params["run"], params["fence"]
    if not check_mode:
        return _told("renewed", ledger.renew_lease(rollout, run, fence, params["ttl"]), fence=fence)
    lease = ledger.lease(rollout)
    # One that was never given out can only be what taking the lease has returned in check mode.
    if lease and fence <= lease.fence and (fence, run) != (lease.fence, lease.run):
        raise LeaseLostError(ledger.lost(rollout, fence))
    return _told("renewed", lease, fence=fence)


def _give_back(ledger: Ledger, params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    lease = ledger.lease(params["rollout"])
    is_own = (
        lease is not None and lease.run == params["run"] and params["fence"] in (None, lease.fence)
    )
    if lease is None or not is_own:
        return _told("absent", lease)
    if not check_mode:
        ledger.release_lease(params["rollout"], params["run"], lease.fence)
    return _told("released", None)


def _told(
    outcome: str,
    lease: Optional[Lease],
    *,
    fence: Optional[int] = None,
    taken: Optional[Taken] = None,
) -> Dict[str, Any]:
    """Return the result of the module."""
    before = taken.before if taken and taken.outcome == "taken" else None
    why = "dead" if taken and taken.dead else "expired"
    return {
        "changed": outcome in ("taken", "released"),
        "outcome": outcome,
        "fence": fence,
        "lease": lease.as_dict() if lease else None,
        "taken_from": {"holder": before.holder, "run": before.run, "why": why} if before else None,
    }


def main() -> None:
    """Settle whose the lease is."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["actor"])],
        supports_check_mode=True,
    )
    try:
        told = settle(module.params, check_mode=module.check_mode)
    except LedgerError as exc:
        module.fail_json(msg=f"No lease of {module.params['rollout']}: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
