#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the approval of a phase, and sign it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: approval_sign
short_description: Make the approval of a phase, and sign it
version_added: 0.1.0
description:
  - Makes what a person approves into what M(phased.rollout.ledger) writes, and signs it with the
    person's SSH key.
  - What is signed is the canonical JSON of O(rollout), O(phase), O(role), O(person), O(reason),
    O(bound) and the time at which it expires, in the namespace V(phased.rollout). So the signature
    is good for nothing else.
  - Nothing is written. Whether an approval counts is decided by M(phased.rollout.ledger_info) each
    time it is asked.
  - Runs where the key is.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
requirements:
  - ssh-keygen of OpenSSH 8.9 or later, for O(key)
options:
  rollout:
    description: Name of the rollout.
    type: str
    required: true
  phase:
    description: Key of the phase that is approved.
    type: str
    required: true
  role:
    description: In which of the roles that the plan asks for.
    type: str
    required: true
  person:
    description:
      - Who approves. With O(key) the name under which the key stands in the file of allowed
        signers.
    type: str
    required: true
  reason:
    description: Why, for those who read it later.
    type: str
    required: true
  bound:
    description:
      - What is approved, C(bound) of the phase in
        RV(phased.rollout.ledger_info#module:phases). Show it to the person first.
    type: dict
    required: true
  expires_seconds:
    description:
      - For how long it counts, in seconds. The time allowed by the plan is counted in any case.
    type: int
  key:
    description:
      - File of the private key, or of the public key if an agent holds the private one. A key with
        a passphrase has to be in an agent.
      - Without it the approval is not signed.
    type: path
  allowed_signers:
    description: File with the keys of those who may approve, to check the signature against.
    type: path
seealso:
  - module: phased.rollout.ledger
  - module: phased.rollout.ledger_info
"""

EXAMPLES = r"""
- name: Approve phase 3
  phased.rollout.approval_sign:
    rollout: tower-ssot
    phase: phase-3
    role: cto
    person: carl@example.com
    reason: Staging ran for two days, the restore took 4 minutes
    bound: "{{ status['phases']['phase-3']['bound'] }}"
    key: ~/.ssh/id_ed25519.pub
    allowed_signers: inventories/prod/allowed_signers
  register: approved

- name: Write it into the ledger
  phased.rollout.ledger:
    login_db: rollout
    rollout: tower-ssot
    entries:
      - kind: approval
        phase: phase-3
        key: "{{ approved['key'] }}"
        data: "{{ approved['approval'] }}"
    actor: carl@example.com
    run: approve
"""

RETURN = r"""
approval:
  description: The approval, as C(data) of an entry of the kind V(approval).
  returned: success
  type: dict
  contains:
    role:
      description: As given, as are C(person) and C(reason).
      type: str
    expires_at:
      description: When it expires, null if it does not.
      type: str
    bound:
      description: What it is bound to, with every field present.
      type: dict
    principal:
      description: Who has signed it, null if nobody has.
      type: str
    signature:
      description: The armoured signature, null if it is not signed.
      type: str
key:
  description: A key for its entry in the ledger. The same approval has the same key.
  returned: success
  type: str
  sample: approval/phase-3/cto/carl@example.com/2f0b1c9e77aa
"""

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._approval import BOUND, bound_of
from ansible_collections.phased.rollout.plugins.module_utils._chain import canonical
from ansible_collections.phased.rollout.plugins.module_utils._draft import checked
from ansible_collections.phased.rollout.plugins.module_utils._entry import Draft
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import EntryError
from ansible_collections.phased.rollout.plugins.module_utils._mask import mask
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._signature import (
    Run,
    SignatureError,
    module_run,
    sign,
    statement,
    why_not,
)
from ansible_collections.phased.rollout.plugins.module_utils._spoken import iso

ARGUMENT_SPEC: Dict[str, Any] = {
    **{
        name: {"type": "str", "required": True}
        for name in ("rollout", "phase", "role", "person", "reason")
    },
    "bound": {"type": "dict", "required": True},
    "expires_seconds": {"type": "int"},
    "key": {"type": "path", "no_log": False},
    "allowed_signers": {"type": "path"},
}


def approve(params: Mapping[str, Any], run: Run) -> Dict[str, Any]:
    """Return the approval and its key. Raises ShapeError, EntryError, SignatureError."""
    approval = _unsigned(params)
    if params["key"]:
        text = statement(params["rollout"], params["phase"], approval)
        approval["signature"] = sign(run, text, params["key"])
        approval["principal"] = params["person"]
        _check(text, approval, params["allowed_signers"], run)
    digest = hashlib.sha256(canonical(approval).encode()).hexdigest()[:12]
    parts = ("approval", params["phase"], params["role"], params["person"], digest)
    return {"approval": approval, "key": "/".join(parts)}


def _unsigned(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the approval as the ledger will keep it. Raises ShapeError, EntryError."""
    fields, bound = Fields(params, ""), Fields(params["bound"], "bound")
    bound.only(*BOUND)
    expires_at = None
    if params["expires_seconds"] is not None:
        life = fields.whole("expires_seconds", 1)
        expires_at = iso(datetime.now(timezone.utc) + timedelta(seconds=life))
    person = fields.text("person", "it must be who approves")
    approval = {
        "role": fields.text("role", "it must be a role that the plan asks for"),
        "person": person,
        "reason": fields.text("reason", "say why, for those who read it later"),
        "expires_at": expires_at,
        "bound": bound_of(bound.raw),
        "signature": None,
        "principal": None,
    }
    draft = Draft(params["rollout"], "-", "approval", params["phase"], person, "-", approval)
    if checked(draft).data != approval:
        needed = "the ledger would mask it, and what is not what was signed does not count"
        raise ShapeError(mask(approval).paths[0], "a secret, it seems", needed)
    return approval


def _check(text: bytes, approval: Mapping[str, Any], allowed: Any, run: Run) -> None:
    if allowed is None:
        return
    why = why_not(run, text, approval["signature"], approval["person"], allowed)
    if why:
        raise SignatureError(f"the approval would not count: {why}")


def main() -> None:
    """Make the approval."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_by={"allowed_signers": "key"},
    )
    try:
        told = approve(module.params, module_run(module))
    except (ShapeError, EntryError, SignatureError) as exc:
        module.fail_json(msg=f"Cannot approve {module.params['phase']}: {exc}")
    module.exit_json(changed=False, **told)


if __name__ == "__main__":
    main()
