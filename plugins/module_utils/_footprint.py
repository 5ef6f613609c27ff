# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Whether two changes can conflict at all, told from the paths that each of them touches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True)
class Footprint:
    """What one change touches, seen from the base: its commits, and its paths.

    parents: all folders above the paths. left, entered: folders that a path was taken from, that
    one was added to, and all above them.
    """

    commits: frozenset[str]
    paths: frozenset[str]
    parents: frozenset[str] = field(repr=False)
    left: frozenset[str] = field(repr=False)
    entered: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, commits: Iterable[str], changed: Sequence[str]) -> Footprint:
        """Return the footprint. changed: paths, each after a letter (A, M, D, T) and a space."""
        status = [(entry[0], entry[2:]) for entry in changed]
        return cls(
            frozenset(commits),
            frozenset(path for _letter, path in status),
            frozenset(folder for _letter, path in status for folder in _above(path)),
            frozenset(f for letter, path in status if letter == "D" for f in _above(path)),
            frozenset(f for letter, path in status if letter == "A" for f in _above(path)),
        )

    def may_conflict_with(self, other: Footprint) -> bool:
        """Return whether a merge of the two is to be tried: False only where it must be clean.

        With no commit in common the base is the only merge base, and paths that only one side
        touched are taken from it, unless a file of one side is a folder of the other, or one side
        moved a folder into which the other one puts something.
        """
        return not (
            self.commits.isdisjoint(other.commits)
            and self.paths.isdisjoint(other.paths)
            and self.paths.isdisjoint(other.parents)
            and self.parents.isdisjoint(other.paths)
            and self.left.isdisjoint(other.entered)
            and self.entered.isdisjoint(other.left)
        )


def _above(path: str) -> Iterator[str]:
    """Yield the folders above a path; not the root, which git does not take for moved."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
