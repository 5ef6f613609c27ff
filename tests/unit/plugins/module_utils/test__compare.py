# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._compare import (
    compare,
    read_compare,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)
from ansible_collections.phased.rollout.plugins.module_utils._units import unit_named

RANDOM = random.Random(4)
TYPICAL = [round(RANDOM.lognormvariate(4.6, 0.3), 3) for _number in range(400)]


def run(new: Any, old: Any, unit: str = "ms", **options: Any) -> Any:
    """Return what samples in a unit came to: all findings, and the evidence."""
    rule = read_compare(Fields({"tolerance": "10%", **options}, "compare"))
    shown = unit_named(unit)
    factor = shown.factor
    new, old = ([Decimal(repr(one)) * factor for one in samples] for samples in (new, old))
    return compare(rule, new, old, shown)


def times(factor: float) -> list[float]:
    return [round(value * factor, 3) for value in TYPICAL]


@pytest.mark.parametrize(
    ("new", "old", "holds"),
    [
        pytest.param(times(1), TYPICAL, True, id="the same samples, and many"),
        pytest.param(times(0.5), TYPICAL, True, id="twice as fast"),
        pytest.param(times(1.3), TYPICAL, False, id="30 % slower"),
        pytest.param(times(1.1), TYPICAL, None, id="slower by just the tolerance"),
        pytest.param(times(1)[:10], TYPICAL[:10], None, id="the same samples, but few"),
        pytest.param(times(3)[:10], TYPICAL[:10], False, id="few, but three times as slow"),
        pytest.param([1.0, 1.1], TYPICAL[:2], None, id="two on either side"),
        pytest.param([5.0] * 20, [5.0] * 20, True, id="constant and equal"),
        pytest.param([5.4] * 20, [5.0] * 20, True, id="constant, within the tolerance"),
        pytest.param([5.5] * 20, [5.0] * 20, None, id="constant, at the tolerance"),
        pytest.param([5.6] * 20, [5.0] * 20, False, id="constant, beyond the tolerance"),
        pytest.param([5.6] * 3, [5.0] * 3, None, id="constant, but three"),
        pytest.param([0.0] * 50, [0.0] * 50, None, id="zeros against zeros"),
        pytest.param([0.0] * 30 + [1.0] * 20, [0.0] * 50, False, id="errors against zeros"),
        pytest.param([1.0] * 50, [0.0] * 50, False, id="a baseline of zeros"),
        pytest.param([], TYPICAL, None, id="no samples"),
        pytest.param(TYPICAL, [], None, id="no samples in the baseline"),
        pytest.param([], [], None, id="no samples at all"),
    ],
)
def test_compare(new: Any, old: Any, holds: Any) -> None:
    [finding] = run(new, old).findings
    assert finding.holds is holds
    assert finding.why_open if holds is None else finding.shown


def test_what_is_open_says_how_many_samples_would_tell() -> None:
    [finding] = run(times(1)[:20], TYPICAL[:20]).findings
    assert finding.holds is None
    assert 5 < finding.needed < 500
    assert f"about {finding.needed} more on either side would tell" in finding.why_open


def test_the_evidence() -> None:
    compared = run([110.0 + n for n in range(20)], [100.0 + n for n in range(20)])
    assert compared.shift == 10
    assert compared.interval is not None
    assert compared.interval[0] < 10 < compared.interval[1]
    assert compared.effect == pytest.approx(0.875)


@pytest.mark.parametrize(
    ("factor", "holds"),
    [
        pytest.param(0.8, True, id="smaller in most pairs"),
        pytest.param(1.01, None, id="near the limit"),
        pytest.param(1.3, False, id="larger in most pairs"),
    ],
)
def test_effect(factor: float, holds: Any) -> None:
    finding = run(times(factor), TYPICAL, effect="0.55").findings[1]
    assert finding.holds is holds


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"tolerance": None}, r"compare\.tolerance is missing", id="no tolerance"),
        pytest.param({"tolerance": "0%"}, "above 0%", id="equal samples can never be shown"),
        pytest.param({"tolerance": "fast"}, "must be a share", id="no share"),
        pytest.param({"tolerance": True}, "must be a share", id="a boolean"),
        pytest.param({"confidence": 1}, "below 100%", id="certainty"),
        pytest.param({"confidence": 0.5}, "above 50%", id="a coin"),
        pytest.param({"confidence": 98}, "below 100%", id="a percentage without its sign"),
        pytest.param({"effect": 0.5}, "above 50%", id="an effect that is equal"),
        pytest.param({"tolerence": 1}, "did you mean tolerance", id="a typo"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        run([1.0], [1.0], **options)


SAMPLES = st.lists(
    st.floats(0, 1000, allow_subnormal=False).map(lambda v: round(v, 3)), max_size=30
)


@given(SAMPLES, SAMPLES)
def test_the_unit_changes_nothing(new: Any, old: Any) -> None:
    in_s = [[float(Decimal(repr(value)) / 1000) for value in samples] for samples in (new, old)]
    ours, theirs = run(new, old), run(in_s[0], in_s[1], unit="s")
    assert [one.holds for one in ours.findings] == [one.holds for one in theirs.findings]
    assert ours.effect == theirs.effect


@given(SAMPLES, SAMPLES)
def test_the_order_of_the_samples_changes_nothing(new: Any, old: Any) -> None:
    assert run(new, old) == run(new[::-1], sorted(old))


@given(SAMPLES, SAMPLES, st.floats(1, 3))
def test_slower_samples_never_turn_a_fail_into_a_pass(new: Any, old: Any, factor: float) -> None:
    slower = [round(value * factor, 6) for value in new]
    if run(new, old).findings[0].holds is False:
        assert run(slower, old).findings[0].holds is False
    if run(slower, old).findings[0].holds is True:
        assert run(new, old).findings[0].holds is not False


@given(SAMPLES, SAMPLES, SAMPLES)
def test_slower_samples_never_have_a_better_effect(new: Any, old: Any, more: Any) -> None:
    slower = [value + extra for value, extra in zip(new, [*more, *[0.0] * len(new)])]
    if new and old:
        assert run(slower, old).effect >= run(new, old).effect
