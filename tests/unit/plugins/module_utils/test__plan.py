# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.phased.rollout.plugins.module_utils._plan import (
    check_plan,
    gate_of,
    phase_record,
)

PHASES: list[dict[str, Any]] = [
    {
        "id": 1,
        "name": "One",
        "changes": [{"id": "a", "branch": "feature/a"}],
        "gate": ["errors"],
        "tag": "v1",
    },
    {
        "id": 2,
        "name": "Two",
        "changes": [{"id": "b", "branch": "feature/b"}],
        "requires": [{"phase": 1, "stable_for": "48h"}],
        "inherits": [1],
        "gate": ["latency"],
        "tag": "v2",
    },
]
OBJECTIVES: dict[str, dict[str, Any]] = {
    "errors": {"source": {"type": "prometheus", "query": "e"}, "pass": "== 0"},
    "latency": {"source": {"type": "prometheus", "query": "l"}, "unit": "s", "pass": "< 100ms"},
}


def edited(path: str, value: Any) -> list[tuple[str, str]]:
    """Return what the check finds when the value at a path of the good plan is another one."""
    plan: Any = {"rollout_phases": deepcopy(PHASES), "rollout_objectives": deepcopy(OBJECTIVES)}
    *parents, last = [int(k) if k.isdigit() else k for k in path.split("/")]
    place = plan
    for key in parents:
        place = place[key]
    place[last] = value
    findings = check_plan(plan["rollout_phases"], plan["rollout_objectives"])
    return [(finding.path, finding.problem + " | " + finding.suggestion) for finding in findings]


def test_a_plan_that_makes_sense_has_no_findings():
    assert check_plan(PHASES, OBJECTIVES) == []


def test_the_shipped_plan_has_no_findings():
    shipped = Path(__file__).parents[4] / "inventories/prod/group_vars/all/plan.yml"
    plan = yaml.safe_load(shipped.read_text())
    assert check_plan(plan["rollout_phases"], plan["rollout_objectives"]) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param(
            "rollout_phases/0/gate",
            ["erors"],
            "rollout_phases[0].gate[0]",
            "did you mean errors?",
            id="an objective that is not defined",
        ),
        pytest.param(
            "rollout_phases/0/prerequisites",
            ["nothing"],
            "rollout_phases[0].prerequisites[0]",
            "not defined",
            id="a prerequisite that is not defined",
        ),
        pytest.param(
            "rollout_phases/0/gate", [], "rollout_phases[0].gate", "[]", id="a gate of nothing"
        ),
        pytest.param(
            "rollout_phases/0/requires",
            [{"phase": 2, "stable_for": "1h"}],
            "rollout_phases[0].requires[0].phase",
            "does not come before it",
            id="a phase that requires a later one",
        ),
        pytest.param(
            "rollout_phases/1/inherits",
            [2],
            "rollout_phases[1].inherits[0]",
            "does not come before it",
            id="a phase that inherits its own gate",
        ),
        pytest.param(
            "rollout_phases/1/requires",
            [{"phase": 7, "stable_for": "1h"}],
            "rollout_phases[1].requires[0].phase",
            "no phase has id 7",
            id="a required phase that is not there",
        ),
        pytest.param(
            "rollout_phases/1/requires",
            [{"phase": 1, "stable_for": "two days"}],
            "rollout_phases[1].requires[0].stable_for",
            "48h",
            id="a duration that is none",
        ),
        pytest.param(
            "rollout_phases/1/tag", "v1", "rollout_phases[1].tag", "[0].tag", id="a tag used twice"
        ),
        pytest.param(
            "rollout_phases/1/id", 1, "rollout_phases[1].id", "[0].id", id="an id used twice"
        ),
        pytest.param(
            "rollout_phases/1/changes/0/branch",
            "feature/a",
            "rollout_phases[1].changes[0].branch",
            "already used",
            id="a branch used twice",
        ),
        pytest.param(
            "rollout_phases/0/changes/0/brunch",
            "x",
            "rollout_phases[0].changes[0].brunch",
            "did you mean branch?",
            id="a misspelt key of a change",
        ),
        pytest.param(
            "rollout_phases/0/gates",
            ["errors"],
            "rollout_phases[0].gates",
            "did you mean gate?",
            id="a misspelt key of a phase",
        ),
        pytest.param(
            "rollout_phases/0/risk",
            "hihg",
            "rollout_phases[0].risk",
            "did you mean high?",
            id="a risk that is not known",
        ),
        pytest.param(
            "rollout_phases/0/deploy",
            {"batches": ["0%"]},
            "rollout_phases[0].deploy.batches[0]",
            "1% to 100%",
            id="a batch of nothing",
        ),
        pytest.param(
            "rollout_phases/0/deploy",
            {"strategy": "roling"},
            "rollout_phases[0].deploy.strategy",
            "did you mean rolling?",
            id="a strategy that is not known",
        ),
        pytest.param(
            "rollout_phases/0/validations",
            {"integration": [{"name": "x", "command": "tests/x.sh"}]},
            "rollout_phases[0].validations.integration[0].command",
            "as a list",
            id="a command that needs a shell",
        ),
        pytest.param(
            "rollout_phases/0/validations",
            {"integration": [{"name": "x"}]},
            "rollout_phases[0].validations.integration[0]",
            "command or request",
            id="a validation that does nothing",
        ),
        pytest.param(
            "rollout_objectives/errors/pass",
            ">= 101%",
            "rollout_objectives.errors",
            "between 0% and 100%",
            id="a percentage that is none",
        ),
        pytest.param(
            "rollout_objectives/errors/pass",
            "few",
            "rollout_objectives.errors.pass",
            "comparison with a limit",
            id="a criterion that is none",
        ),
        pytest.param(
            "rollout_objectives/errors/pass",
            [],
            "rollout_objectives.errors.pass",
            "nothing to judge by",
            id="an objective without a criterion",
        ),
        pytest.param(
            "rollout_objectives/errors/source",
            {"type": "promtheus"},
            "rollout_objectives.errors.source.type",
            "one of prometheus",
            id="a source that is not known",
        ),
        pytest.param(
            "rollout_phases", [], "rollout_phases", "no phases", id="a plan without phases"
        ),
    ],
)
def test_nonsense_is_named_with_its_path_and_what_would_be_right(path, value, where, says):
    findings = edited(path, value)
    assert [text for found, text in findings if found == where and says in text]


def test_a_gate_holds_all_that_it_inherits_once_and_in_order():
    by_id: dict[int, dict[str, Any]] = {
        1: {"gate": ["a", "b"]},
        2: {"gate": ["c", "a"], "inherits": [1]},
        3: {"gate": ["d"], "inherits": [2, 1]},
    }
    assert gate_of(by_id, 3) == ["a", "b", "c", "d"]


def test_the_record_of_a_phase_has_every_key():
    record = phase_record(PHASES, 2)
    assert record["gate"] == ["errors", "latency"]
    assert record["validations"] == {"integration": [], "staging": [], "production": []}
    assert record["deploy"]["batches"] == [1, "100%"]
    assert record["label"] == "pre-phase-2-deployment"


def test_an_unknown_phase_is_named():
    with pytest.raises(KeyError, match="no phase has id 9"):
        phase_record(PHASES, 9)
