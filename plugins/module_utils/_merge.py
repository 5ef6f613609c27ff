# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Merges changes into a branch in the object database; what comes out is a commit, not a push."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
    is_object_id,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change, Reverts
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_IDENTITY = re.compile(r"\s*([^<>\n]*[^<>\s])\s*<([^<>\s]+)>\s*")
_TRAILER_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True)
class MergeRequest:
    """What is to be merged into which branch, and how the merges are worded."""

    into: str
    changes: Sequence[Change]
    identity: tuple[str, str]
    update_from: Sequence[str] = ()
    message: str = ""
    trailers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The branch before and after; nothing but objects has been written.

    tips: the commit of each change by its id. updates and merges are as a result shows them.
    """

    before: str
    after: str
    tips: Mapping[str, str]
    updates: list[dict[str, Any]] = field(default_factory=list)
    merges: list[dict[str, Any]] = field(default_factory=list)


def parse_identity(identity: str) -> tuple[str, str]:
    """Return name and mail of "Name <mail>". Raises GitError if it is not of that form."""
    match = _IDENTITY.fullmatch(identity)
    if not match:
        raise GitError(f'The identity {identity!r} is not of the form "Name <mail>"')
    return match[1], match[2]


def worded(message: str, trailers: Mapping[str, str]) -> str:
    """Return a message with trailers. Raises GitError on a trailer that git would not read."""
    for key, value in trailers.items():
        if not _TRAILER_KEY.fullmatch(key) or not value.strip() or "\n" in value:
            raise GitError(f"The trailer {key!r}: {value!r} must be a word and one line of text")
    lines = [f"{key}: {value.strip()}" for key, value in trailers.items()]
    return "\n".join([message.strip(), *([""] if lines else []), *lines]) + "\n"


class Merger:
    """Computes one merge request against the branches as they are now."""

    def __init__(self, repository: Repository, request: MergeRequest) -> None:
        """Raises GitError if a branch or change does not exist, or a change was taken back."""
        self._repository = repository
        self._merges = Merges(repository)
        self._request = request
        repository.check_ref(f"refs/heads/{request.into}", what="The branch to merge into")
        for name in request.update_from:
            checked_name(name, what="The branch to update from,")
        self.before = self._head_of(request.into)
        self._updates = self._resolved({name: name for name in request.update_from})
        self.tips = self._resolved({change.id: change.branch for change in request.changes})
        self._require_not_reverted()

    def compute(self, at: int) -> Outcome:
        """Return what the merges give when they are made at a time (epoch seconds).

        What the branch contains already is left as it is; if no merge is due and the updates bring
        nothing but commits, nothing is done. Raises GitError on a conflict.
        """
        done = Outcome(self.before, self.before, self.tips)
        contains = self._repository.contains
        head = self.before
        for name, tip in self._updates.items():
            head, entry = self._updated(head, name, tip, at)
            done.updates.append(entry)
        for change in self._request.changes:
            commit = None
            if not contains(head, self.tips[change.id]):
                commit = head = self._merged(head, change, at)
            done.merges.append(self._merge_entry(change, commit))
        if all(contains(self.before, tip) for tip in self.tips.values()):
            trees = self._repository.commits([self.before, head])
            if trees[self.before].tree == trees[head].tree:
                return Outcome(self.before, self.before, self.tips, merges=done.merges)
        return Outcome(self.before, head, self.tips, done.updates, done.merges)

    def _head_of(self, branch: str) -> str:
        sha = self._repository.ref(f"refs/heads/{branch}")
        if sha is None:
            nothing = ", which has no branch at all" if self._repository.is_empty() else ""
            raise GitError(
                f"The branch {branch} to merge into does not exist in {self._repository.path}"
                f"{nothing}: make it first, or correct the name"
            )
        return sha

    def _resolved(self, names: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for (key, name), sha in zip(names.items(), self._repository.resolve([*names.values()])):
            if sha is None:
                what = f"{name}" if key == name else f"{name} of change {key}"
                raise GitError(
                    f"{what} does not exist in {self._repository.path}: push it, or correct the"
                    " name"
                )
            found[key] = sha
        return found

    def _require_not_reverted(self) -> None:
        bases = [self.before, *self._updates.values()]
        reverts = Reverts(self._repository, bases, [*self.tips.values()])
        for change in self._request.changes:
            reverted = reverts.of(self.tips[change.id])
            if reverted:
                raise GitError(
                    f"Change {change.id} ({change.branch}) was merged by {reverted.merge.sha} and"
                    f" taken back by {reverted.by}: merging it again would silently leave out what"
                    " was taken back. Landing it again is not supported by this version: revert"
                    f" {reverted.by}, or put the change onto a new branch with new commits",
                    change=change.id,
                    reverted_by=reverted.by,
                )

    def _updated(self, head: str, name: str, tip: str, at: int) -> tuple[str, dict[str, Any]]:
        """Return the head with a branch in it, fast-forwarded if that is possible."""
        if self._repository.contains(head, tip):
            return head, {"ref": name, "sha": tip, "state": "integrated", "commit": None}
        if self._repository.contains(tip, head):
            return tip, {"ref": name, "sha": tip, "state": "fast-forward", "commit": tip}
        subject = f"Merge branch '{name}' into {self._request.into}"
        message = worded(subject, self._request.trailers)
        commit = self._merge_commit(head, tip, message, at, Change("", name))
        return commit, {"ref": name, "sha": tip, "state": "merged", "commit": commit}

    def _merged(self, head: str, change: Change, at: int) -> str:
        name = change.branch[:10] if is_object_id(change.branch) else f"'{change.branch}'"
        subject = self._request.message or f"Merge {change.id} ({name}) into {self._request.into}"
        message = worded(subject, {**self._request.trailers, "Change": change.id})
        return self._merge_commit(head, self.tips[change.id], message, at, change)

    def _merge_commit(self, head: str, tip: str, message: str, at: int, change: Change) -> str:
        merged = self._merges.merge(head, tip)
        if merged.conflicts:
            what = f"Change {change.id} ({change.branch})" if change.id else change.branch
            where = ", ".join(f"{c['path']} ({c['kind']})" for c in merged.listed)
            fix = change.branch if change.id else f"{self._request.into} or {change.branch}"
            raise GitError(
                f"{what} conflicts with {self._request.into} ({head}) in: {where}. Nothing was"
                f" pushed. Merge {self._request.into} into {fix}, resolve the conflict there, and"
                " run again",
                change=change.id or None,
                conflicts=merged.listed,
            )
        identity = self._request.identity
        return self._repository.commit(merged.tree, (head, tip), message, identity=identity, at=at)

    def _merge_entry(self, change: Change, commit: Optional[str]) -> dict[str, Any]:
        state = "merged" if commit else "integrated"
        return {"id": change.id, "sha": self.tips[change.id], "commit": commit, "state": state}
