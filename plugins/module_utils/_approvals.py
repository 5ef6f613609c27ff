# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which approvals count towards what a plan requires, and what became of the others. Pure.

An approval counts for what was approved and nothing else: once the plan, the changes, the merged
tree, the gate's result or the backup are others, it is void.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._approval import (
    Requirement,
    Subject,
    bound_of,
    drifted,
)
from ansible_collections.phased.rollout.plugins.module_utils._approval_refusal import (
    Signatures,
    not_theirs,
    refusals,
)
from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._person import among, distinct
from ansible_collections.phased.rollout.plugins.module_utils._signature import statement


@dataclass(frozen=True)
class Refusal:
    """An approval that does not count. approval: its key. drifted: the fields that are others."""

    approval: str
    person: str
    why: str
    drifted: List[str]


@dataclass(frozen=True)
class Tally:
    """What a requirement has come to.

    persons: whose approvals count. may: who of those named can still approve, None for anybody.
    signed: whether signatures were checked.
    """

    requirement: Requirement
    persons: List[str]
    refused: List[Refusal]
    may: Optional[List[str]]
    signed: bool

    @property
    def missing(self) -> int:
        """Return how many more persons have to approve."""
        return max(0, self.requirement.count - len(self.persons))

    @property
    def possible(self) -> bool:
        """Return whether enough persons are left who can approve."""
        return self.may is None or self.missing <= len(self.may)

    def as_dict(self) -> Dict[str, Any]:
        """Return the tally as JSON holds it."""
        return {
            "role": self.requirement.role,
            "need": self.requirement.count,
            "have": len(self.persons),
            "missing": self.missing,
            "persons": self.persons,
            "may": self.may,
            "signed": self.signed,
            "refused": [asdict(one) for one in self.refused],
        }


def tally(
    requirement: Requirement,
    subject: Subject,
    entries: Sequence[Entry],
    now: datetime,
    signatures: Signatures,
) -> Tally:
    """Return who has approved as a requirement asks, and who has tried.

    entries: approvals and withdrawals of the rollout; those of other phases never count.
    """
    approvals = [entry for entry in entries if entry.kind == "approval"]
    withdrawn = _withdrawals(entries)
    taken_back = {said(entry) for entry in approvals if entry.key in withdrawn}
    counted: List[str] = []
    refused: List[Refusal] = []
    for entry in approvals:
        if (entry.rollout, entry.phase) != (subject.rollout, subject.phase):
            continue
        if entry.data.get("role") != requirement.role:
            continue
        why = list(refusals(entry, requirement, subject, now, signatures))
        if entry.key in withdrawn:
            why.insert(0, withdrawn[entry.key])
        elif said(entry) in taken_back:
            # A copy of it, signature and all, must not bring a withdrawn approval back.
            why.insert(0, "its like was withdrawn; to approve again, state another reason")
        person = str(entry.data.get("person") or "")
        if why:
            fields = drifted(bound_of(entry.data.get("bound")), bound_of(subject.bound))
            refused.append(Refusal(entry.key, person, "; ".join(why), fields))
        else:
            counted.append(person)
    persons = distinct(counted)
    may = _may_still(requirement, subject, persons)
    return Tally(requirement, persons, refused, may, signatures is not None)


def said(entry: Entry) -> bytes:
    """Return what an approval says: the text that is signed."""
    return statement(entry.rollout, entry.phase, entry.data)


def _withdrawals(entries: Sequence[Entry]) -> Dict[Any, str]:
    """Return by key of the withdrawn approval who withdrew it, and why."""
    return {
        entry.data.get("approval"): f"withdrawn by {entry.data.get('person')}:"
        f" {entry.data.get('reason')}"
        for entry in entries
        if entry.kind == "withdrawal"
    }


def _may_still(
    requirement: Requirement, subject: Subject, persons: Sequence[str]
) -> Optional[List[str]]:
    if requirement.persons is None:
        return None
    return [
        person
        for person in distinct(requirement.persons)
        if not among(person, persons) and not any(not_theirs(person, requirement, subject))
    ]
