#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take, prove and expire labelled backups of a PostgreSQL cluster with pgBackRest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_cluster_backup
short_description: Take, prove and expire labelled backups of a PostgreSQL cluster with pgBackRest
version_added: 0.1.0
description:
  - Takes a backup of a whole cluster with C(pgbackrest), for clusters that are too large for
    M(phased.rollout.pg_backup). The label is an annotation of the backup set.
  - Runs on the database host, as the user who owns the cluster. pgBackRest takes backups only where
    its repository is. If that is another host, the command is run there, over the same C(ssh) as
    pgBackRest itself goes there.
  - Proves the backup by restoring it into a scratch directory. A server that nobody else can reach
    recovers it, without archiving. All rows and pages are read, and the invariants are asked. The
    time that took is what a restore is to be expected to take.
  - A label that is there already is not taken again. If it is the backup that was asked for, only
    what is missing is done, such as a proof. What was proven is an annotation of the set as well.
  - Taking a backup never removes another one. O(retention) does, in place of the retention in
    pgBackRest's own configuration, which should be so high that its C(expire) finds nothing.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - PostgreSQL 14 or newer, with its server programs on the host
  - pgBackRest 2.41 or newer, configured on this host and on that of its repository
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
attributes:
  check_mode:
    support: full
    details:
      - Asks the server and the repository, and tells which backups would go. No WAL is archived.
  diff_mode:
    support: none
options:
  label:
    description:
      - Name of the backup, for example V(pre-phase-1-deployment).
      - Letters, digits, V(.), V(_) and V(-) only.
    type: str
    required: true
  stanza:
    description: Name of the cluster in pgBackRest's configuration.
    type: str
    required: true
  config:
    description: File with pgBackRest's configuration on this host. By default its own.
    type: path
  repository_command:
    description:
      - Program and arguments that run C(pgbackrest) on the repository host, for example
        V([ssh, pgbackrest@vault, pgbackrest]).
      - By default as pgBackRest's configuration says. It is needed where that goes to the
        repository host over TLS.
    type: list
    elements: str
  type:
    description:
      - Whether the whole cluster is copied, or what has changed since the last V(full) backup
        (V(diff)) or since the last backup of any type (V(incr)).
    type: str
    default: incr
    choices: [full, diff, incr]
  jobs:
    description: Number of processes that restore at the same time for the proof.
    type: int
    default: 2
  archive_timeout:
    description: How long a WAL file may take to get into the repository, in seconds.
    type: float
    default: 60.0
  proof:
    description:
      - How the backup is proven. With V(none) it is not, and is never shown as proven.
    type: str
    default: restore
    choices: [restore, none]
  scratch_directory:
    description:
      - Existing directory with room for a copy of the cluster, for the proof.
    type: path
    default: /var/tmp
  login_db:
    description: Database that O(invariants) and O(version_query) are about.
    default: postgres
  invariants:
    description:
      - SQL that must give V(true) in the restored copy of O(login_db), by a name that says what
        holds.
    type: dict
    default: {}
  version_query:
    description:
      - SQL that gives the version of the schema, for example
        V(SELECT version_num FROM alembic_version). Without the table there is no version.
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
      - Which labelled backups of this cluster to remove. One goes only if every limit that is given
        lets it go, and never the one of O(label), a younger one, one to O(keep), the last one that
        is proven, or one that another one is built on.
      - Backups without a label are left alone.
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
"""

EXAMPLES = r"""
- name: Back up the cluster before phase 1, and prove it
  phased.rollout.pg_cluster_backup:
    label: pre-phase-1-deployment
    stanza: main
    login_db: tower_consolidated
    scratch_directory: /var/lib/postgresql/scratch
    invariants:
      there are users: SELECT EXISTS (SELECT FROM users)
    keep: true
  become: true
  become_user: postgres
"""

RETURN = r"""
backup:
  description: The backup, as the repository knows it. In check mode only what is known.
  returned: success
  type: dict
  contains:
    label:
      description: Name of the backup.
      type: str
    database:
      description: What O(login_db) said.
      type: str
    method:
      description: V(pgbackrest).
      type: str
    stanza:
      description: What O(stanza) said.
      type: str
    set:
      description: pgBackRest's own name of the backup.
      type: str
    type:
      description: What kind of backup it has become. The first one is always a full one.
      type: str
    path:
      description: Stanza and set.
      type: str
    taken_at:
      description: The moment that the backup is of, in UTC, to the second.
      type: str
    server_version:
      description: Version of the server.
      type: str
    system_identifier:
      description: Identifier of the cluster.
      type: str
    git_tree:
      description: What O(git_tree) said.
      type: str
    migration_version:
      description: What O(version_query) gave, V(null) without its table.
      type: str
    keep:
      description: Whether retention never removes it.
      type: bool
    bytes:
      description: Size of what it takes in the repository, with all that it is built on.
      type: int
    cluster_bytes:
      description: Size of the cluster.
      type: int
    seconds:
      description: How long the backup took.
      type: float
    proven:
      description: Whether it was restored once, and was what it should be.
      type: bool
    restore_seconds:
      description: How long the proof took, which is how long a restore will take.
      type: float
    hash:
      description: SHA-256 of what makes this backup this one.
      type: str
    rows:
      description: Rows by database and table of the copy, if it was proven now.
      type: dict
  sample:
    label: pre-phase-1-deployment
    database: tower_consolidated
    method: pgbackrest
    stanza: main
    set: 20260112-090000F
    type: full
    path: main/20260112-090000F
    taken_at: '2026-01-12T09:00:04+00:00'
    server_version: '15.8'
    system_identifier: '7594000000000000001'
    git_tree: null
    migration_version: '0001'
    keep: true
    bytes: 9126288
    cluster_bytes: 46272374
    seconds: 3.0
    proven: true
    restore_seconds: 4.21
    hash: 9b74c9897bac770ffc029102a200c5de1d0b2b6c6ee0d6b1c5c1d5f6b6b1b5a3
    rows: {tower_consolidated: {public.generations: 1204}}
expired:
  description: Labels of the backups that were removed, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_backup import (
    Wanted,
    back_up,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest import PgBackRest

ARGUMENT_SPEC: Dict[str, Any] = {
    **LOGIN_ARGUMENT_SPEC,
    "label": {"type": "str", "required": True},
    "stanza": {"type": "str", "required": True},
    "config": {"type": "path"},
    "repository_command": {"type": "list", "elements": "str"},
    "type": {"type": "str", "default": "incr", "choices": ["full", "diff", "incr"]},
    "jobs": {"type": "int", "default": 2},
    "archive_timeout": {"type": "float", "default": 60.0},
    "proof": {"type": "str", "default": "restore", "choices": ["restore", "none"]},
    "scratch_directory": {"type": "path", "default": "/var/tmp"},
    "login_db": {"type": "str", "default": "postgres"},
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
}


def main() -> None:
    """Take the backup, or check the one that is there."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        tool, server = PgBackRest.of(params), Server.of(Login.of(params))
        result = back_up(tool, server, Wanted.of(params), check_mode=module.check_mode)
    except (PgError, OSError) as exc:
        module.fail_json(msg=f"Cannot back up cluster {params['stanza']}: {exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
