# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils import _window_parts
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import (
    begin_of,
    end_of,
    read_clock,
    read_days,
    read_moment,
    read_zone,
    show_clock,
    show_days,
)

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", {0}),
        ("mon-thu", {0, 1, 2, 3}),
        ("mon,wed", {0, 2}),
        ("Mon, Wed-Fri", {0, 2, 3, 4}),
        pytest.param("sat-mon", {5, 6, 0}, id="over the weekend"),
        pytest.param("sun-sat", set(range(7)), id="a whole week from sunday"),
        pytest.param("tue-tue", {1}, id="a range of one day"),
    ],
)
def test_days_are_read(text, days):
    assert read_days(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon thu", "mo", "mon--wed", 1, None])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match="write days as mon-thu"):
        read_days(text)


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_days_that_are_shown_are_read_as_the_same(days):
    assert read_days(show_days(days)) == days


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:30", 570), ("24:00", 1440)])
def test_a_time_of_the_day_is_read_and_shown(text, minutes):
    assert read_clock(text) == minutes
    assert show_clock(minutes) == text


@pytest.mark.parametrize("text", ["9:00", "24:01", "12:60", "noon", "", None, 9, True, "09:00:00"])
def test_what_is_no_time_of_the_day_is_refused(text):
    with pytest.raises(ValueError, match='as "09:00"'):
        read_clock(text)


def test_a_time_that_yaml_took_for_a_number_is_told_as_it_was_meant():
    with pytest.raises(ValueError, match='put it in quotes, "16:00"'):
        read_clock(16 * 60)


def test_a_time_zone_is_read():
    assert read_zone("UTC") is UTC
    assert read_zone("Europe/Berlin") == BERLIN


@pytest.mark.parametrize("name", ["Europe/Berlni", "", "Europe", "../etc/passwd", "CET?", None, 5])
def test_what_is_no_time_zone_is_refused(name):
    with pytest.raises(ValueError, match="as Europe/Berlin, or UTC"):
        read_zone(name)


def test_a_control_node_without_time_zones_is_told_what_to_install(monkeypatch):
    def missing(name):
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(_window_parts, "ZoneInfo", missing)
    monkeypatch.setattr(_window_parts, "available_timezones", set)
    assert read_zone("UTC") is UTC
    with pytest.raises(ValueError, match="install the package tzdata"):
        read_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-12-24", date(2026, 12, 24)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 18)),
        ("2026-12-24T18:00:00", datetime(2026, 12, 24, 18)),
        ("2026-12-24T18:00:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        pytest.param(date(2026, 12, 24), date(2026, 12, 24), id="as YAML reads a day"),
        pytest.param(datetime(2026, 12, 24, 18), datetime(2026, 12, 24, 18), id="or a time"),
    ],
)
def test_a_day_or_a_time_is_read(raw, moment):
    assert read_moment(raw) == moment
    assert type(read_moment(raw)) is type(moment)


@pytest.mark.parametrize("raw", ["2026-13-01", "24.12.2026", "soon", "", None, 20261224, "2026-12"])
def test_what_is_no_day_is_told(raw):
    with pytest.raises(ValueError, match="write a day, as 2026-12-24"):
        read_moment(raw)


@pytest.mark.parametrize(
    ("moment", "begins", "ends"),
    [
        pytest.param(
            date(2026, 12, 24), "2026-12-23 23:00", "2026-12-24 23:00", id="a day, to its end"
        ),
        pytest.param(
            datetime(2026, 12, 24, 18), "2026-12-24 17:00", "2026-12-24 17:00", id="a time"
        ),
        pytest.param(
            datetime(2026, 12, 24, 18, tzinfo=UTC),
            "2026-12-24 18:00",
            "2026-12-24 18:00",
            id="a time with its own offset",
        ),
        pytest.param(
            datetime(2026, 10, 25, 2, 30),
            "2026-10-25 00:30",
            "2026-10-25 01:30",
            id="a time that comes twice is all of it",
        ),
        pytest.param(
            datetime(2026, 3, 29, 2, 30),
            "2026-03-29 00:30",
            "2026-03-29 01:30",
            id="so is one that is left out",
        ),
    ],
)
def test_a_moment_has_its_place_on_the_clock(moment, begins, ends):
    assert begin_of(moment, BERLIN) == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert end_of(moment, BERLIN) == datetime.fromisoformat(ends).replace(tzinfo=UTC)


def test_a_day_on_which_the_clock_is_changed_has_its_own_length():
    day = date(2026, 3, 29)
    assert end_of(day, BERLIN) - begin_of(day, BERLIN) == timedelta(hours=23)
