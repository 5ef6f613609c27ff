# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._sample import (
    Sample,
    read_moment,
    read_samples,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError

AT = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)


def result(**changes: Any) -> dict[str, Any]:
    """Return one of the results of slo_check, as far as samples need it, with changes."""
    told = {"name": "latency", "verdict": "pass", "value": 1, "unit": "s", "reason": "1 s < 2 s"}
    return {**told, "weight": 1.0, "asked": "a query", **changes}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("2026-01-31T12:00:00Z", id="UTC"),
        pytest.param("2026-01-31T14:00:00.000+02:00", id="another offset"),
        pytest.param("2026-01-31 12:00:00+00:00", id="as Python prints it"),
    ],
)
def test_a_moment_is_read(raw: str) -> None:
    at = read_moment(raw, "at")
    assert at == AT
    assert at.utcoffset() == AT.utcoffset()


@pytest.mark.parametrize("raw", ["2026-01-31T12:00:00", "noon", "", None, 1769860800])
def test_what_is_no_moment_everywhere_is_refused(raw: Any) -> None:
    with pytest.raises(ShapeError, match="a time with its offset from UTC"):
        read_moment(raw, "at")


def test_a_result_becomes_a_sample() -> None:
    assert read_samples([result()], "phase-1", AT) == [
        Sample("phase-1", "latency", AT, 1.0, "s", "pass", "1 s < 2 s")
    ]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), True, "NaN"])
def test_what_is_no_finite_number_is_no_value(value: Any) -> None:
    (sample,) = read_samples([result(value=value, verdict="error")], "phase-1", AT)
    assert (sample.value, sample.verdict) == (None, "error")


def test_no_secret_is_kept() -> None:
    (sample,) = read_samples([result(reason="https://ada:p4ss@host is down")], "phase-1", AT)
    assert sample.reason == "https://ada:***@host is down"


@pytest.mark.parametrize(
    ("results", "message"),
    [
        pytest.param(["latency"], r"results\[0\] is 'latency'", id="a text"),
        pytest.param([result(), result(name=None)], r"results\[1\]\.name is missing", id="no name"),
        pytest.param([result(verdict="good")], r"results\[0\]\.verdict is 'good'", id="no verdict"),
        pytest.param([result(), result()], r"results\[1\]\.name is 'latency'", id="one twice"),
        pytest.param([result(unit=1)], r"results\[0\]\.unit is 1", id="a number as unit"),
    ],
)
def test_what_is_no_result_is_refused(results: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        read_samples(results, "phase-1", AT)
