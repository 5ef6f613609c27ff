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
    Hotfix,
    check_plan,
    gate_of,
    hotfix_record,
    phase_record,
    to_seconds,
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
            "rollout_phases/0/changes/0/risk",
            "lowest",
            "rollout_phases[0].changes[0].risk",
            "did you mean low?",
            id="a risk of a change that is not known",
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
            "rollout_phases/0/validations",
            {"production": [{"name": "x", "command": ["x"], "critical": "yes"}]},
            "rollout_phases[0].validations.production[0].critical",
            "'yes' | set true",
            id="a validation that is critical in words",
        ),
        pytest.param(
            "rollout_phases/0/validations",
            {"staging": [{"name": "x", "command": ["x"], "critical": True}]},
            "rollout_phases[0].validations.staging[0].critical",
            "does not pass staging",
            id="a critical validation where no hotfix comes by",
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


def validation(name: str, *, critical: bool) -> dict[str, Any]:
    return {"name": name, "command": [name], "critical": critical}


#: Three phases; the second has a deployment of its own, and repeats what the first validates.
ROAD: list[dict[str, Any]] = [
    {
        **PHASES[0],
        "validations": {
            "integration": [validation("a", critical=True), validation("b", critical=False)],
            "production": [validation("c", critical=True)],
        },
    },
    {
        **PHASES[1],
        "deploy": {"batches": ["50%"]},
        "approvals": [{"role": "reviewer"}],
        "prerequisites": ["errors"],
        "validations": {
            "integration": [validation("a", critical=True), validation("d", critical=True)],
            "staging": [validation("e", critical=False)],
        },
    },
    {**PHASES[0], "id": 3, "tag": "v3", "gate": ["errors"]},
]
COMMIT = "76d4bb83f8a2cd7a7a6fd4f2a1a6b7e0c9a5d1e3"


def hotfix(*released: str, tag: str = "", branch: str = "hotfix/leak") -> dict[str, Any]:
    return hotfix_record(ROAD, Hotfix(branch, COMMIT, released, "48h", tag))


def names(record: dict[str, Any]) -> dict[str, list[str]]:
    return {
        stage: [item["name"] for item in items] for stage, items in record["validations"].items()
    }


def test_the_record_of_a_hotfix_has_every_key_of_a_phase():
    assert set(hotfix("v1")) == {*phase_record(ROAD, 1), "review_within_seconds"}


def test_a_hotfix_is_named_by_its_branch_and_commit():
    record = hotfix("v1")
    assert record["changes"] == [{"id": "hotfix/leak", "branch": COMMIT}]
    assert record["key"] == record["tag"] == "hotfix-leak-76d4bb8"
    assert record["label"] == "pre-hotfix-leak-76d4bb8"
    assert record["title"] == "hotfix/leak"
    assert record["review_within_seconds"] == 48 * 3600


def test_a_hotfix_may_have_a_tag_of_its_own():
    assert hotfix("v1", tag="v1.0.1")["tag"] == "v1.0.1"
    assert hotfix("v1", tag="v1.0.1")["key"] == "hotfix-leak-76d4bb8"


def test_a_branch_of_odd_characters_still_names_files():
    assert hotfix("v1", branch="hotfix/über/#1")["key"] == "hotfix-ber-1-76d4bb8"


@pytest.mark.parametrize(
    ("released", "integration", "production"),
    [
        pytest.param(["v1"], ["a"], ["c"], id="of the one phase that is released"),
        pytest.param(["v1", "v2"], ["a", "d"], ["c"], id="of all that are, each once"),
        pytest.param(["v2"], ["a", "d"], [], id="not of one that was taken back"),
        pytest.param(["v2", "v1", "other"], ["a", "d"], ["c"], id="in the order of the plan"),
    ],
)
def test_a_hotfix_must_pass_the_critical_validations(released, integration, production):
    assert names(hotfix(*released)) == {
        "integration": integration,
        "staging": [],
        "production": production,
    }


def test_a_hotfix_has_the_gate_and_the_deployment_of_the_newest_released_phase():
    record = hotfix("v2", "v1")
    assert record["gate"] == ["errors", "latency"]
    assert record["deploy"]["batches"] == ["50%"]
    assert (record["requires"], record["approvals"], record["prerequisites"]) == ([], [], [])


@pytest.mark.parametrize(
    ("released", "says"),
    [
        pytest.param([], "none of the tags v1, v2, v3", id="nothing is released"),
        pytest.param(["v9"], "no phase of the plan is released", id="no tag is a phase's"),
        pytest.param(["v3"], "of phase 3 is marked critical", id="no validation is critical"),
    ],
)
def test_a_hotfix_that_nothing_would_judge_is_refused(released, says):
    with pytest.raises(ValueError, match=says):
        hotfix(*released)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("90s", 90), ("15m", 900), ("1.5h", 5400), ("2d", 172800), ("1w", 604800)],
)
def test_a_duration_has_its_seconds(duration, seconds):
    assert to_seconds(duration, "review_within") == seconds


@pytest.mark.parametrize("duration", ["", "48", "two days", "-1h", "1h30m"])
def test_a_duration_that_is_none_is_named(duration):
    with pytest.raises(ValueError, match=f"review_within is '{duration}'"):
        to_seconds(duration, "review_within")
