# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Brings a computed merge onto its branch, with its tag, on the remote: all of it, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_push import (
    LostRaceError,
    push_all,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_tag import tag_object
from ansible_collections.phased.rollout.plugins.module_utils._landing import (
    Landing,
    check_landing,
    require_tree,
    tagged_commit,
)
from ansible_collections.phased.rollout.plugins.module_utils._merge import Merger
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often a push is tried while others push to the branch without changing the result.
_ATTEMPTS = 5


def land(
    repository: Repository,
    request: MergeRequest,
    landing: Landing,
    *,
    now: int,
    check_mode: bool,
    diff: bool = False,
    refetch: Callable[[], None],
) -> dict[str, Any]:
    """Return the module's result, the merge being computed, kept and pushed as the landing says.

    now: epoch seconds. diff: whether the result has one. refetch brings the repository up to date
    after a lost race: the same result is pushed then. Raises GitError, and then no ref of the
    remote has moved.
    """
    check_landing(repository, landing)
    lander = _Lander(repository, request, landing, now)
    for _attempt in range(_ATTEMPTS - 1):
        try:
            return lander.land(check_mode=check_mode, diff=diff)
        except LostRaceError as exc:
            refetch()
            again = _Lander(repository, request, landing, now)
            lander.require_same_result(again, exc)
            lander = again
    return lander.land(check_mode=check_mode, diff=diff)


class _Lander:
    """One attempt to land a merge request on the branch as it is now."""

    def __init__(
        self, repository: Repository, request: MergeRequest, landing: Landing, now: int
    ) -> None:
        self._repository = repository
        self._request = request
        self._landing = landing
        self._merger = Merger(repository, request)
        self._kept = repository.ref(landing.candidate) if landing.candidate else None
        self._outcome = outcome = self._computed(now)
        self._after = repository.commits([outcome.after])[outcome.after]

    def require_same_result(self, again: _Lander, lost: LostRaceError) -> None:
        """Raises GitError if after a lost race the result is another, or the branch went back."""
        held = self._merger.held
        if held and not self._repository.contains(again._outcome.before, held):
            raise lost
        before, after = self._after.tree, again._after.tree
        if before != after:
            raise GitError(f"{lost} (the tree is {after} now, not {before})", **lost.details)

    def land(self, *, check_mode: bool, diff: bool) -> dict[str, Any]:
        """Return the module's result. Raises LostRaceError if the remote has moved."""
        landing, outcome = self._landing, self._outcome
        tagged = tagged_commit(self._repository, landing, outcome, self._request.into)
        require_tree(self._repository, self._request, landing, outcome, tagged or outcome.after)
        moves = outcome.after != self._merger.held
        keeps = bool(landing.candidate) and moves and self._kept != outcome.after
        old = self._old_head() if moves else None
        leases = {self._merger.branch_ref: self._merger.held} if moves else {}
        leases.update({old: self._repository.ref(old)} if old else {})
        leases.update({f"refs/tags/{landing.tag}": None} if landing.tag and not tagged else {})
        if keeps and landing.candidate and not check_mode:
            self._repository.set_ref(landing.candidate, outcome.after)
        if landing.push and leases and not check_mode:
            self._push(leases, old)
        return {
            "changed": keeps or bool(landing.push and leases),
            "before": self._merger.held,
            "after": outcome.after,
            "tree": self._after.tree,
            "updates": outcome.updates,
            "merges": outcome.merges,
            "tag": self._shown_tag(tagged),
            "kept_as": old,
            "pushed": [*leases] if landing.push else [],
            **({"diff": self._diff()} if diff else {}),
        }

    def _computed(self, now: int) -> Outcome:
        """Return the outcome.

        Computed again as of the time of a kept candidate, or of a branch that is made anew, the
        same merge has the same id; only if it differs it is a new one, made now.
        """
        for made in (self._kept, self._merger.held if self._request.onto else None):
            if made:
                at = self._repository.commits([made])[made].committed_at
                outcome = self._merger.compute(at)
                if made == outcome.after:
                    return outcome
        return self._merger.compute(now)

    def _old_head(self) -> Optional[str]:
        """Return the ref that keeps the old head of a branch made anew, None if it needs none.

        It needs one if the branch has commits of somebody that are in no other branch or tag.
        """
        held, into = self._merger.held, self._request.into
        if not self._request.onto or not held:
            return None
        if self._repository.contains(self._after.sha, held):
            return None
        if not self._repository.only_in(into, without=self._after.sha):
            return None
        return f"refs/heads/rollback/{into}-{held[:10]}"

    def _push(self, leases: dict[str, Optional[str]], old: Optional[str]) -> None:
        """Push the branch, its old head and the tag; the branch's lease holds for the tag alone."""
        branch = self._merger.branch_ref
        wanted = {branch: self._after.sha}
        if old and self._merger.held:
            wanted[old] = self._merger.held
        tag = self._landing.tag
        if tag and f"refs/tags/{tag}" in leases:
            wanted[f"refs/tags/{tag}"] = self._tag_object(tag)
        push_all(self._repository, wanted, {branch: self._merger.held, **leases})

    def _tag_object(self, tag: str) -> str:
        """Return the tag, as of the commit's time: what could not be pushed is the same again."""
        landing, request = self._landing, self._request
        message = (landing.tag_message or request.message or tag).strip() + "\n"
        return tag_object(
            self._repository, tag, self._after.sha, message,
            identity=request.identity, at=self._after.committed_at, signer=landing.signer,
        )  # fmt: skip

    def _shown_tag(self, tagged: Optional[str]) -> Optional[dict[str, str]]:
        if not self._landing.tag:
            return None
        state = "present" if tagged else "created" if self._landing.push else "absent"
        return {"name": self._landing.tag, "commit": tagged or self._after.sha, "state": state}

    def _diff(self) -> dict[str, Any]:
        after, branch, held = self._after, self._merger.branch_ref, self._merger.held
        start = held or self._outcome.before
        before = self._repository.commits([start])[start]
        files = self._repository.changed_files(start, after.sha, status=True)
        return {
            "before_header": branch,
            "after_header": branch,
            "before": {"commit": held, "tree": before.tree} if held else {},
            "after": {"commit": after.sha, "tree": after.tree, "files": files},
        }
