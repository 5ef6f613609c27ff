#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a labelled backup of a PostgreSQL database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup
short_description: Take a labelled backup of a PostgreSQL database
version_added: 0.1.0
description:
  - Dumps one database with C(pg_dump) in directory format into a folder named by its label, reads
    the whole dump back with C(pg_restore), and writes a manifest with the SHA-256 of every file.
  - The folder appears under its name only when it is complete. A killed run leaves nothing that
    looks like a backup.
  - A label that is there already is not taken again. Its files are checked against its manifest.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - C(pg_dump), C(pg_restore) and C(psql) on the host
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  label:
    description:
      - Name of the backup, for example V(pre-phase-1-deployment).
      - Letters, digits, V(.), V(_) and V(-) only.
    type: str
    required: true
  login_db:
    description: Name of the database.
    type: str
    required: true
  directory:
    description: Existing directory that keeps the backups.
    type: path
    default: /var/backups/rollout
  jobs:
    description: Number of tables that are dumped at the same time.
    type: int
    default: 2
  login_host:
    description: Host of the server. Without it the server's socket on this host is used.
    type: str
  login_port:
    description: Port of the server.
    type: int
    default: 5432
  login_user:
    description: Role to connect as. Without it the name of the system user is used.
    type: str
  login_password:
    description: Password of O(login_user). It is handed over in the environment, never in argv.
    type: str
"""

EXAMPLES = r"""
- name: Back up before phase 1
  phased.rollout.pg_backup:
    label: pre-phase-1-deployment
    login_db: tower_consolidated
  become: true
  become_user: postgres
"""

RETURN = r"""
backup:
  description: The manifest of the backup, and where it is. In check mode only what is known.
  returned: success
  type: dict
  sample:
    label: pre-phase-1-deployment
    database: tower_consolidated
    path: /var/backups/rollout/pre-phase-1-deployment
    taken_at: '2026-01-12T09:00:00+00:00'
    server_version: '15.8'
    tables: 4
    bytes: 18204
    seconds: 0.42
    readable: true
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._pg_backup import Backup, BackupError

ARGUMENT_SPEC: Dict[str, Any] = {
    "label": {"type": "str", "required": True},
    "login_db": {"type": "str", "required": True},
    "directory": {"type": "path", "default": "/var/backups/rollout"},
    "jobs": {"type": "int", "default": 2},
    "login_host": {"type": "str"},
    "login_port": {"type": "int", "default": 5432},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
}
LIBPQ = {
    "login_host": "PGHOST",
    "login_port": "PGPORT",
    "login_user": "PGUSER",
    "login_password": "PGPASSWORD",
}


def main() -> None:
    """Take the backup, or check the one that is there."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    given = {LIBPQ[name]: str(params[name]) for name in LIBPQ if params[name] is not None}
    module.run_command_environ_update = {**given, "LC_ALL": "C"}
    try:
        backup = Backup(
            module.run_command,
            database=params["login_db"],
            label=params["label"],
            directory=params["directory"],
            jobs=params["jobs"],
        )
        manifest = backup.find()
        changed = manifest is None
        if changed and module.check_mode:
            backup.check_space()
            manifest = {"label": backup.label, "database": backup.database}
        elif changed:
            manifest = backup.take()
    except (BackupError, OSError) as exc:
        module.fail_json(msg=f"Cannot back up database {params['login_db']}: {exc}")
    result = {name: value for name, value in (manifest or {}).items() if name != "files"}
    readable = not (changed and module.check_mode)
    module.exit_json(
        changed=changed, backup={**result, "path": str(backup.folder), "readable": readable}
    )


if __name__ == "__main__":
    main()
