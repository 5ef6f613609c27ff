#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the ledger's schema, and let a role write."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_schema
short_description: Make the ledger's schema, and let a role write
version_added: 0.1.0
description:
  - Makes the tables of the ledger, or brings them up to the version that this collection needs, in
    one transaction. O(login_user) becomes, or is, their owner.
  - The other modules do the same when they find no ledger and may make one. This module is for a
    role that writes and owns nothing, and for an upgrade at a time that you choose.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - psycopg2
  - PostgreSQL 13 or later, a database with the encoding UTF8
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  writer:
    description:
      - A role that runs phases. It gets the rights to connect, to read the tables of the ledger, to
        insert entries and samples, and to call the functions that lock a chain, make the samples'
        table of a month, and take, renew and release a lease. Every other right to the ledger is
        taken from it.
      - It must exist, and must not be the owner or a member of it. If it has any further right
        through C(PUBLIC) or through another role, the module fails and names it.
    type: str
"""

EXAMPLES = r"""
- name: Make the ledger as the owner of its database
  phased.rollout.ledger_schema:
    login_host: db.example.com
    login_db: rollout
    login_user: rollout_ledger
    login_password: "{{ ledger_owner_password }}"
    writer: rollout_writer
"""

RETURN = r"""
version:
  description: Version of the schema, in check mode the one it would have.
  returned: success
  type: int
version_before:
  description: Version that it had before, 0 if there was none.
  returned: success
  type: int
"""

from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import LedgerError
from ansible_collections.phased.rollout.plugins.module_utils._ledger_rights import (
    WRITER_RIGHTS,
    grant_writer,
    held_rights,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_schema import (
    NEWEST,
    upgrade,
    version_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_session import LedgerSession
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError

ARGUMENT_SPEC: Dict[str, Any] = {"writer": {"type": "str"}, **LOGIN_ARGUMENT_SPEC}


def bring_up_to_date(params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    """Return what has changed. Raises LedgerError, MissingLibraryError."""
    writer = params["writer"]
    session = LedgerSession(Login.of(params))
    try:
        with session.transaction():
            before = version_of(session)
        if before < NEWEST and not check_mode:
            before = upgrade(session)
        if before < NEWEST and check_mode:
            is_granted = writer is None
        else:
            with session.transaction():
                is_granted = writer is None or held_rights(session, writer) == WRITER_RIGHTS
        if not is_granted and not check_mode:
            grant_writer(session, writer)
    finally:
        session.close()
    changed = before < NEWEST or not is_granted
    return {"changed": changed, "version": NEWEST, "version_before": before}


def main() -> None:
    """Bring the schema up to date."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        told = bring_up_to_date(module.params, check_mode=module.check_mode)
    except LedgerError as exc:
        module.fail_json(msg=f"Cannot make the ledger: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
