# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a phase has been stable: time since its deploy that was measured and held. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.plugins.module_utils._soak_clock import (
    Clock,
    Interruption,
    Watch,
)
from ansible_collections.phased.rollout.plugins.module_utils._spoken import iso, spoken_time
from ansible_collections.phased.rollout.plugins.module_utils._tick import (
    BREACH,
    HELD,
    Tick,
    read_ticks,
)

#: The kinds of entries that say what of a phase is in production.
MARKS = ("released", "deployed", "rolled_back")
NO_EVIDENCE = (
    "the plan watches no objectives here, so nothing can show that the phase is stable: add"
    " watch.objectives"
)


@dataclass(frozen=True)
class Soak:
    """How far a phase has come towards having been stable for long enough.

    state: none (not deployed), no_evidence (nothing is watched), waiting (no tick yet), counting,
    interrupted, breached, failed or complete. since: when it became complete. earliest: when it can
    be complete if all goes well from now on; None if it is already, or never can be.
    """

    state: str
    stable_seconds: float
    needed_seconds: float
    since: Optional[datetime] = None
    earliest: Optional[datetime] = None
    interruptions: Tuple[Interruption, ...] = ()
    notes: Tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Return whether the phase has been stable for long enough, and was when last measured."""
        return self.state == "complete"

    def as_dict(self) -> Dict[str, Any]:
        """Return the soak as JSON holds it."""
        return {
            "state": self.state,
            "complete": self.complete,
            "stable_seconds": self.stable_seconds,
            "needed_seconds": self.needed_seconds,
            "since": iso(self.since),
            "earliest": iso(self.earliest),
            "interruptions": [
                {"from": iso(one.start), "until": iso(one.until), "why": one.why}
                for one in self.interruptions
            ],
            "notes": list(self.notes),
        }


def soak(
    watch: Watch,
    marks: Iterable[Entry],
    samples: Iterable[Sample],
    now: datetime,
    needed_seconds: float,
    *,
    read_since: Optional[datetime] = None,
) -> Soak:
    """Return how far a phase has come towards having been stable for so many seconds.

    marks: the phase's entries of the kinds in MARKS, in the order of the ledger. samples: in any
    order; those later than now do not count, and a note says so. read_since: from when on there are
    samples, None for all since the deploy. With fewer of them nothing becomes complete that is not,
    unless a breach fails the soak for good: then all are needed.
    """
    known, notes = _until(now, samples)
    ticks = read_ticks(watch.objectives, known)
    needed = timedelta(seconds=needed_seconds)
    clock = _current(watch, needed, [*marks, *ticks], read_since)
    if clock is None:
        return Soak("none", 0.0, needed_seconds, notes=tuple(notes))
    if not watch.objectives:
        return Soak("no_evidence", 0.0, needed_seconds, notes=(*notes, NO_EVIDENCE))
    state = _state(clock, now)
    if read_since is not None:
        notes.append(f"samples since {spoken_time(read_since)} were enough and are told of")
    return Soak(
        state=state,
        stable_seconds=clock.stable.total_seconds(),
        needed_seconds=needed_seconds,
        since=clock.complete_at if state == "complete" and read_since is None else None,
        earliest=None if state in ("failed", "complete") else clock.earliest(now),
        interruptions=tuple(clock.interrupted(now)),
        notes=tuple(notes),
    )


def soak_began(marks: Iterable[Entry]) -> Optional[datetime]:
    """Return the deploy from which on samples matter; None if nothing is deployed."""
    clock = _current(Watch(), timedelta(0), marks, None)
    return clock.began if clock else None


def _until(now: datetime, samples: Iterable[Sample]) -> Tuple[List[Sample], List[str]]:
    known: List[Sample] = []
    late: List[datetime] = []
    for sample in samples:
        if sample.at <= now:
            known.append(sample)
        else:
            late.append(sample.at)
    if not late:
        return known, []
    return known, [
        f"{len(late)} samples are later than now, up to {spoken_time(max(late))}, and do not count:"
        " check the clock of the host that runs the monitor"
    ]


def _current(
    watch: Watch,
    needed: timedelta,
    events: Iterable[Union[Entry, Tick]],
    read_since: Optional[datetime],
) -> Optional[Clock]:
    """Return the clock of what is deployed now, None if nothing is."""
    clock: Optional[Clock] = None
    # Sorting is stable: a tick at the very moment of a mark comes after it.
    for event in sorted(events, key=lambda event: event.at):
        if isinstance(event, Tick):
            if clock:
                clock.take(event)
            continue
        tree = event.data.get("tree")
        another = clock is None or clock.tree != tree
        if event.kind == "deployed":
            if clock is None or clock.failed or another:
                began = event.at if read_since is None else max(event.at, read_since)
                clock = Clock(watch, needed, began, tree)
        elif event.kind == "rolled_back" or another:
            clock = None
    return clock


def _state(clock: Clock, now: datetime) -> str:
    if clock.failed:
        return "failed"
    if clock.last is None:
        return "waiting"
    if clock.last.kind == BREACH:
        return "breached"
    if clock.last.kind != HELD:
        return "interrupted"
    if clock.stable >= clock.needed:
        return "complete"
    return "counting" if clock.fresh(now) else "interrupted"
