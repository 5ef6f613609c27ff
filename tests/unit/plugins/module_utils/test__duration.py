# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
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
