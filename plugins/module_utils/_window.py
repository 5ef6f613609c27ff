# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a phase may run: windows of the week, less the periods that are frozen. Pure.

A window is what the clock on the wall shows in its time zone: where the clock is put back, what it
shows twice is open twice; where it is put forward, what it never shows is never open. This module
util is PRIVATE to the collection.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import AbstractSet, Iterator, NamedTuple, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._window_parts import (
    DAY_MINUTES,
    show_clock,
    show_days,
)

MINUTE = timedelta(minutes=1)
#: A week, and another one because the clock may jump over the window of the first.
FARTHEST = timedelta(days=15)


class Window(NamedTuple):
    """days: 0 (Monday) to 6, those on which it opens. opens, closes: minutes since midnight.

    One that closes before it opens does so on the next day.
    """

    days: AbstractSet[int]
    opens: int
    closes: int
    zone: tzinfo

    @property
    def never(self) -> bool:
        """Return whether there is no time at which it is open."""
        return not self.days or self.opens == self.closes

    def holds(self, moment: datetime) -> bool:
        """Return whether it is open at a moment, which is aware."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        today = local.weekday() in self.days
        if self.opens <= self.closes:
            return today and self.opens <= minute < self.closes
        yesterday = (local.weekday() - 1) % 7 in self.days
        return (today and minute >= self.opens) or (yesterday and minute < self.closes)

    def __str__(self) -> str:
        """Return it as a person writes it."""
        hours = f"{show_clock(self.opens)}-{show_clock(self.closes)}"
        return f"{show_days(self.days)} {hours} {self.zone}"


ALWAYS = Window(frozenset(range(7)), 0, DAY_MINUTES, timezone.utc)


class Freeze(NamedTuple):
    """A period in which nothing is rolled out: from since up to but without until, both aware."""

    since: datetime
    until: datetime
    reason: str

    def holds(self, moment: datetime) -> bool:
        """Return whether it is frozen at a moment, which is aware."""
        return self.since <= moment < self.until


class Opening(NamedTuple):
    """Whether it is open, if not when it will be (None is never), and why not."""

    open: bool
    opens_at: Optional[datetime]
    why: str = ""


def opening(window: Optional[Window], freezes: Sequence[Freeze], moment: datetime) -> Opening:
    """Return how it stands at a moment, which is aware. No window is always."""
    opens_at = next_open(window, freezes, moment)
    if opens_at == moment:
        return Opening(True, moment)
    why = [
        f"frozen until {one.until:%Y-%m-%d %H:%M %Z}: {one.reason}"
        for one in freezes
        if one.holds(moment)
    ]
    if window is not None and not window.holds(moment):
        why.append(f"outside of the window {window}")
    return Opening(False, opens_at, "; ".join(why))


def next_open(
    window: Optional[Window], freezes: Sequence[Freeze], moment: datetime
) -> Optional[datetime]:
    """Return the first time from a moment on, which is aware, that is open; None if there is none.

    It is in UTC, and the moment itself if that is open.
    """
    window = window or ALWAYS
    if window.never:
        return None
    thawed = sorted(one.until.astimezone(timezone.utc) for one in freezes if one.until > moment)
    # After the last end of a freeze the window opens within FARTHEST, or it did so before.
    for start in (moment.astimezone(timezone.utc), *thawed):
        for found in sorted({start, *thawed, *_changes(window, start)}):
            frozen = any(one.holds(found) for one in freezes)
            if found >= start and window.holds(found) and not frozen:
                return found
    return None


def _changes(window: Window, start: datetime) -> Iterator[datetime]:
    """Yield every time up to FARTHEST from start at which the window may begin to be open."""
    first = start.astimezone(window.zone).date() - timedelta(days=1)
    at = time(*divmod(window.opens, 60))
    for number in range(FARTHEST.days + 2):
        day = first + timedelta(days=number)
        if day.weekday() in window.days:
            for fold in (0, 1):
                local = datetime.combine(day, at, window.zone).replace(fold=fold)
                yield local.astimezone(timezone.utc)
    yield from _clock_changes(window.zone, start)


def _clock_changes(zone: tzinfo, start: datetime) -> Iterator[datetime]:
    """Yield every time up to FARTHEST from start at which the clock is put forward or back."""
    before = start.replace(second=0, microsecond=0)
    for _day in range(FARTHEST.days + 1):
        after = before + timedelta(days=1)
        low, high = before, after
        if _offset(low, zone) != _offset(high, zone):
            while high - low > MINUTE:
                middle = low + (high - low) // MINUTE // 2 * MINUTE
                same = _offset(middle, zone) == _offset(before, zone)
                low, high = (middle, high) if same else (low, middle)
            yield high
        before = after


def _offset(moment: datetime, zone: tzinfo) -> Optional[timedelta]:
    return moment.astimezone(zone).utcoffset()
