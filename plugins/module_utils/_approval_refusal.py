# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an approval does not count. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Iterator, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._approval import (
    Requirement,
    Subject,
    bound_of,
    drift,
)
from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._person import among, may_be_same
from ansible_collections.phased.rollout.plugins.module_utils._sample import read_moment
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._spoken import spoken_time

#: By key of an approval why its signature does not hold, None if it does. None: nothing is signed.
Signatures = Optional[Mapping[str, Optional[str]]]


def refusals(
    entry: Entry, requirement: Requirement, subject: Subject, now: datetime, signatures: Signatures
) -> Iterator[str]:
    """Return every reason why an approval for this role and phase does not count by itself."""
    person = str(entry.data.get("person") or "")
    if not str(entry.data.get("reason") or "").strip():
        yield "it states no reason"
    yield from expired(entry, requirement, now)
    for change in drift(bound_of(entry.data.get("bound")), bound_of(subject.bound)):
        yield f"void: {change}"
    yield from not_theirs(person, requirement, subject)
    if signatures is not None:
        # An approval that nobody has checked is one that does not hold.
        why = signatures.get(entry.key, "its signature was not checked")
        if why is not None:
            yield why


def expired(entry: Entry, requirement: Requirement, now: datetime) -> Iterator[str]:
    """Return why an approval is over, by the plan or by its own word."""
    ends: List[datetime] = []
    if requirement.expires_seconds is not None:
        ends.append(entry.at + timedelta(seconds=requirement.expires_seconds))
    stated = entry.data.get("expires_at")
    if stated is not None:
        try:
            ends.append(read_moment(stated, "expires_at"))
        except ShapeError as exc:
            yield str(exc)
            return
    if ends and min(ends) <= now:
        yield f"it expired on {spoken_time(min(ends))}"


def not_theirs(person: str, requirement: Requirement, subject: Subject) -> Iterator[str]:
    """Return why a person cannot approve this, whatever they say."""
    if not person.strip():
        yield "it names no person"
        return
    if requirement.persons is not None and not among(person, requirement.persons):
        yield f"{person} may not approve as {requirement.role}"
    author = next((one for one in subject.authors if may_be_same(person, one)), None)
    if author is not None:
        yield f"{person} is an author of the changes ({author})"
    # A runner is a person@host, which is no address.
    runner = next(
        (one for one in subject.runners if may_be_same(person, one.partition("@")[0])), None
    )
    if requirement.exclude_runner and runner is not None:
        yield f"{person} runs the phase ({runner})"
