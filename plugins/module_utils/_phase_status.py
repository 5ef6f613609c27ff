# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one phase stands, and what that means for whoever has to act. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional

from ansible_collections.phased.rollout.plugins.module_utils._approvals import Tally
from ansible_collections.phased.rollout.plugins.module_utils._blocks import START, Block
from ansible_collections.phased.rollout.plugins.module_utils._known import Known, Record
from ansible_collections.phased.rollout.plugins.module_utils._phase_blocks import (
    UNRELEASED,
    blocks,
    earliest,
)
from ansible_collections.phased.rollout.plugins.module_utils._phase_position import (
    Position,
    shown_evidence,
    step_rows,
)
from ansible_collections.phased.rollout.plugins.module_utils._soak import Soak
from ansible_collections.phased.rollout.plugins.module_utils._spoken import iso

#: What a phase can be, and what that means.
STATES = {
    "waiting": "not begun, and something has to come first",
    "ready": "not begun, and nothing keeps it from starting",
    "running": "a run that holds the lease is at it",
    "stopped": "its newest step failed or was never finished; running it again goes on from there",
    "released": "in the release branch, not in production",
    "deployed": "in production; not watched, or its exit gate is not open",
    "soaking": "in production, and not yet stable for long enough",
    "unstable": "in production, and an objective failed when last measured, or the soak has failed",
    "stable": "in production, and stable for as long as the plan says",
    "rolled_back": "was taken back",
}


@dataclass(frozen=True)
class PhaseStatus:
    """One phase: its state, since when, and what follows from it."""

    record: Record
    state: str
    since: Optional[datetime]
    position: Position
    soak: Optional[Soak]
    tallies: List[Tally]
    blocks: List[Block]
    earliest: Optional[datetime]
    bound: Dict[str, Any]
    steps: List[Dict[str, Any]]
    evidence: Dict[str, Any]

    @property
    def finished(self) -> bool:
        """Return whether nothing is left to do for it."""
        return self.state in ("stable", "deployed") and not self.blocks

    def as_dict(self) -> Dict[str, Any]:
        """Return the phase as JSON holds it."""
        where, release = self.position, self.position.last("released")
        deploy = self.position.last("deployed")
        return {
            **{key: self.record.get(key) for key in ("id", "key", "name", "title", "risk", "tag")},
            "state": self.state,
            "since": iso(self.since),
            "released_at": iso(release.at) if release else None,
            "deployed_at": iso(deploy.at) if deploy else None,
            "tree": where.mark.data.get("tree") if where.mark else None,
            "steps": self.steps,
            "soak": self.soak.as_dict() if self.soak else None,
            "approvals": [one.as_dict() for one in self.tallies],
            "bound": self.bound,
            "evidence": self.evidence,
            "blocked_by": [block.as_dict() for block in self.blocks],
            "earliest": iso(self.earliest),
        }


def phase_status(known: Known, record: Record) -> PhaseStatus:
    """Return the status of one phase. Raises ShapeError."""
    where = known.position(record)
    found = blocks(known, record)
    needed = known.watched_seconds(record)
    soak = known.soak(record, needed) if where.place == "deployed" and needed else None
    state = _state(where, soak, found)
    before = where.place in UNRELEASED
    return PhaseStatus(
        record=record,
        state=state,
        since=_since(state, where, soak),
        position=where,
        soak=soak,
        tallies=known.tallies(record) if before else [],
        blocks=found,
        earliest=earliest(known, record, found),
        bound=dict(known.subject(record).bound),
        steps=step_rows(where.steps, known.begun),
        evidence=shown_evidence(record, known.entries),
    )


def _state(where: Position, soak: Optional[Soak], found: List[Block]) -> str:
    if where.running or where.stopped:
        return "running" if where.running else "stopped"
    if where.place == "open":
        return "waiting" if any(block.stops == START for block in found) else "ready"
    return _in_production(soak, found) if where.place == "deployed" else where.place


def _in_production(soak: Optional[Soak], found: List[Block]) -> str:
    if soak and soak.state in ("failed", "breached"):
        return "unstable"
    unwatched = soak is None or soak.state == "no_evidence"
    if unwatched or any(block.kind != "soak" for block in found):
        return "deployed"
    return "stable" if soak and soak.complete else "soaking"


def _since(state: str, where: Position, soak: Optional[Soak]) -> Optional[datetime]:
    if state == "stable" and soak:
        return soak.since
    if state == "unstable" and soak and soak.interruptions:
        return soak.interruptions[-1].start
    if state in ("running", "stopped") and where.step:
        return where.step.at
    return where.mark.at if where.mark else None
