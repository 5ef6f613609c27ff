#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge the SQL of a migration by the sizes of the tables that it touches."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_lint_info
short_description: Judge the SQL of a migration by the sizes of the tables that it touches
version_added: 0.1.0
description:
  - Runs squawk, a linter of migrations, and weighs what it finds with the live tables. To rewrite a
    table with 10 rows is nothing, to rewrite one with 10 million is a stop.
  - A finding about a table that is large, or whose size is not known, is a V(stop), one about a
    table that is small or made by this very SQL is a V(note). What is a matter of style is a
    V(note), and so are timeouts, since M(phased.rollout.pg_migrate) sets them.
  - What takes away something that the release before uses is a V(stop), unless
    O(migration=contract).
  - Some statements that squawk has no rule for are found as well - those that rewrite, change or
    destroy all of a table, and those whose effect cannot be read from their text.
  - No configuration of squawk and no comment in the SQL silences a rule. If squawk is missing,
    fails, or cannot read the SQL, the module fails.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - squawk 2.70 (C(pip install squawk-cli))
  - psycopg2, if O(login_db) is given
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
options:
  sql:
    description: The SQL, as the application's tool shows it. One of O(sql) and O(path) is needed.
    type: str
  path:
    description: File that holds the SQL.
    type: path
  login_db:
    description:
      - Database whose tables it is for. Without it no size is known, except that of tables that the
        SQL makes.
    type: str
  search_path:
    description:
      - Schemas in which tables are that the SQL names without one, if they are others than those
        that O(login_user) sees.
    type: list
    elements: str
    default: []
  migration:
    description:
      - When it runs. V(expand) is before the release is served, so that the release before must
        still find all it uses. V(contract) is when that release is gone for good.
    type: str
    default: expand
    choices: [expand, contract]
  small_rows:
    description: A table with more rows than this is not small.
    type: int
    default: 100000
  small_bytes:
    description: A table that takes more bytes than this, with its indexes, is not small.
    type: int
    default: 67108864
  assume_in_transaction:
    description: Whether the tool puts a transaction around SQL that begins none itself.
    type: bool
    default: false
  squawk:
    description:
      - Path of squawk. By default it is looked for beside the Python that runs the module, then on
        C(PATH).
    type: path
  timeout:
    description: How long one query may take, in seconds.
    type: float
    default: 10.0
"""

EXAMPLES = r"""
- name: See what would run
  ansible.builtin.command:
    argv: [alembic, upgrade, "0002:head", --sql]
    chdir: /opt/tower/current
  register: upgrade
  changed_when: false

- name: Judge it
  phased.rollout.migration_lint_info:
    sql: "{{ upgrade['stdout'] }}"
    login_host: db.example.com
    login_user: rollout_reader
    login_password: "{{ rollout_reader_password }}"
    login_db: tower_consolidated
  register: lint
"""

RETURN = r"""
findings:
  description: What was found, in the order of the SQL.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: Name of the rule, squawk's own where it has one.
      type: str
    statement:
      description: The statement, at most its first 200 characters.
      type: str
    line:
      description: The line at which the statement begins.
      type: int
    table:
      description: The table that decided, or an index of it. Null if the statement names none.
      type: str
    rows:
      description:
        - Its rows, as the server estimates them. If it has no estimate they are counted, up to one
          more than O(small_rows). Null if they are not known.
      type: int
    bytes:
      description: Its size with its indexes, null if it is not known.
      type: int
    severity:
      description: V(stop) or V(note).
      type: str
    message:
      description: What the matter is, and why it is a stop or a note.
      type: str
    help:
      description: What to do instead. May be empty.
      type: str
  sample:
    - rule: changing-column-type
      statement: ALTER TABLE generations ALTER COLUMN kind TYPE varchar(40)
      line: 4
      table: generations
      rows: 10000000
      bytes: 1288490188
      severity: stop
      message: Changing a column type requires an ACCESS EXCLUSIVE lock …
      help: ''
stops:
  description: Number of stops.
  returned: success
  type: int
notes:
  description: Number of notes.
  returned: success
  type: int
statements:
  description: Number of statements that do something, so that nothing to judge can be told apart.
  returned: success
  type: int
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, ContextManager, Dict, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._lint import Limits
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._migration_lint import lint
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    MissingLibraryError,
    SourceError,
)
from ansible_collections.phased.rollout.plugins.module_utils._squawk import LintError, find_squawk

ARGUMENT_SPEC: Dict[str, Any] = {
    **LOGIN_ARGUMENT_SPEC,
    "sql": {"type": "str"},
    "path": {"type": "path"},
    "search_path": {"type": "list", "elements": "str", "default": []},
    "migration": {"type": "str", "default": "expand", "choices": ["expand", "contract"]},
    "small_rows": {"type": "int", "default": 100000},
    "small_bytes": {"type": "int", "default": 67108864},
    "assume_in_transaction": {"type": "bool", "default": False},
    "squawk": {"type": "path"},
    "timeout": {"type": "float", "default": 10.0},
}


def main() -> None:
    """Judge the SQL."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("sql", "path")],
        required_one_of=[("sql", "path")],
    )
    params = module.params
    contract = params["migration"] == "contract"
    try:
        sql = params["sql"] or (Path(params["path"]).read_text("utf-8") if params["path"] else "")
        live: ContextManager[Optional[Snapshot]] = nullcontext()
        if params["login_db"]:
            live = Snapshot(Login.of(params), params["timeout"])
        with live as snapshot:
            told = lint(
                sql,
                snapshot,
                program=find_squawk(params["squawk"]),
                in_transaction=params["assume_in_transaction"],
                search_path=params["search_path"],
                limits=Limits(params["small_rows"], params["small_bytes"], contract),
            )
    except (LintError, SourceError, OSError, UnicodeDecodeError) as exc:
        module.fail_json(msg=f"Cannot judge the migration: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(changed=False, **told)


if __name__ == "__main__":
    main()
