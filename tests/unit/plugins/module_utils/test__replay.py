# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._replay import (
    Measured,
    load,
    save,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Measurement,
    Window,
)
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

NUMBERS = st.one_of(st.none(), st.floats())
TEXTS = st.one_of(st.none(), st.text())
SAMPLES = st.lists(st.floats(), max_size=3).map(tuple)
WINDOWS = st.lists(st.builds(Window, st.sampled_from(["1h", "5m"]), NUMBERS, NUMBERS), max_size=2)
MEASUREMENTS = st.builds(
    Measurement,
    value=NUMBERS,
    unit=TEXTS,
    good=NUMBERS,
    total=NUMBERS,
    samples=st.one_of(st.none(), st.integers(0, 10**6)),
    note=TEXTS,
    error=TEXTS,
    asked=TEXTS,
    seconds=NUMBERS,
    values=SAMPLES,
    windows=WINDOWS.map(tuple),
)
BASELINES = st.builds(
    Baseline, NUMBERS, SAMPLES, verdict=st.one_of(st.none(), st.sampled_from(Verdict))
)


@given(
    st.dictionaries(st.text(), MEASUREMENTS, max_size=2),
    st.dictionaries(st.text(), BASELINES, max_size=2),
    st.dates(),
)
def test_what_is_saved_is_loaded(measurements: Any, baselines: Any, day: Any) -> None:
    measured = Measured(measurements, baselines, day)
    saved = json.loads(json.dumps(save(measured), allow_nan=False))
    # As text, because NaN is not equal to itself.
    assert repr(load(saved)) == repr(measured)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        pytest.param({"measurements": None}, r"replay\.measurements is missing", id="nothing"),
        pytest.param({"baselines": None}, r"replay\.baselines is missing", id="no baselines"),
        pytest.param({"judged_on": "today"}, r"replay\.judged_on is 'today'", id="no date"),
        pytest.param({"measurements": {"a": 5}}, r"measurements\.a is 5", id="a bare value"),
        pytest.param(
            {"measurements": {"a": {"value": "x"}}},
            r"measurements\.a\.value is 'x'",
            id="no number",
        ),
        pytest.param(
            {"measurements": {"a": {"valeu": 1}}}, "did you mean value", id="a typo by hand"
        ),
        pytest.param(
            {"measurements": {"a": {"windows": [{"good": 1}]}}},
            r"windows\[0\]\.name is missing",
            id="a window without its name",
        ),
    ],
)
def test_what_was_not_saved_here_is_refused(more: Any, problem: str) -> None:
    saved = save(Measured({}, {}, date(2026, 7, 1)))
    with pytest.raises(ShapeError, match=problem):
        load({**saved, **more})
