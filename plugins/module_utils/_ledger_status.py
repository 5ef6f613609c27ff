# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a rollout from its ledger: what is read, what is checked, and what follows.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._approvals import said
from ansible_collections.phased.rollout.plugins.module_utils._chain import (
    ChainResult,
    Head,
    verify,
)
from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._known import Known, Record
from ansible_collections.phased.rollout.plugins.module_utils._lease import Lease, has_died
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LedgerAbsentError,
    LedgerError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_export import export
from ansible_collections.phased.rollout.plugins.module_utils._ledger_standing import StandingLedger
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._phase_blocks import UNRELEASED
from ansible_collections.phased.rollout.plugins.module_utils._question import Question
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.plugins.module_utils._signature import (
    Run,
    require_signers,
    why_not,
)
from ansible_collections.phased.rollout.plugins.module_utils._soak import soak, soak_began
from ansible_collections.phased.rollout.plugins.module_utils._soak_clock import Watch

#: How far to look back at first, by the time that is needed, and then, by how far that was.
_FIRST_LOOK, _FURTHER = 1.25, 4


class Check(NamedTuple):
    """How the ledger itself is checked. heads: what tags vouch for. file: to export it to."""

    verify: bool = False
    heads: Sequence[Head] = ()
    file: Optional[str] = None


def look(
    login: Login, question: Question, run: Run, check: Check
) -> Tuple[Known, Optional[ChainResult]]:
    """Return all that is known of a rollout, and how its chain stands, None if it was not asked.

    Raises LedgerError, ShapeError, SignatureError, OSError, MissingLibraryError.
    """
    try:
        ledger = StandingLedger.connect(login, make=False)
        with ledger:
            result = _verified(ledger, question.rollout, check)
            broken = result.broken.message if result and result.broken else None
            try:
                return ask(ledger, question, run, broken), result
            except LedgerError:
                if broken is None:
                    raise
    except LedgerAbsentError:
        # What tags vouch for was there once.
        result = verify((), check.heads)
        broken = result.broken.message if result.broken else None
    return replace(question.nothing(), broken=broken), result


def _verified(ledger: StandingLedger, rollout: str, check: Check) -> Optional[ChainResult]:
    if check.file is not None:
        return export(ledger, rollout, Path(check.file), check.heads)
    return ledger.verify(rollout, check.heads) if check.verify else None


def ask(ledger: StandingLedger, question: Question, run: Run, broken: Optional[str]) -> Known:
    """Return all that is known of a rollout. broken: why its ledger cannot be trusted.

    Raises LedgerError, ShapeError, SignatureError.
    """
    rollout, keys = question.rollout, [record["key"] for record in question.phases]
    steps = [step for step in ledger.latest_steps(rollout) if step.phase in keys]
    known = replace(
        question.nothing(),
        entries=_in_order(ledger.standing(rollout, keys)),
        steps=steps,
        begun=ledger.begun(rollout, steps),
        lease=_living(ledger.lease(rollout)),
        broken=broken,
    )
    approvals = ledger.approvals(rollout, _unreleased(known))
    read = {record["key"]: _read_samples(ledger, known, record) for record in known.phases}
    return replace(
        known,
        entries=_in_order([*known.entries, *approvals]),
        samples={key: found for key, (found, _since) in read.items()},
        read_since={key: since for key, (_found, since) in read.items() if since is not None},
        signatures=_checked(question, approvals, run),
        # Asked last, so that nothing that was read is of the future.
        now=ledger.now(),
    )


def _in_order(entries: Sequence[Entry]) -> List[Entry]:
    return sorted(entries, key=lambda entry: entry.sequence)


def _unreleased(known: Known) -> List[str]:
    """Return the phases whose approvals matter now."""
    return [
        record["key"]
        for record in known.phases
        if record.get("approvals") and known.position(record).place in UNRELEASED
    ]


def _living(lease: Optional[Lease]) -> Optional[Lease]:
    """Return the lease unless its run was killed on this host: then it is free for the next one."""
    return None if lease and lease.process and has_died(lease.process) else lease


def _read_samples(
    ledger: StandingLedger, known: Known, record: Record
) -> Tuple[List[Sample], Optional[datetime]]:
    """Return as many samples of a phase as its soak needs, and since when, None for all of them.

    A phase may be watched for months after it has become stable.
    """
    marks, watch = known.position(record).marks, Watch.of(record.get("watch"))
    began, needed = soak_began(marks), known.needed_seconds(record)
    if began is None or not watch.objectives or not needed:
        return [], None
    now = ledger.now()
    since = began if watch.on_breach == "fail" else now - _FIRST_LOOK * timedelta(seconds=needed)
    while since > began:
        found = ledger.samples(known.rollout, record["key"], since)
        if soak(watch, marks, found, now, needed, read_since=since).complete:
            return found, since
        since = now - _FURTHER * (now - since)
    return ledger.samples(known.rollout, record["key"], began), None


def _checked(
    question: Question, approvals: Sequence[Entry], run: Run
) -> Optional[Dict[str, Optional[str]]]:
    """Return by key why the signatures of approvals do not hold, None for those that do."""
    if question.allowed_signers is None:
        return None
    require_signers(question.allowed_signers)
    return {entry.key: _why_not(entry, question.allowed_signers, run) for entry in approvals}


def _why_not(entry: Entry, allowed_signers: str, run: Run) -> Optional[str]:
    signature, person = entry.data.get("signature"), entry.data.get("person")
    if not isinstance(signature, str) or not isinstance(person, str):
        return "it is not signed"
    return why_not(run, said(entry), signature, person, allowed_signers)
