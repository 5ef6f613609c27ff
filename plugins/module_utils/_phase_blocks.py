# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that blocks one phase, by everything that is known of the rollout. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from datetime import datetime
from typing import Iterator, List, Optional

from ansible_collections.phased.rollout.plugins.module_utils._blocks import (
    KEEPER,
    STABLE,
    START,
    Block,
    approval_block,
    lease_block,
    review_block,
    soak_blocks,
    window_block,
)
from ansible_collections.phased.rollout.plugins.module_utils._known import Known, Record, Requires
from ansible_collections.phased.rollout.plugins.module_utils._phase_position import exit_gate
from ansible_collections.phased.rollout.plugins.module_utils._reviews import open_reviews

#: Where a phase stands before its changes are in the release branch.
UNRELEASED = ("open", "rolled_back")
_NOT_DEPLOYED = {
    "open": "is not deployed",
    "rolled_back": "was rolled back",
    "released": "is released and not deployed",
}


def blocks(known: Known, record: Record) -> List[Block]:
    """Return every reason why a phase cannot go on. Raises ShapeError."""
    where = known.position(record)
    key = record["key"]
    found: List[Block] = []
    if where.stopped:
        found.append(Block(key, "step", _stops(where.place), where.why_stopped(), owners(record)))
    if where.place in UNRELEASED:
        found += _before_release(known, record)
    elif where.place == "deployed":
        found += _after_deploy(known, record)
    if known.broken:
        found.append(Block(key, "ledger", _stops(where.place), known.broken, [KEEPER]))
    lease = known.live_lease
    finished = where.place == "deployed" and not where.stopped
    if lease and lease.run != known.run and not where.running and not finished:
        found.append(lease_block(key, _stops(where.place), lease))
    return found


def earliest(known: Known, record: Record, found: List[Block]) -> Optional[datetime]:
    """Return before which time nothing can change, as far as it is known; None if nothing is."""
    times = [block.earliest for block in found if block.earliest is not None]
    if not times:
        return None
    latest = max(times)
    if known.position(record).place not in UNRELEASED or is_hotfix(record):
        return latest
    # What ends while the window is closed waits for the window.
    return known.opening(record, latest).opens_at


def owners(record: Record) -> List[str]:
    """Return who owns the changes of a phase."""
    named = dict.fromkeys(str(one["owner"]) for one in record["changes"] if one.get("owner"))
    return list(named) or [f"whoever runs {called(record)}"]


def is_hotfix(record: Record) -> bool:
    """Return whether a record is of a hotfix, which waits for no window and for no review."""
    return "review_within_seconds" in record


def called(record: Record) -> str:
    """Return what a phase is called within a sentence."""
    return f"phase {record['id']}" if isinstance(record["id"], int) else str(record["id"])


def _stops(place: str) -> str:
    return START if place in UNRELEASED else STABLE


def _before_release(known: Known, record: Record) -> Iterator[Block]:
    key = record["key"]
    for required in Requires.of(record):
        yield from _required(known, record, required)
    if not is_hotfix(record):
        yield from (review_block(key, one) for one in open_reviews(known.entries, known.now))
        window = window_block(key, known.opening(record, known.now))
        yield from [window] if window else []
    for found in known.tallies(record):
        missing = approval_block(key, found, bool(known.subject(record).authors))
        if missing:
            yield missing


def _required(known: Known, record: Record, required: Requires) -> Iterator[Block]:
    key, other = record["key"], known.record(required.phase)
    if other is None:
        text = f"it requires phase {required.phase!r}, which is not in the plan"
        yield Block(key, "requires", START, text, [KEEPER])
        return
    where, name = known.position(other), called(other)
    if where.stopped or where.mark is None or where.mark.kind != "deployed":
        text = f"{name} {_NOT_DEPLOYED.get(where.place, 'is deployed')}"
        if where.running:
            text += " yet: it is running"
        if where.stopped:
            text += f"; it stopped: {where.why_stopped()}"
        yield Block(key, "requires", START, text, owners(other))
        return
    gate = exit_gate(other["key"], known.entries, where.mark)
    if gate:
        yield Block(key, "exit_gate", START, f"{name}: {gate}", owners(other))
    found = known.soak(other, required.stable_for_seconds)
    yield from soak_blocks(key, START, name, found, owners(other))


def _after_deploy(known: Known, record: Record) -> Iterator[Block]:
    where, key = known.position(record), record["key"]
    gate = exit_gate(key, known.entries, where.mark) if where.mark else None
    if gate:
        yield Block(key, "exit_gate", STABLE, gate, owners(record))
    needed = known.watched_seconds(record)
    if needed:
        found = known.soak(record, needed)
        yield from soak_blocks(key, STABLE, called(record), found, owners(record))
