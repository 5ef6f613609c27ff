# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking, renewing and giving back the leases of rollouts.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils import _ledger_sql as sql
from ansible_collections.phased.rollout.plugins.module_utils._lease import (
    Lease,
    Process,
    Taken,
    has_died,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LeaseError,
    LeaseLostError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_session import LedgerSession


class Leases:
    """The leases in one ledger; the server's clock counts. Methods raise LedgerError."""

    def __init__(self, session: LedgerSession) -> None:
        self._session = session

    def lease(self, rollout: str) -> Optional[Lease]:
        """Return the lease of whoever took it last, None if it was given back.

        It may have run out.
        """
        with self._session.transaction():
            rows = self._session.rows(sql.LEASE, {"rollout": rollout})
        return Lease.of(rows[0][0]) if rows else None

    def take_lease(
        self,
        rollout: str,
        holder: str,
        run: str,
        ttl_seconds: float,
        process: Optional[Process] = None,
        *,
        check_mode: bool = False,
    ) -> Taken:
        """Return the lease that a run has now, and from whom it was taken.

        It is taken if it is free, has run out, or its holder's process has died on this host. A
        process that takes it again for the same run renews it. Raises LeaseError if it is held.
        """
        known = self.lease(rollout)
        dead = known.fence if known and known.process and has_died(known.process) else None
        params = {
            **{"rollout": rollout, "holder": holder, "run": run, "seconds": ttl_seconds},
            "host_id": process.host_id if process else None,
            "pid": process.pid if process else None,
            "pid_started": process.started if process else None,
            "dead": dead,
        }
        with self._session.transaction(f"the lease of {rollout}", commit=not check_mode):
            outcome, row, row_before = self._session.row(sql.TAKE_LEASE, params)
        lease, before = Lease.of(row), Lease.of(row_before) if row_before else None
        if lease is None or outcome == "held":
            raise LeaseError(
                f"rollout {rollout} is held by {lease}: wait until that run has ended, or end it;"
                " the lease of a run that was killed is free at once on the host where it ran,"
                " elsewhere when its time is over"
            )
        return Taken(outcome, lease, before, dead=bool(before and before.fence == dead))

    def renew_lease(self, rollout: str, run: str, fence: int, ttl_seconds: float) -> Lease:
        """Return the lease of a run with a new end.

        One that has run out is renewed too, as long as nobody else has taken it. Raises
        LeaseLostError if it is not the run's any more.
        """
        params = {"rollout": rollout, "run": run, "fence": fence, "seconds": ttl_seconds}
        with self._session.transaction(f"the lease of {rollout}"):
            row = self._session.row(sql.RENEW_LEASE, params)[0]
        lease = Lease.of(row) if row else None
        if lease is None:
            raise LeaseLostError(self.lost(rollout, fence))
        return lease

    def release_lease(self, rollout: str, run: str, fence: int) -> bool:
        """Return whether a run has given its lease back just now; it may have lost it before."""
        params = {"rollout": rollout, "run": run, "fence": fence}
        with self._session.transaction(f"the end of the lease of {rollout}"):
            released: bool = self._session.row(sql.RELEASE_LEASE, params)[0]
        return released

    def lost(self, rollout: str, fence: int) -> str:
        """Return in words that a lease is not its run's any more, and whose it is."""
        lease = self.lease(rollout)
        now = f"it is held by {lease}" if lease else "nobody holds it now"
        return (
            f"the lease of rollout {rollout} with fence {fence} is lost, {now}; this run must not"
            " change anything any more: start it again when the lease is free"
        )
