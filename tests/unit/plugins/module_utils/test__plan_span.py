# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._criteria import parse_criterion
from ansible_collections.phased.rollout.plugins.module_utils._plan_span import (
    Scale,
    Span,
    in_common,
    looser,
    possible,
    spans,
)
from ansible_collections.phased.rollout.plugins.module_utils._units import unit_named


def values(*texts: str, unit: str = "", baseline: str = "b") -> dict[Scale, Span]:
    measured = unit_named(unit) if unit else None
    return spans([[parse_criterion(text) for text in texts]], measured, baseline)


def span(*texts: str) -> Span:
    found = list(values(*texts).values())
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("texts", "unit", "scale"),
    [
        (["< 100ms"], "s", Scale("time")),
        (["< 100ms"], "", Scale("time")),
        ([">= 99%"], "ratio", Scale("share")),
        (["== 0"], "s", Scale("time")),
        (["== 0"], "", Scale("number")),
        (["<= +10% of baseline"], "s", Scale("", "b")),
        (["<= +5ms of baseline"], "s", Scale("time", "b")),
    ],
)
def test_only_what_counts_the_same_is_compared(texts, unit, scale):
    assert list(values(*texts, unit=unit)) == [scale]


def test_limits_are_in_base_units():
    assert span("< 100ms") == span("< 0.1s")
    assert span(">= 99%") == span(">= 0.99ratio")


def test_alternatives_are_not_compared():
    either = [[parse_criterion("< 1s")], [parse_criterion("< 2s")]]
    assert spans(either, None, "b") == {}


def test_different_baselines_are_not_compared():
    one = values("<= +10% of baseline", baseline="before phase 1")
    other = values("<= +15% of baseline", baseline="before phase 2")
    assert in_common(one, other) == []
    assert not looser(*[other, one])


@pytest.mark.parametrize(
    ("texts", "empty"),
    [
        (["> 1", "< 2"], False),
        (["> 1", "< 1"], True),
        ([">= 1", "< 1"], True),
        ([">= 1", "<= 1"], False),
        (["== 1", "< 1"], True),
        (["== 1", "== 2"], True),
        (["== 1", ">= 1"], False),
    ],
)
def test_criteria_that_no_value_meets(texts, empty):
    assert span(*texts).empty == empty


@pytest.mark.parametrize(
    ("one", "other", "is_looser"),
    [
        ("< 2", "< 1", True),
        ("<= 1", "< 1", True),
        ("< 1", "<= 1", False),
        ("< 1", "< 1", False),
        ("> 1", "< 1", False),
        (">= 0", "== 1", True),
        ("< +20% of baseline", "< +15% of baseline", True),
        ("< +15% of baseline", "< 1", False),
    ],
)
def test_one_limit_is_looser_than_another(one, other, is_looser):
    assert looser(values(one), values(other)) == is_looser


@pytest.mark.parametrize(
    ("one", "other", "gap"),
    [
        ("> 75", ">= 70", False),
        ("> 75", "< 60", True),
        ("> 75", "<= 75", False),
        ("> 75", "< 75", True),
        ("== 1", "== 2", True),
        ("< 1", "> 5", True),
    ],
)
def test_between_two_limits_there_is_a_gap(one, other, gap):
    assert span(one).gap(span(other)) == gap
    assert span(other).gap(span(one)) == gap


@pytest.mark.parametrize(
    ("scale", "unit", "low", "high"),
    [
        (Scale("share"), "%", "0", "1"),
        (Scale("time"), "s", "0", "Infinity"),
        (Scale("number"), "count", "0", "Infinity"),
        (Scale("number"), "", "-Infinity", "Infinity"),
        (Scale("", "b"), "s", "-Infinity", "Infinity"),
    ],
)
def test_what_a_thing_can_be(scale, unit, low, high):
    expected = Span((Decimal(low), 0), (Decimal(high), 0))
    assert possible(scale, unit_named(unit) if unit else None) == expected


LIMITS = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "=="]), st.integers(0, 6))
HALVES = [Decimal(number) / 2 for number in range(-1, 15)]


def holds(limits: list[tuple[str, int]], value: Decimal) -> bool:
    """Return whether a value meets limits, as the judge tells it."""
    criteria = [parse_criterion(f"{op} {number}") for op, number in limits]
    return all(one.holds(value, one.number) for one in criteria)


@given(st.lists(LIMITS, min_size=1, max_size=3), st.lists(LIMITS, min_size=1, max_size=3))
def test_spans_say_of_values_what_the_judge_says(one, other):
    """Between whole numbers a half stands for all values, so these are enough to tell."""
    a, b = (span(*(f"{op} {number}" for op, number in limits)) for limits in (one, other))
    in_a, in_b = ({v for v in HALVES if holds(limits, v)} for limits in (one, other))
    assert a.empty == (not in_a)
    assert a.both(b).empty == (not in_a & in_b)
    if in_a and in_b:
        assert a.within(b) == (in_a <= in_b)
