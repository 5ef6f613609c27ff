# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""The changes of a plan, and which of them a later commit took back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit

_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,64})\b")


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
            "depends_on": {"type": "list", "elements": "str", "default": []},
        },
    },
}


@dataclass(frozen=True)
class Change:
    """One change of a plan: its branch may also be a tag or a commit."""

    id: str
    branch: str
    owner: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reverted:
    """A merge, and the commit that took it back."""

    merge: Commit
    by: str


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
        )
        for item in raw
    ]
    ids = [change.id for change in changes]
    if not ids:
        raise GitError("There is no change to look at: changes is empty")
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise GitError(f"Two changes have the id {twice}: ids must differ")
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


class Reverts:
    """The merges in some commits' history that were taken back and not landed again since."""

    def __init__(self, repository: Repository, bases: Sequence[str], tips: Sequence[str]) -> None:
        """Look in the bases' history, as far as it is not common to all the tips.

        A revert that a tip contains was known to its author, so it needs no search before that.
        """
        self._repository = repository
        common = repository.merge_bases(*tips, of_all=True) if tips else []
        log = repository.log(bases, without=common, grep="This reverts commit ")
        mentioned = sorted({sha for commit in log for sha in _REVERTS.findall(commit.message)})
        ids = dict(zip(mentioned, repository.resolve(mentioned)))
        taken_back: dict[str, str] = {}
        for commit in log:
            if commit.sha not in taken_back:
                targets = (ids[sha] for sha in _REVERTS.findall(commit.message))
                taken_back.update({target: commit.sha for target in targets if target})
        commits = repository.commits(taken_back)
        self._reverted = [
            Reverted(commits[sha], by)
            for sha, by in taken_back.items()
            if len(commits[sha].parents) > 1 and any(repository.contains(b, sha) for b in bases)
        ]

    def of(self, tip: str) -> Optional[Reverted]:
        """Return the taken-back merge that had brought commits of the tip, None if there is none.

        Merging the tip would not bring these commits' files again, and not say so.
        """
        contains = self._repository.contains
        for reverted in self._reverted:
            merge = reverted.merge
            if contains(tip, reverted.by) or contains(tip, merge.sha):
                continue
            shared = self._repository.merge_bases(tip, *merge.parents[1:])
            if any(not contains(merge.parents[0], commit) for commit in shared):
                return reverted
        return None
