# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
    to_number,
)


def fields(**raw: Any) -> Fields:
    return Fields(raw, "objectives.a")


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        pytest.param(
            lambda: Fields("pass", "objectives.a"),
            r"objectives\.a is 'pass': it must be a mapping",
            id="a text where a mapping is needed",
        ),
        pytest.param(
            lambda: fields(wran="< 1s").only("pass", "warn"),
            r"objectives\.a\.wran is '< 1s': there is no such option; did you mean warn",
            id="a typo is not ignored",
        ),
        pytest.param(
            lambda: fields(confidence=0.95).only("pass", "warn"),
            r"confidence is 0\.95: there is no such option; known are pass, warn",
            id="an option of another version is not ignored",
        ),
        pytest.param(
            lambda: fields().section("source", "needed"),
            r"objectives\.a\.source is missing: needed",
            id="a section that is missing",
        ),
        pytest.param(lambda: fields().text("query", "needed"), "missing: needed", id="no text"),
        pytest.param(lambda: fields(query=" ").text("query", "needed"), "needed", id="a blank one"),
        pytest.param(lambda: fields(query=1).text("query", "x"), "must be a text", id="no string"),
        pytest.param(lambda: fields(x=[1]).texts("x"), "list of texts", id="a list of others"),
        pytest.param(lambda: fields(x="c").choice("x", "ab"), "one of a, b", id="no such choice"),
        pytest.param(lambda: fields(x=[]).choice("x", "ab"), "one of a, b", id="a list as choice"),
        pytest.param(lambda: fields(x="5x").number("x", 1), "must be a number", id="no number"),
        pytest.param(lambda: fields(x=True).number("x", 1), "must be a number", id="true is none"),
        pytest.param(lambda: fields(x="nan").number("x", 1), "at least 0", id="NaN is none"),
        pytest.param(lambda: fields(x="inf").number("x", 1), "at least 0", id="infinity is none"),
        pytest.param(lambda: fields(x=-1).number("x", 1), "at least 0", id="below 0"),
        pytest.param(lambda: fields(x=0).number("x", 1, above=0), "above 0", id="0 as a timeout"),
        pytest.param(lambda: fields(x=1.5).whole("x", 1), "whole number", id="half a request"),
        pytest.param(lambda: fields(x="maybe").flag("x"), "true or false", id="no boolean"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(read: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read()


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(lambda: fields(x="20").number("x", 1), 20.0, id="a number as a text"),
        pytest.param(lambda: fields(x=None).number("x", 1), 1.0, id="null is the default"),
        pytest.param(lambda: fields(x="3").whole("x", 1), 3, id="a whole number as a text"),
        pytest.param(lambda: fields(x="True").flag("x"), True, id="a boolean as a text"),
        pytest.param(lambda: fields().flag("x"), False, id="no flag is false"),
        pytest.param(lambda: fields(x="a").texts("x"), ["a"], id="one text is a list of one"),
        pytest.param(lambda: fields().texts("x"), [], id="no text is an empty list"),
        pytest.param(lambda: fields().text("x", "needed", "d"), "d", id="the default text"),
        pytest.param(lambda: Fields({}, "").at("timeout"), "timeout", id="the path at the top"),
    ],
)
def test_what_is_read(read: Any, expected: Any) -> None:
    assert read() == expected


@pytest.mark.parametrize("raw", [None, True, [], {}, "", "12ms"])
def test_what_is_no_number_is_refused(raw: Any) -> None:
    with pytest.raises(ShapeError, match=r"baselines\.a"):
        to_number(raw, "baselines.a")
