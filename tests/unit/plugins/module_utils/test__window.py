# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._window import (
    ALWAYS,
    Freeze,
    Window,
    next_open,
    opening,
)
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import (
    DAYS,
    read_clock,
    read_days,
)

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
#: On 2026-03-29 02:00 becomes 03:00 in Berlin, on 2026-10-25 03:00 becomes 02:00.
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)


def at(text: str, zone: tzinfo = UTC) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def window(days: str, opens: str, closes: str, zone: tzinfo = BERLIN) -> Window:
    return Window(read_days(days), read_clock(opens), read_clock(closes), zone)


WEEK = window("mon-thu", "09:00", "16:00")
NIGHT = window("sat", "22:00", "04:00")
CHRISTMAS = Freeze(at("2026-12-24"), at("2026-12-27"), "Christmas")


@pytest.mark.parametrize(
    ("which", "moment", "opens_at"),
    [
        pytest.param(WEEK, "2026-11-23 09:00", "2026-11-23 09:00", id="as it opens"),
        pytest.param(WEEK, "2026-11-23 15:59:59", "2026-11-23 15:59:59", id="in its last second"),
        pytest.param(WEEK, "2026-11-23 16:00", "2026-11-24 09:00", id="as it closes"),
        pytest.param(WEEK, "2026-11-23 08:59:59", "2026-11-23 09:00", id="a second too early"),
        pytest.param(WEEK, "2026-11-26 17:00", "2026-11-30 09:00", id="over the weekend"),
        pytest.param(NIGHT, "2026-11-28 23:00", "2026-11-28 23:00", id="before midnight"),
        pytest.param(NIGHT, "2026-11-29 03:59", "2026-11-29 03:59", id="after midnight"),
        pytest.param(NIGHT, "2026-11-29 04:00", "2026-12-05 22:00", id="after it closed at night"),
        pytest.param(NIGHT, "2026-11-28 03:00", "2026-11-28 22:00", id="no night of friday"),
        pytest.param(
            window("mon-sun", "00:00", "24:00"), "2026-11-28 03:00", "2026-11-28 03:00", id="always"
        ),
    ],
)
def test_a_window_opens_when_its_clock_says_so(which, moment, opens_at):
    assert next_open(which, (), at(moment, BERLIN)) == at(opens_at, BERLIN)


@pytest.mark.parametrize(
    ("hours", "moment", "opens_at"),
    [
        pytest.param(
            ("02:15", "02:45"), "2026-03-29 00:00", "2026-04-05 00:15", id="a time that is left out"
        ),
        pytest.param(
            ("02:30", "03:30"), "2026-03-29 00:00", "2026-03-29 01:00", id="half of it is left out"
        ),
        pytest.param(
            ("02:15", "02:45"), "2026-10-25 00:00", "2026-10-25 00:15", id="a time that comes twice"
        ),
        pytest.param(
            ("02:15", "02:45"), "2026-10-25 00:45", "2026-10-25 01:15", id="its second time"
        ),
        pytest.param(
            ("01:30", "02:30"),
            "2026-10-25 00:30",
            "2026-10-25 01:00",
            id="the clock is put into it",
        ),
    ],
)
def test_a_window_keeps_to_the_clock_where_that_is_changed(hours, moment, opens_at):
    assert next_open(window("sun", *hours), (), at(moment)) == at(opens_at)


@pytest.mark.parametrize(
    ("freezes", "moment", "opens_at"),
    [
        pytest.param([CHRISTMAS], "2026-12-23 23:59:59", "2026-12-23 23:59:59", id="just before"),
        pytest.param([CHRISTMAS], "2026-12-24 00:00", "2026-12-27 00:00", id="as it begins"),
        pytest.param([CHRISTMAS], "2026-12-27 00:00", "2026-12-27 00:00", id="as it ends"),
        pytest.param(
            [CHRISTMAS, Freeze(at("2026-12-26"), at("2027-03-01"), "Audit")],
            "2026-12-25 00:00",
            "2027-03-01 00:00",
            id="one goes on where the other ends",
        ),
        pytest.param(
            [Freeze(at("2027-01-01"), at("2027-01-02"), "New year"), CHRISTMAS],
            "2026-12-25 00:00",
            "2026-12-27 00:00",
            id="a later one does not matter",
        ),
    ],
)
def test_a_freeze_closes_what_would_be_open(freezes, moment, opens_at):
    assert next_open(None, freezes, at(moment)) == at(opens_at)


def test_after_a_long_freeze_the_window_is_waited_for():
    freeze = Freeze(at("2026-01-01"), at("2029-01-05"), "Moving")  # ends on a Friday
    assert next_open(WEEK, [freeze], at("2026-02-01")) == at("2029-01-08 09:00", BERLIN)


def test_a_closed_window_says_why_and_until_when():
    found = opening(WEEK, [CHRISTMAS], at("2026-12-25 20:00"))
    assert found == (
        False,
        at("2026-12-28 08:00"),
        "frozen until 2026-12-27 00:00 UTC: Christmas;"
        " outside of the window mon-thu 09:00-16:00 Europe/Berlin",
    )


def test_an_open_window_has_no_reason():
    now = at("2026-11-23 10:00", BERLIN)
    assert opening(WEEK, [CHRISTMAS], now) == (True, now, "")


@pytest.mark.parametrize(
    "which",
    [Window(frozenset(), 0, 60, UTC), Window(ALWAYS.days, 540, 540, UTC)],
    ids=["no day", "closes as it opens"],
)
def test_a_window_that_never_opens_is_known(which):
    assert which.never
    assert opening(which, (), at("2026-11-23")) == (False, None, f"outside of the window {which}")


def slow_is_open(which: Window, freezes: list[Freeze], minute: datetime) -> bool:
    """Return it as a person would tell who looks at a clock, a calendar and a list of freezes."""
    if [one for one in freezes if one.since <= minute and not minute >= one.until]:
        return False
    local = minute.astimezone(which.zone)
    clock = local.isoformat()[11:16]
    today = DAYS[local.isoweekday() - 1]
    yesterday = DAYS[(local.isoweekday() - 2) % 7]
    listed = {DAYS[number] for number in which.days}
    opens, closes = (f"{m // 60:02}:{m % 60:02}" for m in (which.opens, which.closes))
    if opens < closes:
        return today in listed and opens <= clock < closes
    return (today in listed and clock >= opens) or (yesterday in listed and clock < closes)


#: Where and when the clock is changed: by an hour at night, at midnight, and by half an hour.
CHANGES = [
    ("UTC", 3, 29),
    *(("Europe/Berlin", *day) for day in ((3, 29), (10, 25))),
    *(("America/New_York", *day) for day in ((3, 8), (11, 1))),
    *(("Asia/Beirut", *day) for day in ((3, 29), (10, 25))),
    *(("Australia/Lord_Howe", *day) for day in ((4, 5), (10, 4))),
]
#: Days of a window, when it opens, for how many minutes, and how far the moment is from midnight:
#: anything, and twice as often what lies where the clock is changed.
ANYWHERE = st.tuples(
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 24 * 60 - 1),
    st.integers(0, 24 * 60),
    st.integers(-2 * 24 * 60, 24 * 60),
)
NEARBY = st.tuples(
    st.just(frozenset({6})), st.integers(0, 180), st.integers(1, 60), st.integers(-60, 240)
)
FREEZES = st.lists(
    st.tuples(st.integers(-300, 1500), st.integers(1, 1500)), max_size=2
)  # minutes from the moment, and how many


@settings(max_examples=150, deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    drawn=st.one_of(NEARBY, ANYWHERE, NEARBY),
    periods=FREEZES,
)
def test_it_opens_at_the_first_minute_at_which_a_person_would_find_it_open(change, drawn, periods):
    days, opens, length, off = drawn
    name, month, day = change
    zone = ZoneInfo(name)
    moment = datetime(2026, month, day, tzinfo=zone).astimezone(UTC) + timedelta(minutes=off)
    closes = opens + length if opens + length <= 24 * 60 else opens + length - 24 * 60
    which = Window(days, opens, closes, zone)
    freezes = [
        Freeze(since, since + timedelta(minutes=long), "")
        for since, long in ((moment + timedelta(minutes=a), b) for a, b in periods)
    ]
    found = next_open(which, freezes, moment)
    if which.never:
        assert found is None
        return
    assert found is not None
    minute = moment
    while not slow_is_open(which, freezes, minute):
        assert minute < found, "it is open later than that"
        minute += timedelta(minutes=1)
    assert minute == found
