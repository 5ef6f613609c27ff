# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""How every two changes stand together, and the order in which they meet the fewest conflicts."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._conflicts import (
    ConflictAnalysis,
    Side,
)
from ansible_collections.phased.rollout.plugins.module_utils._footprint import Footprint
from ansible_collections.phased.rollout.plugins.module_utils._forecast import (
    Forecast,
    State,
    Waiting,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import RISKS, Change
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Merged
from ansible_collections.phased.rollout.plugins.module_utils._order import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class _Landing:
    """A change that waits, as a commit to merge with another one.

    footprint: None if it does not even merge onto the base; then sha is its tip.
    """

    waiting: Waiting
    sha: str
    footprint: Optional[Footprint]


class Pairs:
    """Every two changes that have not landed, merged onto the base together.

    A change that does not even merge alone is compared with the other without the base.
    """

    def __init__(self, forecast: Forecast, changes: Sequence[Change]) -> None:
        self._forecast = forecast
        self._changes = changes
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            landings = list(pool.map(self._landed, forecast.waiting))
        self._pairs = list(combinations(landings, 2))
        tried = [(one, other) for one, other in self._pairs if _may_conflict(one, other)]
        both = [_to_merge(one, other) for one, other in tried]
        merged = dict(zip(map(_ids, tried), forecast.merges.merge_all(both)))
        self._merged = {
            ids: merged.get(ids, Merged("", {})) for ids in (_ids(pair) for pair in self._pairs)
        }

    def as_list(self) -> list[dict[str, Any]]:
        """Return the pairs as the module returns them."""
        return [
            {
                "ids": list(_ids(pair)),
                "owners": [landing.waiting.change.owner for landing in pair],
                "state": (State.CONFLICTING if merged.conflicts else State.MERGEABLE).value,
                "conflicts": merged.listed,
            }
            for pair in self._pairs
            for merged in [self._merged[_ids(pair)]]
        ]

    def order(self) -> tuple[list[str], int]:
        """Return the ids of all changes in the best order, and how many have to be resolved then.

        A conflict is the riskier, the more files it is in, and the riskier the change is on which
        it has to be resolved.
        """
        number = {change.id: place for place, change in enumerate(self._changes)}
        needs = {
            number[change.id]: {number[name] for name in change.depends_on if name in number}
            for change in self._changes
        }
        risks = {}
        for ids, merged in self._merged.items():
            if merged.conflicts:
                one, other = (number[name] for name in ids)
                risks[one, other] = len(merged.conflicts) * _risk(self._changes[other])
                risks[other, one] = len(merged.conflicts) * _risk(self._changes[one])
        order = Order(len(self._changes), needs, risks)
        best = order.best()
        return [self._changes[place].id for place in best], order.cost(best)[0]

    def conflicts(self) -> Iterator[tuple[Merged, Waiting, Waiting]]:
        """Yield the pairs in conflict."""
        for pair in self._pairs:
            merged = self._merged[_ids(pair)]
            if merged.conflicts:
                yield merged, pair[0].waiting, pair[1].waiting

    def _landed(self, waiting: Waiting) -> _Landing:
        if waiting.merged.conflicts:
            return _Landing(waiting, waiting.tip.sha, None)
        base = self._forecast.base
        commit = self._forecast.merge_commit(base, waiting.tip, waiting.merged)
        changed = self._forecast.repository.changed_files(base.tree, commit.tree, status=True)
        if not any(entry.endswith(".gitattributes") for entry in changed):
            self._forecast.merges.attributes.same(commit.sha, base.sha)
        return _Landing(waiting, commit.sha, Footprint.of(waiting.commits, changed))


def analyse(
    forecast: Forecast, pairs: Optional[Pairs], test_paths: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the analysis of every conflict: with the base, then of the pairs."""
    analysis = ConflictAnalysis(forecast.repository, test_paths)
    base = Side(forecast.base_name, "", forecast.base.sha)
    found = [(w.merged, base, _side(w)) for w in forecast.waiting if w.merged.conflicts]
    for merged, one, other in pairs.conflicts() if pairs else ():
        found.append((merged, _side(one), _side(other)))

    def analysed(conflict: tuple[Merged, Side, Side]) -> dict[str, Any]:
        merged, ours, theirs = conflict
        fork = forecast.repository.merge_bases(ours.sha, theirs.sha)
        return analysis.of(merged, ours, theirs, fork)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(analysed, found))


def _may_conflict(one: _Landing, other: _Landing) -> bool:
    if one.footprint is None or other.footprint is None:
        return True
    return one.footprint.may_conflict_with(other.footprint)


def _to_merge(one: _Landing, other: _Landing) -> tuple[str, str]:
    if one.footprint and other.footprint:
        return one.sha, other.sha
    return one.waiting.tip.sha, other.waiting.tip.sha


def _ids(pair: tuple[_Landing, _Landing]) -> tuple[str, str]:
    return pair[0].waiting.change.id, pair[1].waiting.change.id


def _side(waiting: Waiting) -> Side:
    return Side(waiting.change.id, waiting.change.owner, waiting.tip.sha)


def _risk(change: Change) -> int:
    return 1 + RISKS.index(change.risk)
