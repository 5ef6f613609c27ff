#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write one entry into the ledger."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger
short_description: Write entries into the ledger
version_added: 0.1.0
description:
  - Appends what was decided, done or measured to the ledger of a rollout. Entries are never changed
    and never removed. The database refuses it, and each entry carries the SHA-256 of the one before
    it, so that whoever gets around that is found out.
  - An entry is written once. If its C(key) stands in the ledger already with the same C(kind),
    C(phase) and C(data), nothing is written, whoever wrote it, when, and in which run. If it stands
    there with something else, the module fails and names what differs.
  - The time of an entry is that of the database server, and never before that of the entry before
    it, even if the server's clock was set back.
  - No secret becomes evidence. In C(data) every value in O(secrets) is masked, and so is what
    stands under a key such as C(password), C(token) or C(api_key), the password in a URL, what
    follows C(password=) or the like, a bearer token, and a private key. What was masked is in
    RV(masked). Under C(changes) and C(versions) the keys are names that people chose, so they do
    not count as such. A secret in any other option, or in a key of C(data), is refused.
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
    details:
      - The entry that would be written is returned. O(fence) is not looked at, as in check mode no
        lease is taken.
  diff_mode:
    support: full
options:
  entries:
    description:
      - What is to be written, in this order. All of it is written, or nothing.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: What the entry tells of.
        type: str
        required: true
        choices:
          - step
          - gate
          - backup
          - released
          - deployed
          - rolled_back
          - approval
          - withdrawal
          - review_due
          - review
      key:
        description:
          - Names this one fact within the rollout, such as V(phase-1/release/v1.0.0/passed), so
            that a step that is run again does not write it again.
        type: str
        required: true
      phase:
        description: Key of the phase or hotfix that it is about. Required for a V(step).
        type: str
      data:
        description:
          - The evidence, at most 1 MB of it. What is larger belongs into a file, and its SHA-256
            here.
          - That of a V(step) has C(step), its name, and C(status), which is V(started), V(passed),
            V(failed) or V(skipped).
        type: dict
        default: {}
  actor:
    description: Who does it, as person@host.
    type: str
    required: true
  run:
    description: Names the run of the playbook, such as the number of an AWX job.
    type: str
    required: true
  fence:
    description:
      - Fence of the lease under which this is written, see M(phased.rollout.ledger_lease). The
        database refuses the entry if that is not the present lease, or if it has run out.
      - Without it no lease is needed, as for approvals.
    type: int
  ttl:
    description: For how many seconds the lease of O(fence) is renewed first. By default it is not.
    type: int
  secrets:
    description:
      - Values that must not appear in the ledger. One of fewer than 4 characters is masked only
        where it is a whole value.
    type: list
    elements: str
    default: []
seealso:
  - module: phased.rollout.ledger_info
  - module: phased.rollout.ledger_lease
"""

EXAMPLES = r"""
- name: Record that the backup was taken
  phased.rollout.ledger:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_writer
    login_password: "{{ ledger_password }}"
    rollout: tower-ssot
    actor: ada@control.example.com
    run: "4711"
    fence: "{{ lease['fence'] }}"
    entries:
      - kind: step
        phase: phase-1
        key: phase-1/backup/pre-phase-1-deployment/passed
        data:
          step: backup
          status: passed
          evidence:
            label: pre-phase-1-deployment
            restore_seconds: 42.1
    secrets: ["{{ ledger_password }}"]
  register: recorded

- name: Show the head of the chain, which belongs into the release tag
  ansible.builtin.debug:
    msg: "{{ recorded['entries'][-1]['sequence'] }} {{ recorded['entries'][-1]['hash'] }}"
"""

RETURN = r"""
entries:
  description: The entries, whether they were written now or stood there already.
  returned: success
  type: list
  elements: dict
  contains:
    rollout:
      description: Name of the rollout.
      type: str
    sequence:
      description: Its number in the chain of the rollout, from 1 on, without gaps.
      type: int
    key:
      description: As given, as are C(kind), C(phase), C(actor), C(run) and C(fence).
      type: str
    at:
      description: When it was written, by the server's clock in UTC.
      type: str
      sample: "2026-11-24T11:44:05.092624Z"
    data:
      description: The evidence, without secrets.
      type: dict
    previous:
      description: Hash of the entry before it. The first one has 64 zeros.
      type: str
    hash:
      description: SHA-256 over C(previous) and the entry in canonical JSON.
      type: str
masked:
  description: Where a secret was masked, of all entries.
  returned: success
  type: list
  elements: str
  sample: ["data.evidence.url"]
"""

from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._draft import checked
from ansible_collections.phased.rollout.plugins.module_utils._entry import (
    KINDS,
    Draft,
    Entry,
    sealed,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LedgerAbsentError,
    LedgerError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._mask import mask
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError

ARGUMENT_SPEC: Dict[str, Any] = {
    "rollout": {"type": "str", "required": True},
    "entries": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "kind": {"type": "str", "required": True, "choices": list(KINDS)},
            "key": {"type": "str", "required": True, "no_log": False},
            "phase": {"type": "str"},
            "data": {"type": "dict", "default": {}},
        },
    },
    "actor": {"type": "str", "required": True},
    "run": {"type": "str", "required": True},
    "fence": {"type": "int"},
    "ttl": {"type": "int"},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
    **LOGIN_ARGUMENT_SPEC,
}


def write(params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    """Return what came of writing the entries. Raises LedgerError, MissingLibraryError."""
    secrets = params["secrets"]
    common = {name: params[name] for name in ("rollout", "actor", "run", "fence")}
    drafts = [Draft(**common, **one) for one in params["entries"]]
    try:
        with Ledger.connect(Login.of(params), make=not check_mode) as ledger:
            if params["fence"] is not None and params["ttl"] is not None and not check_mode:
                _renew(ledger, params)
            write_all = ledger.preview_all if check_mode else ledger.append_all
            written = write_all(drafts, secrets)
    except LedgerAbsentError:
        written = [(entry, True) for entry in _first(drafts, secrets)]
    entries = [entry.as_dict() for entry, _is_new in written]
    before = [there for there, (_entry, is_new) in zip(entries, written) if not is_new]
    return {
        "changed": any(is_new for _entry, is_new in written),
        "entries": entries,
        "masked": [path for draft in drafts for path in mask(draft.data, secrets).paths],
        "diff": {"before": before, "after": entries},
    }


def _first(drafts: Sequence[Draft], secrets: Sequence[str]) -> List[Entry]:
    """Return the entries that would be the first ones of a ledger."""
    entries: List[Entry] = []
    for draft in drafts:
        head = entries[-1].head if entries else None
        entries.append(sealed(checked(draft, secrets), head, datetime.now(timezone.utc)))
    return entries


def _renew(ledger: Ledger, params: Mapping[str, Any]) -> None:
    ledger.renew_lease(params["rollout"], params["run"], params["fence"], params["ttl"])


def main() -> None:
    """Write the entry."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        told = write(module.params, check_mode=module.check_mode)
    except LedgerError as exc:
        module.fail_json(msg=f"Cannot write into the ledger of {module.params['rollout']}: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
