# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After-reviews that a broken glass has left due. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._person import may_be_same
from ansible_collections.phased.rollout.plugins.module_utils._sample import read_moment
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._spoken import iso


@dataclass(frozen=True)
class OpenReview:
    """A review that nobody has done yet. person: who broke the glass, and cannot review it.

    due_at: None if what is recorded is no time, which is overdue. tried: who reviewed in vain.
    """

    key: str
    what: str
    person: str
    reason: str
    due_at: Optional[datetime]
    overdue: bool
    tried: List[str]

    def as_dict(self) -> Dict[str, Any]:
        """Return the review as JSON holds it."""
        return {**vars(self), "due_at": iso(self.due_at)}


def open_reviews(entries: Sequence[Entry], now: datetime) -> List[OpenReview]:
    """Return the reviews that are not done, in the order in which they fell due.

    entries: those of the kinds review_due and review. Whoever broke the glass cannot review it.
    """
    reviews = [entry for entry in entries if entry.kind == "review"]
    found = []
    for due in (entry for entry in entries if entry.kind == "review_due"):
        person = str(due.data.get("person") or "")
        by = [str(one.data.get("person") or "") for one in reviews if one.data.get("of") == due.key]
        if any(one.strip() and not may_be_same(one, person) for one in by):
            continue
        due_at = _moment(due.data.get("due_at"))
        found.append(
            OpenReview(
                key=due.key,
                what=str(due.data.get("what") or due.phase or due.key),
                person=person,
                reason=str(due.data.get("reason") or ""),
                due_at=due_at,
                overdue=due_at is None or due_at <= now,
                tried=by,
            )
        )
    return found


def _moment(raw: Any) -> Optional[datetime]:
    try:
        return read_moment(raw, "due_at")
    except ShapeError:
        return None
