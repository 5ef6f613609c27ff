# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""How changes stand against a base: each alone, one after another, and pair by pair."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from itertools import combinations
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import (
    Change,
    Reverts,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Merged

_IDENTITY = ("phased.rollout forecast", "forecast@phased.rollout")


class State(str, Enum):
    """How a change stands, best to worst."""

    INTEGRATED = "integrated"
    MERGEABLE = "mergeable"
    CONFLICTING = "conflicting"
    REVERTED = "reverted"
    MISSING = "missing"


_BEST_TO_WORST = list(State)
_WAITING = (State.MERGEABLE, State.CONFLICTING)


@dataclass(frozen=True)
class Standing:
    """How one change stands against the base, as a result shows it."""

    id: str
    branch: str
    owner: str
    state: str
    sha: Optional[str] = None
    conflicts: list[dict[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    ahead: int = 0
    behind: int = 0
    author: Optional[str] = None
    reviewed_by: list[str] = field(default_factory=list)
    reverted_by: Optional[str] = None


class Forecast:
    """What merging changes onto a base would do; writes objects, moves no ref."""

    def __init__(self, repository: Repository, base: str, changes: Sequence[Change]) -> None:
        """Raises GitError if the base does not exist."""
        self._repository = repository
        self._merges = Merges(repository)
        self._changes = changes
        checked_name(base, what="The base")
        names = [base, *(change.branch for change in self._changes)]
        base_sha, *tips = repository.resolve(names)
        if base_sha is None:
            nothing = ": it has no branch at all" if repository.is_empty() else ""
            raise GitError(f"The base {base} does not exist in {repository.path}{nothing}")
        self._commits = repository.commits([base_sha, *filter(None, tips)])
        self._base_name, self._base = base, self._commits[base_sha]
        self._tips = {c.id: self._commits[tip] for c, tip in zip(self._changes, tips) if tip}
        present = [commit.sha for commit in self._tips.values()]
        self._reverts = Reverts(repository, [base_sha], present)
        self._alone: dict[str, Merged] = {}
        self._standings = [self._standing(change) for change in self._changes]

    def as_dict(self, *, pairwise: bool, tag: Optional[str]) -> dict[str, Any]:
        """Return the forecast as the module returns it."""
        chain = self._chain()
        base = {"ref": self._base_name, "sha": self._base.sha, "tree": self._base.tree}
        return {
            "base": base,
            "changes": [asdict(standing) for standing in self._standings],
            "chain": chain,
            "pairs": self._pairs() if pairwise else [],
            "order": [change.id for change in self._changes],
            "summary": summary([s.state for s in self._standings], chain, base),
            "released": self._released(tag) if tag else None,
        }

    def _standing(self, change: Change) -> Standing:
        tip = self._tips.get(change.id)
        if tip is None:
            return Standing(change.id, change.branch, change.owner, State.MISSING.value)
        ahead, behind = self._repository.ahead_behind(tip.sha, self._base.sha)
        reverted = self._reverts.of(tip.sha)
        state, conflicts = self._state(change, ahead), []
        if reverted:
            state = State.REVERTED
        elif state is State.CONFLICTING:
            conflicts = self._alone[change.id].listed
        return Standing(
            change.id, change.branch, change.owner, state.value,
            sha=tip.sha, ahead=ahead, behind=behind, conflicts=conflicts,
            files=self._files(tip) if ahead else [],
            author=f"{tip.author} <{tip.author_mail}>",
            reviewed_by=self._reviewers(tip, ahead),
            reverted_by=reverted.by if reverted else None,
        )  # fmt: skip

    def _state(self, change: Change, ahead: int) -> State:
        if not ahead:
            return State.INTEGRATED
        merged = self._merges.merge(self._base.sha, self._tips[change.id].sha)
        self._alone[change.id] = merged
        return State.CONFLICTING if merged.conflicts else State.MERGEABLE

    def _files(self, tip: Commit) -> list[str]:
        bases = self._repository.merge_bases(self._base.sha, tip.sha)
        return self._repository.changed_files(bases[0] if bases else self._base.sha, tip.sha)

    def _reviewers(self, tip: Commit, ahead: int) -> list[str]:
        """Return who reviewed the tip, less everybody who wrote a commit of the change."""
        if not tip.reviewers:
            return []
        before = self._base.sha
        if not ahead:
            merge = self._repository.first_with(self._base.sha, tip.sha)
            parents = self._repository.commits([merge])[merge].parents if merge else ()
            before = parents[0] if parents else tip.sha
        written = [tip, *self._repository.log([tip.sha], without=[before])]
        authors = {commit.author_mail.lower() for commit in written}
        return [who for mail, who in tip.reviewers.items() if mail not in authors]

    def _chain(self) -> dict[str, Any]:
        """Return how each change merges on top of those before it, those left out that do not."""
        head, states, conflicts = self._base, [State.INTEGRATED], []
        for standing in self._standings:
            state = State(standing.state)
            if state in _WAITING:
                tip = self._tips[standing.id]
                if self._repository.contains(head.sha, tip.sha):
                    continue
                merged = self._merges.merge(head.sha, tip.sha)
                state = State.CONFLICTING if merged.conflicts else State.MERGEABLE
                if merged.conflicts:
                    conflicts.append({"id": standing.id, "files": sorted(merged.conflicts)})
                else:
                    head = self._merge_commit(head, tip, merged)
            states.append(state)
        worst = max(states, key=_BEST_TO_WORST.index)
        whole = worst in (State.INTEGRATED, State.MERGEABLE)
        return {
            "state": worst.value,
            "tree": head.tree if whole else None,
            "conflicts": conflicts,
        }

    def _merge_commit(self, ours: Commit, theirs: Commit, merged: Merged) -> Commit:
        """Return a merge that is the same every time: forecasts do not pile up objects."""
        at = max(ours.committed_at, theirs.committed_at)
        parents = (ours.sha, theirs.sha)
        sha = self._repository.commit(merged.tree, parents, "forecast\n", identity=_IDENTITY, at=at)
        return Commit(sha, merged.tree, parents, at, *_IDENTITY, message="")

    def _pairs(self) -> list[dict[str, Any]]:
        """Return for every two changes that wait whether they merge onto the base together.

        A change that does not even merge alone is compared with the other without the base.
        """
        waiting = [s.id for s in self._standings if s.state in _WAITING]
        landing = {
            name: self._merge_commit(self._base, self._tips[name], self._alone[name]).sha
            for name in waiting
            if not self._alone[name].conflicts
        }
        pairs = []
        owners = {change.id: change.owner for change in self._changes}
        for one, other in combinations(waiting, 2):
            both = one in landing and other in landing
            tips = landing if both else {name: self._tips[name].sha for name in (one, other)}
            merged = self._merges.merge(tips[one], tips[other])
            state = State.CONFLICTING if merged.conflicts else State.MERGEABLE
            pairs.append(
                {
                    "ids": [one, other],
                    "owners": [owners[one], owners[other]],
                    "state": state.value,
                    "conflicts": merged.listed,
                }
            )
        return pairs

    def _released(self, tag: str) -> Optional[dict[str, Any]]:
        """Return what the tag released, None if there is no such tag."""
        ref = self._repository.check_ref(f"refs/tags/{tag}", what="The tag")
        sha = self._repository.resolve([ref])[0]
        if sha is None:
            return None
        commit = self._repository.commits([sha])[sha]
        return {
            "tag": tag,
            "commit": sha,
            "tree": commit.tree,
            "base": commit.parents[0] if commit.parents else sha,
            "candidate": commit.parents[1] if len(commit.parents) > 1 else sha,
            "is_head": sha == self._base.sha,
            "in_base": self._repository.contains(self._base.sha, sha),
        }


def summary(states: Sequence[str], chain: dict[str, Any], base: dict[str, str]) -> str:
    """Return the forecast in one line, for example "2 mergeable, 1 missing on main (1a2b3c4)…"."""
    counts = [f"{states.count(s.value)} {s.value}" for s in _BEST_TO_WORST if s.value in states]
    conflicts = [f"{c['id']} ({', '.join(c['files'])})" for c in chain["conflicts"]]
    where = f" at {'; '.join(conflicts)}" if conflicts else ""
    on = f"{base['ref']} ({base['sha'][:10]})"
    return f"{', '.join(counts)} on {on}; in order: {chain['state']}{where}"
