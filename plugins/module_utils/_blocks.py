# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What blocks a phase: each reason with who can end it, and when that can be. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, Iterator, List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._approvals import Tally
from ansible_collections.phased.rollout.plugins.module_utils._lease import Lease
from ansible_collections.phased.rollout.plugins.module_utils._reviews import OpenReview
from ansible_collections.phased.rollout.plugins.module_utils._soak import NO_EVIDENCE, Soak
from ansible_collections.phased.rollout.plugins.module_utils._spoken import (
    iso,
    spoken_duration,
    spoken_time,
)
from ansible_collections.phased.rollout.plugins.module_utils._window import Opening

START, RELEASE, STABLE = "start", "release", "stable"
#: Who ends what only time can.
TIME = "time"
MONITOR = "whoever runs the monitor"
KEEPER = "whoever keeps the plan"


@dataclass(frozen=True)
class Block:
    """A reason why a phase cannot go on.

    stops: what it stops: start, release, or stable, a phase that is deployed from counting as
    stable. who: who can end it. earliest: when that can be, None if nobody knows.
    """

    phase: str
    kind: str
    stops: str
    text: str
    who: List[str] = field(default_factory=list)
    earliest: Optional[datetime] = None

    def as_dict(self) -> Dict[str, Any]:
        """Return the block as JSON holds it."""
        return {**vars(self), "earliest": iso(self.earliest)}


def soak_blocks(
    phase: str, stops: str, title: str, found: Soak, runners: Sequence[str]
) -> Iterator[Block]:
    """Return what the soak of the phase called title says against the phase, if it does.

    runners: who can deploy it again.
    """
    if found.complete:
        return
    so_far = spoken_duration(found.stable_seconds)
    text = f"{title} has been stable for {so_far} of {spoken_duration(found.needed_seconds)}"
    why = found.interruptions[-1] if found.interruptions else None
    going_on = why is not None and why.until is None
    if why is not None and going_on:
        text += f"; since {spoken_time(why.start)}: {why.why}"
    who = [TIME]
    if found.state == "no_evidence":
        text, who = f"{title} can never be stable: {NO_EVIDENCE}", [KEEPER]
    elif found.state == "failed":
        text, who = f"{text}. Only another deploy starts another soak", list(runners)
    elif found.state == "breached":
        who = list(runners)
    elif found.state in ("waiting", "interrupted") and going_on:
        who = [MONITOR]
    yield Block(phase, "soak", stops, text, who, found.earliest)


def approval_block(phase: str, found: Tally, authors_named: bool) -> Optional[Block]:
    """Return what a requirement lacks, None if it is met."""
    if not found.missing:
        return None
    need, role = found.requirement.count, found.requirement.role
    text = f"{found.missing} of {need} {'approval' if need == 1 else 'approvals'} as {role}"
    text += " is missing" if found.missing == 1 else " are missing"
    latest = {one.person: one.why for one in found.refused if one.person not in found.persons}
    text += "".join(f"; that of {who!r} does not count: {why}" for who, why in latest.items())
    if not found.possible:
        text += f"; of those the plan names, only {len(found.may or [])} can still approve"
    may = found.may
    if may is None:
        may = ["anybody" + (" but the authors of the changes" if authors_named else "")]
    return Block(phase, "approval", RELEASE, text, may or [KEEPER])


def window_block(phase: str, found: Opening) -> Optional[Block]:
    """Return why the phase may not run now, None if it may."""
    if found.open:
        return None
    never = "" if found.opens_at else "; it never opens again"
    who = [TIME] if found.opens_at else [KEEPER]
    return Block(phase, "window", START, f"{found.why}{never}", who, found.opens_at)


def review_block(phase: str, found: OpenReview) -> Block:
    """Return a review that has to be done first."""
    due = "" if found.due_at is None else f" by {spoken_time(found.due_at)}"
    text = f"{found.what} has to be reviewed{due}{', which is over' if found.overdue else ''}"
    text += f": {found.person} let it through ({found.reason})"
    if found.tried:
        text += f"; a review by {', '.join(found.tried)} does not count, it was their own"
    return Block(phase, "review", START, text, [f"anybody but {found.person}"])


def lease_block(phase: str, stops: str, lease: Lease) -> Block:
    """Return that somebody else is at it."""
    text = (
        f"{lease.holder} holds the rollout since {spoken_time(lease.since)}, with run {lease.run};"
        f" unless renewed, until {spoken_time(lease.expires_at)}"
    )
    return Block(phase, "lease", stops, text, [lease.holder])
