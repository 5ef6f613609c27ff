# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Context
from ansible_collections.phased.rollout.plugins.module_utils._source_value import ValueSource


def read(**raw: Any) -> ValueSource:
    return ValueSource.read(Fields({"type": "value", **raw}, "source"), Context(login=Login()))


@pytest.mark.parametrize(
    ("raw", "value", "note"),
    [
        pytest.param(0, 0.0, None, id="0 is a value"),
        pytest.param("99.5", 99.5, None, id="a number as a text"),
        pytest.param(None, None, "no value was given", id="null is no data"),
    ],
)
def test_measure(raw: Any, value: Any, note: Optional[str]) -> None:
    measurement = read(value=raw).measure()
    assert (measurement.value, measurement.note) == (value, note)


@pytest.mark.parametrize("value", [1, None])
def test_what_there_is_to_say_is_said_with_the_value(value: Any) -> None:
    assert read(value=value, note="phase 1 is not deployed").measure().note == (
        "phase 1 is not deployed"
    )


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({}, r"source\.value is missing", id="no value"),
        pytest.param({"value": "many"}, "must be a number", id="a word"),
        pytest.param({"value": ""}, "must be a number", id="an empty text"),
        pytest.param({"value": True}, "must be a number", id="a boolean"),
        pytest.param(
            {"value": 1, "unit": "s"}, "no such option", id="a unit, which goes elsewhere"
        ),
    ],
)
def test_what_is_no_value_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)
