#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell where a rollout stands, what blocks it, and what is next."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_info
short_description: Tell where a rollout stands, what blocks it, and what is next
version_added: 0.1.0
description:
  - Tells where each phase of a rollout stands, by its ledger, since when, for how long it has been
    stable, whose approvals count, and everything that blocks it, with who can end that and when it
    can be.
  - Nothing that is told is kept anywhere. It follows from the entries, the samples of the monitor,
    the lease, and the clock of the database server.
  - Time is stable if it lies between two ticks of the monitor, one and a half intervals apart at
    most, in which every objective of the watch was measured and held. Nothing else is, and nothing
    counts twice. A phase whose watch names no objectives is never stable.
  - A breach sets the clock to zero, stops it, or ends it for good, as C(on_breach) of the watch
    says. A rollback, a deploy of another tree, and a release of one set it to zero. While the
    newest tick did not hold, nothing is stable.
  - An approval counts if it states a reason, has not expired, was not withdrawn, is bound to the
    plan, changes, tree, gate and backup that are there now, and is by a person who may approve in
    this role, is no author of the changes and, with C(exclude_runner), has run no step of the
    phase. Persons count, not entries. A login and an address that begins with it count as one
    person.
  - Whether the prerequisites of a phase hold is not told, since only measuring them can tell.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
  - phased.rollout.ledger
attributes:
  check_mode:
    support: full
    details:
      - This module only reads. The file of O(export) is not written in check mode.
requirements:
  - ssh-keygen of OpenSSH 8.9 or later, for O(allowed_signers)
options:
  phases:
    description:
      - Records of the phases in the order of the plan, the return value
        RV(phased.rollout.plan_info#module:records) of M(phased.rollout.plan_info).
    type: list
    elements: dict
    required: true
  freezes:
    description:
      - Periods in which nothing is rolled out, as in C(rollout_freezes), empty if there are none.
      - Together with the windows in O(phases) they say when a phase can start.
    type: list
    elements: dict
    required: true
  present:
    description:
      - What is so now and does not stand in the ledger, by the key of the phase.
      - C(authors) are the authors of its changes as git names them, C(runner) is who runs it now.
        They do not approve it.
      - C(plan_hash), C(changes) (the commit of each change, by its id), C(tree), C(gate) and
        C(backup) are what there is to approve. By default they are the hash of the phase's record,
        the changes in the evidence of its newest step V(integrate), the tree and the hash of its
        newest gate V(release), and the hash of its newest backup. What is older than a rollback of
        the phase is no evidence.
    type: dict
    default: {}
  run:
    description: Names the run that asks, so that its own lease does not block it.
    type: str
  allowed_signers:
    description:
      - File with the keys of those who may approve, as C(ssh-keygen) reads it, with the persons as
        principals. With it an approval counts only if its person has signed it. A key that is not
        in the file any more vouches for nothing.
      - Without it approvals are taken as they stand, and RV(signed) is false.
    type: path
  verify_chain:
    description:
      - Whether to verify the chain of the ledger. If it is broken, everything is blocked.
      - This reads the whole ledger, about 50,000 entries a second.
    type: bool
    default: false
  heads:
    description:
      - What release tags say of the ledger, so that its end cannot have been cut off. Used with
        O(verify_chain) or O(export).
    type: list
    elements: dict
    default: []
    suboptions:
      tag:
        description: Name of the tag.
        type: str
        required: true
      sequence:
        description: Number of the entry that the tag names.
        type: int
        required: true
      hash:
        description: Its hash.
        type: str
        required: true
  export:
    description:
      - File to write the whole ledger of the rollout to, as JSON lines that
        C(playbooks/files/verify_ledger.py) verifies without a database. Verifies the chain as well.
    type: path
seealso:
  - module: phased.rollout.ledger
  - module: phased.rollout.approval_sign
  - plugin: phased.rollout.rollout_status
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Tell where the rollout stands
  phased.rollout.ledger_info:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_writer
    login_password: "{{ ledger_password }}"
    rollout: tower-ssot
    phases: "{{ plan['records'] }}"
    freezes: "{{ rollout_freezes }}"
    allowed_signers: inventories/prod/allowed_signers
    verify_chain: true
    heads: "{{ release_heads }}"
    present:
      phase-3:
        authors: ["Ada Lovelace <ada@example.com>"]
  register: status

- name: Show it
  ansible.builtin.debug:
    msg: "{{ (status | phased.rollout.rollout_status).splitlines() }}"

- name: Stop unless phase 3 may be released
  ansible.builtin.assert:
    that: status['phases']['phase-3']['blocked_by'] == []
    fail_msg: "{{ status['phases']['phase-3']['blocked_by'] | map(attribute='text') | join('; ') }}"
"""

RETURN = r"""
phases:
  description: Each phase by its key, in the order of the plan.
  returned: success
  type: dict
  contains:
    state:
      description:
        - V(waiting), not begun, and something has to come first. V(ready), nothing has.
        - V(running), a run that holds the lease is at it. V(stopped), its newest step failed or was
          never finished.
        - V(released), not in production yet. V(deployed), in production, but not watched, or its
          exit gate does not vouch for it.
        - V(soaking), not stable for long enough. V(unstable), an objective failed in the newest
          tick, or the soak has failed. V(stable), for as long as the plan says.
        - V(rolled_back), taken back.
      type: str
    since:
      description: Since when it is in this state, null if that is unknown.
      type: str
    id:
      description: As in its record, as are C(key), C(name), C(title), C(risk) and C(tag).
      type: raw
    released_at:
      description: When it was last released, C(deployed_at) when it was last deployed, or null.
      type: str
    tree:
      description: The tree that was last released, deployed or rolled back.
      type: str
    steps:
      description:
        - The newest entry of each step, from old to new. C(seconds) is how long it took, null if it
          has not ended or that is unknown.
      type: list
      elements: dict
      sample:
        - step: backup
          status: passed
          reason: null
          seconds: 41.2
          at: "2026-01-12T09:02:11.000000Z"
          actor: ada@control
          run: "4711"
    soak:
      description:
        - How far it is towards having been stable for as long as the plan says, null if it is not
          deployed or nobody requires it.
        - C(state) is V(waiting), V(counting), V(interrupted), V(breached), V(failed), V(complete)
          or V(no_evidence).
      type: dict
      sample:
        state: counting
        complete: false
        stable_seconds: 87120.0
        needed_seconds: 172800
        since: null
        earliest: "2026-01-15T03:10:00.000000Z"
        interruptions:
          - from: "2026-01-13T01:00:00.000000Z"
            until: "2026-01-13T01:40:00.000000Z"
            why: no sample for 40 min
        notes: []
    approvals:
      description:
        - What each required approval has come to, empty once the phase is released. C(may) are
          those who can still approve, null for anybody.
      type: list
      elements: dict
      sample:
        - role: cto
          need: 1
          have: 0
          missing: 1
          persons: []
          may: [carl@example.com]
          signed: true
          refused:
            - approval: approval/phase-3/cto/carl@example.com/5d41402abc4b
              person: carl@example.com
              why: "void: the merged tree was 7fe9a0c12b44, is 0b1c44aa90de"
              drifted: [tree]
    bound:
      description: What there is to approve now, and what M(phased.rollout.approval_sign) needs.
      type: dict
    evidence:
      description:
        - What its newest C(gates) have found, by their names, and its newest C(backup), or null, as
          they stand in the ledger.
      type: dict
    blocked_by:
      description:
        - Every reason why it cannot go on. C(kind) is V(step), V(requires), V(exit_gate), V(soak),
          V(review), V(window), V(approval), V(ledger) or V(lease).
        - C(stops) is V(start), V(release), or V(stable) for what is deployed and does not count as
          stable yet.
        - C(who) can end it, C(earliest) is when that can be, null if nobody knows.
      type: list
      elements: dict
      sample:
        - phase: phase-2
          kind: soak
          stops: start
          text: phase 1 has been stable for 24 h 12 min of 48 h
          who: [time]
          earliest: "2026-01-15T03:10:00.000000Z"
    earliest:
      description: Before when it cannot go on, as far as that is known, or null.
      type: str
blocked_by:
  description: What blocks the phases up to and with the next one to start, as in RV(phases).
  returned: success
  type: list
  elements: dict
next:
  description: What to do next, in words.
  returned: success
  type: str
lease:
  description: Who is at it now, null if nobody is.
  returned: success
  type: dict
reviews:
  description: After-reviews that are not done. They block the next phase.
  returned: success
  type: list
  elements: dict
signed:
  description: Whether signatures of approvals were checked.
  returned: success
  type: bool
chain:
  description: Whether the chain is whole, null if it was not verified.
  returned: success
  type: dict
  sample: {ok: true, entries: 412, head: {sequence: 412, hash: 9f86d081…}, broken: null}
now:
  description: The time for which all this holds, by the clock of the database server.
  returned: success
  type: str
"""

import hashlib
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._chain import read_heads
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import LedgerError
from ansible_collections.phased.rollout.plugins.module_utils._ledger_status import Check, look
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._question import Question
from ansible_collections.phased.rollout.plugins.module_utils._rollout_status import status
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._signature import (
    Run,
    SignatureError,
    module_run,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError

ARGUMENT_SPEC: Dict[str, Any] = {
    "rollout": {"type": "str", "required": True},
    "phases": {"type": "list", "elements": "dict", "required": True},
    "freezes": {"type": "list", "elements": "dict", "required": True},
    "present": {"type": "dict", "default": {}},
    "run": {"type": "str"},
    "allowed_signers": {"type": "path"},
    "verify_chain": {"type": "bool", "default": False},
    "heads": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "tag": {"type": "str", "required": True},
            "sequence": {"type": "int", "required": True},
            "hash": {"type": "str", "required": True},
        },
    },
    "export": {"type": "path"},
    **LOGIN_ARGUMENT_SPEC,
}


def tell(params: Mapping[str, Any], run: Run, *, check_mode: bool) -> Dict[str, Any]:
    """Return where the rollout stands.

    Raises LedgerError, ShapeError, SignatureError, OSError, MissingLibraryError.
    """
    question, heads = Question.of(params), read_heads(params["heads"])
    file = None if check_mode else params["export"]
    before = _digest(file)
    verify = params["verify_chain"] or params["export"] is not None
    known, chain = look(Login.of(params), question, run, Check(verify, heads, file))
    return {
        **status(known),
        "changed": _digest(file) != before,
        "chain": chain.as_dict() if chain else None,
    }


def _digest(path: Optional[str]) -> Optional[str]:
    if path is None or not Path(path).is_file():
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Tell where the rollout stands."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        told = tell(module.params, module_run(module), check_mode=module.check_mode)
    except (LedgerError, ShapeError, SignatureError, OSError) as exc:
        module.fail_json(msg=f"Cannot tell where {module.params['rollout']} stands: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
