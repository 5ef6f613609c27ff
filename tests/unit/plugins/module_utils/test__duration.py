# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._duration import (
    LONGEST_SECONDS,
    read_duration,
    whole_seconds,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("1d", 86400), ("500ms", 0.5), (7, 7), ("7", 7)],
)
def test_durations(raw: Any, seconds: float) -> None:
    assert read_duration(Fields({"for": raw}, "a"), "for") == pytest.approx(seconds)


@pytest.mark.parametrize(
    "raw", [None, "", "0s", 0, -5, "5 minutes", "5x", "m", True, math.inf, "nan", [5]]
)
def test_what_is_no_duration_is_refused(raw: Any) -> None:
    with pytest.raises(ShapeError, match=r"a\.for is .*a duration above 0"):
        read_duration(Fields({"for": raw}, "a"), "for")


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1w", 604800),
        (" 48h ", 172800),
        ("1500ms", 2),
        ("36500d", LONGEST_SECONDS),
    ],
)
def test_a_duration_with_its_units_has_whole_seconds(raw: Any, seconds: int) -> None:
    assert whole_seconds(raw) == seconds


@pytest.mark.parametrize(
    "raw",
    ["", "48", 48, 1.5, "two days", "-1h", "instant", "0s", "999ms", "36501d", None, True, ["1h"]],
)
def test_what_states_no_unit_or_no_time_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match="as 48h or 1h30m"):
        whole_seconds(raw)
