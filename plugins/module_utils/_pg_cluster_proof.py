# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove a backup of a cluster: restore it, start it, read all of it, and remove it again.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import Control, Live
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_private import (
    PrivateServer,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_rows import count_rows
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import (
    hidden_folder,
    sweep,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_invariants import (
    require_invariants,
    search_path_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tool import run_tool
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest import PgBackRest, Target
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import BackupSet
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

Rows = Mapping[str, Dict[str, int]]


class Proven(NamedTuple):
    """What came of a proof. seconds: from nothing to a cluster that was looked at."""

    rows: Rows
    seconds: float


@dataclass(frozen=True)
class Proof:
    """How a backup is to be proven. scratch: an existing directory with room for the cluster.

    invariants: by name, SQL that must give true in the database. user: the role to ask as.
    """

    scratch: Path
    jobs: int
    database: str
    invariants: Mapping[str, str]
    user: Optional[str]

    def run(self, tool: PgBackRest, live: Live, found: BackupSet) -> Proven:
        """Return what came of restoring a backup. Raises PgError if it is not what it should be."""
        started = time.monotonic()
        sweep(self.scratch)
        with hidden_folder(self.scratch, tool.stanza, "proof") as folder:
            data, spaces = folder / "data", folder / "tablespaces"
            for each in (data, spaces):
                each.mkdir(mode=0o700)
            tool.restore(found, data, Target(), jobs=self.jobs, spaces=spaces)
            control = Control.read(live.programs, data)
            if control.system_identifier != live.system_identifier:
                raise PgError(f"backup set {found.name} restores another cluster than this one")
            settings = private_settings(live, control, archive=False)
            with PrivateServer(live.programs, data, settings=settings, user=self.user) as copy:
                rows = check_copy(copy.server, self.database, self.invariants)
            seconds = time.monotonic() - started
            if control.has_checksums:
                checksums = str(live.programs / "pg_checksums")
                run_tool(checksums, "--check", "-D", str(data))
        return Proven(rows, round(seconds, 3))


def private_settings(live: Optional[Live], control: Control, *, archive: bool) -> Dict[str, str]:
    """Return the settings of a private server, so that it can read all that the live one can.

    archive: whether its WAL is to be archived when it has gone live.
    """
    facts: Mapping[str, Any] = live.facts if live else {"libraries": "", "max_prepared": 0}
    return {
        "shared_preload_libraries": facts["libraries"],
        "max_prepared_transactions": str(max(facts["max_prepared"], control.max_prepared)),
        "archive_mode": "on" if archive else "off",
    }


def check_copy(server: Server, database: str, invariants: Mapping[str, str]) -> Rows:
    """Return the rows by table of a copy, all of them read. Raises PgError if it is not right."""
    with Session(server, database) as session:
        prepared = session.rows("SELECT gid FROM pg_prepared_xacts ORDER BY gid")
        search_path = search_path_of(session)
    if prepared:
        names = listed([row["gid"] for row in prepared])
        raise PgError(
            f"transactions were prepared and not committed at that moment ({names}), which keep"
            " their locks; choose another moment, or restore with pgbackrest by hand"
        )
    rows = count_rows(server)
    require_invariants(server, database, invariants, search_path)
    return rows
