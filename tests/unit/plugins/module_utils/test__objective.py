# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    Objective,
    read_baselines,
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError


def read(**raw: Any) -> Objective:
    return read_objective("a", Fields(raw, "objectives.a"))


def test_an_objective_as_a_plan_writes_it() -> None:
    objective = read(
        description="p95 of image generation",
        source={"type": "prometheus", "query": "x"},
        unit="s",
        **{"pass": ["< 2s", "<= +10% of baseline"]},
        warn="< 2.5s",
        baseline="v1.0.0-ssot-phase1",
        key="yes",
        weight="2",
    )
    assert [criterion.text for criterion in objective.passes] == ["< 2s", "<= +10% of baseline"]
    assert [criterion.text for criterion in objective.warns] == ["< 2.5s"]
    assert objective.unit is not None
    assert (objective.unit.symbol, objective.key, objective.weight) == ("s", True, 2)


def test_what_an_objective_leaves_out() -> None:
    objective = read()
    assert (objective.passes, objective.warns, objective.unit) == ((), (), None)
    assert (objective.key, objective.weight, objective.description) == (False, 1, None)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param(
            {"pass": "fast"},
            r"objectives\.a\.pass is 'fast': it must be a comparison with a limit, such as",
            id="a criterion that cannot be read",
        ),
        pytest.param(
            {"pass": ["< 1s", ">= -5%"]},
            r"objectives\.a\.pass\[1\] is '>= -5%': a limit with a sign is relative",
            id="the second of several criteria",
        ),
        pytest.param({"pass": 0}, r"objectives\.a\.pass is 0: it must be a text", id="no text"),
        pytest.param({"unit": "sec"}, r"objectives\.a\.unit is 'sec'.*known units", id="no unit"),
        pytest.param({"weight": -1}, r"objectives\.a\.weight is -1", id="a negative weight"),
        pytest.param({"key": "maybe"}, r"objectives\.a\.key is 'maybe'", id="no boolean"),
        pytest.param({"passs": "< 1s"}, "did you mean pass", id="a typo in pass"),
    ],
)
def test_what_makes_no_sense_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)


def test_baselines_are_numbers_or_absent() -> None:
    assert read_baselines({"a": "0.5", "b": None, "c": 3}) == {"a": 0.5, "b": None, "c": 3.0}


def test_a_baseline_that_is_no_number_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"baselines\.a is '12ms': it must be a number"):
        read_baselines({"a": "12ms"})
