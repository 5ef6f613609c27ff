#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a PostgreSQL database from a backup without destroying the one that is there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_restore
short_description: Restore a PostgreSQL database from a backup, destroying nothing
version_added: 0.1.0
description:
  - Restores a backup of M(phased.rollout.pg_backup) beside the live database, checks that it holds
    what was backed up to the last row, and lets it take the place of the live one by renaming both
    in one transaction. How long nobody can use the database does not grow with its size.
  - The database that was replaced is kept under another name, with a comment that says how to go
    back. What would be lost is counted before. A restore that loses rows needs O(accept_loss).
  - Applications need not be stopped. Their connections are ended at the swap; whoever connects
    while it lasts waits, and may have to connect once more. What they write until then is counted.
  - If the database holds exactly what the backup holds, schema included, nothing is done.
  - If anything fails, or is killed, the live database serves on as it was. What a killed run has
    left beside it is removed by the next restore of the database.
  - Refuses what would not survive it. The live database must not have prepared transactions,
    logical replication slots or subscriptions, and the server must have the roles, the extensions
    and the room that the backup needs. Subscriptions in a backup are left out.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - C(pg_restore), C(pg_dump), C(vacuumdb) and C(psql) on the host, of the server's version
  - PostgreSQL 14 or newer
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
attributes:
  check_mode:
    support: full
    details:
      - The backup and whatever must hold before a restore are checked, and what would be lost is
        counted. A loss that is not accepted does not fail; see RV(refusal). An encrypted backup is
        decrypted for that, and what was decrypted removed again.
  diff_mode:
    support: none
options:
  label:
    description: Name of the backup, for example V(pre-phase-1-deployment).
    type: str
    required: true
  login_db:
    description: Name of the database, which is also the one that was backed up.
    type: str
    required: true
  directory:
    description: Directory that keeps the backups.
    type: path
    default: /var/backups/rollout
  jobs:
    description: Number of tables that are restored and read at the same time.
    type: int
    default: 2
  accept_loss:
    description:
      - How many rows may be lost that were written after the backup. They stay in the database that
        is kept.
      - Give the number that was shown. One that is smaller than what would be lost is refused, and
        so is one that is far larger, by more than 100 and more than a tenth.
    type: int
    default: 0
  into:
    description:
      - Name of a new database to restore into, with the owner, the rights and the settings of the
        original. The live database is left alone.
      - If it is there already as a copy of the same backup, it is made anew unless it still holds
        what the backup holds. Any other database of that name is an error.
    type: str
  invariants:
    description: SQL by name that must give true in the restored database before it is used.
    type: dict
    default: {}
  identity_file:
    description: File with the secret key of an encrypted backup.
    type: path
  scratch_directory:
    description:
      - Directory in which an encrypted backup is decrypted. By default O(directory).
    type: path
  expire_replaced:
    description:
      - Which of the databases that earlier restores have replaced are dropped. One goes only if
        every limit lets it go, the newest one never, nor one that is in use.
    type: dict
    suboptions:
      count:
        description: How many stay at least.
        type: int
      age:
        description: How long they stay at least, for example V(14d).
        type: str
seealso:
  - module: phased.rollout.pg_backup
"""

EXAMPLES = r"""
- name: See what would be lost
  phased.rollout.pg_restore:
    label: pre-phase-2-deployment
    login_db: tower_consolidated
  check_mode: true
  become: true
  become_user: postgres
  register: forecast

- name: Restore the database, and lose the 12 rows that were shown
  phased.rollout.pg_restore:
    label: pre-phase-2-deployment
    login_db: tower_consolidated
    accept_loss: 12
    invariants:
      every decision has a generation: >-
        SELECT NOT EXISTS (SELECT FROM generation_decisions WHERE generation_id IS NULL)
    expire_replaced: {count: 2, age: 14d}
  become: true
  become_user: postgres

- name: Restore a copy to rehearse a migration on
  phased.rollout.pg_restore:
    label: pre-phase-2-deployment
    login_db: tower_consolidated
    into: tower_rehearsal
  become: true
  become_user: postgres
"""

RETURN = r"""
database:
  description: The database that holds the backup now.
  returned: success
  type: str
differs:
  description: Whether the database did not hold what the backup holds.
  returned: success
  type: bool
kept_as:
  description:
    - Name under which the replaced database is kept, in check mode that it would get. If there was
      nothing to do, the one that was kept when this backup was last restored.
    - V(null) if none was replaced.
  returned: success
  type: str
  sample: tower_consolidated_before_20260112T090000Z
undo:
  description: SQL for C(psql -d postgres) that puts RV(kept_as) back. V(null) if there is none.
  returned: success
  type: str
lost:
  description:
    - How many rows were lost, or would be, by table. A table that the backup does not have is in it
      even without rows.
  returned: success, or if the loss is not accepted
  type: dict
  sample: {public.generations: 12}
lost_rows:
  description: How many rows were lost, or would be, in all.
  returned: success, or if the loss is not accepted
  type: int
exact:
  description:
    - Whether these numbers are exact. They are too high, never too low, if they count all rows of
      every table that differs. That is so if the backup is from another server, or if the database
      was itself restored since, and for rows that were being written during the backup.
  returned: success, or if the loss is not accepted
  type: bool
columns_lost:
  description: Columns that the backup does not have, by table.
  returned: success, or if the loss is not accepted
  type: dict
  sample: {public.generations: [quality]}
returning:
  description: How many rows that were changed or deleted since the backup come back, by table.
  returned: success, or if the loss is not accepted
  type: dict
refusal:
  description: Why the restore would be refused, V(null) if it would not.
  returned: success
  type: str
seconds:
  description: How long it took in all.
  returned: success
  type: float
downtime_seconds:
  description:
    - How long nobody could use the database. V(null) in check mode, or if none was replaced.
  returned: success
  type: float
restore_seconds:
  description: How long restoring it took when the backup was proven, V(null) if it was not.
  returned: success
  type: float
left_out:
  description: Subscriptions in the backup, which are not restored.
  returned: success
  type: list
  elements: str
expired:
  description: Replaced databases that O(expire_replaced) dropped, in check mode that it would.
  returned: success
  type: list
  elements: str
backup:
  description: What was restored.
  returned: success
  type: dict
  sample:
    label: pre-phase-2-deployment
    taken_at: '2026-01-12T09:00:00+00:00'
    server_version: '15.8'
    bytes: 18204
    git_tree: null
    migration_version: '0002'
    path: /var/backups/rollout/pre-phase-2-deployment
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore import restore
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server

ARGUMENT_SPEC: Dict[str, Any] = {
    **LOGIN_ARGUMENT_SPEC,
    "label": {"type": "str", "required": True},
    "login_db": {"type": "str", "required": True},
    "directory": {"type": "path", "default": "/var/backups/rollout"},
    "jobs": {"type": "int", "default": 2},
    "accept_loss": {"type": "int", "default": 0},
    "into": {"type": "str"},
    "invariants": {"type": "dict", "default": {}},
    "identity_file": {"type": "path"},
    "scratch_directory": {"type": "path"},
    "expire_replaced": {
        "type": "dict",
        "options": {"count": {"type": "int"}, "age": {"type": "str"}},
    },
}


def main() -> None:
    """Restore the backup, or look at what that would come to."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    server = Server.of(Login.of(params))
    try:
        result = restore(server, Request.of(params), check_mode=module.check_mode)
    except (PgError, OSError) as exc:
        module.fail_json(
            msg=f"Cannot restore {params['label']} into database"
            f" {params['into'] or params['login_db']}: {exc}",
            **getattr(exc, "details", {}),
        )
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
