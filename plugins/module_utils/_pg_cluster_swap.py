# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a restored copy in the place of the live cluster: stop, swap two names, start.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Mapping, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import Control, Live
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_guard import Switch
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_rows import (
    written_rows,
    written_since,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_database import MAINTENANCE
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import (
    Loss,
    require_accepted,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_POLL_SECONDS = 0.05
_END_SECONDS = 5.0
_OPEN_SECONDS = 3600.0
_END_OTHERS = """
SELECT coalesce(jsonb_agg(pid) FILTER (WHERE pg_terminate_backend(pid)), '[]') AS pids
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_STILL_THERE = "SELECT count(*) AS number FROM pg_stat_activity WHERE pid = ANY ('{{{pids}}}')"
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next"


@dataclass(frozen=True)
class Accepted:
    """What may be lost, and what was counted: the loss, and the writes of each database so far."""

    label: str
    rows: int
    loss: Loss
    written: Mapping[str, int]

    def require(self, server: Server) -> Loss:
        """Return what would be lost by now. Raises LossError if that is more than was accepted."""
        more = written_since(self.written, written_rows(server))
        loss = replace(self.loss, tables={**self.loss.tables, **more})
        require_accepted(loss, self.rows, self.label)
        return loss


def exchange(one: Path, other: Path) -> None:
    """Swap the names of two directories in one step. Raises PgError if the system cannot."""
    renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    names = (os.fsencode(one), os.fsencode(other))
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise PgError(f"{one} and {other} cannot be swapped: {reason}")
    descriptor = os.open(one.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_name(data: Path, now: datetime) -> Path:
    """Return the name under which a data directory is kept when another one takes its place."""
    stamp = now.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return data.with_name(f"{data.name}_before_{stamp}")


def stop_quietly(live: Live, accepted: Accepted, switch: Switch) -> Tuple[Loss, float]:
    """Stop the live server and return what is lost, to which nothing can be added any more.

    The second value is the time on the monotonic clock when the first connection was ended.

    Raises LossError or PgError, with the server running, if somebody wrote more than is accepted.
    """
    server = live.server
    accepted.require(server)
    with Session(server, MAINTENANCE) as session:
        session.execute("CHECKPOINT")
        began = time.monotonic()
        _end_others(session)
        # Sessions count what they have written at the latest when they end.
        loss = accepted.require(server)
        following = int(session.row(_NEXT)["next"])
    switch.stop()
    control = Control.read(live.programs, live.data)
    if (control.state, control.next_transaction) != ("shut down", following):
        switch.start()
        raise PgError(
            "something was written while the server was being stopped, so it was started again and"
            " nothing has changed; stop what writes to it first, and run this again"
        )
    return loss, began


def swap(data: Path, copy: Path, server: Server, switch: Switch) -> None:
    """Put a copy in the place of the stopped cluster and start it; the old one is in copy then.

    Raises PgError if it does not start; the old one has its place again then, and runs.
    """
    try:
        exchange(data, copy)
    except PgError:
        switch.start()
        raise
    try:
        switch.start()
        _wait_until_open(server)
    except PgError as exc:
        switch.stop()
        exchange(data, copy)
        switch.start()
        raise PgError(
            f"the restored cluster did not start, so the old one runs again: {exc}"
        ) from exc


def _end_others(session: Session) -> None:
    """End all other sessions. One that comes back is ended when the server stops."""
    pids = ",".join(map(str, session.row(_END_OTHERS)["pids"]))
    still_there = _STILL_THERE.format(pids=pids)
    deadline = time.monotonic() + _END_SECONDS
    while session.row(still_there)["number"] and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _wait_until_open(server: Server) -> None:
    """Wait until a server that has recovered can be written to. Raises PgError."""
    deadline = time.monotonic() + _OPEN_SECONDS
    while True:
        with Session(server, MAINTENANCE) as session:
            if not session.row("SELECT pg_is_in_recovery() AS recovers")["recovers"]:
                return
        if time.monotonic() > deadline:
            raise PgError(f"it has not finished its recovery in {_OPEN_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
