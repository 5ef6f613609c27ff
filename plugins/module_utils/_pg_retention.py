# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backups may go, and taking them away so that no half of one is ever seen.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import (
    BusyError,
    locked,
    remove,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    fsync,
    read_manifest,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import Kept
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError


@dataclass(frozen=True)
class Retention:
    """How many backups stay, and how long. A backup goes only if every limit lets it go."""

    count: Optional[int] = None
    age: Optional[timedelta] = None
    labels: Sequence[str] = ("*",)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Retention:
        """Return what a module's parameter states. Raises PgError if it makes no sense."""
        age = None
        try:
            if params["age"] is not None:
                age = timedelta(seconds=read_duration(Fields(params, "retention"), "age"))
        except (ShapeError, OverflowError) as exc:
            raise PgError(str(exc)) from exc
        if params["count"] is not None and params["count"] < 1:
            raise PgError(f"retention.count is {params['count']}: at least 1 backup must stay")
        return cls(params["count"], age, params["labels"])

    def beyond(self, backups: Sequence[Kept], now: datetime) -> List[Kept]:
        """Return the backups that are over every limit, of those that the limits are for.

        backups: of one database, the oldest first, without a problem.
        """
        governed = [
            kept
            for kept in backups
            if not kept.manifest.get("keep")
            and any(fnmatchcase(kept.label, pattern) for pattern in self.labels)
        ]
        too_many = governed if self.count is None else governed[: -self.count]
        return [kept for kept in too_many if self.age is None or now - kept.taken_at > self.age]


def expendable(
    backups: Sequence[Kept], retention: Retention, *, label: str, now: datetime
) -> List[Kept]:
    """Return the backups that retention lets go, without those that must stay whatever it says.

    These are the one of this run (label), what is younger than it, and the last proven one.
    backups: of one database, the oldest first, without a problem.
    """
    own = [kept.taken_at for kept in backups if kept.label == label]
    over = [
        kept
        for kept in retention.beyond(backups, now)
        if kept.label != label and kept.taken_at < (own[0] if own else now)
    ]
    proven = last_proven(backups, label) if over else None
    return [kept for kept in over if kept is not proven]


def last_proven(backups: Sequence[Kept], label: str) -> Optional[Kept]:
    """Return the youngest proven backup that is intact to the last byte, None if none is.

    label: that of this run, whose files were just written or read.
    """
    for kept in reversed([kept for kept in backups if kept.proven]):
        try:
            if kept.label == label or read_manifest(kept.path) is not None:
                return kept
        except (PgError, OSError):
            continue
    return None


def take_away(directory: Path, backups: Sequence[Kept]) -> List[str]:
    """Return the labels of the backups that were removed; one that is in use stays.

    Each loses its name in one step before its files go. Raises PgError.
    """
    gone = []
    for kept in backups:
        hidden = directory / f".{kept.label}~expired"
        try:
            with locked(directory, kept.label), locked(directory, hidden.name[1:]):
                remove(hidden)
                kept.path.rename(hidden)
                fsync(directory)
                remove(hidden)
        except BusyError:
            continue
        gone.append(kept.label)
    return gone
