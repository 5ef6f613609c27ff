# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    CriterionError,
    NoBaselineError,
    parse_criterion,
)
from ansible_collections.phased.rollout.plugins.module_utils._units import UnitError, unit_named

NAN, INF = float("nan"), float("inf")


def holds(text: str, value: Any, unit: Any = None, baseline: Any = None) -> bool:
    """Return whether a value in a unit meets the criterion."""
    measured = unit_named(unit)
    criterion = parse_criterion(text)
    base = Decimal(repr(value)) * measured.factor
    return criterion.holds(base, criterion.limit(measured, baseline))


@pytest.mark.parametrize(
    ("text", "value", "unit", "baseline", "expected"),
    [
        pytest.param("< 100ms", 99.9, "ms", None, True, id="below the limit"),
        pytest.param("< 100ms", 100.0, "ms", None, False, id="the limit itself is not below it"),
        pytest.param("<= 100 ms", 100.0, "ms", None, True, id="the limit itself is at most it"),
        pytest.param("< 100ms", 0.05, "s", None, True, id="seconds against milliseconds"),
        pytest.param("< 100ms", 0.1, "s", None, False, id="0.1 s is 100 ms, to the last digit"),
        pytest.param("< 2 seconds", 1999.0, "ms", None, True, id="the unit as a word"),
        pytest.param(">= 99.5%", 0.995, "ratio", None, True, id="a ratio against a percentage"),
        pytest.param(">= 29%", 0.29, "ratio", None, True, id="0.29 is 29 %, to the last digit"),
        pytest.param(">= 99.5%", 99.49, "%", None, False, id="just below the target"),
        pytest.param("== 0", 0.0, None, None, True, id="nothing"),
        pytest.param("== 0", 0.001, "s", None, False, id="zero is the same in every unit"),
        pytest.param("> 3", 4.0, "count", None, True, id="a count against a plain number"),
        pytest.param("<= 1MiB", 1024.0, "KiB", None, True, id="binary sizes"),
        pytest.param("< 1MiB", 1.0, "MB", None, True, id="decimal against binary sizes"),
        pytest.param(">= 1/s", 60.0, "/min", None, True, id="rates"),
        pytest.param("<= +10% of baseline", 110.0, "ms", 100.0, True, id="10 % slower is allowed"),
        pytest.param("<= +10% of baseline", 110.1, "ms", 100.0, False, id="more than 10 % is not"),
        pytest.param(">= -5% of baseline", 95.0, None, 100.0, True, id="5 % less is allowed"),
        pytest.param(
            ">= -5% of baseline", 94.9, None, 100.0, False, id="more than 5 % less is not"
        ),
        pytest.param("<= -5% of baseline", 96.0, None, 100.0, False, id="must have become less"),
        pytest.param("<= +20ms of baseline", 0.12, "s", 0.1, True, id="20 ms slower is allowed"),
        pytest.param("<= +20ms of baseline", 0.121, "s", 0.1, False, id="21 ms slower is not"),
        pytest.param(">= -5 of baseline", 95.0, None, 100.0, True, id="5 fewer are allowed"),
        pytest.param("<= +10%  of  baseline", 0.33, "s", 0.3, True, id="0.33 is 110 % of 0.3"),
    ],
)
def test_criterion(text: str, value: Any, unit: Any, baseline: Any, expected: Any) -> None:
    assert holds(text, value, unit, baseline) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "must be a comparison", id="nothing"),
        pytest.param("100ms", "must be a comparison", id="no comparison"),
        pytest.param("= 0", "must be a comparison", id="one equals sign"),
        pytest.param("=< 5", "must be a comparison", id="signs the wrong way round"),
        pytest.param("< NaN", "must be a comparison", id="no number"),
        pytest.param("< 1,000", "must be a comparison", id="a comma in the number"),
        pytest.param("< 5 < 6", "must be a comparison", id="two comparisons"),
        pytest.param("< {{ limit }}", "must be a comparison", id="a template left over"),
        pytest.param("< 100 parsec", "'parsec' is not known", id="an unknown unit"),
        pytest.param(">= -5%", "write .* of baseline", id="a change without its baseline"),
        pytest.param("<= +10", "write .* of baseline", id="a sign without a baseline"),
        pytest.param("<= 10% of baseline", "has a sign", id="no sign: of, or more than?"),
        pytest.param("<= +1 ell of baseline", "'ell' is not known", id="a change in no unit"),
        pytest.param(">= -100% of baseline", "leaves nothing", id="a limit that always holds"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, problem: str) -> None:
    with pytest.raises(CriterionError, match=problem):
        parse_criterion(text)


@pytest.mark.parametrize(
    ("text", "unit", "problem"),
    [
        pytest.param("< 100ms", "%", "is in ms, but the measurement is in %", id="time, share"),
        pytest.param("< 100ms", None, "state the objective's unit", id="no unit was stated"),
        pytest.param(">= 99.5%", None, "state the objective's unit", id="0.995 may be anything"),
        pytest.param(">= 99.5%", "count", "measurement is in count", id="a count is no share"),
        pytest.param("< 100", "ms", "has no unit", id="100 of what"),
        pytest.param(">= 0.995", "ratio", "has no unit", id="a bare number is no share"),
        pytest.param("<= +5ms of baseline", "%", "is in ms", id="a change that does not fit"),
        pytest.param("< 0ms", "%", "is in ms", id="zero in a unit that does not fit"),
    ],
)
def test_a_unit_that_does_not_fit_is_an_error(text: str, unit: Any, problem: str) -> None:
    with pytest.raises(UnitError, match=problem):
        parse_criterion(text).limit(unit_named(unit), None)


@pytest.mark.parametrize("baseline", [None, 0.0, -1.0, NAN, INF, -INF])
def test_only_a_baseline_above_0_can_be_compared_with(baseline: Any) -> None:
    with pytest.raises(NoBaselineError, match="baseline"):
        parse_criterion("<= +10% of baseline").limit(unit_named("s"), baseline)


def test_a_fall_to_nothing_cannot_be_compared_with() -> None:
    with pytest.raises(NoBaselineError, match="leaves nothing to compare with"):
        parse_criterion(">= -5 of baseline").limit(unit_named(None), 5.0)


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.sampled_from([("s", "ms", 1000), ("ratio", "%", 100)]),
)
def test_a_criterion_says_the_same_in_every_unit_of_a_dimension(
    value: Any, limit: Any, units: Any
) -> None:
    large, small, factor = units
    assert holds(f"< {limit}{small}", float(value), small) == (value < limit)
    assert holds(f"< {limit}{large}", float(value * factor), small) == (value < limit)


@given(st.text())
def test_any_text_is_a_criterion_or_refused(text: str) -> None:
    with contextlib.suppress(CriterionError):
        assert parse_criterion(text).number.is_finite()
