#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the migrations of an application, with guards around them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migrate
short_description: Run an application's own migrations, with guards around them
version_added: 0.1.0
description:
  - Runs the application's own command (Alembic, Django, Flyway, plain SQL) on a host of the
    application, and watches it from a second session of the same role.
  - It does not start while a transaction that is older than O(longest_transaction) holds a table or
    is idle. Whoever holds it is named.
  - The command's sessions get a lock timeout and a statement timeout by C(PGOPTIONS). A tool that
    does not take them over, or sets longer ones, has its statement cancelled from outside.
  - A command that was not granted a lock is run again after a pause that grows, with jitter, so
    O(command) must be one that may be run again. It stops at any other failure.
  - Only one migration of a database runs at a time. The second one is told who runs the first.
  - Of every table the strongest lock is told, for how long it was held, for how long it was waited
    for and on whom. This is seen by looks that are 5 milliseconds apart at first and 20 after two
    seconds. A time may be too long by two of them, and a lock that came and went between two is
    not seen.
  - The password is read from O(environment_file) and is in no argv, no unit, and no output.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - C(psql) on the host, PostgreSQL 14 or newer
  - a direct connection, not one by a pool that shares sessions between clients
notes:
  - Where systemd runs, the command is a transient unit, C(rollout-migrate-DATABASE). If the module
    is killed the unit goes on, and the next run waits for it before it does anything. Elsewhere the
    command is a child that ends with the module; what it asked of the server may still go on, and
    the next run waits for that.
  - The command's sessions are known by the application name that C(PGAPPNAME) gives them. If the
    tool names its sessions itself, those of the same role from the same host that began after the
    command are taken for its own, so let migrations have a role of their own.
  - The watch logs in by O(environment_file) as the command does, but as the system user that runs
    the module, so C(peer) authentication as O(user) is not for it.
  - A role that is no member of C(pg_read_all_stats) is not told how old the transactions of others
    are. What is not known counts as too old, until it has been seen to begin.
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
attributes:
  check_mode:
    support: full
    details:
      - Tells the present version, what would be lost and, with O(pending_command), what would run.
  diff_mode:
    support: none
options:
  command:
    description:
      - The command, program first. C({version}) in it stands for O(to).
      - It runs in O(directory) as O(user), with the variables of O(environment_file).
    type: list
    elements: str
    required: true
  directory:
    description: The release to run in.
    type: path
    required: true
  user:
    description: System user that runs the command. Without it the user that runs the module.
    type: str
  environment_file:
    description:
      - File with the variables of the command, as C(EnvironmentFile=) of systemd reads it. Only
        the user that runs the module needs to read it.
    type: path
    required: true
  database_variable:
    description:
      - Variable in O(environment_file) that holds the URL of the database, as libpq reads it. A
        driver's name, as in V(postgresql+psycopg2), may stand in it.
      - If it is not set, libpq's own variables (C(PGHOST), C(PGDATABASE) …) say where it is.
    type: str
    default: DATABASE_URL
  database:
    description:
      - Another database on the same server to migrate, such as a copy for a rehearsal. It takes the
        place of the one that O(environment_file) names, in the environment of the command.
      - The command is stopped when it connects to any other database.
    type: str
  version_query:
    description: SQL that gives the version of the schema. Several rows are put together.
    type: str
    required: true
  no_version:
    description:
      - What the application's tool calls the version of a schema that has none, such as V(base).
        This is the version if the table that O(version_query) asks is missing or empty.
    type: str
    default: none
  to:
    description:
      - The version that is wanted. If the schema is there already the command is not run, and if it
        is not there afterwards the module fails.
    type: str
  lock_timeout:
    description: How long a statement may wait for a lock, in seconds.
    type: float
    default: 3.0
  statement_timeout:
    description: How long a statement may take, in seconds.
    type: float
    default: 300.0
  retries:
    description: How often to try again if transactions or locks of others are in the way.
    type: int
    default: 5
  backoff:
    description:
      - Longest pause before the first retry, in seconds. It doubles for each further one. How long
        the pause is, is left to chance.
    type: float
    default: 1.0
  longest_backoff:
    description: Longest pause before any retry, in seconds.
    type: float
    default: 30.0
  longest_transaction:
    description:
      - How long other transactions may have lasted when the command is started, in seconds.
    type: float
    default: 60.0
  timeout:
    description: How long all of it may take, in seconds. The command is stopped then.
    type: float
    default: 600.0
  pending_command:
    description:
      - Command that only tells what would run, for check mode. C({version}) in it stands for the
        present version.
      - Its sessions are read-only, unless the tool sets this itself.
    type: list
    elements: str
  find_loss:
    description:
      - Whether to count rows and values before and after, to tell what is lost. For a copy of the
        database, since all of it is read.
    type: bool
    default: false
  expected_loss:
    description:
      - What is known to be lost, as RV(loss) told of a copy. It is counted again before the command
        is run.
    type: list
    elements: dict
    default: []
  accept_loss:
    description:
      - The number of rows whose loss is accepted. Unless it is the very number that is counted for
        O(expected_loss), the module fails before it changes anything.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Migrate
  phased.rollout.pg_migrate:
    command: [alembic, upgrade, head]
    directory: /opt/tower/current
    user: tower
    environment_file: /etc/tower/migrate.env
    version_query: SELECT version_num FROM alembic_version
    no_version: base
  become: true

- name: Find out what the way back would destroy, on a copy
  phased.rollout.pg_migrate:
    command: [alembic, downgrade, "{version}"]
    to: "0003"
    database: tower_rehearsal
    find_loss: true
    directory: /opt/tower/current
    user: tower
    environment_file: /etc/tower/migrate.env
    version_query: SELECT version_num FROM alembic_version
    no_version: base
  become: true
  register: back
"""

RETURN = r"""
database:
  description: Name of the database.
  returned: when the environment could be read
  type: str
before:
  description: The version of the schema before.
  returned: when the environment could be read
  type: str
  sample: '0003'
after:
  description: The version of the schema afterwards. In check mode O(to).
  returned: when the environment could be read
  type: str
  sample: '0004'
attempts:
  description: How often it was tried.
  returned: when the environment could be read
  type: int
seconds:
  description: How long the last run of the command took.
  returned: when the environment could be read
  type: float
locks:
  description: The strongest lock of every table, the strongest first.
  returned: when the environment could be read
  type: list
  elements: dict
  contains:
    table:
      description: Name of the table, null for locks that are on none, such as a transaction's.
      type: str
    mode:
      description: Mode of the lock.
      type: str
    milliseconds:
      description: The longest time that it was held, 0 if it was never granted.
      type: int
    waited_milliseconds:
      description: How long locks of this table were waited for, and others waited behind.
      type: int
    blocked_by:
      description: Who was waited for.
      type: list
      elements: str
  sample:
    - table: public.generations
      mode: ACCESS EXCLUSIVE
      milliseconds: 61
      waited_milliseconds: 0
      blocked_by: []
output:
  description: The command's last lines. Passwords are masked.
  returned: when the environment could be read
  type: str
resumed:
  description: The migration of an earlier run that was still going on and was waited for, or null.
  returned: when the environment could be read
  type: str
loss:
  description:
    - With O(find_loss) what was lost, else what O(expected_loss) comes to now. C(rows) is null if
      it could not be counted.
  returned: when the environment could be read
  type: list
  elements: dict
  sample:
    - {table: public.ai_consultations, what: table, column: null, rows: 1204}
loss_rows:
  description: Sum of the rows, null if it is not known.
  returned: when the environment could be read
  type: int
pending:
  description: What O(pending_command) printed.
  returned: in check mode
  type: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._migrate import Migration
from ansible_collections.phased.rollout.plugins.module_utils._migrate_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._migrate_runner import runner
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

ARGUMENT_SPEC: Dict[str, Any] = {
    "command": {"type": "list", "elements": "str", "required": True},
    "directory": {"type": "path", "required": True},
    "user": {"type": "str"},
    "environment_file": {"type": "path", "required": True},
    "database_variable": {"type": "str", "default": "DATABASE_URL"},
    "database": {"type": "str"},
    "version_query": {"type": "str", "required": True},
    "no_version": {"type": "str", "default": "none"},
    "to": {"type": "str"},
    "lock_timeout": {"type": "float", "default": 3.0},
    "statement_timeout": {"type": "float", "default": 300.0},
    "retries": {"type": "int", "default": 5},
    "backoff": {"type": "float", "default": 1.0},
    "longest_backoff": {"type": "float", "default": 30.0},
    "longest_transaction": {"type": "float", "default": 60.0},
    "timeout": {"type": "float", "default": 600.0},
    "pending_command": {"type": "list", "elements": "str"},
    "find_loss": {"type": "bool", "default": False},
    "expected_loss": {"type": "list", "elements": "dict", "default": []},
    "accept_loss": {"type": "int", "default": 0},
}


def main() -> None:
    """Migrate, or tell what would be done."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        migration = Migration(Request.of(module.params), runner())
    except (PgError, OSError) as exc:
        module.fail_json(msg=f"Cannot migrate: {exc}")
    try:
        (migration.preview if module.check_mode else migration.run)()
    except (PgError, OSError) as exc:
        told = {**migration.result, "msg": f"Cannot migrate: {migration.mask(str(exc))}"}
        module.fail_json(**told)
    module.exit_json(**migration.result)


if __name__ == "__main__":
    main()
