# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._burn import (
    burn_findings,
    read_burn,
)
from ansible_collections.phased.rollout.plugins.module_utils._finding import all_hold
from ansible_collections.phased.rollout.plugins.module_utils._reading import (
    UnusableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Window

ONE, TWO = [["1h", "5m", 14.4]], [["1h", "5m", 14.4], ["6h", "30m", 6]]
NAN = float("nan")


def run(windows: list[Any], **burnt: Any) -> Any:
    """Return the findings on windows with these numbers of bad events in a thousand."""
    rule = read_burn(Fields({"objective": "99%", "windows": windows}, "burn"))
    return burn_findings(
        rule,
        [
            Window(n[1:], *((None, None) if b is None else (1000 - b, 1000)))
            for n, b in burnt.items()
        ],
    )


@pytest.mark.parametrize(
    ("windows", "burnt", "holds"),
    [
        pytest.param(ONE, {"_1h": 0, "_5m": 0}, True, id="no errors"),
        pytest.param(ONE, {"_1h": 10, "_5m": 10}, True, id="as fast as allowed"),
        pytest.param(ONE, {"_1h": 144, "_5m": 144}, True, id="the limit itself is not above it"),
        pytest.param(ONE, {"_1h": 145, "_5m": 145}, False, id="above it over both"),
        pytest.param(ONE, {"_1h": 500, "_5m": 0}, True, id="it is over"),
        pytest.param(ONE, {"_1h": 100, "_5m": 999}, True, id="it has only begun"),
        pytest.param(ONE, {"_60m": 145, "_300s": 145}, False, id="the same windows, written so"),
        pytest.param(ONE, {}, None, id="no windows"),
        pytest.param(ONE, {"_1h": 0}, None, id="nothing is known of now"),
        pytest.param(ONE, {"_1h": 0, "_5m": None}, None, id="no events now: is it down?"),
        pytest.param(ONE, {"_5m": 0}, True, id="now is within the limit"),
        pytest.param(ONE, {"_5m": 999}, None, id="errors now, but for how long?"),
        pytest.param(
            TWO, {"_1h": 0, "_5m": 0, "_6h": 0, "_30m": None}, True, id="the longer pair is settled"
        ),
        pytest.param(
            TWO, {"_1h": 0, "_5m": 0, "_6h": 500, "_30m": None}, None, id="the longer pair is not"
        ),
        pytest.param(
            TWO, {"_1h": 99, "_5m": 99, "_6h": 99, "_30m": 99}, False, id="one of two pairs misses"
        ),
    ],
)
def test_burn(windows: Any, burnt: Any, holds: Any) -> None:
    findings, _worst = run(windows, **burnt)
    assert all_hold(findings) is holds


def test_the_burn_rate_worst_for_its_limit_is_shown() -> None:
    findings, worst = run(TWO, _1h=144, _5m=200, _6h=70, _30m=90)
    assert worst == pytest.approx(7)
    assert [finding.shown for finding in findings] == [
        "at most 14.4 times the error budget over 1h and 5m (14.4 and 20)",
        "at most 6 times the error budget over 6h and 30m (7 and 9)",
    ]


def test_what_is_empty_is_named() -> None:
    [finding], _worst = run(ONE, _1h=0)
    assert finding.why_open == (
        "no event is known of the last 5m; choose longer windows where there is little traffic"
    )


@pytest.mark.parametrize("window", [(6, 5), (-1, 5), (NAN, 5), (5, NAN), (5, float("inf"))])
def test_what_cannot_be_is_an_error(window: Any) -> None:
    rule = read_burn(Fields({"objective": "99%"}, "burn"))
    with pytest.raises(UnusableError, match="cannot be"):
        burn_findings(rule, [Window("1h", *window)])


def test_the_usual_windows_are_the_default() -> None:
    rule = read_burn(Fields({"objective": 0.999}, "burn"))
    assert [(one.long, one.short, float(one.limit)) for one in rule.pairs] == [
        ("1h", "5m", 14.4), ("6h", "30m", 6), ("1d", "2h", 3), ("3d", "6h", 1),
    ]  # fmt: skip
    assert float(rule.allowed) == 0.001


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({}, r"burn\.objective is missing", id="no objective"),
        pytest.param({"objective": "100%"}, "below 100%", id="no error is allowed at all"),
        pytest.param({"objective": "99%", "windows": []}, "list of", id="no windows"),
        pytest.param({"objective": "99%", "windows": [["1h", "5m"]]}, "list of", id="no limit"),
        pytest.param(
            {"objective": "99%", "windows": [["5m", "1h", 1]]}, "longer than", id="the other way"
        ),
        pytest.param(
            {"objective": "99%", "windows": [["1x", "5m", 1]]}, "a duration", id="no duration"
        ),
        pytest.param(
            {"objective": "99%", "windows": [["1h", "5m", 0]]}, "above 0", id="a limit of 0"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read_burn(Fields(raw, "burn"))


BAD = st.one_of(st.none(), st.integers(0, 1000))
BURNT = st.fixed_dictionaries({"_1h": BAD, "_5m": BAD, "_6h": BAD, "_30m": BAD})


@given(BURNT, st.sampled_from(["_1h", "_5m", "_6h", "_30m"]))
def test_removing_a_window_never_makes_a_pass(burnt: Any, gone: str) -> None:
    if all_hold(run(TWO, **{**burnt, gone: None})[0]):
        assert all_hold(run(TWO, **burnt)[0])


@given(BURNT, BURNT)
def test_more_errors_never_make_it_better(burnt: Any, more: Any) -> None:
    worse = {
        name: None if bad is None else min(1000, bad + (more[name] or 0))
        for name, bad in burnt.items()
    }
    ranks = {True: 0, None: 1, False: 2}
    assert ranks[all_hold(run(TWO, **worse)[0])] >= ranks[all_hold(run(TWO, **burnt)[0])]
