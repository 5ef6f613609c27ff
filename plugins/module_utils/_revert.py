# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Computes a branch without a change, without a phase, or as it was at a commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    worded,
)
from ansible_collections.phased.rollout.plugins.module_utils._revert_history import History

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit, Merged

_CARRIED = ("Rollout", "Phase", "Change")


@dataclass(frozen=True)
class RevertRequest:
    """What is to be taken back: exactly one of change, phase, since and reset_to.

    tip: branch or commit of the change, for one that was merged by hand. later: what becomes of
    what landed later and stands on what goes (refuse, revert, keep).
    """

    branch: str
    identity: tuple[str, str]
    change: str = ""
    tip: str = ""
    phase: str = ""
    since: str = ""
    reset_to: str = ""
    rollout: str = ""
    later: str = "refuse"
    required_by: Sequence[str] = ()
    reason: str = ""
    trailers: Mapping[str, str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """What is to be taken back, in words."""
        if self.change:
            return f"change {self.change}"
        return f"phase {self.phase}" if self.phase else f"everything since {self.since}"


@dataclass(frozen=True)
class Outcome:
    """The branch before and after; nothing but objects has been written.

    reverts and later are as a result shows them.
    """

    before: str
    after: str
    reverts: list[dict[str, Any]] = field(default_factory=list)
    later: list[dict[str, Any]] = field(default_factory=list)


class RevertConflictError(GitError):
    """Taking something back conflicts with what is on the branch now."""


class Reverter:
    """Computes one revert request against the branch as it is now."""

    def __init__(self, repository: Repository, request: RevertRequest) -> None:
        """Raises GitError if the branch does not exist or the request makes no sense."""
        self._repository = repository
        self._request = request
        self._merges = Merges(repository)
        self.ref = repository.check_ref(f"refs/heads/{request.branch}", what="The branch")
        if request.rollout and (request.since or request.reset_to):
            raise GitError("A rollout can be told for a change or a phase only: leave it out")
        before = repository.ref(self.ref)
        if before is None:
            raise GitError(
                f"The branch {request.branch} does not exist in {repository.path}: correct the name"
            )
        self.before = before
        self._history = History(repository, request.branch, before)

    def compute(self, at: int) -> Outcome:
        """Return what taking back gives when it is done at a time (epoch seconds).

        Raises GitError if nothing is found, on a conflict, and if something stands on what goes.
        """
        if self._request.reset_to:
            return Outcome(self.before, self._ancestor(self._request.reset_to))
        if self._request.since:
            return self._without_all_since(self._ancestor(self._request.since), at)
        landings = {commit.sha: commit for commit in self._landings()}
        gone = {sha: self._history.gone_by(sha) for sha in landings}
        again = {
            self._history.landed_again_by(sha): commit
            for sha, commit in landings.items()
            if not gone[sha]
        }
        later = self._later(again)
        if self._request.later == "revert":
            again.update(self._repository.commits(entry["commit"] for entry in later))
        after, made = self._without(again, at)
        known = [_entry(landings[sha], sha, by, "gone") for sha, by in gone.items() if by]
        return Outcome(self.before, after, [*made, *known], later)

    def _ancestor(self, name: str) -> str:
        branch = self._request.branch
        sha = self._repository.resolve([checked_name(name, what="The commit to go back to,")])[0]
        if sha is None:
            raise GitError(f"{name} does not exist in {self._repository.path}: correct the name")
        if not self._repository.contains(self.before, sha):
            raise GitError(
                f"{name} ({sha}) is not in the history of {branch} ({self.before}): going there"
                " would bring what was never on it. Name a tag or commit of its past"
            )
        return sha

    def _landings(self) -> list[Commit]:
        request, rollout = self._request, self._request.rollout
        if request.phase:
            return self._history.landed_phase(request.phase, rollout=rollout)
        return self._history.landed_change(request.change, request.tip, rollout=rollout)

    def _later(self, going: Mapping[str, Commit]) -> list[dict[str, Any]]:
        """Return what landed later and stands on what goes. Raises GitError if it must not."""
        request, history = self._request, self._history
        required = {
            commit.sha
            for phase in request.required_by
            for commit in history.landed("Phase", phase, rollout=request.rollout)
        }
        commits = self._repository.commits(going)
        found = history.stand_on(commits.values(), required)
        more: Mapping[str, set[str]] = found if request.later == "revert" else {}
        while more:
            commits.update(self._repository.commits(more))
            more = history.stand_on(commits.values(), required)
            found.update(more)
        later = self._listed(found)
        if later and request.later == "refuse":
            raise GitError(
                f"{request.what} cannot go alone, as what landed later stands on it:"
                f" {_named(later)}. Nothing was pushed. Take that back first, or with it (later:"
                " revert), or leave it as it is (later: keep)",
                later=later,
            )
        return later

    def _listed(self, files: Mapping[str, set[str]]) -> list[dict[str, Any]]:
        commits = self._repository.commits(files)
        return [
            {
                "commit": sha,
                "subject": commits[sha].subject,
                "phase": _last(commits[sha], "phase"),
                "files": sorted(files[sha]),
            }
            for sha in self._history.newest_first(files)
        ]

    def _without_all_since(self, start: str, at: int) -> Outcome:
        """Return the branch with the tree that it had at a commit, everything since taken back.

        What was taken back already stays so if that gives the tree; else every commit goes.
        """
        way = self._history.way(start)
        if way.merges:
            raise GitError(
                f"{self._request.since} ({start}) is not on the first-parent line of"
                f" {self._request.branch}, which has it by the merge {way.merges[0]}: name a commit"
                " that the branch was at"
            )
        trees = {sha: c.tree for sha, c in self._repository.commits([start, self.before]).items()}
        if trees[self.before] == trees[start]:
            return Outcome(self.before, self.before)
        every = self._repository.commits(way.after)
        left = {
            sha: commit
            for sha, commit in every.items()
            if not self._history.taken_back_by(sha)
            and not every.keys() & {*self._history.undoes(sha)}
        }
        for going in (left, every):
            try:
                after, made = self._taken_back(going, going, at)
            except RevertConflictError:
                continue
            if self._repository.commits([after])[after].tree == trees[start]:
                return Outcome(self.before, after, made)
        raise GitError(f"Taking back every commit since {start} does not give its tree")

    def _without(self, landings: Mapping[str, Commit], at: int) -> tuple[str, list[dict[str, Any]]]:
        """Return the head without what landed, newest first, and what became of each.

        Where a part of it went before, so that the whole would conflict, that part comes back
        first.
        """
        try:
            return self._taken_back(self._history.outermost(landings), landings, at)
        except RevertConflictError:
            parts = self._history.taken_from([landing.sha for landing in landings.values()])
            if not parts:
                raise
        named = {**self._repository.commits(parts), **landings}
        return self._taken_back(self._history.outermost(named), named, at)

    def _taken_back(
        self, going: Iterable[str], landings: Mapping[str, Commit], at: int
    ) -> tuple[str, list[dict[str, Any]]]:
        """Return the head without some commits, newest first, and what became of each.

        landings: what landed by each of them.
        """
        head, done = self.before, []
        for commit in self._repository.commits(going).values():
            merged = self._merges.revert(head, commit)
            if merged.conflicts:
                raise self._conflict(commit, merged)
            made = None
            if merged.tree != self._repository.commits([head])[head].tree:
                message = self._message(commit, landings[commit.sha])
                identity = self._request.identity
                made = head = self._repository.commit(
                    merged.tree, [head], message, identity=identity, at=at
                )
            state = "reverted" if made else "gone"
            done.append(_entry(landings[commit.sha], commit.sha, made, state))
        return head, done

    def _message(self, commit: Commit, landing: Commit) -> str:
        undone = f"This reverts commit {commit.sha}"
        if len(commit.parents) > 1:
            undone += f", reversing\nchanges made to {commit.parents[0]}"
        parts = [f'Revert "{commit.subject}"', self._request.reason.strip(), f"{undone}."]
        carried = {key: value for key in _CARRIED if (value := _last(landing, key.lower()))}
        return worded("\n\n".join(filter(None, parts)), {**carried, **self._request.trailers})

    def _conflict(self, commit: Commit, merged: Merged) -> RevertConflictError:
        later = self._listed(self._history.touching(commit.sha, merged.conflicts))
        where = ", ".join(f"{c['path']} ({c['kind']})" for c in merged.listed)
        since = f", which changed since: {_named(later)}" if later else ""
        return RevertConflictError(
            f"Taking back {commit.sha} ({commit.subject}) conflicts with {self._request.branch}"
            f" ({self.before}) in: {where}{since}. Nothing was pushed. Take back what came later,"
            " too (later: revert), or revert it in a work tree and resolve the conflict there",
            conflicts=merged.listed,
            later=later,
        )


def _entry(landing: Commit, sha: str, by: Optional[str], state: str) -> dict[str, Any]:
    return {
        "sha": sha,
        "commit": by,
        "id": _last(landing, "change"),
        "phase": _last(landing, "phase"),
        "subject": landing.subject,
        "state": state,
    }


def _last(commit: Commit, trailer: str) -> Optional[str]:
    return next(reversed(commit.trailers.get(trailer, [])), None)


def _named(later: Sequence[Mapping[str, Any]]) -> str:
    """Return what landed later in words: commit, phase and files of each."""
    names = []
    for entry in later:
        phase = f", phase {entry['phase']}" if entry["phase"] else ""
        files = ", ".join(entry["files"]) or "by the plan"
        names.append(f"{entry['commit'][:10]} ({entry['subject']}{phase}: {files})")
    return "; ".join(names)
