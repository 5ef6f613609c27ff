# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._reading import (
    NoDataError,
    UnusableError,
    read_measurement,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._units import unit_named

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("measurement", "stated", "value", "unit"),
    [
        pytest.param(Measurement(value=5.0), None, 5.0, "", id="a plain number"),
        pytest.param(Measurement(value=5.0), "s", 5.0, "s", id="in the unit that was stated"),
        pytest.param(Measurement(value=0.5, unit="s"), None, 0.5, "s", id="in the source's unit"),
        pytest.param(Measurement(value=0.5, unit="s"), "ms", 500.0, "ms", id="converted"),
        pytest.param(Measurement(good=999, total=1000), None, 99.9, "%", id="a counted share"),
        pytest.param(Measurement(good=29, total=100), "ratio", 0.29, "ratio", id="as a ratio"),
        pytest.param(Measurement(good=0, total=7), None, 0.0, "%", id="nothing was good"),
        pytest.param(Measurement(value=-3.0), None, -3.0, "", id="a difference below 0"),
    ],
)
def test_read_measurement(
    measurement: Measurement, stated: Optional[str], value: Any, unit: Any
) -> None:
    reading = read_measurement(measurement, unit_named(stated) if stated else None)
    assert (reading.value, reading.unit.symbol) == (value, unit)


@pytest.mark.parametrize(
    ("measurement", "problem"),
    [
        pytest.param(Measurement(), "no data", id="no value"),
        pytest.param(Measurement(note="no series"), "no series", id="the source says why"),
        pytest.param(Measurement(value=NAN), "the answer is nan", id="NaN"),
        pytest.param(Measurement(value=INF), "the answer is inf", id="infinity"),
        pytest.param(Measurement(value=-INF), "the answer is -inf", id="minus infinity"),
        pytest.param(Measurement(good=0, total=0), "0 of 0", id="nothing happened"),
        pytest.param(Measurement(good=5), "only one of", id="no total"),
        pytest.param(Measurement(total=5), "only one of", id="no good"),
        pytest.param(Measurement(good=NAN, total=5), "only one of", id="good is NaN"),
        pytest.param(Measurement(good=5, total=NAN), "only one of", id="total is NaN"),
    ],
)
def test_no_data_is_said_so(measurement: Measurement, problem: str) -> None:
    with pytest.raises(NoDataError, match=problem):
        read_measurement(measurement, None)


@pytest.mark.parametrize(
    ("measurement", "stated", "problem"),
    [
        pytest.param(Measurement(error="refused"), None, "refused", id="it was not measured"),
        pytest.param(
            Measurement(value=1.0, error="refused"), None, "refused", id="an error beats a value"
        ),
        pytest.param(Measurement(good=6, total=5), None, "6 good of 5", id="more than all"),
        pytest.param(Measurement(good=-1, total=5), None, "-1 good of 5", id="less than none"),
        pytest.param(Measurement(good=1, total=-5), None, "1 good of -5", id="a negative total"),
        pytest.param(Measurement(good=1, total=INF), None, "cannot be", id="an infinite total"),
        pytest.param(Measurement(value=-0.1), "s", "-0.1 s cannot be", id="ended before it began"),
        pytest.param(Measurement(value=-1.0), "count", "at least 0", id="a negative counter"),
        pytest.param(Measurement(value=99.5), "ratio", "between 0 and 100 %", id="a % as a ratio"),
        pytest.param(Measurement(value=1.0, unit="s"), "%", "measures in s", id="another thing"),
        pytest.param(Measurement(value=1.0, unit="furlong"), None, "not known", id="no unit"),
    ],
)
def test_what_cannot_be_true_is_an_error(
    measurement: Measurement, stated: Optional[str], problem: str
) -> None:
    with pytest.raises(UnusableError, match=problem):
        read_measurement(measurement, unit_named(stated) if stated else None)
