# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Days of the week, times of the day, dates and time zones as people write them. Pure.

What cannot be read raises ValueError, saying what would be right. This module util is PRIVATE to
the collection.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import AbstractSet, FrozenSet, List, Set, Union
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
#: A time of the day, as a regular expression.
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d|24:00"
#: Days of the week, as a regular expression.
WEEKDAYS = r"{0}(?:-{0})?(?: *, *{0}(?:-{0})?)*".format(f"(?:{'|'.join(DAYS)})")
_DAYS_NEEDED = "write days as mon-thu, mon,wed or sat-mon"
_MOMENT_NEEDED = "write a day, as 2026-12-24, or a time, as 2026-12-24 18:00"


def read_days(raw: object) -> FrozenSet[int]:
    """Return the days that a text names, 0 for Monday to 6; a range may go over the weekend."""
    text = raw.strip().lower() if isinstance(raw, str) else ""
    if not re.fullmatch(WEEKDAYS, text):
        raise ValueError(_DAYS_NEEDED)
    found: Set[int] = set()
    for part in text.split(","):
        first, _dash, last = part.strip().partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % 7
        found.update((start + number) % 7 for number in range(length + 1))
    return frozenset(found)


def read_clock(raw: object) -> int:
    """Return the minutes from midnight to a time of the day, 00:00 to 24:00."""
    if isinstance(raw, int) and not isinstance(raw, bool) and 60 <= raw < DAY_MINUTES:
        # YAML reads 16:00 without quotes as 16 * 60, to the base of 60.
        raise ValueError(f'put it in quotes, "{show_clock(raw)}"')
    if not isinstance(raw, str) or not re.fullmatch(CLOCK, raw.strip()):
        raise ValueError('write a time in quotes, as "09:00", at most "24:00"')
    hours, minutes = raw.strip().split(":")
    return int(hours) * 60 + int(minutes)


def read_zone(raw: object) -> tzinfo:
    """Return the time zone of a name. UTC is there even where no other is."""
    if raw == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(str(raw))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    if not available_timezones():
        raise ValueError(
            "this control node has no time zones but UTC: install the package tzdata, of the"
            " system or with pip"
        )
    raise ValueError("write a name of the time zone database, as Europe/Berlin, or UTC")


def read_moment(raw: object) -> Union[date, datetime]:
    """Return a day, or a time that is aware only if it states its offset."""
    if isinstance(raw, date):
        return raw
    text = str(raw).strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
        if re.fullmatch(r"\d{4}-\d\d-\d\d[T ].+", text):
            return datetime.fromisoformat(re.sub("Z$", "+00:00", text))
    except ValueError:
        pass
    raise ValueError(_MOMENT_NEEDED)


def begin_of(moment: Union[date, datetime], zone: tzinfo) -> datetime:
    """Return when a day or a time begins, in UTC: the earlier one if the clock shows it twice."""
    return min(_instants(moment, zone))


def end_of(moment: Union[date, datetime], zone: tzinfo) -> datetime:
    """Return when a day is over or a time has come, in UTC: the later one if it comes twice."""
    if not isinstance(moment, datetime):
        moment += timedelta(days=1)
    return max(_instants(moment, zone))


def _instants(moment: Union[date, datetime], zone: tzinfo) -> List[datetime]:
    local = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    if local.tzinfo is not None:
        return [local.astimezone(timezone.utc)]
    both = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return [one.astimezone(timezone.utc) for one in both]


def show_clock(minutes: int) -> str:
    """Return a time of the day as it is written."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def show_days(days: AbstractSet[int]) -> str:
    """Return days of the week as they are written, a range where there is one."""
    if len(days) == len(DAYS):
        return "mon-sun"
    runs: List[str] = []
    for first in range(7):
        if first in days and (first - 1) % 7 not in days:
            length = next(n for n in range(1, 8) if (first + n) % 7 not in days)
            last = DAYS[(first + length - 1) % 7]
            runs.append(DAYS[first] if length == 1 else f"{DAYS[first]}-{last}")
    return ",".join(runs)
