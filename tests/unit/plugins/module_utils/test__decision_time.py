# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import read_span
from ansible_collections.phased.rollout.plugins.module_utils._decision_time import (
    LONGEST_SECONDS,
    duration,
    show_duration,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError


def read(raw: Any) -> Any:
    return duration(Fields({"it": raw}, "a"), "it")


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param("90s", 90, id="seconds"),
        pytest.param("1h30m", 5400, id="hours and minutes"),
        pytest.param("2w", 1209600, id="weeks"),
        pytest.param("250ms", 0.25, id="milliseconds"),
        pytest.param(30, 30, id="a number of seconds"),
    ],
)
def test_a_length_of_time_is_read(raw: Any, seconds: Any) -> None:
    assert read(raw) == seconds


@pytest.mark.parametrize(
    "raw", ["", "0s", 0, -1, "-1h", "1 month", True, [1], "nan", "inf", "1e-9", "101y", "36501d"]
)
def test_what_is_no_length_of_time_is_refused(raw: Any) -> None:
    with pytest.raises(ShapeError, match=r"^a\.it is"):
        read(raw)


@given(st.integers(1, LONGEST_SECONDS))
def test_what_is_shown_reads_the_same(seconds: int) -> None:
    assert read(show_duration(seconds)) == seconds


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.lists(st.integers())))
def test_whatever_is_written_is_read_or_refused(raw: Any) -> None:
    with suppress(ShapeError):
        assert 0 < read(raw) <= LONGEST_SECONDS


@pytest.mark.parametrize(
    ("raw", "window", "by", "slots"),
    [
        pytest.param({}, 3600, 300, 12, id="an hour in twelfths"),
        pytest.param({"window": "24h"}, 86400, 7200, 12, id="a day in twelfths"),
        pytest.param({"window": "7d", "by": "1h"}, 604800, 3600, 168, id="a week by the hour"),
        pytest.param({"window": "1h", "by": "1h"}, 3600, 3600, 1, id="one interval"),
        pytest.param({"window": "1s", "by": "100ms"}, 1, 0.1, 10, id="tenths"),
    ],
)
def test_a_window_holds_its_intervals(raw: Any, window: float, by: float, slots: int) -> None:
    span = read_span(Fields(raw, "source"))
    assert (span.window, span.by, span.slots) == (window, by, slots)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"window": "1h", "by": "25m"}, id="not a whole number of them"),
        pytest.param({"window": "1h", "by": "2h"}, id="longer than the window"),
        pytest.param({"window": "7d", "by": "1s"}, id="too many"),
    ],
)
def test_intervals_that_do_not_fill_the_window_are_refused(raw: Any) -> None:
    with pytest.raises(ShapeError, match=r"source\.by is .* must hold it 1 to 10000 times"):
        read_span(Fields(raw, "source"))
