# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""What was merged and taken back since, and what has to be undone to land it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit

_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,64})\b")


@dataclass(frozen=True)
class Reverted:
    """What was taken back, and the commit that did so."""

    commit: Commit
    by: Commit


@dataclass(frozen=True)
class TakenBack:
    """What a change brought and a base has lost. onto: what the change was merged into then."""

    commit: Commit
    by: Commit
    onto: str


class Reverts:
    """What in some commits' history was taken back, and not landed again since."""

    def __init__(self, repository: Repository, bases: Sequence[str], tips: Sequence[str]) -> None:
        """Look in the bases' history, as far as it is not common to all the tips.

        A revert that a tip contains was known to its author, so it needs no search before that.
        """
        self._repository = repository
        self._bases = bases
        common = repository.merge_bases(*tips, of_all=True) if len(tips) > 1 else tips
        self.all = reverted(repository, bases, without=common)

    def of(self, tip: str) -> list[TakenBack]:
        """Return what the tip's commits had brought and was taken back, the last taken back first.

        Merging the tip would not bring it again, and not say so. A commit that was taken back by
        itself counts if the tip brought it: not if the tip was made on a base that had it already.
        """
        contains = self._repository.contains
        found = []
        for one in self.all:
            if not contains(tip, one.by.sha):
                is_merge = len(one.commit.parents) > 1
                onto = self._merged_onto(tip, one.commit) if is_merge else self._onto(tip, one)
                if onto:
                    found.append(TakenBack(one.commit, one.by, onto))
        return found

    def _merged_onto(self, tip: str, merge: Commit) -> Optional[str]:
        """Return what a merge was made on if it had brought commits of the tip."""
        contains = self._repository.contains
        if contains(tip, merge.sha):
            return None
        onto = merge.parents[0]
        shared = self._repository.merge_bases(tip, *merge.parents[1:])
        return onto if any(not contains(onto, commit) for commit in shared) else None

    def _onto(self, tip: str, one: Reverted) -> Optional[str]:
        """Return what the tip was merged into with a commit that was taken back by itself."""
        commit, contains = one.commit, self._repository.contains
        if not contains(tip, commit.sha):
            return None
        for base in self._bases:
            first = self._repository.first_with(base, commit.sha)
            if first and len(parents := self._repository.commits([first])[first].parents) > 1:
                return None if contains(tip, first) else parents[0]
        return commit.parents[0] if commit.sha == tip and commit.parents else None


def reverted(
    repository: Repository, tips: Sequence[str], *, without: Sequence[str] = ()
) -> list[Reverted]:
    """Return what was taken back in the tips' history, the last taken back first.

    without: commits whose history is not looked at. A revert that was taken back itself does not
    count.
    """
    by: dict[str, Commit] = {}
    for commit, targets in said_to_revert(repository, tips, without=without):
        if commit.sha not in by:
            by.update(dict.fromkeys(targets, commit))
    commits = repository.commits(by)
    return [
        Reverted(commits[sha], revert)
        for sha, revert in by.items()
        if any(repository.contains(tip, sha) for tip in tips)
    ]


def said_to_revert(
    repository: Repository, tips: Sequence[str], *, without: Sequence[str] = ()
) -> list[tuple[Commit, list[str]]]:
    """Return the commits of the tips' history that say they revert others, newest first, and which.

    git revert says so in these words, and so does what this collection writes.
    """
    log = repository.log(tips, without=without, grep="This reverts commit ")
    mentioned = sorted({sha for commit in log for sha in _REVERTS.findall(commit.message)})
    ids = dict(zip(mentioned, repository.resolve(mentioned)))
    return [
        (commit, [sha for word in _REVERTS.findall(commit.message) if (sha := ids[word])])
        for commit in log
    ]
