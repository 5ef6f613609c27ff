# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.phased.rollout.plugins.module_utils._plan import (
    Hotfix,
    Plan,
    check_plan,
    findings_of,
    hotfix_record,
    phase_record,
    window_states,
)
from ansible_collections.phased.rollout.tests.plans import GONE, GOOD, edited, findings

SHIPPED = Path(__file__).parents[4] / "inventories/prod/group_vars/all/plan.yml"


def test_a_plan_that_makes_sense_has_no_findings():
    assert findings({}) == []


def test_it_may_be_checked_as_it_is_written():
    plan = {key: GOOD[key] for key in ("phases", "objectives", "freezes", "roles")}
    assert check_plan(**plan) == []
    assert [one.rule for one in check_plan(**{**plan, "roles": {}})] == ["approvers"]


def test_the_shipped_plan_has_no_findings():
    plan = yaml.safe_load(SHIPPED.read_text())
    assert (
        check_plan(
            plan["rollout_phases"],
            plan["rollout_objectives"],
            plan.get("rollout_freezes", ()),
            plan.get("rollout_roles"),
        )
        == []
    )


def test_every_mistake_is_found_at_once_errors_first():
    changes = {
        "phases/0/tga": "v1",
        "phases/1/gate": ["latncy"],
        "phases/1/watch": GONE,
        "objectives/latency/warn": "< 50ms",
        "roles": {},
    }
    assert [(one.severity, one.rule, one.path) for one in findings(changes)] == [
        ("error", "shape", "rollout_phases[0].tga"),
        ("error", "approvers", "rollout_phases[1].approvals[0].role"),
        ("error", "not_defined", "rollout_phases[1].gate[0]"),
        ("error", "risk", "rollout_phases[1].watch"),
        ("warning", "idle_warn", "rollout_objectives.latency.warn"),
    ]


def places(part: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything that stands in a plan, however deep."""
    entries = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in entries:
        yield f"{path}{key}"
        if isinstance(value, (dict, list)):
            yield from places(value, f"{path}{key}/")


@pytest.mark.parametrize(
    "wrong",
    [None, 0, -1, 2.5, float("nan"), "x", "", [], [None], {}, {"x": 1}, [[]], [{}], True],
    ids=repr,
)
def test_whatever_stands_anywhere_the_check_goes_on(wrong):
    """What cannot be read is a finding, and a plan without errors has records."""
    everywhere = [path for path in places(GOOD) if "/" in path]
    assert len(everywhere) > 150
    for path in everywhere:
        plan = edited({path: wrong})
        if all(finding.severity != "error" for finding in findings_of(plan)):
            assert [phase_record(plan, number) for number in plan.by_id]


def test_a_window_says_when_it_is_open():
    plan = edited({})
    states = window_states(plan, datetime(2026, 12, 24, 12, tzinfo=timezone.utc))
    frozen = "frozen until 2026-12-27 00:00 UTC: Christmas"
    assert states == {
        "phase-1": {"open": False, "opens_at": "2026-12-27T00:00:00+00:00", "why": frozen},
        "phase-2": {"open": False, "opens_at": "2026-12-28T08:00:00+00:00", "why": frozen},
    }


def test_an_open_window_is_open_from_now_on():
    states = window_states(edited({}), datetime(2026, 11, 23, 10, tzinfo=timezone.utc))
    now = "2026-11-23T10:00:00+00:00"
    assert states["phase-1"] == states["phase-2"] == {"open": True, "opens_at": now, "why": ""}


def validation(name: str, *, critical: bool) -> dict[str, Any]:
    return {"name": name, "command": [name], "critical": critical}


#: Three phases; the second repeats what the first validates, the third has nothing critical.
THIRD = {**GOOD["phases"][0], "id": 3, "tag": "v3", "validations": {}, "prerequisites": ["ready"],
         "changes": [{"id": "d", "branch": "feature/d"}]}  # fmt: skip
ROAD: dict[str, Any] = {
    "phases": [*GOOD["phases"], THIRD],
    "phases/0/validations": {
        "integration": [validation("a", critical=True), validation("b", critical=False)],
        "production": [validation("c", critical=True)],
    },
    "phases/1/validations": {
        "integration": [validation("a", critical=True), validation("d", critical=True)],
        "staging": [validation("e", critical=False)],
    },
}
COMMIT = "76d4bb83f8a2cd7a7a6fd4f2a1a6b7e0c9a5d1e3"


def road() -> Plan:
    plan = edited(deepcopy(ROAD))
    assert findings_of(plan) == []
    return plan


def hotfix(*released: str, tag: str = "", branch: str = "hotfix/leak") -> dict[str, Any]:
    return hotfix_record(road(), Hotfix(branch, COMMIT, released, "48h", tag))


def names(record: dict[str, Any]) -> dict[str, list[str]]:
    return {
        stage: [item["name"] for item in items] for stage, items in record["validations"].items()
    }


def test_the_record_of_a_hotfix_has_every_key_of_a_phase():
    assert set(hotfix("v1")) == {*phase_record(road(), 1), "review_within_seconds"}


def test_a_hotfix_is_named_by_its_branch_and_commit():
    record = hotfix("v1")
    assert record["changes"] == [{"id": "hotfix/leak", "branch": COMMIT}]
    assert record["key"] == record["tag"] == "hotfix-leak-76d4bb8"
    assert record["label"] == "pre-hotfix-leak-76d4bb8"
    assert record["title"] == "hotfix/leak"
    assert record["review_within_seconds"] == 48 * 3600


def test_a_hotfix_has_a_plan_of_its_own():
    plans = {
        hotfix("v1")["plan_hash"],
        hotfix("v2")["plan_hash"],
        phase_record(road(), 1)["plan_hash"],
    }
    assert len(plans) == 3
    assert hotfix("v1")["plan_hash"] == hotfix("v1")["plan_hash"]


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
    assert record["deploy"]["batches"] == [1, "50%", "100%"]
    assert record["watch"]["objectives"] == ["errors", "latency"]


def test_a_hotfix_does_not_wait():
    record = hotfix("v2", "v1")
    for key in ("requires", "approvals", "prerequisites", "window"):
        assert not record[key]


def test_a_hotfix_takes_the_gate_of_a_phase_that_has_one():
    bare: dict[str, Any] = {"risk": "minimal", "gate": [], "watch": None}
    judged = {"validations": {"integration": [validation("f", critical=False)]}}
    plan = edited({"phases": [GOOD["phases"][0], {**THIRD, **bare, **judged}]})
    assert findings_of(plan) == []
    record = hotfix_record(plan, Hotfix("hotfix/x", COMMIT, ["v1", "v3"], "48h"))
    assert record["gate"] == ["errors"]


def test_a_hotfix_without_any_gate_is_refused():
    plan = edited({"phases": [{**GOOD["phases"][0], "risk": "minimal", "gate": [], "watch": None}]})
    with pytest.raises(ValueError, match="no phase that is released has a gate"):
        hotfix_record(plan, Hotfix("hotfix/x", COMMIT, ["v1"], "48h"))


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


@pytest.mark.parametrize("within", ["", "48", "two days", "-1h", "0s"])
def test_a_hotfix_is_not_without_a_review(within):
    with pytest.raises(ValueError, match=f"review_within is '{within}': write a number and s, m"):
        hotfix_record(road(), Hotfix("hotfix/x", COMMIT, ["v1"], within))
