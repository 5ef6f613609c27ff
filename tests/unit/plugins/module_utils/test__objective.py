# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    Objective,
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
    assert [[one.text for one in each] for each in objective.passes] == [
        ["< 2s", "<= +10% of baseline"]
    ]
    assert [[one.text for one in each] for each in objective.warns] == [["< 2.5s"]]
    assert objective.unit is not None
    assert (objective.unit.symbol, objective.key, objective.weight) == ("s", True, 2)


def test_alternatives_and_everything_else() -> None:
    objective = read(
        **{"pass": {"any": ["< 100ms", ["< 200ms", "<= +5% of baseline"]]}},
        warn={"any": ["< 300ms"]},
        compare={"tolerance": "10%"},
        burn={"objective": "99.5%"},
        ratchet={"until": "2026-12-31"},
        dry_run=True,
    )
    assert [[one.text for one in each] for each in objective.passes] == [
        ["< 100ms"], ["< 200ms", "<= +5% of baseline"],
    ]  # fmt: skip
    assert [[one.text for one in each] for each in objective.warns] == [["< 300ms"]]
    assert objective.compare is not None
    assert (float(objective.compare.tolerance), objective.compare.confidence) == (0.1, 0.98)
    assert objective.burn is not None
    assert objective.ratchet is not None
    assert objective.ratchet.until == date(2026, 12, 31)
    assert objective.dry_run


@pytest.mark.parametrize("confidence", [0.95, "0.95", "95%", "95 %"])
def test_confidence(confidence: Any) -> None:
    assert read(confidence=confidence, **{"pass": ">= 99.5%"}).confidence == 0.95


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
        pytest.param({"pass": {"any": []}}, r"pass\.any is \[\]", id="no alternatives"),
        pytest.param({"pass": {"any": [[]]}}, r"pass\.any\[0\] is \[\]", id="an empty alternative"),
        pytest.param({"pass": {"all": ["< 1s"]}}, "known are any", id="another word than any"),
        pytest.param({"pass": {"any": ["fast"]}}, r"pass\.any\[0\] is 'fast'", id="a bad one"),
        pytest.param(
            {"pass": ["< 1s", ["< 2s"]]}, r"pass\[1\] is \['< 2s'\]: it must be a text", id="nested"
        ),
        pytest.param({"confidence": 0.95}, r"pass is missing: confidence needs", id="sure of what"),
        pytest.param(
            {"confidence": 95, "pass": ">= 99%"}, "below 100%", id="a percentage without its sign"
        ),
        pytest.param(
            {"confidence": 0.95, "pass": ">= 100%"}, "no number of events", id="100 % for sure"
        ),
        pytest.param({"confidence": 0.95, "pass": "== 99%"}, "no number of events", id="exactly"),
        pytest.param(
            {"confidence": 0.95, "pass": "< 1%", "warn": "<= 0%"}, "can show '<= 0%'", id="0 %"
        ),
        pytest.param(
            {"confidence": 0.95, "pass": "< 1s", "compare": {"tolerance": "1%"}},
            "compare has a confidence of its own",
            id="two confidences",
        ),
        pytest.param({"ratchet": {"until": "soon"}}, r"ratchet\.until is 'soon'", id="no date"),
        pytest.param({"ratchet": {}}, r"ratchet\.until is missing", id="a ratchet for ever"),
        pytest.param({"ratchet": "2026-12-31"}, "must be a mapping", id="a bare date"),
        pytest.param({"burn": "99%"}, "must be a mapping", id="a bare objective"),
        pytest.param({"dry_run": "perhaps"}, r"dry_run is 'perhaps'", id="no answer"),
        pytest.param({"passs": "< 1s"}, "did you mean pass", id="a typo in pass"),
    ],
)
def test_what_makes_no_sense_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)
