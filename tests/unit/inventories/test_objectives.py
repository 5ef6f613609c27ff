# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every objective of every inventory can be read, can be met, and is judged by some gate."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._judge import judge
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._objective import read_objective
from ansible_collections.phased.rollout.plugins.module_utils._plan import check_plan, gate_of
from ansible_collections.phased.rollout.plugins.module_utils._score import overall
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    Measurement,
    Window,
)
from ansible_collections.phased.rollout.plugins.module_utils._sources import read_source
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

FOLDER = Path(__file__).parents[3] / "inventories"
#: The lab has no addresses before it is up; what it judges is the plan of production.
SHARED = {"lab"}
#: Those that are shipped; people keep their own beside them.
INVENTORIES = ("apex", "prod", "staging")
NAMES = (
    *("rollout_objectives", "rollout_later_objectives", "rollout_phases", "rollout_later_phases"),
    "rollout_roles",
    *("rollout_gates", "rollout_trackers", "rollout_databases", "rollout_prometheus_url"),
)
#: What stands in environment variables.
GIVEN = {"rollout_home": "/home/rollout", "apex_user": {"name": "probe", "password": "secret"}}


@cache
def variables(inventory: str) -> dict[str, Any]:
    """Return what an inventory says of objectives, rendered; an empty one where it says nothing."""
    loader = DataLoader()
    hosts = InventoryManager(loader=loader, sources=[str(FOLDER / inventory / "hosts.yml")])
    manager = VariableManager(loader=loader, inventory=hosts)
    found = {**manager.get_vars(host=hosts.get_host("localhost")), **GIVEN}
    rendered: dict[str, Any] = Templar(loader=loader, variables=found).template(
        {name: found[name] for name in NAMES if name in found}
    )
    return rendered


def objectives(inventory: str) -> dict[str, Any]:
    found = variables(inventory)
    return {**found["rollout_objectives"], **found.get("rollout_later_objectives", {})}


def phases(inventory: str) -> list[dict[str, Any]]:
    found = variables(inventory)
    return [*found.get("rollout_phases", []), *found.get("rollout_later_phases", [])]


def gates(inventory: str) -> dict[str, list[str]]:
    """Return the names of the objectives of every gate."""
    named = dict(variables(inventory).get("rollout_gates", {}))
    for phase in phases(inventory):
        for part in ("gate", "prerequisites"):
            named[f"phase {phase['id']}: {part}"] = phase[part]
    return named


ALL = [
    pytest.param(inventory, name, id=f"{inventory}: {name}")
    for inventory in INVENTORIES
    for name in objectives(inventory)
]


def test_there_are_objectives():
    assert len(ALL) >= 100


@pytest.mark.parametrize("name", sorted(SHARED))
@pytest.mark.parametrize("file", ["plan.yml", "objectives_later.yml"])
def test_the_lab_judges_what_production_judges(name, file):
    shared = FOLDER / name / "group_vars/all" / file
    assert shared.resolve() == FOLDER.resolve() / "prod/group_vars/all" / file


@pytest.mark.parametrize(("inventory", "name"), ALL)
def test_the_objective_can_be_read_and_has_a_criterion(inventory, name):
    objective = read_objective(name, Fields(objectives(inventory)[name], name))
    assert objective.passes or objective.burn or objective.compare
    assert objective.description


@pytest.mark.parametrize(("inventory", "name"), ALL)
def test_its_source_can_be_read(inventory, name):
    found = variables(inventory)
    context = Context(
        login=Login(database=found.get("rollout_databases", {}).get("production")),
        prometheus_url=found["rollout_prometheus_url"],
        trackers=found.get("rollout_trackers", {}),
    )
    stated = Fields(objectives(inventory)[name], name).section("source", "")
    assert read_source(stated, context).asked


@pytest.mark.parametrize(("inventory", "name"), ALL)
def test_some_gate_judges_it(inventory, name):
    assert [gate for gate, names in gates(inventory).items() if name in names]


@pytest.mark.parametrize(
    ("inventory", "gate"),
    [
        pytest.param(inventory, gate, id=f"{inventory}: {gate}")
        for inventory in INVENTORIES
        for gate in gates(inventory)
    ],
)
def test_the_gate_names_objectives_that_there_are(inventory, gate):
    names = gates(inventory)[gate]
    assert names
    assert [name for name in names if name not in objectives(inventory)] == []


@pytest.mark.parametrize("inventory", ["prod", "staging"])
def test_the_plan_with_its_later_phases_has_no_findings(inventory):
    roles = variables(inventory)["rollout_roles"]
    assert check_plan(phases(inventory), objectives(inventory), roles=roles) == []


@pytest.mark.parametrize("inventory", ["prod", "staging"])
def test_gate_3_contains_gate_2_which_contains_gate_1(inventory):
    by_id = {phase["id"]: phase for phase in phases(inventory)}
    first, second, third = (set(gate_of(by_id, number)) for number in (1, 2, 3))
    assert first < second < third


NAN, ENDLESS = float("nan"), float("inf")
DAMAGES = {
    "nothing was measured": Measurement(),
    "it could not be measured": Measurement(error="no connection"),
    "no number": Measurement(value=NAN),
    "an endless number": Measurement(value=ENDLESS),
    "an endless number below 0": Measurement(value=-ENDLESS),
    "nothing happened": Measurement(good=0, total=0),
    "more good events than events": Measurement(good=2, total=1),
    "fewer than no events": Measurement(good=-1, total=1),
    "good events of nobody knows how many": Measurement(good=1),
    "events of which nobody knows how many were good": Measurement(total=1),
    "a unit that nobody knows": Measurement(value=1, unit="furlongs"),
    "windows without events": Measurement(value=1, windows=(Window("5m"), Window("1h"))),
}
BASELINES = {"no baseline": None, "a baseline": Baseline(1.0, (1.0,) * 30, Verdict.PASS)}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("inventory", "gate"),
    [
        pytest.param(inventory, gate, id=f"{inventory}: {gate}")
        for inventory in INVENTORIES
        for gate in gates(inventory)
    ],
)
def test_a_gate_is_closed_by_damage_to_any_of_its_objectives(inventory, gate, damage):
    """Whatever the others came to, and even on the last day of a ratchet."""
    stated = objectives(inventory)
    for name in gates(inventory)[gate]:
        objective = read_objective(name, Fields(stated[name], name))
        if objective.burn is None and damage == "windows without events":
            continue
        for baseline in BASELINES.values():
            result = judge(objective, DAMAGES[damage], baseline, date(2026, 1, 1))
            others = [result._replace(name=other, verdict=Verdict.PASS) for other in "abc"]
            assert overall([*others, result]) not in (Verdict.PASS, Verdict.WARN), result
