# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is room for a backup, where it is kept and where it is proven.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import Facts
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import Kept

#: A dump may grow by this much from one backup to the next.
_GROWTH = 1.2
#: What a new cluster needs besides its database: its catalogues, and WAL up to max_wal_size.
_CLUSTER_BYTES = 1_300_000_000


@dataclass(frozen=True)
class Need:
    """Room that is needed in a directory, in bytes, and what for."""

    directory: Path
    bytes: int
    purpose: str


def dump_bytes(facts: Facts, backups: Sequence[Kept]) -> int:
    """Return how large a dump will be, judged by the youngest of the backups of this database.

    Without any, it is taken to be as large as the database.
    """
    for kept in reversed(backups):
        before = kept.manifest.get("database_bytes")
        if before:
            ratio = float(kept.manifest["bytes"]) / float(before)
            return min(facts.bytes, round(facts.bytes * ratio * _GROWTH))
    return facts.bytes


def proof_needs(server: Server, facts: Facts, kind: str, scratch: Path) -> List[Need]:
    """Return the room that restoring the database once needs, where that can be told."""
    if kind == "cluster":
        return [Need(scratch, facts.bytes + _CLUSTER_BYTES, "the cluster that proves it")]
    if kind == "database" and server.is_local and facts.data_directory:
        return [Need(Path(facts.data_directory), facts.bytes, "the database that proves it")]
    return []


def require_space(needs: Sequence[Need]) -> None:
    """Raise PgError if a file system has less free space than is needed on it in all.

    A directory that this user cannot reach is left to the server, which fails in its own words.
    """
    by_device: Dict[int, List[Need]] = {}
    for need in needs:
        try:
            by_device.setdefault(need.directory.stat().st_dev, []).append(need)
        except PermissionError:
            continue
    for together in by_device.values():
        needed = sum(need.bytes for need in together)
        free = shutil.disk_usage(together[0].directory).free
        if free < needed:
            purposes = " and ".join(need.purpose for need in together)
            raise PgError(
                f"{together[0].directory} has {in_words(free)} free, but {purposes} may need"
                f" {in_words(needed)}: free some space there, or use another directory"
            )


def in_words(size: int) -> str:
    """Return a number of bytes for a message."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
