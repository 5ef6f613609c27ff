# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove a backup: restore it, and compare what came of that with what was dumped.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    MAINTENANCE,
    create_like,
    fill,
    require_roles,
    sums_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_dump import ROLES
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import hidden_folder
from ansible_collections.phased.rollout.plugins.module_utils._pg_invariants import (
    require_invariants,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import DUMP, Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_scratch import (
    scratch_database,
    scratch_name,
    scratch_server,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    LARGE_OBJECTS,
    require_same,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

KINDS = ("database", "cluster", "list")
_IN_EVERY_SERVER = (MAINTENANCE, "template1")


@dataclass(frozen=True)
class Proof:
    """How a backup is to be proven.

    kind: where it is restored, or list to have no more than its table of contents read.
    invariants: by name, SQL that must give true in the restored database.
    """

    kind: str
    scratch: Path
    jobs: int
    invariants: Mapping[str, str] = field(default_factory=dict)

    def is_in(self, manifest: Manifest) -> bool:
        """Return whether a backup has been proven as is asked here."""
        there = manifest["proof"]
        checked = set(self.invariants) <= set(there["invariants"])
        return self.kind == "list" or (there["proven"] and checked)

    def of(
        self, server: Server, manifest: Manifest, folder: Path, search_path: str
    ) -> Dict[str, Any]:
        """Return the proof of the backup in folder, as it stands in the manifest.

        search_path: where the invariants look for names. Raises PgError if it is not what it says.
        """
        seconds, checked = None, []
        if self.kind == "list":
            _require_listed(server, manifest, folder / DUMP)
        else:
            with self._scratch(server, manifest, folder) as place:
                started = time.monotonic()
                place.fill(folder / DUMP, self.jobs)
                sums = sums_of(place.server, place.database, jobs=self.jobs)
                require_same(manifest["tables"], sums, f"the restored {manifest['label']}")
                require_invariants(place.server, place.database, self.invariants, search_path)
                seconds, checked = round(time.monotonic() - started, 3), sorted(self.invariants)
        return {
            "kind": self.kind,
            "proven": seconds is not None,
            "seconds": seconds,
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "invariants": checked,
        }

    @contextmanager
    def _scratch(self, server: Server, manifest: Manifest, folder: Path) -> Iterator[_Place]:
        """Yield an empty database like the one that was dumped."""
        database, label = manifest["database"], manifest["label"]
        name = scratch_name(database, f"proof_{label}")
        if self.kind == "database":
            with scratch_database(server, name, manifest["properties"]):
                yield _Place(server, name)
            return
        major = manifest["server_version_num"] // 10000
        with Session(server, database) as session:
            # Money is dumped in the notation of the server's locale.
            settings = session.row(
                "SELECT reset_val AS lc_monetary FROM pg_settings WHERE name = 'lc_monetary'"
            )
        with (
            hidden_folder(self.scratch, label, "cluster") as home,
            scratch_server(home, manifest["superuser"], major, settings) as own,
        ):
            name = name if database in _IN_EVERY_SERVER else database
            # The superuser is there already, which is an error; whoever else is missing is found.
            own.run("psql", "-X", "-q", "-w", "-d", MAINTENANCE, "-f", str(folder / ROLES))
            with Session(own, MAINTENANCE) as session:
                require_roles(session, manifest["roles"], f"{ROLES} of the backup lacks it")
                create_like(session, name, manifest["properties"])
            yield _Place(own, name, tablespaces=False)


@dataclass(frozen=True)
class _Place:
    """An empty database on some server, and whether that has the tablespaces of the original."""

    server: Server
    database: str
    tablespaces: bool = True

    def fill(self, dump: Path, jobs: int) -> None:
        """Restore a dump into it."""
        fill(self.server, dump, self.database, jobs=jobs, tablespaces=self.tablespaces)


def _require_listed(server: Server, manifest: Manifest, dump: Path) -> None:
    """Raise PgError unless the dump has a table of contents, with an entry for every table."""
    listing = server.run("pg_restore", "--list", str(dump))
    entries = sum(" TABLE DATA " in line for line in listing.splitlines())
    wanted = len(set(manifest["tables"]) - {LARGE_OBJECTS})
    if entries < wanted:
        raise PgError(f"{dump} lists the data of {entries} tables instead of {wanted}")
