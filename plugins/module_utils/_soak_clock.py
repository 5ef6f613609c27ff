# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of one soak: it counts while ticks come in the order of time. Pure.

Only time between two neighbouring ticks counts, and only if both held and the gap between them is
not too long. So nothing counts twice, whatever the clocks of hosts do.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._spoken import spoken_duration
from ansible_collections.phased.rollout.plugins.module_utils._tick import BREACH, HELD, Tick

#: What a breach does to the clock: sets it to zero, stops it while it lasts, ends it for good.
POLICIES = ("reset", "pause", "fail")
#: A gap between two ticks that is longer than this many intervals is missing time.
LONGEST_GAP = 1.5
_EFFECTS = {"reset": "; the clock starts again at zero", "fail": "; this soak has failed"}


@dataclass(frozen=True)
class Watch:
    """What is watched after a deploy, how often, and what a breach does to the clock."""

    objectives: Tuple[str, ...] = ()
    interval: timedelta = timedelta(0)
    on_breach: str = "reset"

    @classmethod
    def of(cls, raw: Optional[Mapping[str, Any]]) -> Watch:
        """Return the watch of a phase's record. Raises ShapeError."""
        fields = Fields(raw or {}, "watch")
        objectives = tuple(fields.texts("objectives"))
        seconds = read_seconds(fields, "interval_seconds") if objectives else 0
        on_breach = fields.choice("on_breach", POLICIES, POLICIES[0])
        return cls(objectives, timedelta(seconds=seconds), on_breach)

    @property
    def longest_gap(self) -> timedelta:
        """Return how far apart two ticks may be for the time between them to count."""
        return self.interval * LONGEST_GAP


def read_seconds(fields: Fields, key: str) -> float:
    """Return the seconds, above 0, that stand under a key. Raises ShapeError, also if none do."""
    if fields.raw.get(key) is None:
        raise ShapeError(fields.at(key), None, "it must be a number of seconds above 0")
    return fields.number(key, 0, above=0)


@dataclass(frozen=True)
class Interruption:
    """A stretch of time that did not count. until is None if it goes on."""

    start: datetime
    until: Optional[datetime]
    why: str


@dataclass
class Clock:
    """The time that counts since one deploy, of which needed is to be reached."""

    watch: Watch
    needed: timedelta
    began: datetime
    tree: Optional[str]
    stable: timedelta = timedelta(0)
    failed: bool = False
    complete_at: Optional[datetime] = None
    last: Optional[Tick] = None
    interruptions: List[Interruption] = field(default_factory=list)
    # Since when time has not counted, and the ticks that are to blame.
    _open: Optional[datetime] = None
    _spoiled: List[Tick] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open = self.began

    def take(self, tick: Tick) -> None:
        """Go on to a tick, which is not before the last one. A soak that failed stays as it is."""
        if self.failed:
            return
        if tick.kind == HELD:
            self._held(tick.at)
        else:
            self._spoil(tick)
        self.last = tick

    def fresh(self, now: datetime) -> bool:
        """Return whether the time since the last tick can still come to count."""
        last = self.last
        return last is not None and last.kind == HELD and now - last.at <= self.watch.longest_gap

    def earliest(self, now: datetime) -> datetime:
        """Return when enough time can have counted if every tick from now on holds."""
        remaining = max(timedelta(0), self.needed - self.stable)
        if self.last is not None and self.fresh(now):
            return max(now, self.last.at + remaining)
        return now + remaining

    def interrupted(self, now: datetime) -> List[Interruption]:
        """Return what has interrupted the clock, from old to new, and what still does."""
        start = self._open
        if start is None and self.last is not None:
            start = self.last.at
        if start is None or not (self._spoiled or now - start > self.watch.longest_gap):
            return self.interruptions
        why = self._why(now - start)
        if not self._spoiled:
            why += ": does the monitor run?"
        return [*self.interruptions, Interruption(start, None, why)]

    def _held(self, at: datetime) -> None:
        if self._open is None and self.last is not None:
            gap = at - self.last.at
            if gap <= self.watch.longest_gap:
                self.stable += gap
                if self.complete_at is None and self.stable >= self.needed:
                    self.complete_at = at - (self.stable - self.needed)
                return
            self._open = self.last.at
        start, self._open = self._open, None
        if start is not None and (self._spoiled or at - start > self.watch.longest_gap):
            self.interruptions.append(Interruption(start, at, self._why(at - start)))
        self._spoiled = []

    def _spoil(self, tick: Tick) -> None:
        if self._open is None and self.last is not None:
            self._open = self.last.at
        self._spoiled.append(tick)
        if tick.kind != BREACH or self.watch.on_breach == "pause":
            return
        self.complete_at = None
        if self.watch.on_breach == "reset":
            self.stable = timedelta(0)
        else:
            self.failed = True

    def _why(self, gap: timedelta) -> str:
        if not self._spoiled:
            return f"no sample for {spoken_duration(gap.total_seconds())}"
        breaches = [tick for tick in self._spoiled if tick.kind == BREACH]
        first, more = (breaches or self._spoiled)[0], len(self._spoiled) - 1
        others = f", and {more} more {'tick' if more == 1 else 'ticks'}" if more else ""
        return first.why + others + (_EFFECTS.get(self.watch.on_breach, "") if breaches else "")
