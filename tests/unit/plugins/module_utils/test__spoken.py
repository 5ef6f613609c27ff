# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._spoken import (
    iso,
    spoken_duration,
    spoken_time,
)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(0, "0 s", id="nothing"),
        pytest.param(-5, "0 s", id="less than nothing"),
        pytest.param(59.9, "59 s", id="less than a minute"),
        pytest.param(60, "1 min", id="a minute"),
        pytest.param(3600, "1 h", id="an hour"),
        pytest.param(172799.9, "47 h 59 min", id="never complete too early"),
        pytest.param(172800, "48 h", id="hours as plans count them"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert spoken_duration(seconds) == said


def test_times_are_in_utc_with_their_day() -> None:
    moment = datetime(2026, 1, 15, 1, 10, tzinfo=timezone(timedelta(hours=2)))
    assert spoken_time(moment) == "Wed 2026-01-14 23:10 UTC"
    assert (iso(moment), iso(None)) == ("2026-01-14T23:10:00.000000Z", None)
