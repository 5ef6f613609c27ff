# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a whole cluster back to a backup, a time or an LSN: beside the live one first, then swapped.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import os
import pwd
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import (
    Control,
    Live,
    programs_of,
    require_one_directory,
    require_space,
    running,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_guard import (
    Switch,
    guarded,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_private import (
    PrivateServer,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_proof import (
    check_copy,
    private_settings,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_rows import (
    loss_between,
    written_rows,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_scratch import Scratch
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_swap import (
    Accepted,
    keep_name,
    stop_quietly,
    swap,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_switch import (
    switch_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_target import (
    Wanted,
    find_target,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_database import MAINTENANCE
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import (
    Loss,
    require_accepted,
    require_no_blank_cheque,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest import PgBackRest, Target
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import (
    BackupSet,
    parse_lsn,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

#: Accepts what cannot be counted, because the live cluster cannot be asked any more.
UNCOUNTED = -1
_COPY = """
SELECT pg_last_wal_replay_lsn()::text AS lsn, pg_last_xact_replay_timestamp()::text AS time
"""
_LIVE = """
SELECT pg_current_wal_lsn()::text AS lsn, now()::text AS time,
       (SELECT coalesce(jsonb_agg(gid), '[]') FROM pg_prepared_xacts) AS prepared,
       (SELECT coalesce(jsonb_agg(slot_name), '[]') FROM pg_replication_slots) AS slots
"""


@dataclass(frozen=True)
class Place:
    """Where the live cluster is, and how it is asked, started and stopped."""

    data: Path
    server: Server
    switch: Switch


def restore(tool: PgBackRest, place: Place, wanted: Wanted, *, check_mode: bool) -> Dict[str, Any]:
    """Return what a module hands back of a restore. Raises PgError; the live cluster runs then.

    In check mode everything is done but the swap.
    """
    started = time.monotonic()
    data = place.data
    require_one_directory(data)
    control = Control.read(programs_of(data), data)
    found, target = find_target(tool, wanted, data, control)
    told = _told(found, target)
    with Scratch(data.with_name(f"{data.name}_restoring"), f"{found.name} {target}") as scratch:
        kept = _finish_swap(place, scratch, check_mode=check_mode)
        live = _live(tool, place, wanted, check_mode=check_mode)
        if kept:
            return {"changed": True, "restored": {**told, "kept_as": str(kept), "resumed": True}}
        require_space(data.parent, found.bytes, f"a copy of the cluster in {data}")
        if live and target.kind != "immediate":
            _archive_all(tool, live, wanted)
        scratch.make()
        tool.restore(found, scratch.path, target, jobs=wanted.jobs, spaces=None)
        seen, accepted = _look(live, scratch.path, wanted, found)
        told.update(seen)
        if not check_mode:
            _require(accepted, wanted)
            told.update(_swap(place, live, scratch, accepted))
    told["seconds"] = round(time.monotonic() - started, 3)
    return {"changed": True, "restored": told}


def _finish_swap(place: Place, scratch: Scratch, *, check_mode: bool) -> Optional[Path]:
    """Return under which name the old cluster is kept, if this very restore was all but done.

    That is so if a run was killed after it had swapped the two. Raises PgError in check mode then.
    """
    inode, purpose = scratch.noted()
    if not scratch.path.is_dir() or inode != str(place.data.stat().st_ino):
        return None
    kept = keep_name(place.data, datetime.now(timezone.utc))
    if check_mode:
        raise PgError(
            f"a restore was killed after its swap: {scratch.path} is the cluster as it was before;"
            f" the next run that is not in check mode keeps it as {kept.name}"
        )
    place.switch.start()
    scratch.path.rename(kept)
    return kept if purpose == scratch.purpose else None


def _live(tool: PgBackRest, place: Place, wanted: Wanted, *, check_mode: bool) -> Optional[Live]:
    """Return the live cluster, None if it cannot be asked and that was accepted."""
    if check_mode and not running(place.data):
        return None
    try:
        place.switch.start()
        with Session(place.server, MAINTENANCE):
            pass
    except PgError as exc:
        if wanted.accept_loss != UNCOUNTED:
            raise PgError(
                "the live cluster cannot be asked, so nobody can count what would be lost:"
                f" accept_loss={UNCOUNTED} accepts that. {exc}"
            ) from exc
        return None
    live = Live.ask(place.server, tool.data_directory)
    if wanted.accept_loss == UNCOUNTED:
        raise PgError(
            f"accept_loss={UNCOUNTED} is for a cluster that cannot be asked, but this one answers;"
            " what would be lost can be counted"
        )
    with Session(live.server, MAINTENANCE) as session:
        prepared = session.row(_LIVE)["prepared"]
    if prepared:
        raise PgError(
            f"the live cluster has prepared transactions ({listed(prepared)}), which would be"
            " lost uncounted; commit them or roll them back"
        )
    return live


def _archive_all(tool: PgBackRest, live: Live, wanted: Wanted) -> None:
    """See that all that was written until now can be recovered, and where that ends."""
    with Session(live.server, MAINTENANCE) as session:
        # Recovery up to a time stops at the first commit after it, which an idle server lacks.
        session.execute("SELECT pg_current_xact_id()")
    tool.check(wanted.archive_seconds)


def _look(
    live: Optional[Live], copy: Path, wanted: Wanted, found: BackupSet
) -> Tuple[Dict[str, Any], Accepted]:
    """Return what is in a restored copy and what it lacks, as a module returns it and as it is."""
    programs = live.programs if live else programs_of(copy)
    control = Control.read(programs, copy)
    settings = private_settings(live, control, archive=True)
    with PrivateServer(programs, copy, settings=settings, user=wanted.user) as private:
        rows = check_copy(private.server, wanted.database, wanted.invariants)
        with Session(private.server, MAINTENANCE) as session:
            told: Dict[str, Any] = {"rows": rows, "restored_to": session.row(_COPY)}
        written = written_rows(live.server) if live else {}
        loss = loss_between(live.server, private.server) if live else Loss()
    if live:
        if control.system_identifier != live.system_identifier:
            raise PgError(f"backup set {found.name} restores another cluster than this one")
        with Session(live.server, MAINTENANCE) as session:
            now = session.row(_LIVE)
        behind = parse_lsn(now["lsn"]) - parse_lsn(told["restored_to"]["lsn"])
        told.update(live_at={"lsn": now["lsn"], "time": now["time"]}, wal_bytes_lost=behind)
        told["slots_lost"] = now["slots"]
        told.update(loss.as_dict())
    return told, Accepted(found.label or found.name, wanted.accept_loss, loss, written)


def _require(accepted: Accepted, wanted: Wanted) -> None:
    if wanted.accept_loss != UNCOUNTED:
        require_accepted(accepted.loss, accepted.rows, accepted.label)
        require_no_blank_cheque(accepted.loss, accepted.rows)


def _swap(
    place: Place, live: Optional[Live], scratch: Scratch, accepted: Accepted
) -> Dict[str, Any]:
    """Return what a module returns of the swap, which has been done then."""
    loss, began = None, time.monotonic()
    if live:
        loss, began = stop_quietly(live, accepted, place.switch)
    else:
        place.switch.stop()
    swap(place.data, scratch.path, place.server, place.switch)
    downtime = time.monotonic() - began
    kept = keep_name(place.data, datetime.now(timezone.utc))
    scratch.path.rename(kept)
    told: Dict[str, Any] = {"kept_as": str(kept), "downtime_seconds": round(downtime, 3)}
    return {**told, **(loss.as_dict() if loss else {})}


def run(params: Mapping[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    """Return what the module hands back. Raises PgError, with details if rows would be lost."""
    tool, wanted = PgBackRest.of(params), Wanted.of(params)
    data = Path(os.path.realpath(tool.data_directory))
    try:
        owner = data.stat().st_uid
    except OSError as exc:
        raise PgError(
            f"{data} is not there ({exc.strerror}): where there is nothing to keep, restore with"
            f" pgbackrest --stanza={tool.stanza} restore"
        ) from exc
    if os.geteuid() not in (0 if params["service"] else owner, owner):
        name = pwd.getpwuid(owner).pw_name
        raise PgError(f"{data} belongs to {name}: become that user, or root with a service")
    switch = switch_of(data, programs_of(data), params["service"])
    server = Server.of(Login.of(params))

    def work(remote: Switch) -> Dict[str, Any]:
        return restore(tool, Place(data, server, remote), wanted, check_mode=check_mode)

    return guarded(work, switch, owner if os.geteuid() == 0 else None)


def _told(found: BackupSet, target: Target) -> Dict[str, Any]:
    return {
        "label": found.label,
        "method": "pgbackrest",
        "set": found.name,
        "target": target.value,
        "taken_at": found.stopped_at.isoformat(),
        "resumed": False,
    }
