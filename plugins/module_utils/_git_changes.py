# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""The changes of a plan, as modules take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    checked_name,
    is_object_id,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: How much care a change needs, least first.
RISKS = ("minimal", "low", "medium", "high", "critical")

# The options of the fragment phased.rollout.repository.
REPOSITORY_SPEC: dict[str, Any] = {
    "repository": {"type": "path", "required": True},
    "remote": {"type": "str"},
    "changes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "id": {"type": "str", "required": True},
            "branch": {"type": "str", "required": True},
            "owner": {"type": "str"},
            "risk": {"type": "str", "choices": [*RISKS]},
            "sha": {"type": "str"},
            "depends_on": {"type": "list", "elements": "str", "default": []},
        },
    },
}


@dataclass(frozen=True)
class Change:
    """One change of a plan: its branch may also be a tag or a commit.

    sha: the commit that the branch must be at, if that matters.
    """

    id: str
    branch: str
    owner: str = ""
    depends_on: tuple[str, ...] = ()
    risk: str = "medium"
    sha: Optional[str] = None


def parse_changes(raw: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Return the changes of a module's option, each after those that it depends on.

    Otherwise their order is kept; an id that is none of theirs belongs to an earlier phase.
    Raises GitError on none, a branch that cannot be, an id given twice, and a circle.
    """
    changes = [
        Change(
            id=item["id"],
            branch=checked_name(item["branch"], what=f"The branch of change {item['id']},"),
            owner=item.get("owner") or "",
            depends_on=tuple(item.get("depends_on") or ()),
            risk=item.get("risk") or "medium",
            sha=item.get("sha"),
        )
        for item in raw
    ]
    ids = [change.id for change in changes]
    if not ids:
        raise GitError("There is no change to look at: changes is empty")
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise GitError(f"Two changes have the id {twice}: ids must differ")
    for change in changes:
        if change.sha is not None and not is_object_id(change.sha):
            raise GitError(f"The sha {change.sha!r} of change {change.id} is no full commit id")
    return _in_order(changes)


def _in_order(changes: Sequence[Change]) -> list[Change]:
    waiting = list(changes)
    ordered: list[Change] = []
    while waiting:
        blocked_by = {change.id for change in waiting}
        ready = [c for c in waiting if not blocked_by.intersection(c.depends_on)]
        if not ready:
            names = ", ".join(change.id for change in waiting)
            raise GitError(f"The depends_on of these changes form a circle: {names}")
        ordered.append(ready[0])
        waiting.remove(ready[0])
    return ordered
