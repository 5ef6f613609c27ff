# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.tests.plans import findings, found, only


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param(
            "phases/1/gate/0", "latncy", "gate[0]", "did you mean latency?", id="in the gate"
        ),
        pytest.param(
            "phases/1/prerequisites/0",
            "nothing",
            "prerequisites[0]",
            "'nothing' is not defined",
            id="in the prerequisites",
        ),
        pytest.param(
            "phases/1/window/low_traffic/objective",
            "trafic",
            "window.low_traffic.objective",
            "did you mean traffic?",
            id="in the window",
        ),
        pytest.param(
            "phases/1/rollback/rehearsed",
            "rehearsel",
            "rollback.rehearsed",
            "did you mean rehearsal?",
            id="in the rollback",
        ),
        pytest.param(
            "phases/1/watch/objectives/1",
            "latncy",
            "watch.objectives[1]",
            "did you mean latency?",
            id="in the watch",
        ),
        pytest.param(
            "phases/1/requires/0/phase", 7, "requires[0].phase", "use one of 1, 2", id="a phase"
        ),
        pytest.param(
            "phases/1/inherits/0", 7, "inherits[0]", "no phase has id 7", id="a gate inherited"
        ),
        pytest.param(
            "phases/1/changes/1/depends_on/1",
            "pr-c",
            "changes[1].depends_on[1]",
            "no change has id 'pr-c' | use one of a, b, c",
            id="a change that is never named",
        ),
    ],
)
def test_what_is_named_must_exist(path, value, where, says):
    said = found({path: value}, "not_defined")
    assert [one.path for one in said] == [f"rollout_phases[1].{where}"]
    assert says in f"{said[0].problem} | {said[0].suggestion}"


@pytest.mark.parametrize(
    ("path", "value", "where", "first"),
    [
        pytest.param("phases/1/tag", "v1", "tag", "tag", id="a tag"),
        pytest.param(
            "phases/1/changes/0/branch",
            "feature/a",
            "changes[0].branch",
            "changes[0].branch",
            id="a branch",
        ),
        pytest.param("phases/1/changes/1/id", "a", "changes[1].id", "changes[0].id", id="a change"),
    ],
)
def test_what_names_one_thing_is_used_once(path, value, where, first):
    said = found({path: value}, "used_twice")
    assert [one.path for one in said] == [f"rollout_phases[1].{where}"]
    assert f"already used by rollout_phases[0].{first}" in said[0].problem


def test_an_id_is_used_once():
    said = [one.path for one in findings({"phases/1/id": 1}) if one.rule == "used_twice"]
    assert said == ["rollout_phases[1].id"]


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param(
            "phases/0/requires",
            [{"phase": 2, "stable_for": "1h"}],
            "rollout_phases[0].requires[0].phase",
            "phase 1 cannot stand on phase 2",
            id="a phase that requires a later one",
        ),
        pytest.param(
            "phases/1/inherits",
            [1, 2],
            "rollout_phases[1].inherits[1]",
            "name a phase below 2",
            id="a phase that inherits its own gate",
        ),
        pytest.param(
            "phases/0/changes/0/depends_on",
            ["b"],
            "rollout_phases[0].changes[0].depends_on[0]",
            "change b is merged after a",
            id="a change that depends on one of a later phase",
        ),
        pytest.param(
            "phases/1/changes/0/depends_on",
            ["b"],
            "rollout_phases[1].changes[0].depends_on[0]",
            "name a change that comes before",
            id="a change that depends on itself",
        ),
    ],
)
def test_nothing_stands_on_what_comes_later(path, value, where, says):
    only({path: value}, "order", where, says)


def test_changes_do_not_depend_on_each_other():
    said = found({"phases/1/changes/0/depends_on": ["c"]}, "order")
    assert [one.path for one in said] == [
        "rollout_phases[1].changes[0].depends_on[0]",
        "rollout_phases[1].changes[1].depends_on[0]",
    ]


def test_the_order_of_the_list_does_not_matter_within_a_phase():
    changes = {
        "phases/1/changes/0/depends_on": ["c"],
        "phases/1/changes/1/depends_on": ["a"],
    }
    assert findings(changes) == []


@pytest.mark.parametrize(
    ("value", "rule", "where", "says"),
    [
        pytest.param(
            {"staging": [{"name": "x"}]},
            "shape",
            "staging[0]",
            "command or request",
            id="that does nothing",
        ),
        pytest.param(
            {"staging": [{"name": "x", "command": ["x"], "request": {"path": "/"}}]},
            "shape",
            "staging[0]",
            "found ['command', 'name', 'request']",
            id="that does two things",
        ),
        pytest.param(
            {"staging": [{"name": "x", "command": ["x"], "traced": {"query": "SELECT 1"}}]},
            "shape",
            "staging[0].traced",
            "only a request is traced",
            id="whose command is traced",
        ),
        pytest.param(
            {"staging": [{"name": "x", "command": ["x"], "critical": True}]},
            "hotfix",
            "staging[0].critical",
            "does not pass staging",
            id="that is critical where no hotfix comes by",
        ),
    ],
)
def test_a_validation_that_makes_no_sense(value, rule, where, says):
    only({"phases/0/validations": value}, rule, f"rollout_phases[0].validations.{where}", says)
