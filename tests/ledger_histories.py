# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries and samples as a ledger would hold them, for tests of what follows from them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._lease import Lease
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample

ROLLOUT = "tower"
START = datetime(2026, 1, 12, 9, tzinfo=timezone.utc)


def after(seconds: float) -> datetime:
    """Return a moment so many seconds after START, which is a Monday at 09:00 UTC."""
    return START + timedelta(seconds=seconds)


def hours(count: float) -> datetime:
    """Return a moment so many hours after START."""
    return after(count * 3600)


class Book:
    """A ledger in memory: what is written gets the next sequence."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(
        self,
        kind: str,
        at: datetime,
        phase: str | None = "phase-1",
        *,
        key: str = "",
        actor: str = "ada",
        run: str = "run-1",
        **data: Any,
    ) -> Entry:
        """Write an entry and return it."""
        sequence = len(self.entries) + 1
        entry = Entry(
            rollout=ROLLOUT,
            sequence=sequence,
            key=key or f"{kind}-{sequence}",
            kind=kind,
            phase=phase,
            at=at,
            actor=actor,
            run=run,
            fence=None,
            data=data,
            previous="",
            hash="",
        )
        self.entries.append(entry)
        return entry

    def of(self, *kinds: str) -> list[Entry]:
        """Return the entries of some kinds."""
        return [entry for entry in self.entries if entry.kind in kinds]

    def newest_steps(self) -> list[Entry]:
        """Return the newest entry of each phase and step."""
        return list({(one.phase, one.step): one for one in self.of("step")}.values())


def sample(at: datetime, verdict: str, objective: str = "errors", reason: str = "") -> Sample:
    """Return what the monitor measured of one objective."""
    return Sample("phase-1", objective, at, 1.0, None, verdict, reason or None)


def lease(run: str, until: datetime, holder: str = "bob@control") -> Lease:
    """Return a lease that is held since START."""
    return Lease(ROLLOUT, 7, holder, run, START, until)
