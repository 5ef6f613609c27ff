#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take, prove, list and expire labelled backups of a PostgreSQL database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup
short_description: Take, prove, list and expire labelled backups of a PostgreSQL database
version_added: 0.1.0
description:
  - Dumps one database with C(pg_dump) in directory format into a folder named by its label, with
    the roles of the server, and a manifest that has the rows and a checksum of every table as of
    the very moment of the dump, and the SHA-256 of every file.
  - Proves the backup by restoring it once, and comparing rows and checksums. The time that took is
    what a restore is to be expected to take.
  - The folder appears under its name only when it is complete, and proven if that was asked for. A
    killed run leaves nothing that looks like a backup, and the next run removes what it left.
  - A label that is there already is not taken again. Its files are checked against its manifest,
    and if it is the backup that was asked for, only what is missing is done, such as a proof or a
    copy.
  - The passwords of roles are in no backup. What the database itself holds is, such as those of
    user mappings.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - PostgreSQL 14 or newer, and its client programs of the same version or newer, on the host
  - PostgreSQL's server programs on the host for O(proof=cluster)
  - C(age) or C(gpg) for O(encryption), C(rsync) and C(ssh) for O(copies)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
attributes:
  check_mode:
    support: full
    details:
      - Checks all that is checked before a backup starts, and tells which backups would go.
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
    required: true
  directory:
    description: Existing directory that keeps the backups.
    type: path
    default: /var/backups/rollout
  jobs:
    description: Number of tables that are dumped, summed or restored at the same time.
    type: int
    default: 2
  proof:
    description:
      - How the backup is proven.
      - With V(database) it is restored into a scratch database of the same server, with V(cluster)
        into a scratch server of its own on this host, which has no network. Either is removed.
      - With V(list) no more than its table of contents is read. It is for databases that are too
        large to be restored. Such a backup is not proven, and never shown as proven.
    type: str
    default: database
    choices: [database, cluster, list]
  scratch_directory:
    description:
      - Existing directory for the scratch server of O(proof=cluster).
      - By default O(directory).
    type: path
  invariants:
    description:
      - SQL that must give V(true) in the restored database, by a name that says what holds, such as
        C(every decision has a generation).
      - Without a schema, names are looked for as in the original.
    type: dict
    default: {}
  version_query:
    description:
      - SQL that gives the version of the schema, for example
        V(SELECT version_num FROM alembic_version). Without that table there is no version.
    type: str
  git_tree:
    description: Hash of the tree that production serves when the backup is taken.
    type: str
  keep:
    description: Whether retention never removes the backup. Once it is kept, it stays so.
    type: bool
    default: false
  retention:
    description:
      - Which backups of this database to remove. One goes only if every limit that is given lets it
        go, and never the one of O(label), a younger one, one to O(keep), one that is in use or
        damaged, or the last one that is proven.
      - Copies on other hosts are not removed.
    type: dict
    suboptions:
      count:
        description: How many backups stay. Those to O(keep) are not counted.
        type: int
      age:
        description: How long a backup stays, for example V(30d).
        type: str
      labels:
        description: Patterns, of which the label of a backup must match one for it to be removed.
        type: list
        elements: str
        default: ['*']
  encryption:
    description:
      - Encrypts each file of the backup after it was proven. The manifest stays readable.
    type: dict
    suboptions:
      method:
        description: The program that encrypts.
        type: str
        default: age
        choices: [age, gpg]
      recipients:
        description:
          - Public keys that can decrypt it, as the program takes them, or absolute paths of files
            that hold one. Keep the secret keys off this host.
        type: list
        elements: str
        required: true
  copies:
    description:
      - Other hosts that get a copy, over C(rsync) and C(ssh), as this user. Each checks every file
        before the copy gets its name.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Name of the host as C(ssh) knows it, for example V(backup-copy@vault).
        type: str
        required: true
      directory:
        description: Existing directory on that host.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Back up before phase 1, and prove it
  phased.rollout.pg_backup:
    label: pre-phase-1-deployment
    login_db: tower_consolidated
    version_query: SELECT version_num FROM alembic_version
    invariants:
      every decision has a generation: >-
        SELECT NOT EXISTS (SELECT FROM generation_decisions LEFT JOIN generations
                           USING (generation_id) WHERE generations IS NULL)
    keep: true
  become: true
  become_user: postgres

- name: Back up every night, encrypted, with a copy on another host
  phased.rollout.pg_backup:
    label: "nightly-{{ now(utc=true).strftime('%Y-%m-%d') }}"
    login_db: tower_consolidated
    encryption:
      recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
    copies:
      - {host: backup-copy@vault, directory: /srv/backups}
    retention: {count: 7, age: 14d, labels: [nightly-*]}
  become: true
  become_user: postgres
"""

RETURN = r"""
backup:
  description: The manifest of the backup, and where it is. In check mode only what is known.
  returned: success
  type: dict
  contains:
    label:
      description: Name of the backup.
      type: str
    database:
      description: Name of the database.
      type: str
    path:
      description: The folder.
      type: str
    taken_at:
      description: The moment that the backup is of, in UTC.
      type: str
    server_version:
      description: Version of the server.
      type: str
    system_identifier:
      description: Identifier of the server's cluster.
      type: str
    git_tree:
      description: What O(git_tree) said.
      type: str
    migration_version:
      description: What O(version_query) gave, V(null) without its table.
      type: str
    tables:
      description: Rows and checksum of every table.
      type: dict
    bytes:
      description: Size of its files.
      type: int
    seconds:
      description: How long the dump took.
      type: float
    proof:
      description: How it was proven, when, which invariants held, and how long it took.
      type: dict
    proven:
      description: Whether it was restored once and held what was dumped.
      type: bool
    readable:
      description: Whether there is such a backup, proven or not.
      type: bool
    restore_seconds:
      description: How long restoring and checking it took, V(null) if it is not proven.
      type: float
    keep:
      description: Whether retention never removes it.
      type: bool
    encryption:
      description: Method and recipients, V(null) if it is not encrypted.
      type: dict
    copies:
      description: The copies, each with its C(host), its C(path) and whether it is C(verified).
      type: list
      elements: dict
    hash:
      description: SHA-256 of the manifest, which has the SHA-256 of every file. Not in check mode.
      type: str
  sample:
    label: pre-phase-1-deployment
    database: tower_consolidated
    path: /var/backups/rollout/pre-phase-1-deployment
    taken_at: '2026-01-12T09:00:00+00:00'
    server_version: '15.8'
    migration_version: '0001'
    tables: {public.generations: {rows: 1204, sum: '5513098145227731209'}}
    bytes: 18204
    seconds: 0.42
    proven: true
    restore_seconds: 0.71
backups:
  description: All that the directory holds, the oldest first, then what cannot be used.
  returned: success
  type: list
  elements: dict
  sample:
    - label: pre-phase-1-deployment
      database: tower_consolidated
      path: /var/backups/rollout/pre-phase-1-deployment
      taken_at: '2026-01-12T09:00:00+00:00'
      server_version: '15.8'
      git_tree: 4f2b3d0a
      bytes: 18204
      keep: true
      proven: true
      restore_seconds: 0.71
      problem: ''
expired:
  description: Labels of the backups that were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [nightly-2025-12-29]
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_backup import back_up
from ansible_collections.phased.rollout.plugins.module_utils._pg_encrypt import METHODS
from ansible_collections.phased.rollout.plugins.module_utils._pg_proof import KINDS
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_wanted import Wanted

ARGUMENT_SPEC: Dict[str, Any] = {
    **LOGIN_ARGUMENT_SPEC,
    "label": {"type": "str", "required": True},
    "login_db": {"type": "str", "required": True},
    "directory": {"type": "path", "default": "/var/backups/rollout"},
    "jobs": {"type": "int", "default": 2},
    "proof": {"type": "str", "default": "database", "choices": list(KINDS)},
    "scratch_directory": {"type": "path"},
    "invariants": {"type": "dict", "default": {}},
    "version_query": {"type": "str"},
    "git_tree": {"type": "str"},
    "keep": {"type": "bool", "default": False},
    "retention": {
        "type": "dict",
        "options": {
            "count": {"type": "int"},
            "age": {"type": "str"},
            "labels": {"type": "list", "elements": "str", "default": ["*"]},
        },
        "required_one_of": [("count", "age")],
    },
    "encryption": {
        "type": "dict",
        "options": {
            "method": {"type": "str", "default": "age", "choices": list(METHODS)},
            "recipients": {"type": "list", "elements": "str", "required": True},
        },
    },
    "copies": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "directory": {"type": "str", "required": True},
        },
    },
}


def main() -> None:
    """Take the backup, or check the one that is there."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    server = Server.of(Login.of(module.params))
    try:
        wanted = Wanted.of(module.params)
        result = back_up(server, wanted, check_mode=module.check_mode)
    except (PgError, OSError) as exc:
        module.fail_json(msg=f"Cannot back up database {module.params['login_db']}: {exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
