# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labelled backups of a repository may go. What others have put there is left alone.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import List, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_retention import Retention
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import Kept
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import BackupSet


def expendable(
    sets: Sequence[BackupSet], retention: Retention, *, label: str, now: datetime
) -> List[BackupSet]:
    """Return the backups that retention lets go, the youngest first.

    These must stay whatever it says: the one of this run (label), what is younger than it, the
    last proven one, and what any other that stays is built on.
    sets: of one cluster, the oldest first.
    """
    ours = [found for found in sets if found.label and not found.damaged]
    over = {kept.label for kept in retention.beyond([_as_kept(found) for found in ours], now)}
    own = [found.stopped_at for found in ours if found.label == label]
    proven = [found for found in ours if found.proven]
    going = [
        found
        for found in ours
        if found.label in over
        and found.label != label
        and found.stopped_at < (own[0] if own else now)
        and found not in proven[-1:]
    ]
    names = {found.name for found in going}
    needed = {name for found in sets if found.name not in names for name in found.references}
    return [found for found in reversed(going) if found.name not in needed]


def _as_kept(found: BackupSet) -> Kept:
    manifest = {
        "keep": found.keep,
        "taken_at": found.stopped_at.isoformat(),
        "proof": {"proven": found.proven},
    }
    return Kept(Path(found.label or ""), manifest)
