# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do next, in words for somebody who was just woken up. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Iterator, List, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._blocks import (
    RELEASE,
    START,
    TIME,
    Block,
)
from ansible_collections.phased.rollout.plugins.module_utils._known import Known, Record
from ansible_collections.phased.rollout.plugins.module_utils._phase_blocks import (
    UNRELEASED,
    called,
)
from ansible_collections.phased.rollout.plugins.module_utils._phase_status import PhaseStatus
from ansible_collections.phased.rollout.plugins.module_utils._spoken import spoken_time

_MOST_REASONS = 3


def next_step(known: Known, phases: Sequence[PhaseStatus]) -> str:
    """Return what to do next. What runs or went wrong comes before what could be started."""
    return next(_in_order(known, phases))


def _in_order(known: Known, phases: Sequence[PhaseStatus]) -> Iterator[str]:
    if known.broken:
        yield f"Do nothing to production: {known.broken}."
    for state, say in _URGENT.items():
        yield from (say(known, one) for one in phases if one.state == state)
    for one in phases:
        if one.position.place in UNRELEASED:
            yield _start(one)
        if one.state == "released":
            yield f"{_name(one)} is released and not deployed: {run(one.record)}."
        if one.state == "deployed" and not one.finished:
            yield f"{_name(one)} is deployed, but {_reasons(one.blocks)}."
    left = [block for one in phases if not one.finished for block in one.blocks]
    yield f"Wait: {_reasons(left)}." if left else "Nothing: every phase has come to its end."


def run(record: Record) -> str:
    """Return how to run a phase, or to run it again."""
    if isinstance(record["id"], int):
        return f"run ansible-playbook playbooks/phase{record['id']}.yml"
    return f"run the playbook of {record['id']}"


def _name(one: PhaseStatus) -> str:
    text = called(one.record)
    return text[0].upper() + text[1:]


def _running(known: Known, one: PhaseStatus) -> str:
    lease, step = known.live_lease, one.position.step
    holder = lease.holder if lease else "somebody"
    at = f" at the step {step.data.get('step')}" if step else ""
    return f"Wait: {called(one.record)} is running{at}, by {holder}."


def _stopped(_known: Known, one: PhaseStatus) -> str:
    others = [block for block in one.blocks if block.kind != "step"]
    text = f"{_name(one)} stopped: {one.position.why_stopped()}. Put that right, then "
    text += f"{run(one.record)}: it goes on from there."
    return text + (f" Besides, {_reasons(others)}.{_approve(one)}" if others else "")


def _unstable(_known: Known, one: PhaseStatus) -> str:
    soaks = [block for block in one.blocks if block.kind == "soak"]
    back = ""
    if isinstance(one.record["id"], int):
        take_back = f"ansible-playbook playbooks/rollback.yml -e phase={one.record['id']}"
        back = f" Put that right, or take it back: {take_back}."
    return f"{_name(one)} is not stable: {_reasons(soaks)}.{back}"


_URGENT = {"running": _running, "stopped": _stopped, "unstable": _unstable}


def _start(one: PhaseStatus) -> str:
    first = [block for block in one.blocks if block.stops == START]
    later = [block for block in one.blocks if block.stops == RELEASE]
    if not first:
        text = f"{_name(one)} can start: {run(one.record)}."
        return text + (f" Before its release, {_reasons(later)}.{_approve(one)}" if later else "")
    when = f" Not before {spoken_time(one.earliest)}." if one.earliest else ""
    if all(block.who == [TIME] for block in first):
        return f"Wait until {called(one.record)} can start: {_reasons(first)}.{when}"
    acting = list(dict.fromkeys(who for block in first for who in block.who if who != TIME))
    return f"{_name(one)} cannot start: {_reasons(first)}.{when} It is up to {', '.join(acting)}."


def _approve(one: PhaseStatus) -> str:
    """Return how to give the approvals that are missing."""
    roles = [found.requirement.role for found in one.tallies if found.missing]
    if not roles or not isinstance(one.record["id"], int):
        return ""
    role, others = roles[0], roles[1:]
    given = f"-e phase={one.record['id']} -e role={role} -e reason=..."
    also = f" (and as {', '.join(others)})" if others else ""
    return f" To approve: ansible-playbook playbooks/approve.yml {given}{also}"


def _reasons(found: List[Block]) -> str:
    """Return what blocks, in short: the status has all of it."""
    texts = [block.text for block in found]
    more = len(texts) - _MOST_REASONS
    return "; ".join(texts[:_MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")
