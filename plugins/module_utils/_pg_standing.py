# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database stands against a backup: whether it is there, what it would lose, the same or not.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import Loss, count_loss
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_moment import LOCK_SECONDS
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import Server, conninfo
from ansible_collections.phased.rollout.plugins.module_utils._pg_writes import Writes
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

# Of a dump in words: what says nothing about the database itself.
_NOISE = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")


@dataclass(frozen=True)
class Standing:
    """How a database stands. same: down to its schema. writes: what is written from now on."""

    loss: Loss
    same: bool
    writes: Optional[Writes] = None


def standing_of(
    server: Server, database: str, manifest: Manifest, dump: Path, *, jobs: int
) -> Standing:
    """Return how a database that is there stands against a backup. Raises PgError."""
    with Session(server, database) as session:
        writes = Writes(session, manifest)
    loss = count_loss(server, database, manifest, jobs=jobs)
    same = loss.same and _schema_of(server, database) == _schema_in(server, dump)
    return Standing(loss, same, writes)


def _schema_of(server: Server, database: str) -> List[str]:
    wait = f"--lock-wait-timeout={LOCK_SECONDS}s"
    options = ("--schema-only", "--no-subscriptions", "--no-password", wait)
    return statements(server.run("pg_dump", *options, "-d", conninfo(database)))


def _schema_in(server: Server, dump: Path) -> List[str]:
    options = ("--schema-only", "--no-subscriptions", "-f", "-")
    return statements(server.run("pg_restore", *options, str(dump)))


def statements(sql: str) -> List[str]:
    """Return the lines of a dump that say what is in a database."""
    return [line for line in sql.splitlines() if line and not line.startswith(_NOISE)]
