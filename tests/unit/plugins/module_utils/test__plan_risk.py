# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git_changes import RISKS
from ansible_collections.phased.rollout.plugins.module_utils._plan_risk import CONTROLS
from ansible_collections.phased.rollout.tests.plans import CRITICAL, GONE, findings, found, only

#: What a phase of critical risk has, and how each control of the table goes missing from it.
MISSING: dict[str, tuple[str, dict[str, Any]]] = {
    "a validation or a gate": ("minimal", {"phases/1/gate": GONE, "phases/1/inherits": GONE}),
    "a gate": (
        "low",
        {
            "phases/1/gate": GONE,
            "phases/1/inherits": GONE,
            "phases/1/validations": {"staging": [{"name": "x", "command": ["x"]}]},
        },
    ),
    "something that judges it before its release": ("medium", {"phases/1/prerequisites": GONE}),
    "a watch": ("high", {"phases/1/watch": GONE}),
    "a time for its rollback": (
        "high",
        {"phases/1/rollback/within": GONE, "phases/1/changes/0/rollback": GONE},
    ),
    "an approval": ("high", {"phases/1/approvals": GONE}),
    "approvals of two persons": (
        "critical",
        {"phases/1/approvals": [{"role": "cto", "persons": ["eve"]}]},
    ),
    "a window": ("critical", {"phases/1/window": GONE}),
    "a deployment that can be switched back at once": (
        "critical",
        {"phases/1/deploy": {"strategy": "rolling"}},
    ),
    "a rollback that was rehearsed": ("critical", {"phases/1/rollback/rehearsed": GONE}),
    "somebody to call": ("critical", {"phases/1/escalation": GONE}),
}


def lacking(changes: dict[str, Any], risk: str) -> set[str]:
    """Return which controls are found to be missing from the second phase at a risk."""
    everything = {**CRITICAL, "phases/1/changes/0/risk": "minimal", **changes}
    said = found({**everything, "phases/1/risk": risk}, "risk")
    assert all(one.severity == "error" for one in said)
    return {one.problem.partition(" needs ")[2] for one in said}


def test_every_control_is_tested():
    assert [control.name for control in CONTROLS] == list(MISSING)
    assert [control.risk for control in CONTROLS] == [risk for risk, _changes in MISSING.values()]


@pytest.mark.parametrize("risk", RISKS)
def test_a_phase_with_everything_lacks_nothing(risk):
    assert lacking({}, risk) == set()


@pytest.mark.parametrize(
    ("name", "risk"), [pytest.param(n, r, id=f"{r}: {n}") for n in MISSING for r in RISKS]
)
def test_each_control_is_required_from_its_risk_on(name, risk):
    needed_from, changes = MISSING[name]
    required = RISKS.index(risk) >= RISKS.index(needed_from)
    assert (name in lacking(changes, risk)) == required


def test_a_minimal_phase_needs_one_thing_that_judges_it():
    judged = {
        "phases/1/gate": GONE,
        "phases/1/inherits": GONE,
        "phases/1/validations": {"integration": [{"name": "x", "command": ["x"]}]},
    }
    assert lacking(judged, "minimal") == set()


def test_a_validation_of_production_judges_too_late():
    late = {
        "phases/1/prerequisites": GONE,
        "phases/1/validations": {"production": [{"name": "x", "command": ["x"]}]},
    }
    assert lacking(late, "medium") == {"something that judges it before its release"}


@pytest.mark.parametrize(
    ("approvals", "two"),
    [
        pytest.param([{"role": "cto", "persons": ["eve"]}], False, id="one"),
        pytest.param([{"role": "reviewer", "count": 2}], True, id="two of a role"),
        pytest.param(
            [{"role": "cto", "persons": ["eve"]}, {"role": "lead", "persons": ["ada"]}],
            True,
            id="two roles",
        ),
        pytest.param(
            [{"role": "cto", "persons": ["eve"]}, {"role": "lead", "persons": ["Eve"]}],
            False,
            id="one person in two roles",
        ),
        pytest.param(
            [{"role": "cto", "persons": ["eve", "ada"]}, {"role": "lead", "persons": ["eve"]}],
            False,
            id="two roles that one person may fill",
        ),
    ],
)
def test_two_persons_are_two(approvals, two):
    assert (lacking({"phases/1/approvals": approvals}, "critical") == set()) == two


def test_a_change_is_not_riskier_than_its_phase():
    only(
        {"phases/0/changes/0/risk": "high"},
        "risk_of_change",
        "rollout_phases[0].risk",
        "it is medium, and that of change a (changes[0]) is high",
    )


def test_a_change_may_be_less_risky_than_its_phase():
    assert findings({"phases/0/changes/0/risk": "minimal"}) == []
