# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of a plan says to an editor what the check says before a run."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ansible_collections.phased.rollout.plugins.module_utils._objective import OPTIONS
from ansible_collections.phased.rollout.plugins.module_utils._plan_schema import json_schema
from ansible_collections.phased.rollout.tests.plans import GOOD

FOLDER = Path(__file__).parents[3] / "inventories"
KEYS = ("phases", "objectives", "freezes", "roles")


@cache
def validator() -> Any:
    return Draft202012Validator(json_schema())


def complaints(plan: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(plan)]


def plan_of(inventory: str) -> dict[str, Any]:
    """Return what the files of an inventory say, as an editor sees it: nothing is rendered."""
    found: dict[str, Any] = {}
    for file in sorted((FOLDER / inventory / "group_vars/all").glob("*.yml")):
        found.update(yaml.safe_load(file.read_text()))
    later = [name for name in found if name.startswith("rollout_later_")]
    for name in later:
        kept = found.setdefault(name.replace("later_", ""), type(found[name])())
        kept.extend(found[name]) if isinstance(kept, list) else kept.update(found[name])
    rendered: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return rendered


def good() -> dict[str, Any]:
    return {f"rollout_{key}": deepcopy(GOOD[key]) for key in KEYS}


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json_schema())


def test_the_shipped_schema_is_up_to_date():
    shipped = json.loads((FOLDER / "plan.schema.json").read_text())
    assert shipped == json_schema(), "run: make docs"


@pytest.mark.parametrize("inventory", ["prod", "apex"])
def test_a_shipped_plan_is_valid(inventory):
    plan = plan_of(inventory)
    assert len(plan["rollout_objectives"]) > 20
    assert complaints(plan) == []


def test_a_plan_that_says_all_is_valid():
    assert complaints(good()) == []


def test_a_file_may_hold_other_variables():
    assert complaints({"rollout_home": "/srv", "tower_query": "SELECT 1"}) == []


def test_every_option_of_an_objective_is_known():
    objectives, _template = json_schema()["properties"]["rollout_objectives"]["anyOf"]
    objective = objectives["additionalProperties"]
    assert set(objective["properties"]) == set(OPTIONS)
    assert all(one["description"] for one in objective["properties"].values())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rollout_phases/1/gate", "{{ gates.second }}"),
        ("rollout_phases/1/id", "{{ number }}"),
        ("rollout_phases/1/watch", "{{ watch_of_high_risk }}"),
        ("rollout_phases/1/watch/duration", "{{ soak }}"),
        ("rollout_objectives/errors/source/type", "{{ type }}"),
        ("rollout_freezes", "{{ company_freezes }}"),
        ("rollout_phases/1/window/days", "mon,wed-fri"),
        ("rollout_phases/1/planned/total/hours", 0.5),
        ("rollout_phases/1/planned/total/days", "1,3-4"),
    ],
)
def test_what_a_person_may_write_is_valid(path, value):
    assert complaints(edited(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rollout_phases/1/gates", ["errors"]),
        ("rollout_phases/1/id", "2"),
        ("rollout_phases/1/risk", "hihg"),
        ("rollout_phases/1/changes", []),
        ("rollout_phases/1/changes/0", {"id": "b"}),
        ("rollout_phases/1/window/days", "monday"),
        ("rollout_phases/1/window/from", 540),
        ("rollout_phases/1/watch/duration", "instant"),
        ("rollout_phases/1/watch/interval", 300),
        ("rollout_phases/1/approvals/0", "cto"),
        ("rollout_phases/1/deploy/batches", ["0%"]),
        ("rollout_phases/1/rollback/database", "drop"),
        ("rollout_phases/0/validations/integration/0/command", "tests/run.sh"),
        ("rollout_freezes/0", {"from": "2026-12-24", "to": "2026-12-26"}),
        ("rollout_roles/reviewer", "ada"),
        ("rollout_objectives/errors/passes", "== 0"),
        ("rollout_objectives/errors", {"pass": "== 0"}),
        ("rollout_objectives/errors/source/type", "promtheus"),
    ],
)
def test_what_the_check_refuses_is_not_valid(path, value):
    assert complaints(edited(path, value))


def edited(path: str, value: Any) -> dict[str, Any]:
    plan: Any = good()
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    place = plan
    for key in parents:
        place = place[key]
    place[last] = value
    return plan  # type: ignore[no-any-return]
