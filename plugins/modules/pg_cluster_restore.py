#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a PostgreSQL cluster back to a backup or a point in time with pgBackRest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_cluster_restore
short_description: Take a PostgreSQL cluster back to a backup or a point in time with pgBackRest
version_added: 0.1.0
description:
  - Restores beside the live cluster, while that goes on serving. A server that nobody else can
    reach recovers the copy up to the target. It runs no worker and no subscription, and archives
    nothing. Its rows are read, the invariants are asked, and what the live cluster has and the copy
    has not is counted, table by table.
  - Then swaps the two in one short step, whose length does not depend on their size. Connections
    are ended, the server is stopped, two directories swap their names, and the server is started.
    It is on a new timeline then, which is archived from its beginning.
  - The directory that was replaced is kept beside it.
  - If anything fails, or the module is killed, the live cluster serves as before, or is started
    again. If it was killed after the swap, the same task finishes it.
  - The restored cluster has its settings from its own configuration files. Where those are in the
    data directory, and for C(ALTER SYSTEM), that is as they were at the time of the target.
  - All databases of the cluster are taken back. Keep the ledger of rollouts in another cluster.
  - Each run restores again. Only rows are counted, not functions, roles or other objects. Standbys
    and replication slots have to be made again.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - PostgreSQL 14 or newer, with its server programs on the host
  - pgBackRest 2.41 or newer, configured on this host
  - Linux 3.15 or newer, and a file system that can swap two names
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
attributes:
  check_mode:
    support: full
    details:
      - Does everything but the swap, and removes the copy. To tell what would be lost takes as long
        as a restore. For a point in time, the present WAL file is archived.
  diff_mode:
    support: none
options:
  stanza:
    description: Name of the cluster in pgBackRest's configuration.
    type: str
    required: true
  config:
    description: File with pgBackRest's configuration on this host. By default its own.
    type: path
  label:
    description:
      - Label of a backup that M(phased.rollout.pg_cluster_backup) took. Without O(to_time) and
        O(to_lsn) the cluster becomes what it was when the backup ended.
    type: str
  set:
    description: pgBackRest's own name of a backup, in place of O(label).
    type: str
  to_time:
    description:
      - The moment up to which to recover, in ISO 8601 with a time zone, for example
        V(2026-01-12T09:00:00+00:00).
      - Without O(label) and O(set) the newest backup before it is used.
    type: str
  to_lsn:
    description: The WAL location up to which to recover, for example V(0/3000148).
    type: str
  accept_loss:
    description:
      - How many rows may be lost, at most. It must be about what was counted, so that nobody
        accepts more than they know of.
      - A row that was changed since counts as well, since what it was changed to is lost.
      - V(-1) accepts what cannot be counted, of a cluster that cannot be asked any more.
    type: int
    default: 0
  service:
    description:
      - Unit of systemd that runs the server, for example V(postgresql@15-main). The module must be
        run as root then. It does its work as the user who owns the data directory, and only starts
        and stops the unit as root.
      - Without it the server is started and stopped with C(pg_ctl), and the module must be run as
        that user.
    type: str
  jobs:
    description: Number of processes that restore at the same time.
    type: int
    default: 2
  archive_timeout:
    description: How long a WAL file may take to get into the repository, in seconds.
    type: float
    default: 60.0
  login_db:
    description: Database that O(invariants) are about.
    default: postgres
  invariants:
    description:
      - SQL that must give V(true) in the restored copy of O(login_db), by a name that says what
        holds.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what a restore of the backup before phase 1 would lose
  phased.rollout.pg_cluster_restore:
    stanza: main
    label: pre-phase-1-deployment
    service: postgresql@15-main
  become: true
  check_mode: true
  register: forecast

- name: Take the cluster back to the moment before the mistake
  phased.rollout.pg_cluster_restore:
    stanza: main
    to_time: '2026-01-12T09:41:00+00:00'
    accept_loss: 12
    service: postgresql@15-main
  become: true
"""

RETURN = r"""
restored:
  description: What the cluster was taken back to, or would be in check mode.
  returned: success
  type: dict
  contains:
    label:
      description: Label of the backup, V(null) if it has none.
      type: str
    method:
      description: V(pgbackrest).
      type: str
    set:
      description: pgBackRest's own name of the backup.
      type: str
    target:
      description: The time or LSN up to which was recovered, V(null) for the end of the backup.
      type: str
    taken_at:
      description: When the backup ended.
      type: str
    restored_to:
      description: LSN of the copy, and the time of its last commit after the backup (or V(null)).
      type: dict
    live_at:
      description: LSN and time of the live cluster when the loss was counted.
      type: dict
    wal_bytes_lost:
      description: How much WAL the live cluster was ahead.
      type: int
    lost:
      description: Rows that only the live cluster had, by database and table.
      type: dict
    lost_rows:
      description: The sum of these.
      type: int
    exact:
      description: Whether that is exact. It is not if more was written after it was counted.
      type: bool
    returning:
      description: Rows that only the copy had, by database and table.
      type: dict
    slots_lost:
      description: Replication slots of the live cluster.
      type: list
      elements: str
    rows:
      description: Rows of the copy, by database and table.
      type: dict
    kept_as:
      description: Directory of the cluster that was replaced.
      type: str
    downtime_seconds:
      description: From the end of the first connection until the restored cluster took new ones.
      type: float
    seconds:
      description: How long all of it took.
      type: float
    resumed:
      description: Whether this run finished one that was killed after the swap.
      type: bool
  sample:
    label: pre-phase-1-deployment
    method: pgbackrest
    set: 20260112-090000F
    target: null
    taken_at: '2026-01-12T09:00:04+00:00'
    restored_to: {lsn: 0/600DD08, time: null}
    live_at: {lsn: 0/8000148, time: '2026-01-12 09:45:00+00'}
    wal_bytes_lost: 33500224
    lost: {tower_consolidated public.generations: 12}
    lost_rows: 12
    exact: true
    columns_lost: {}
    returning: {}
    slots_lost: []
    rows: {tower_consolidated: {public.generations: 1204}}
    kept_as: /var/lib/postgresql/15/main_before_20260112T094501Z
    downtime_seconds: 1.6
    seconds: 9.8
    resumed: false
loss:
  description: What would be lost, as C(lost), C(lost_rows), C(exact) and C(returning) above.
  returned: when more would be lost than was accepted
  type: dict
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._login import LOGIN_ARGUMENT_SPEC
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_restore import run
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

ARGUMENT_SPEC: Dict[str, Any] = {
    **LOGIN_ARGUMENT_SPEC,
    "stanza": {"type": "str", "required": True},
    "config": {"type": "path"},
    "label": {"type": "str"},
    "set": {"type": "str"},
    "to_time": {"type": "str"},
    "to_lsn": {"type": "str"},
    "accept_loss": {"type": "int", "default": 0},
    "service": {"type": "str"},
    "jobs": {"type": "int", "default": 2},
    "archive_timeout": {"type": "float", "default": 60.0},
    "login_db": {"type": "str", "default": "postgres"},
    "invariants": {"type": "dict", "default": {}},
}


def main() -> None:
    """Restore beside, look, and swap."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("label", "set", "to_time", "to_lsn")],
        mutually_exclusive=[("label", "set"), ("to_time", "to_lsn")],
    )
    stanza = module.params["stanza"]
    try:
        result = run(module.params, check_mode=module.check_mode)
    except (PgError, OSError) as exc:
        details = getattr(exc, "details", None)
        loss = {"loss": details} if details else {}
        module.fail_json(msg=f"Cannot restore cluster {stanza}: {exc}", **loss)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
