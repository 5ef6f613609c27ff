# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is to be taken back to, and from which backup that can be reached.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import Control
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import check_label
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest import PgBackRest, Target
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import (
    BackupSet,
    format_lsn,
    labelled,
    named,
    newest_before,
    parse_history,
    parse_lsn,
    parse_time,
)


@dataclass(frozen=True)
class Wanted:
    """A restore as it was asked for: a label or a set, or none, and a time or an LSN, or none."""

    database: str
    label: Optional[str]
    name: Optional[str]
    time: Optional[datetime]
    lsn: Optional[int]
    accept_loss: int
    jobs: int
    archive_seconds: float
    invariants: Mapping[str, str]
    user: Optional[str]

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Wanted:
        """Return what a module's parameters state. Raises PgError if they make no sense."""
        for name, least in (("jobs", 1), ("accept_loss", -1)):
            if params[name] < least:
                raise PgError(f"{name} is {params[name]}: at least {least} is needed")
        moment = parse_time(params["to_time"]) if params["to_time"] else None
        if moment and moment > datetime.now(timezone.utc):
            raise PgError(f"to_time {params['to_time']} is still to come")
        return cls(
            database=params["login_db"],
            label=check_label(params["label"]) if params["label"] else None,
            name=params["set"] or None,
            time=moment,
            lsn=parse_lsn(params["to_lsn"]) if params["to_lsn"] else None,
            accept_loss=params["accept_loss"],
            jobs=params["jobs"],
            archive_seconds=params["archive_timeout"],
            invariants=params["invariants"],
            user=params["login_user"],
        )


def find_target(
    tool: PgBackRest, wanted: Wanted, data: Path, control: Control
) -> Tuple[BackupSet, Target]:
    """Return the backup to start from, and up to where to recover. Raises PgError.

    data, control: of the live cluster, whose past is the one that is meant.
    """
    own = [s for s in tool.sets() if s.system_identifier == control.system_identifier]
    found = _chosen(own, wanted, data, control)
    if found.damaged:
        raise PgError(f"backup set {found.name} has pages that do not match their checksums")
    if wanted.time and wanted.time < found.stopped_at:
        raise PgError(f"to_time is before backup set {found.name} ended: {found.stopped_at}")
    if wanted.lsn is not None and wanted.lsn < found.stop_lsn:
        end = format_lsn(found.stop_lsn)
        raise PgError(f"to_lsn is before backup set {found.name} ended: {end}")
    spaces = tool.tablespaces_of(found)
    if spaces:
        raise PgError(
            f"backup set {found.name} has tablespaces ({listed(spaces)}), which cannot be swapped"
            " in one step; restore it with pgbackrest by hand"
        )
    return found, _target(wanted, control)


def _chosen(own: List[BackupSet], wanted: Wanted, data: Path, control: Control) -> BackupSet:
    if wanted.name:
        return named(own, wanted.name)
    if wanted.label:
        found = labelled(own, wanted.label)
        if found is None:
            labels = listed([s.label for s in reversed(own) if s.label]) or "none"
            raise PgError(
                f"the repository has no backup {wanted.label} of this cluster; it has {labels}"
            )
        return found
    history = data / "pg_wal" / f"{control.timeline:08X}.history"
    past = parse_history(history.read_text(encoding="ascii")) if history.exists() else {}
    return newest_before(own, past, timeline=control.timeline, time=wanted.time, lsn=wanted.lsn)


def _target(wanted: Wanted, control: Control) -> Target:
    timeline = str(control.timeline)
    if wanted.time:
        return Target("time", wanted.time.isoformat(sep=" "), timeline)
    if wanted.lsn is not None:
        return Target("lsn", format_lsn(wanted.lsn), timeline)
    return Target()
