# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Brings a change that was taken back into a branch again, whole.

Merging it again brings only what is new on it, and does not say so: to git the rest has landed. So
what took it back is taken back first, newest first, and then a check compares every file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
    from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit, Merged
    from ansible_collections.phased.rollout.plugins.module_utils._git_reverts import TakenBack


def reapplied(
    merges: Merges,
    head: str,
    taken_back: Sequence[TakenBack],
    commit: Callable[[str, str, TakenBack], str],
) -> tuple[str, Optional[Merged]]:
    """Return the head with what was taken back in it again, and the conflict that ends it early.

    commit makes a commit of a tree on a parent. What the head has again already is left out.
    """
    for one in taken_back:
        merged = merges.revert(head, one.by)
        if merged.conflicts:
            return head, merged
        head = commit(merged.tree, head, one)
    return head, None


def strangers(
    repository: Repository, one: TakenBack, tips: Collection[str], ids: Collection[str]
) -> list[Commit]:
    """Return the commits that came, and went, with a change, and are of no change in ids.

    tips: the commits of those changes.
    """
    if len(one.commit.parents) < 2:
        return []
    brought = repository.log(one.commit.parents[1:], without=[one.onto, *tips])
    return [
        commit
        for commit in brought
        if len(commit.parents) < 2 and not set(commit.trailers.get("change", [])).intersection(ids)
    ]


def missing_files(
    repository: Repository,
    tip: str,
    taken_back: Sequence[TakenBack],
    *,
    before: str,
    after: str,
    others: Sequence[str],
) -> list[str]:
    """Return the files of a change that a branch does not have as the change has them.

    before, after: the branch before and after the change landed again. others: the tips of what
    landed with it. A file that only the change touched must be just as on its tip; one that others
    touched as well must at least be there, unless they removed it.
    """
    missing: set[str] = set()
    with_it: dict[str, str] = {}
    for other in others:
        for fork in repository.merge_bases(before, other)[:1]:
            with_it.update(_changed(repository, fork, other))
    for one in taken_back:
        forks = repository.merge_bases(tip, one.onto)
        if not forks:
            continue
        own = _changed(repository, forks[0], tip)
        differs = _changed(repository, tip, after)
        touched = {**_changed(repository, forks[0], before), **with_it}
        for path in own.keys() & differs.keys():
            gone = differs[path] == "D" and touched.get(path) != "D"
            if gone or path not in touched:
                missing.add(path)
    return sorted(missing)


def _changed(repository: Repository, before: str, after: str) -> dict[str, str]:
    entries = repository.changed_files(before, after, status=True)
    return {entry[2:]: entry[0] for entry in entries}
