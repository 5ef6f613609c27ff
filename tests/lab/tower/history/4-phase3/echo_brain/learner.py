# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Learns the best parameters of one kind: a pattern search that one feedback moves one step.

It tries the parameters next to the best known ones, moves on where quality rises, takes smaller
steps where it rises nowhere, and rests when the steps are small. The same feedback always leads
to the same advice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# name: (least, most, first step, smallest step)
RANGES: dict[str, tuple[float, float, float, float]] = {
    "steps": (4, 60, 8, 1),
    "cfg_scale": (1.0, 15.0, 2.0, 0.25),
}
DIRECTIONS = (("cfg_scale", 1), ("steps", 1), ("cfg_scale", -1), ("steps", -1))
NOTICEABLE = 1e-4
# When the best known parameters turn out so much worse, the world has changed: search again.
DRIFT = 0.05


@dataclass
class Learner:
    """What is known about one kind."""

    best: dict[str, float]
    quality: float | None = None
    scale: float = 1.0
    direction: int = 0
    misses: int = 0
    resting: bool = False

    def advice(self) -> dict[str, float]:
        """Return the parameters to use next."""
        if self.quality is None or self.resting:
            return dict(self.best)
        return self._neighbour(self.direction)

    def learn(self, used: dict[str, float], quality: float) -> None:
        """Take in what quality (0 to 1) came of the parameters used."""
        if used == self.best:
            if self.quality is not None and abs(quality - self.quality) > DRIFT:
                self._search_again()
            self.quality = quality
            self._skip_walls()
        elif used == self.advice() and self.quality is not None:
            self._judge(used, quality)
            self._skip_walls()

    def _judge(self, used: dict[str, float], quality: float) -> None:
        if self.quality is None or quality > self.quality + NOTICEABLE:
            self.best, self.quality, self.misses = dict(used), quality, 0
        else:
            self._miss()

    def _miss(self) -> None:
        self.direction = (self.direction + 1) % len(DIRECTIONS)
        self.misses += 1
        if self.misses >= len(DIRECTIONS):
            self.misses = 0
            self.scale /= 2
            first_to_least = (first / least for _, _, first, least in RANGES.values())
            self.resting = 1 / self.scale > max(first_to_least)

    def _skip_walls(self) -> None:
        """Pass over neighbours that the ranges forbid, which would be the best ones again."""
        while not self.resting and self._neighbour(self.direction) == self.best:
            self._miss()

    def _neighbour(self, direction: int) -> dict[str, float]:
        name, sign = DIRECTIONS[direction]
        least, most, first, smallest = RANGES[name]
        step = max(first * self.scale, smallest)
        value = self.best[name] + sign * step
        return {**self.best, name: min(max(value, least), most)}

    def _search_again(self) -> None:
        self.scale, self.direction, self.misses, self.resting = 1.0, 0, 0, False


def within_ranges(parameters: Any) -> dict[str, float] | None:
    """Return the parameters that can be tuned as numbers, None if one is missing or outside."""
    if not isinstance(parameters, dict):
        return None
    found = {}
    for name, (least, most, _, _) in RANGES.items():
        value = parameters.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not least <= value <= most:
            return None
        found[name] = float(value)
    return found


def dump(learners: dict[str, Learner]) -> dict[str, Any]:
    """Return what can be written as JSON and loaded again."""
    return {kind: asdict(learner) for kind, learner in learners.items()}


def load(state: dict[str, Any]) -> dict[str, Learner]:
    """Return what dump was given. Raises TypeError if the state is not from there."""
    return {kind: Learner(**values) for kind, values in state.items()}
