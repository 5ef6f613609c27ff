# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that uses the ledger needs."""

from __future__ import annotations


class ModuleDocFragment:
    """The rollout, and how to reach the ledger's database besides phased.rollout.login."""

    DOCUMENTATION = r"""
options:
  rollout:
    description:
      - Name of the rollout, as C(rollout_name) of the plan. Each has its own entries, lease and
        samples.
    type: str
    required: true
requirements:
  - psycopg2
  - PostgreSQL 13 or later, a database with the encoding UTF8
notes:
  - The ledger should have a database of its own, so that a restore of the application's database
    does not touch it. Its tables are in the schema C(rollout). What is missing there is made when
    O(login_user) may do so, see M(phased.rollout.ledger_schema).
  - Runs on the control node, and needs a connection of its own to the database, not one that a
    pooler shares between transactions.
"""
