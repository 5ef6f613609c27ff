# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from decimal import Decimal
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._units import (
    UnitError,
    possible_range,
    show,
    unit_named,
)


@pytest.mark.parametrize(
    ("symbol", "dimension", "factor"),
    [
        pytest.param("ms", "time", "0.001", id="a thousandth of a second"),
        pytest.param("µs", "time", "0.000001", id="a microsecond with its Greek letter"),
        pytest.param("seconds", "time", "1", id="a word people use"),
        pytest.param("%", "share", "0.01", id="a hundredth of the whole"),
        pytest.param("KiB", "size", "1024", id="binary kilo"),
        pytest.param("kB", "size", "1000", id="decimal kilo"),
        pytest.param("/s", "rate", "60", id="sixty a minute"),
        pytest.param("count", "number", "1", id="a count is a number"),
        pytest.param(None, "number", "1", id="no unit is a number"),
    ],
)
def test_unit_named(symbol: Optional[str], dimension: str, factor: str) -> None:
    unit = unit_named(symbol)
    assert (unit.dimension, unit.factor) == (dimension, Decimal(factor))


@pytest.mark.parametrize("symbol", ["MS", "parsec", "s ", "%%"])
def test_an_unknown_unit_is_refused_with_the_known_ones(symbol: Optional[str]) -> None:
    with pytest.raises(UnitError, match=r"not known; known units: us, ms, s"):
        unit_named(symbol)


@pytest.mark.parametrize(
    ("symbol", "value", "possible"),
    [
        pytest.param("s", "-0.001", False, id="no duration is negative"),
        pytest.param("s", "0", True, id="a duration may be 0"),
        pytest.param("count", "-1", False, id="no count is negative"),
        pytest.param("%", "1.02", False, id="no share is above 100 %"),
        pytest.param("%", "1.0000000000000002", True, id="a rounding error above 100 % is none"),
        pytest.param(None, "-5", True, id="a plain number may be negative"),
        pytest.param(None, "1e9", True, id="a plain number may be large"),
    ],
)
def test_possible_range(symbol: Optional[str], value: Any, possible: bool) -> None:
    lowest, highest = possible_range(unit_named(symbol))
    number = Decimal(value)
    assert possible == (
        (lowest is None or lowest <= number) and (highest is None or number <= highest)
    )


@pytest.mark.parametrize(
    ("value", "symbol", "expected"),
    [
        pytest.param(99.5, "%", "99.5 %", id="with its unit"),
        pytest.param(3.0, None, "3", id="a plain number without one"),
    ],
)
def test_show(value: Any, symbol: Optional[str], expected: Any) -> None:
    assert show(value, unit_named(symbol)) == expected
