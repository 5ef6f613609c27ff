# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""What landed in a branch's history, how, what was taken back, and what stands on what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    checked_name,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import text
from ansible_collections.phased.rollout.plugins.module_utils._git_reverts import said_to_revert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit

_REVERT_SUBJECTS = ('Revert "', 'Reapply "')


@dataclass(frozen=True)
class Way:
    """How a commit came into a head's history.

    merges: those that brought it, outermost first; none if it is on the first-parent line.
    after: what came later, on that line and on those of the merges, with the first parent of each.
    """

    merges: tuple[str, ...]
    after: Mapping[str, str]


class History:
    """The history of a branch, read by the messages of its commits."""

    def __init__(self, repository: Repository, branch: str, head: str) -> None:
        self.branch = f"{branch} ({head})"
        self.head = head
        self._repository = repository
        self._ways: dict[str, Way] = {}
        self._files: dict[str, set[str]] = {}
        self._targets: dict[str, list[str]] = {}
        self._reverters: dict[str, list[str]] = {}
        self._worded_as_reverts = set()
        for commit, targets in said_to_revert(repository, [head]):
            self._targets[commit.sha] = targets
            for target in targets:
                self._reverters.setdefault(target, []).append(commit.sha)
            if len(commit.parents) == 1 and commit.subject.startswith(_REVERT_SUBJECTS):
                self._worded_as_reverts.add(commit.sha)

    def way(self, sha: str) -> Way:
        """Return how a commit came in. Raises GitError if it did not."""
        if sha not in self._ways:
            self._ways[sha] = self._find_way(sha)
        return self._ways[sha]

    def _find_way(self, sha: str) -> Way:
        head = self.head
        merges: list[str] = []
        after: dict[str, str] = {}
        while True:
            line = self._lines("--first-parent", sha, head)
            if head == sha or (line and line[-1][1:] == [sha]):
                after.update(dict(line))
                return Way(tuple(merges), after)
            with_it = {commit for commit, *_parent in self._lines("--ancestry-path", sha, head)}
            brought = [entry for entry in line if entry[0] in with_it]
            if not brought:
                raise GitError(f"{sha} is not in the history of {self.branch}")
            merge = brought[-1][0]
            after.update(dict(brought[:-1]))
            merges.append(merge)
            parents = self._repository.commits([merge])[merge].parents
            head = next(p for p in parents[1:] if self._repository.contains(p, sha))

    def _lines(self, chosen: str, sha: str, head: str) -> list[list[str]]:
        """Return id and first parent of commits after one, newest first; an option chooses them."""
        done = self._repository.git(
            "rev-list", chosen, "--parents", f"{sha}..{head}", "--", doing="read history"
        )
        return [line.split(" ")[:2] for line in text(done.stdout).splitlines()]

    def landed(self, trailer: str, value: str, *, rollout: str = "") -> list[Commit]:
        """Return the commits that landed with a trailer, newest first, of one rollout if named."""
        log = self._repository.log([self.head], grep=f"^{trailer}: ")
        found = [commit for commit in log if value in commit.trailers.get(trailer.lower(), ())]
        return [
            commit
            for commit in found
            if commit.sha not in self._worded_as_reverts
            and (not rollout or rollout in commit.trailers.get("rollout", ()))
        ]

    def landed_phase(self, phase: str, *, rollout: str = "") -> list[Commit]:
        """Return what brought a phase, taken back or not. Raises GitError if nothing did."""
        found = self.landed("Phase", phase, rollout=rollout)
        line = [commit for commit in found if not self.way(commit.sha).merges]
        self._require(line, f"the first-parent line of {self.branch}", "Phase", phase, rollout)
        return line

    def landed_change(self, change: str, tip: str = "", *, rollout: str = "") -> list[Commit]:
        """Return what brought a change, taken back or not.

        tip: branch or commit that was merged, if no message names the change. Raises GitError if
        nothing did, or nothing that can go alone.
        """
        found = self.landed("Change", change, rollout=rollout)
        if not found and tip:
            found = self._merge_of(change, tip, rollout)
        self._require(found, self.branch, "Change", change, rollout)
        for commit in found:
            names = max(commit.trailers.get("change", []), commit.parents[1:], key=len)
            if len(names) > 1:
                raise GitError(
                    f"{commit.sha} landed {' and '.join(names)} in one: change {change} cannot go"
                    " alone. Take back the phase, or change the files on the branch"
                )
        return found

    def _require(
        self, found: Collection[Commit], where: str, key: str, value: str, rollout: str
    ) -> None:
        """Raises GitError if nothing was found, or what several rollouts landed."""
        if not found:
            of = f" and the trailer Rollout: {rollout}" if rollout else ""
            hint = ", or give the commit that was merged as its branch" if key == "Change" else ""
            raise GitError(
                f"No commit on {where} has the trailer {key}: {value}{of}: correct the name{hint}"
            )
        rollouts = sorted({name for c in found for name in c.trailers.get("rollout", ())})
        if len(rollouts) > 1 and not rollout:
            raise GitError(
                f"{key} {value} landed on {self.branch} in several rollouts"
                f" ({', '.join(rollouts)}): name the rollout"
            )

    def _merge_of(self, change: str, name: str, rollout: str) -> list[Commit]:
        """Return the innermost merge that brought a tip, none if it is of another rollout."""
        what = f"{name} of change {change}"
        tip = self._repository.resolve([checked_name(name, what=f"The branch of {change},")])[0]
        if tip is None:
            raise GitError(
                f"No commit on {self.branch} has the trailer Change: {change}, and {what} does not"
                f" exist in {self._repository.path}: give the commit that was merged as its branch"
            )
        if not self._repository.contains(self.head, tip):
            raise GitError(
                f"{what} ({tip}) is not in {self.branch}: it has not landed, or has moved on since;"
                " give the commit that was merged as its branch"
            )
        merges = self.way(tip).merges[-1:]
        for merge in self._repository.commits(merges).values():
            if tip in merge.parents[1:]:
                own = merge.trailers.get("rollout", [rollout])
                # Its own message does not say which change it brought.
                message = f"{merge.message}\n\nChange: {change}\n"
                return [replace(merge, message=message)] if rollout in ("", *own) else []
        into = f"a branch that {merges[0]} merged" if merges else self.branch
        raise GitError(
            f"{what} ({tip}) came into {into} without a merge of its own (fast-forward), so where"
            " it starts is not known: take back its commits with git revert"
        )

    def taken_back_by(self, sha: str) -> Optional[str]:
        """Return the commit that stands and took it back, None if there is none."""
        reverters = self._reverters.get(sha, ())
        return next((by for by in reverters if self.gone_by(by) is None), None)

    def gone_by(self, sha: str) -> Optional[str]:
        """Return the commit that took it back, or a merge that had brought it; None if none did."""
        if not self._reverters:
            return None
        ways = (self.taken_back_by(one) for one in (sha, *self.way(sha).merges))
        return next((by for by in ways if by), None)

    def landed_again_by(self, sha: str) -> str:
        """Return the revert of the revert that brought a commit that stands again, or itself."""
        for reverter in self._reverters.get(sha, ()):
            again = self.taken_back_by(reverter)
            if again in self._worded_as_reverts:
                return self.landed_again_by(again)
        return sha

    def taken_from(self, shas: Collection[str]) -> list[str]:
        """Return the reverts that stand and took back a part of what these merges brought."""
        found = []
        for sha in self._reverters:
            by = self.taken_back_by(sha)
            if by in self._worded_as_reverts and self._repository.contains(self.head, sha):
                found += [by] if set(self.way(sha).merges).intersection(shas) else []
        return found

    def undoes(self, sha: str) -> list[str]:
        """Return the commits that a revert takes back, none for a commit that is no revert."""
        return self._targets[sha] if sha in self._worded_as_reverts else []

    def newest_first(self, shas: Collection[str]) -> list[str]:
        """Return commits of the history in order: none before those that came after it."""
        if len(shas) < 2:
            return [*shas]
        done = self._repository.git("rev-list", "--topo-order", self.head, doing="read history")
        return [sha for sha in text(done.stdout).splitlines() if sha in shas]

    def outermost(self, shas: Collection[str]) -> list[str]:
        """Return the commits, newest first, without those that another one of them brought."""
        found = [sha for sha in shas if not set(self.way(sha).merges).intersection(shas)]
        return self.newest_first(found)

    def touching(self, sha: str, files: Collection[str]) -> dict[str, set[str]]:
        """Return what came after a commit and touched some files, and which.

        A file in the place of another one's folder counts, too: only one of them can be.
        """
        taken = {*files, *_folders(files)}
        found = {
            later: {p for p in theirs if p in taken or not _folders([p]).isdisjoint(files)}
            for later, theirs in self.changed(self.way(sha).after).items()
        }
        return {later: shared for later, shared in found.items() if shared}

    def changed(self, parents: Mapping[str, str]) -> dict[str, set[str]]:
        """Return the files that commits, with their first parents, changed."""
        asked = {sha: parent for sha, parent in parents.items() if sha not in self._files}
        self._files.update((sha, set()) for sha in asked)
        done = self._repository.git(
            "diff-tree", "--stdin", "-r", "-z", "--no-renames", "--name-status",
            data="".join(f"{sha} {parent}\n" for sha, parent in asked.items()).encode(),
            doing="compare trees",
        )  # fmt: skip
        words = iter(text(done.stdout).split("\0")[:-1])
        files: set[str] = set()
        for word in words:
            if word in asked:
                files = self._files[word]
            else:
                files.add(next(words))
        return {sha: self._files[sha] for sha in parents}

    def stand_on(self, going: Collection[Commit], required: Collection[str]) -> dict[str, set[str]]:
        """Return what landed after these commits, is still there, and shares files with them.

        The shared files by commit. Commits that are required count without sharing any.
        """
        shas = {commit.sha for commit in going}
        found: dict[str, set[str]] = {}
        for commit in going:
            if not commit.parents:
                raise GitError(f"{commit.sha} is the first commit of its history: it cannot go")
            own = self.changed({commit.sha: commit.parents[0]})[commit.sha]
            shared = self.touching(commit.sha, own)
            way = self.way(commit.sha)
            for sha in shared.keys() | (way.after.keys() & required):
                if sha not in shas and self._stands(sha, way):
                    found.setdefault(sha, set()).update(shared.get(sha, ()))
        return found

    def _stands(self, sha: str, way: Way) -> bool:
        """Return whether a commit that came after another brought something that is still there.

        A revert did not, unless it landed something again that is not the other's own way in.
        """
        if self.gone_by(sha) or self.landed_again_by(sha) != sha:
            return False
        origin, depth = sha, 0
        while self.undoes(origin):
            origin, depth = self.undoes(origin)[0], depth + 1
        return depth % 2 == 0 and origin not in way.merges


def _folders(files: Collection[str]) -> set[str]:
    return {str(folder) for path in files for folder in PurePosixPath(path).parents}
