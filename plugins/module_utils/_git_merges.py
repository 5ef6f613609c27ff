# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Merges and reverts in the object database, as `git merge` and `git revert` do in a work tree."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    Completed,
    GitError,
    Repository,
    how_it_ended,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_attributes import (
    AttributeFolders,
    Attributes,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import (
    Merged,
    parse_merges,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Commit

Pair = tuple[str, str]
_BATCH = 16
_IDENTITY = ("phased.rollout", "rollout@localhost")


class Merges:
    """Merges commits of one repository; only objects are written."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.attributes = AttributeFolders(repository)

    def merge(self, ours: str, theirs: str) -> Merged:
        """Return what merging a commit into another gives."""
        if len(self._repository.merge_bases(ours, theirs)) == 1:
            # To look for attributes takes longer than most merges, and few files ask for them:
            # those that both sides changed. With more than one base, git does not name them all.
            merged = self._batch(self.attributes.none, [(ours, theirs)])[0]
            if not self.attributes.any_for(ours, merged.met):
                return merged
        return self.merge_all([(ours, theirs)])[0]

    def merge_all(self, pairs: Sequence[Pair]) -> list[Merged]:
        """Return what merging the second commit of each pair into the first gives."""
        waiting: dict[str, tuple[Attributes, list[int]]] = {}
        for number, (ours, _theirs) in enumerate(pairs):
            attributes = self.attributes.of(ours)
            waiting.setdefault(str(attributes.folder), (attributes, []))[1].append(number)
        parts = [
            (attributes, numbers[start : start + size])
            for attributes, numbers in waiting.values()
            for size in [max(_BATCH, -(-len(numbers) // (os.cpu_count() or 1)))]
            for start in range(0, len(numbers), size)
        ]
        found: dict[int, Merged] = {}

        def work(part: tuple[Attributes, list[int]]) -> None:
            attributes, numbers = part
            found.update(zip(numbers, self._batch(attributes, [pairs[n] for n in numbers])))

        if len(parts) == 1:
            work(parts[0])
        else:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(work, parts))
        return [found[number] for number in range(len(pairs))]

    def revert(self, head: str, commit: Commit) -> Merged:
        """Return what taking a commit in the head's history back gives; a merge, as with `-m 1`.

        A commit that undoes it is made on top of it; merging that one brings the undoing alone.
        """
        if not commit.parents:
            raise GitError(f"{commit.sha} is the first commit of its history: it cannot go")
        before = self._repository.commits(commit.parents[:1])[commit.parents[0]]
        undone = self._repository.commit(
            before.tree, [commit.sha], "undone\n", identity=_IDENTITY, at=commit.committed_at
        )
        return self.merge(head, undone)

    def _batch(self, attributes: Attributes, pairs: Sequence[Pair]) -> list[Merged]:
        """Return what merging the pairs gives. Git ends at one without a common ancestor."""
        results: list[Merged] = []
        while len(results) < len(pairs):
            done = self._run(attributes, pairs[len(results) :])
            merges = zip(parse_merges(done.stdout), pairs[len(results) :])
            results += [self._named(attributes, _as_in_tree(m, pair)) for m, pair in merges]
            if done.returncode == 0:
                break
            if b"unrelated histories" not in done.stderr:
                ours, theirs = pairs[len(results)]
                reason = text(done.stderr).strip() or how_it_ended(done.returncode)
                raise GitError(f"Cannot merge {theirs} into {ours}: {reason}")
            results.append(Merged("", {".": "unrelated histories"}))
        if len(results) != len(pairs):
            raise GitError(f"git answered {len(results)} of {len(pairs)} merges")
        return self._with_bases(attributes, pairs, results)

    def _with_bases(
        self, attributes: Attributes, pairs: Sequence[Pair], merges: list[Merged]
    ) -> list[Merged]:
        """Return the merges, with what was there before in the files that conflict.

        Merged again for that: the style that shows it changes what unions and criss-crosses give.
        """
        numbers = [n for n, merged in enumerate(merges) if merged.conflicts and merged.tree]
        if numbers:
            done = self._run(attributes, [pairs[n] for n in numbers], style="diff3")
            for number, shown in zip(numbers, parse_merges(done.stdout)):
                merges[number] = replace(merges[number], tree=shown.tree)
        return merges

    def _run(
        self, attributes: Attributes, pairs: Sequence[Pair], *, style: str = "merge"
    ) -> Completed:
        done = self._repository.git(
            "-C", str(attributes.folder), "-c", f"merge.conflictStyle={style}",
            "merge-tree", "--write-tree", "--stdin", "--messages",
            data="".join(f"{ours} {theirs}\n" for ours, theirs in pairs).encode(),
            env=attributes.environment(self._repository),
            good=range(-64, 256), doing="merge",
        )  # fmt: skip
        if done.returncode == 129:
            raise GitError("git is too old: merging without a work tree needs git 2.39 or newer")
        return done

    def _named(self, attributes: Attributes, merged: Merged) -> Merged:
        """Return the merge with the driver as the kind of a conflict that is due to none here."""
        if not attributes.unknown or not merged.conflicts:
            return merged
        done = self._repository.git(
            "-C", str(attributes.folder), "check-attr", "--stdin", "-z", "merge",
            data=b"".join(path.encode() + b"\0" for path in merged.conflicts),
            env=attributes.environment(self._repository), doing="read attributes",
        )  # fmt: skip
        words = text(done.stdout).split("\0")
        unknown = {
            path: f"needs the merge driver {driver}, which is not known here"
            for path, driver in zip(words[::3], words[2::3])
            if driver in attributes.unknown
        }
        return replace(merged, conflicts={**merged.conflicts, **unknown})


def _as_in_tree(merged: Merged, pair: Pair) -> Merged:
    """Return the merge with paths as they are in the commits.

    Git adds the commit to the name of a file that cannot stay where it is, as a folder is there.
    """
    moved = re.compile(f"~(?:{'|'.join(pair)})(?:_[0-9]+)?$")
    paths = {moved.sub("", path): kind for path, kind in merged.conflicts.items()}
    return replace(merged, conflicts=paths) if merged.conflicts else merged
