# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""The order in which changes meet the fewest conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Conflicting changes up to this many are tried in every order; beyond it, one step at a time.
EXACT = 12
#: How many changes have to be resolved, and how risky that is.
Cost = tuple[int, int]


class Order:
    """Changes by number, in the order of the plan, and what is known about every two of them.

    needs: for each change those that come before it. risks: for two changes in conflict how risky
    it is to resolve that on the second, any scale.
    """

    def __init__(
        self, count: int, needs: Mapping[int, set[int]], risks: Mapping[tuple[int, int], int]
    ) -> None:
        self._needs = {n: _closure(n, needs) for n in range(count)}
        self._risks = risks
        self._count = count

    def best(self) -> list[int]:
        """Return the numbers so that the fewest changes conflict with one before them.

        Of such orders, one with the least risk; of those, the one closest to the plan.
        """
        after: dict[int, set[int]] = {n: set(self._needs[n]) for n in range(self._count)}
        for group in self._groups():
            chosen = self._exact(group) if len(group) <= EXACT else self._stepwise(group)
            for earlier, later in zip(chosen, chosen[1:]):
                after[later].add(earlier)
        order: list[int] = []
        while len(order) < self._count:
            done = set(order)
            order.append(next(n for n in range(self._count) if n not in done and after[n] <= done))
        return order

    def cost(self, order: Sequence[int]) -> Cost:
        """Return how many changes have to be resolved in an order, and the risk of that."""
        met = [self._added(order[:place], number) for place, number in enumerate(order)]
        return sum(count for count, _risk in met), sum(risk for _count, risk in met)

    def _added(self, before: Sequence[int], number: int) -> Cost:
        risks = [self._risks[n, number] for n in before if (n, number) in self._risks]
        return (1, sum(risks)) if risks else (0, 0)

    def _groups(self) -> list[list[int]]:
        """Return the changes in conflict, those together whose order depends on each other."""
        left = {n for pair in self._risks for n in pair}
        groups = []
        while left:
            group, found = set[int](), {min(left)}
            while found:
                group |= found
                found = {n for n in left - group if any(self._tied(n, g) for g in group)}
            groups.append(sorted(group))
            left -= group
        return groups

    def _tied(self, one: int, other: int) -> bool:
        return (
            (one, other) in self._risks
            or (other, one) in self._risks
            or one in self._needs[other]
            or other in self._needs[one]
        )

    def _exact(self, group: Sequence[int]) -> list[int]:
        """Return the best order of a group: for every subset, the best way to have landed it."""
        best: dict[frozenset[int], tuple[Cost, list[int]]] = {frozenset(): ((0, 0), [])}
        for _size in group:
            longer: dict[frozenset[int], tuple[Cost, list[int]]] = {}
            for landed, (cost, order) in best.items():
                for number in self._ready(group, landed):
                    count, risk = self._added(order, number)
                    option = ((cost[0] + count, cost[1] + risk), [*order, number])
                    key = landed | {number}
                    if key not in longer or option < longer[key]:
                        longer[key] = option
            best = longer
        return best[frozenset(group)][1]

    def _stepwise(self, group: Sequence[int]) -> list[int]:
        """Return a good order: next always the change that meets, then leaves, the least."""
        order: list[int] = []
        while len(order) < len(group):
            ready = self._ready(group, set(order))
            left = [n for n in group if n not in order]
            order.append(
                min(ready, key=lambda n: (self._added(order, n), self._leaves(n, left), n))
            )
        return order

    def _leaves(self, number: int, left: Sequence[int]) -> Cost:
        risks = [self._risks[number, n] for n in left if (number, n) in self._risks]
        return len(risks), sum(risks)

    def _ready(self, group: Sequence[int], landed: set[int] | frozenset[int]) -> list[int]:
        wanted = set(group)
        return [n for n in group if n not in landed and self._needs[n] & wanted <= landed]


def _closure(number: int, needs: Mapping[int, set[int]]) -> set[int]:
    found: set[int] = set()
    new: Optional[set[int]] = set(needs.get(number, ()))
    while new:
        found |= new
        new = {other for n in new for other in needs.get(n, ())} - found
    return found
