# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""How changes stand against a base: each alone, and one after another."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Optional, Union

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit, Merged
from ansible_collections.phased.rollout.plugins.module_utils._git_reverts import Reverts, TakenBack
from ansible_collections.phased.rollout.plugins.module_utils._land_again import reapplied

if TYPE_CHECKING:
    from collections.abc import Sequence

_IDENTITY = ("phased.rollout forecast", "forecast@phased.rollout")


class State(str, Enum):
    """How a change stands, best to worst."""

    INTEGRATED = "integrated"
    MERGEABLE = "mergeable"
    CONFLICTING = "conflicting"
    REVERTED = "reverted"
    MISSING = "missing"


BEST_TO_WORST = list(State)


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
    authors: list[str] = field(default_factory=list)
    reviewed_by: list[str] = field(default_factory=list)
    reverted_by: Optional[str] = None


@dataclass(frozen=True)
class Waiting:
    """A change that has not landed: its tip, the commits that only it has, its merge alone."""

    change: Change
    tip: Commit
    commits: list[str]
    merged: Merged


class Forecast:
    """What merging changes onto a base would do; the repository is only read."""

    def __init__(self, repository: Repository, base: str, changes: Sequence[Change]) -> None:
        """Return the forecast of a quarantined repository, which takes what merging writes.

        Raises GitError if the base does not exist.
        """
        self.repository = repository
        self.merges = Merges(repository)
        self._changes = changes
        checked_name(base, what="The base")
        names = [base, *(change.branch for change in self._changes)]
        base_sha, *tips = repository.resolve(names)
        if base_sha is None:
            nothing = ": it has no branch at all" if repository.is_empty() else ""
            raise GitError(f"The base {base} does not exist in {repository.path}{nothing}")
        commits = repository.commits([base_sha, *filter(None, tips)])
        self.base_name, self.base = base, commits[base_sha]
        self._tips = {c.id: commits[tip] for c, tip in zip(self._changes, tips) if tip}
        present = [commit.sha for commit in self._tips.values()]
        reverts = Reverts(repository, [base_sha], present)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self._apart = dict(zip(self._tips, pool.map(self._commits_apart, present)))
            self._taken_back = dict(zip(self._tips, pool.map(reverts.of, present)))
            self._alone = self._merged_alone([n for n, (ahead, _b) in self._apart.items() if ahead])
            self.standings = list(pool.map(self._standing, self._changes))
        self.waiting = [
            Waiting(
                change, self._tips[change.id], self._apart[change.id][0], self._alone[change.id]
            )
            for change, stands in zip(self._changes, self.standings)
            if stands.state in (State.MERGEABLE.value, State.CONFLICTING.value)
        ]

    def as_dict(self, *, tag: Optional[str]) -> dict[str, Any]:
        """Return the forecast as the module returns it, but for what looks at pairs."""
        chain = self._chain()
        base = {"ref": self.base_name, "sha": self.base.sha, "tree": self.base.tree}
        return {
            "base": base,
            "changes": [asdict(standing) for standing in self.standings],
            "chain": chain,
            "summary": summary([s.state for s in self.standings], chain, base),
            "released": self._released(tag) if tag else None,
        }

    def merge_commit(self, ours: Commit, theirs: Commit, merged: Merged) -> Commit:
        """Return a clean merge as a commit."""
        at = max(ours.committed_at, theirs.committed_at)
        parents = (ours.sha, theirs.sha)
        sha = self.repository.commit(merged.tree, parents, "forecast\n", identity=_IDENTITY, at=at)
        return self.repository.commits([sha])[sha]

    def _commits_apart(self, tip: str) -> tuple[list[str], list[str]]:
        return self.repository.apart(tip, self.base.sha)

    def _merged_alone(self, ids: Sequence[str]) -> dict[str, Merged]:
        pairs = [(self.base.sha, self._tips[name].sha) for name in ids]
        return dict(zip(ids, self.merges.merge_all(pairs)))

    def _standing(self, change: Change) -> Standing:
        tip = self._tips.get(change.id)
        if tip is None:
            return Standing(change.id, change.branch, change.owner, State.MISSING.value)
        ahead, behind = self._apart[change.id]
        conflicts = self._alone[change.id].listed if ahead else []
        state = State.MERGEABLE if ahead else State.INTEGRATED
        taken_back = self._taken_back[change.id]
        if taken_back:
            state, conflicts = State.REVERTED, []
        elif conflicts:
            state = State.CONFLICTING
        return Standing(
            change.id, change.branch, change.owner, state.value,
            sha=tip.sha, ahead=len(ahead), behind=len(behind), conflicts=conflicts,
            files=self._files(tip) if ahead else [],
            author=tip.written_by, authors=self._authors(tip, ahead),
            reviewed_by=self._reviewers(tip, ahead),
            reverted_by=taken_back[0].by.sha if taken_back else None,
        )  # fmt: skip

    def _files(self, tip: Commit) -> list[str]:
        bases = self.repository.merge_bases(self.base.sha, tip.sha)
        return self.repository.changed_files(bases[0] if bases else self.base.sha, tip.sha)

    def _authors(self, tip: Commit, ahead: Sequence[str]) -> list[str]:
        """Return who wrote the commits that the base does not have, the latest first."""
        written = self.repository.log([tip.sha], without=[self.base.sha]) if ahead else [tip]
        return list(dict.fromkeys(commit.written_by for commit in written))

    def _reviewers(self, tip: Commit, ahead: Sequence[str]) -> list[str]:
        """Return who reviewed the tip, less everybody who wrote a commit of the change."""
        if not tip.reviewers:
            return []
        before = self.base.sha
        if not ahead:
            merge = self.repository.first_with(self.base.sha, tip.sha)
            parents = self.repository.commits([merge])[merge].parents if merge else ()
            before = parents[0] if parents else tip.sha
        written = [tip, *self.repository.log([tip.sha], without=[before])]
        authors = {commit.author_mail.lower() for commit in written}
        return [who for mail, who in tip.reviewers.items() if mail not in authors]

    def _chain(self) -> dict[str, Any]:
        """Return how each change lands on top of those before it, those left out that do not.

        One that was taken back lands again, whole, as git_merge does it.
        """
        head, states, conflicts = self.base, [State.INTEGRATED], []
        again: set[str] = set()
        for standing in self.standings:
            state = State(standing.state)
            if state not in (State.INTEGRATED, State.MISSING):
                landed = self._landed_onto(head, standing.id, again)
                if isinstance(landed, Merged):
                    state = State.CONFLICTING
                    conflicts.append({"id": standing.id, "files": sorted(landed.conflicts)})
                else:
                    head, state = landed, State.MERGEABLE
            states.append(state)
        worst = max(states, key=BEST_TO_WORST.index)
        whole = worst in (State.INTEGRATED, State.MERGEABLE)
        return {
            "state": worst.value,
            "tree": head.tree if whole else None,
            "conflicts": conflicts,
        }

    def _landed_onto(self, head: Commit, name: str, again: set[str]) -> Union[Commit, Merged]:
        """Return the head with a change in it, or the conflict. again: reverts taken back."""
        tip, taken_back = self._tips[name], self._taken_back[name]
        wanted = [one for one in taken_back if one.by.sha not in again]
        if wanted:
            sha, conflict = reapplied(self.merges, head.sha, wanted, self._reapply)
            if conflict:
                return conflict
            head = self.repository.commits([sha])[sha]
            again.update(one.by.sha for one in wanted)
        if self.repository.contains(head.sha, tip.sha):
            return head
        alone = self._alone[name] if head is self.base else None
        merged = alone or self.merges.merge(head.sha, tip.sha)
        return merged if merged.conflicts else self.merge_commit(head, tip, merged)

    def _reapply(self, tree: str, parent: str, one: TakenBack) -> str:
        at = one.by.committed_at
        return self.repository.commit(tree, [parent], "forecast\n", identity=_IDENTITY, at=at)

    def _released(self, tag: str) -> Optional[dict[str, Any]]:
        """Return what the tag released, None if there is no such tag."""
        ref = self.repository.check_ref(f"refs/tags/{tag}", what="The tag")
        sha = self.repository.resolve([ref])[0]
        if sha is None:
            return None
        commit = self.repository.commits([sha])[sha]
        return {
            "tag": tag,
            "commit": sha,
            "tree": commit.tree,
            "base": commit.parents[0] if commit.parents else sha,
            "candidate": commit.parents[1] if len(commit.parents) > 1 else sha,
            "is_head": sha == self.base.sha,
            "in_base": self.repository.contains(self.base.sha, sha),
        }


def summary(states: Sequence[str], chain: dict[str, Any], base: dict[str, str]) -> str:
    """Return the forecast in one line, for example "2 mergeable, 1 missing on main (1a2b3c4)…"."""
    counts = [f"{states.count(s.value)} {s.value}" for s in BEST_TO_WORST if s.value in states]
    conflicts = [f"{c['id']} ({', '.join(c['files'])})" for c in chain["conflicts"]]
    where = f" at {'; '.join(conflicts)}" if conflicts else ""
    on = f"{base['ref']} ({base['sha'][:10]})"
    return f"{', '.join(counts)} on {on}; in order: {chain['state']}{where}"
