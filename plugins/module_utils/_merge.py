# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Merges changes into a branch in the object database; what comes out is a commit, not a push."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
    is_object_id,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._git_reverts import Reverts, TakenBack
from ansible_collections.phased.rollout.plugins.module_utils._land_again import (
    missing_files,
    reapplied,
    strangers,
)
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
    Outcome,
    worded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Merged

# Where git may read more than a name, and asks itself for what it does not allow.
_NO_PLAIN_NAME = re.compile(r"[~^:?*\[\\]|\.\.|@\{|//|/$|\.$|\.lock$")


class Merger:
    """Computes one merge request against the branches as they are now."""

    def __init__(self, repository: Repository, request: MergeRequest) -> None:
        """Raises GitError if a branch or change does not exist or is not where it has to be."""
        self._repository = repository
        self._merges = Merges(repository)
        self.request = request
        self.branch_ref = _branch_ref(repository, request.into)
        self.held, self.before, self._updates, self.tips = self._resolved()
        self._require_unmoved()
        bases = [self.before, *self._updates.values()]
        reverts = Reverts(repository, bases, [*self.tips.values()])
        self._taken_back = {name: reverts.of(tip) for name, tip in self.tips.items()}
        self._require_no_strangers()

    def compute(self, at: int) -> Outcome:
        """Return what the merges give when they are made at a time (epoch seconds).

        What the branch contains already is left as it is; if no merge is due and the updates bring
        nothing but commits, nothing is done. A change that was taken back is brought back whole.
        Raises GitError on a conflict.
        """
        done = Outcome(self.before, self.before, self.tips)
        head = self.before
        for name, tip in self._updates.items():
            head, entry = self._updated(head, name, tip, at)
            done.updates.append(entry)
        again: set[str] = set()
        updated = head
        for change in self.request.changes:
            head, entry = self._landed(head, change, at, again)
            done.merges.append(entry)
        if not again and all(self._repository.contains(self.before, t) for t in self.tips.values()):
            trees = self._repository.commits([self.before, head])
            if trees[self.before].tree == trees[head].tree:
                return Outcome(self.before, self.before, self.tips, merges=done.merges)
        if again:
            self._require_whole(updated, head)
        return Outcome(self.before, head, self.tips, done.updates, done.merges)

    def _resolved(self) -> tuple[Optional[str], str, dict[str, str], dict[str, str]]:
        """Return the branch's commit, the one to start from, the updates', and the changes'."""
        request = self.request
        names = [*request.update_from, *(change.branch for change in request.changes)]
        for name in names:
            checked_name(name, what="What is to be merged,")
        start = checked_name(request.onto or self.branch_ref, what="The start,")
        held, before, *found = self._repository.resolve([self.branch_ref, start, *names])
        if held is None:
            self._repository.check_ref(self.branch_ref, what="The branch to merge into")
        if before is None:
            raise self._missing(request.onto or f"The branch {request.into} to merge into")
        shas = []
        for number, (name, sha) in enumerate(zip(names, found)):
            if sha is None:
                place = number - len(request.update_from)
                of = f" of change {request.changes[place].id}" if place >= 0 else ""
                raise self._missing(f"{name}{of}")
            shas.append(sha)
        updates = dict(zip(request.update_from, shas))
        tips = shas[len(request.update_from) :]
        return held, before, updates, {c.id: tip for c, tip in zip(request.changes, tips)}

    def _missing(self, what: str) -> GitError:
        nothing = ", which has no branch at all" if self._repository.is_empty() else ""
        where = f"{self._repository.path}{nothing}"
        return GitError(f"{what} does not exist in {where}: push it, or correct the name")

    def _require_unmoved(self) -> None:
        for change in self.request.changes:
            now = self.tips[change.id]
            if change.sha and now != change.sha:
                raise GitError(
                    f"{change.branch} of change {change.id} has moved from {change.sha}, which was"
                    f" looked at before, to {now}: look at it again, then merge",
                    change=change.id,
                    moved=[{"ref": change.branch, "from": change.sha, "to": now}],
                )

    def _require_no_strangers(self) -> None:
        """Raises GitError if bringing a change back brings what nobody asked for."""
        for change in self.request.changes:
            for one in self._taken_back[change.id]:
                others = strangers(self._repository, one, self.tips.values(), self.tips)
                if others:
                    names = ", ".join(f"{c.sha[:10]} ({c.subject})" for c in others[:5])
                    raise GitError(
                        f"Change {change.id} ({change.branch}) was taken back by {one.by.sha}"
                        f" together with {len(others)} commits of other changes: {names}. Landing"
                        " it again would bring these, too: land all of these changes together, or"
                        f" put {change.id} onto a new branch with new commits",
                        change=change.id,
                        reverted_by=one.by.sha,
                    )

    def _updated(self, head: str, name: str, tip: str, at: int) -> tuple[str, dict[str, Any]]:
        """Return the head with a branch in it, fast-forwarded if that is possible."""
        if self._repository.contains(head, tip):
            return head, {"ref": name, "sha": tip, "state": "integrated", "commit": None}
        if self._repository.contains(tip, head):
            return tip, {"ref": name, "sha": tip, "state": "fast-forward", "commit": tip}
        subject = f"Merge branch '{name}' into {self.request.into}"
        message = worded(subject, self.request.trailers)
        commit = self._merge_commit(head, tip, message, at, Change("", name))
        return commit, {"ref": name, "sha": tip, "state": "merged", "commit": commit}

    def _landed(
        self, head: str, change: Change, at: int, again: set[str]
    ) -> tuple[str, dict[str, Any]]:
        """Return the head with a change in it. again: the reverts that were taken back already."""
        tip, taken_back = self.tips[change.id], self._taken_back[change.id]
        wanted = [one for one in taken_back if one.by.sha not in again]
        again.update(one.by.sha for one in wanted)
        before = head
        head = self._reapplied(head, change, wanted, at)
        if not self._repository.contains(head, tip):
            head = self._merged(head, change, at)
        state = "reapplied" if taken_back else "integrated" if head == before else "merged"
        commit = head if head != before else None
        return head, {"id": change.id, "sha": tip, "commit": commit, "state": state}

    def _reapplied(
        self, head: str, change: Change, taken_back: Sequence[TakenBack], at: int
    ) -> str:
        trailers = {**self.request.trailers, "Change": change.id}

        def commit(tree: str, parent: str, one: TakenBack) -> str:
            message = f'Reapply "{one.commit.subject}"\n\nThis reverts commit {one.by.sha}.'
            identity = self.request.identity
            text = worded(message, trailers)
            return self._repository.commit(tree, [parent], text, identity=identity, at=at)

        head, conflict = reapplied(self._merges, head, taken_back, commit)
        if conflict:
            raise self._conflict(head, change, conflict)
        return head

    def _merged(self, head: str, change: Change, at: int) -> str:
        name = change.branch[:10] if is_object_id(change.branch) else f"'{change.branch}'"
        subject = self.request.message or f"Merge {change.id} ({name}) into {self.request.into}"
        message = worded(subject, {**self.request.trailers, "Change": change.id})
        return self._merge_commit(head, self.tips[change.id], message, at, change)

    def _merge_commit(self, head: str, tip: str, message: str, at: int, change: Change) -> str:
        merged = self._merges.merge(head, tip)
        if merged.conflicts:
            raise self._conflict(head, change, merged)
        identity = self.request.identity
        return self._repository.commit(merged.tree, (head, tip), message, identity=identity, at=at)

    def _conflict(self, head: str, change: Change, merged: Merged) -> GitError:
        what = f"Change {change.id} ({change.branch})" if change.id else change.branch
        where = ", ".join(f"{c['path']} ({c['kind']})" for c in merged.listed)
        fix = change.branch if change.id else f"{self.request.into} or {change.branch}"
        return GitError(
            f"{what} conflicts with {self.request.into} ({head}) in: {where}. Nothing was"
            f" pushed. Merge {self.request.into} into {fix}, resolve the conflict there, and"
            " run again",
            change=change.id or None,
            conflicts=merged.listed,
        )

    def _require_whole(self, before: str, after: str) -> None:
        for change in self.request.changes:
            others = [tip for name, tip in self.tips.items() if name != change.id]
            missing = missing_files(
                self._repository, self.tips[change.id], self._taken_back[change.id],
                before=before, after=after, others=others,
            )  # fmt: skip
            if missing:
                raise GitError(
                    f"Change {change.id} ({change.branch}) was merged and taken back before, and"
                    f" landing it again does not bring all of it: {', '.join(missing)} would not be"
                    " as on the branch. Nothing was pushed. Put the change onto a new branch with"
                    " new commits",
                    change=change.id,
                    missing=missing,
                )


def _branch_ref(repository: Repository, branch: str) -> str:
    """Return the full name of a branch. Raises GitError if git could read it as anything else."""
    ref = f"refs/heads/{checked_name(branch, what='The branch to merge into,')}"
    if _NO_PLAIN_NAME.search(branch):
        repository.check_ref(ref, what="The branch to merge into")
    return ref
