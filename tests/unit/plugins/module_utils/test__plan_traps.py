# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.plans import GONE, GOOD, findings, found, only

QUALITY = {"source": {"type": "prometheus", "query": "quality"}, "unit": "ratio"}
COST = {"source": {"type": "prometheus", "query": "cost"}, "unit": "s"}


def objectives(**limits: str) -> dict[str, Any]:
    """Return changes that add objectives: q... of one source, c... of another one."""
    return {
        f"objectives/{name}": {**(QUALITY if name.startswith("q") else COST), "pass": limit}
        for name, limit in limits.items()
    }


def gates(first: list[str], second: list[str], **more: Any) -> dict[str, Any]:
    return {"phases/0/gate": first, "phases/1/gate": second, **more}


SECOND = "rollout_phases[1]"
ALONE = {"phases/1/inherits": GONE, "phases/1/requires": GONE, "phases/1/changes/0/migration": GONE}


def test_objectives_of_one_source_do_not_contradict_each_other_in_one_gate():
    changes = {**objectives(q1="< 50%", q2="> 60%"), **gates(["errors", "q1"], ["latency", "q2"])}
    finding = only(changes, "contradiction", f"{SECOND}.gate[1]", "meets q2 cannot meet q1")
    assert finding.severity == "error"


def test_an_objective_beside_a_stricter_one_says_nothing():
    changes = {**objectives(q1="> 50%", q2="> 3%"), **gates(["errors"], ["q1", "q2", "latency"])}
    finding = only(changes, "no_effect", f"{SECOND}.gate[1]", "q2 says nothing beside q1")
    assert finding.severity == "warning"


def test_an_objective_that_is_looser_than_an_inherited_one_says_nothing():
    changes = {**objectives(q1="> 60%", q2="> 50%"), **gates(["errors", "q1"], ["latency", "q2"])}
    only(changes, "no_effect", f"{SECOND}.gate[1]", "q2 says nothing beside q1")


def test_a_limit_does_not_loosen_from_one_phase_to_the_next():
    limits = objectives(c1="< 15s", c2="< 20s")
    changes = {**limits, **gates(["errors", "c1"], ["errors", "latency", "c2"], **ALONE)}
    where = f"{SECOND}.gate[2]"
    only(changes, "loosened", where, "c2 allows what c1 (phase 1: gate) does not")


def test_a_limit_does_not_loosen_from_the_beginning_of_a_phase_to_its_end():
    """As 15 % of a prerequisite and 20 % of the same phase's success."""
    limits = objectives(c1="< +15% of baseline", c2="< +20% of baseline")
    changes = {
        **limits,
        "phases/1/prerequisites": ["ready", "c1"],
        "phases/1/gate": ["latency", "c2"],
    }
    said = found(changes, "loosened")
    assert [one.path for one in said] == [f"{SECOND}.gate[1]"]
    assert "c2 allows what c1 (phase 2: prerequisites) does not" in said[0].problem


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {
                **objectives(q1="> 60%", q2=">= 80%"),
                "phases/1/prerequisites": ["ready", "q1"],
                "phases/1/gate": ["latency", "q2"],
            },
            id="a limit tightens, as 60 % to begin and 80 % in the end",
        ),
        pytest.param(
            {
                **objectives(q1="== 0%", q2="== 100%"),
                "phases/1/prerequisites": ["ready", "q1"],
                "phases/1/gate": ["latency", "q2"],
            },
            id="what is off before is on after",
        ),
        pytest.param(
            {
                **objectives(c1="< +10% of baseline", c2="< +15% of baseline"),
                "objectives/c2/baseline": "v0",
                **gates(["errors", "c1"], ["latency", "c2"]),
            },
            id="they compare with different baselines",
        ),
        pytest.param(
            {
                **objectives(c1="< +10% of baseline", c2="< +15% of baseline"),
                **gates(["errors", "c1"], ["errors", "latency", "c2"], **ALONE),
            },
            id="each compares with what was before its phase",
        ),
        pytest.param(
            {
                **objectives(q1="> 60%", c1="< 20s"),
                **gates(["errors", "q1"], ["latency", "c1"]),
            },
            id="they ask different sources",
        ),
        pytest.param(
            {
                "objectives/v1": {"source": {"type": "value", "value": None}, "pass": "== 1"},
                "objectives/v2": {"source": {"type": "value", "value": None}, "pass": "== 2"},
                **gates(["errors", "v1"], ["latency", "v2"]),
            },
            id="values that are not known yet are not the same",
        ),
    ],
)
def test_objectives_that_fit_together(changes):
    assert findings(changes) == []


def test_patience_makes_no_other_source():
    limits = objectives(c1="< 15s", c2="< 20s")
    limits["objectives/c2"] = {
        **limits["objectives/c2"],
        "source": {"query": "  cost\n", "type": "prometheus", "timeout": 60, "retries": 2},
    }
    changes = {**limits, **gates(["errors", "c1", "c2"], ["latency"])}
    only(changes, "no_effect", "rollout_phases[0].gate[2]", "c2 says nothing beside c1")


def test_a_watch_does_not_leave_a_band_in_which_nothing_is_raised():
    """As an alert below 99 % on what must be above 99.5 %."""
    changes = {
        **objectives(q1="> 99.5%", q2=">= 99%"),
        "phases/1/gate": ["latency", "q1"],
        "phases/1/watch/objectives": ["errors", "latency", "q2"],
    }
    where = f"{SECOND}.watch.objectives[2]"
    finding = only(changes, "dead_band", where, "between the two nothing is raised")
    assert "q2 allows what q1 (phase 2: gate) does not" in finding.problem


def test_a_watch_of_both_leaves_no_band():
    changes = {
        **objectives(q1="> 99.5%", q2=">= 99%"),
        "phases/1/gate": ["latency", "q1"],
        "phases/1/watch/objectives": ["errors", "q1", "q2"],
    }
    only(changes, "no_effect", f"{SECOND}.watch.objectives[2]", "q2 says nothing beside q1")


def test_what_must_not_get_worse_is_asked_again_in_the_end():
    changes = {**objectives(c1="< +15% of baseline"), "phases/1/prerequisites": ["ready", "c1"]}
    only(changes, "gate_forgets", f"{SECOND}.prerequisites[1]", "add c1 to the gate")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"phases/1/gate": ["latency", "c1"]}, id="by its name"),
        pytest.param(
            {**objectives(c2="< +10% of baseline"), "phases/1/gate": ["latency", "c2"]},
            id="by another one of its source",
        ),
        pytest.param({"phases/0/gate": ["errors", "c1"]}, id="by a gate that is inherited"),
    ],
)
def test_it_may_be_asked_in_more_than_one_way(changes):
    limits = objectives(c1="< +15% of baseline")
    everything = {**limits, "phases/1/prerequisites": ["ready", "c1"], **changes}
    assert found(everything, "gate_forgets") == []


def test_a_phase_measures_again_what_it_stands_on():
    changes = {"phases/1/inherits": GONE, "phases/1/gate": ["errors", "latency"]}
    only(changes, "not_inherited", f"{SECOND}.inherits", "set inherits: [1]")


def test_a_gate_is_inherited_over_another_one():
    third = {
        "id": 3,
        "name": "Three",
        "changes": [{"id": "d", "branch": "feature/d"}],
        "requires": [{"phase": 1, "stable_for": "72h"}, {"phase": 2, "stable_for": "72h"}],
        "prerequisites": ["ready"],
        "inherits": [2],
        "gate": ["traffic"],
        "tag": "v3",
    }
    assert findings({"phases": [*GOOD["phases"], third]}) == []


REVIEW = [{"role": "reviewer", "count": 2}]


@pytest.mark.parametrize(
    ("approvals", "says"),
    [
        pytest.param(
            [{"role": "cto", "persons": ["eve"]}],
            "phase 1 needs 2 as 'reviewer', and this one, with no less risk, 0",
            id="no reviewer",
        ),
        pytest.param([{"role": "reviewer"}], "with no less risk, 1", id="one reviewer"),
    ],
)
def test_a_later_phase_does_not_ask_fewer_people(approvals, says):
    changes = {"phases/0/approvals": REVIEW, "phases/1/approvals": approvals}
    only(changes, "fewer_approvals", f"{SECOND}.approvals", says)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"phases/1/approvals": REVIEW}, id="as many"),
        pytest.param(
            {
                "phases/1/approvals": [],
                "phases/0/risk": "high",
                "phases/0/rollback": {"within": "1h"},
                "phases/1/risk": "medium",
                "phases/1/changes/0/risk": "medium",
            },
            id="fewer at a lower risk",
        ),
    ],
)
def test_people_are_asked_by_risk(changes):
    assert findings({"phases/0/approvals": REVIEW, **changes}) == []
