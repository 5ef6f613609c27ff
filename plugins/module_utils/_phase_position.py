# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one phase stands by what the ledger says of it, before anything else is asked. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._approval import bound_of
from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._lease import Lease
from ansible_collections.phased.rollout.plugins.module_utils._soak import MARKS
from ansible_collections.phased.rollout.plugins.module_utils._spoken import iso

_OPEN_VERDICTS = ("pass", "warn")


@dataclass(frozen=True)
class Position:
    """Where a phase stands.

    place: open, which is not released yet, released, deployed or rolled_back. marks: the entries of
    the kinds in MARKS, mark: the newest of them. steps: the newest entry of each, from old to new.
    running: a run that holds the lease is at it. stopped: its newest step failed, or was never
    finished.
    """

    place: str
    mark: Optional[Entry]
    marks: List[Entry]
    steps: List[Entry]
    running: bool
    stopped: bool

    @property
    def step(self) -> Optional[Entry]:
        """Return the newest step."""
        return self.steps[-1] if self.steps else None

    def last(self, kind: str) -> Optional[Entry]:
        """Return the newest mark of a kind."""
        return next((mark for mark in reversed(self.marks) if mark.kind == kind), None)

    def why_stopped(self) -> str:
        """Return at which step it stopped, and why."""
        step = self.step
        if step is None:
            return ""
        if step.data.get("status") == "started":
            return f"{step.data.get('step')} was begun by {step.actor} and never finished"
        reason = step.data.get("reason")
        return f"{step.data.get('step')} failed" + (f": {reason}" if reason else "")


def position(
    phase: str,
    entries: Sequence[Entry],
    steps: Sequence[Entry],
    lease: Optional[Lease],
) -> Position:
    """Return where a phase stands.

    entries, steps: those of the rollout, in its order. lease: None if it has run out.
    """
    marks = [entry for entry in entries if entry.phase == phase and entry.kind in MARKS]
    own = sorted((step for step in steps if step.phase == phase), key=lambda step: step.sequence)
    mark = marks[-1] if marks else None
    newest = own[-1] if own else None
    running = newest is not None and lease is not None and newest.run == lease.run
    return Position(
        place=mark.kind if mark else "open",
        mark=mark,
        marks=marks,
        steps=own,
        running=running,
        stopped=not running and newest is not None and _stopped(newest, mark),
    )


def _stopped(step: Entry, mark: Optional[Entry]) -> bool:
    status = step.data.get("status")
    overtaken = mark is not None and mark.sequence > step.sequence
    if status == "started":
        # A deploy marks the phase before its own step ends; a rollback is the end of any step.
        return not (overtaken and mark is not None and mark.kind == "rolled_back")
    return status == "failed" and not overtaken


def present_bound(
    record: Mapping[str, Any], entries: Sequence[Entry], where: Position
) -> Dict[str, Any]:
    """Return what there is to approve now, as far as plan and ledger know it.

    Evidence of before a rollback is none. The changes are those that the last integration merged.
    """
    back = where.last("rolled_back")
    since = back.sequence if back else 0
    own = [one for one in entries if one.phase == record["key"] and one.sequence > since]
    gate = _newest(own, "gate", gate="release")
    backup = _newest(own, "backup")
    merged = next(
        (
            step.data.get("evidence")
            for step in where.steps
            if step.sequence > since and step.data.get("step") == "integrate"
        ),
        None,
    )
    return bound_of(
        {
            "plan_hash": record.get("plan_hash"),
            "changes": merged.get("changes") if isinstance(merged, Mapping) else None,
            "tree": gate.data.get("tree") if gate else None,
            "gate": gate.data.get("hash") if gate else None,
            "backup": backup.data.get("hash") if backup else None,
        }
    )


def shown_evidence(record: Mapping[str, Any], entries: Sequence[Entry]) -> Dict[str, Any]:
    """Return what a person who approves a phase wants to see: its newest gates and its backup."""
    own = [one for one in entries if one.phase == record["key"]]
    gates = {str(one.data.get("gate")): one.data for one in own if one.kind == "gate"}
    backup = _newest(own, "backup")
    return {"gates": gates, "backup": backup.data if backup else None}


def exit_gate(phase: str, entries: Sequence[Entry], deployed: Entry) -> Optional[str]:
    """Return why the exit gate does not vouch for what is deployed, None if it does."""
    gate = _newest(
        [one for one in entries if one.phase == phase and one.sequence > deployed.sequence],
        "gate",
        gate="exit",
    )
    if gate is None:
        return "the exit gate has not been measured since the deploy"
    if gate.data.get("verdict") not in _OPEN_VERDICTS:
        return f"the exit gate is closed: {gate.data.get('verdict')}{_culprits(gate)}"
    tree, vouched = deployed.data.get("tree"), gate.data.get("tree")
    if tree != vouched:
        return f"the exit gate vouches for tree {vouched}, but {tree} is deployed"
    return None


def _culprits(gate: Entry) -> str:
    results = gate.data.get("results")
    closed = [
        f"{one.get('name')} {one.get('verdict')}"
        for one in (results if isinstance(results, list) else [])
        if isinstance(one, Mapping) and one.get("verdict") not in _OPEN_VERDICTS
    ]
    return f" ({', '.join(closed)})" if closed else ""


def _newest(entries: Sequence[Entry], kind: str, **data: Any) -> Optional[Entry]:
    return next(
        (
            entry
            for entry in reversed(entries)
            if entry.kind == kind and all(entry.data.get(key) == data[key] for key in data)
        ),
        None,
    )


def step_rows(steps: Sequence[Entry], begun: Sequence[Entry]) -> List[Dict[str, Any]]:
    """Return the newest run of each step as JSON holds it, from old to new.

    begun: with what they began. seconds: None for a step that has not ended, or of which that is
    not known.
    """
    began = {(entry.phase, entry.step, entry.run): entry.at for entry in begun}
    return [_step_row(step, began.get((step.phase, step.step, step.run))) for step in steps]


def _step_row(step: Entry, began: Optional[datetime]) -> Dict[str, Any]:
    return {
        **{key: step.data.get(key) for key in ("step", "status", "reason")},
        "at": iso(step.at),
        "seconds": None if began is None else (step.at - began).total_seconds(),
        "actor": step.actor,
        "run": step.run,
    }
