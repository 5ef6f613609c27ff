# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_rollback import within_of
from ansible_collections.phased.rollout.tests.plans import GONE, edited, findings, only

ROLLBACK = "rollout_phases[1].rollback"


def test_a_phase_is_taken_back_as_fast_as_its_most_urgent_change():
    only(
        {"phases/1/rollback/within": "20m"},
        "rollback_slower",
        f"{ROLLBACK}.within",
        "the phase may take 20m to take back, and its change b only 15m",
    )


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        pytest.param({}, 600, id="its own"),
        pytest.param({"phases/1/rollback/within": GONE}, 900, id="that of its change"),
        pytest.param(
            {
                "phases/1/rollback/within": GONE,
                "phases/1/changes/1/rollback": {"within": "2m"},
            },
            120,
            id="that of its most urgent change",
        ),
        pytest.param(
            {"phases/1/rollback": GONE, "phases/1/changes/0/rollback": GONE}, None, id="none"
        ),
    ],
)
def test_the_time_that_a_rollback_may_take(changes, seconds):
    assert within_of(edited(changes).by_id[2]) == seconds


def test_migrations_do_not_run_backwards_unasked():
    changes = {"phases/1/rollback/database": "migrate", "phases/1/rollback/policy": "automatic"}
    finding = only(changes, "rollback_drops", f"{ROLLBACK}.database", "drop what was written since")
    assert finding.severity == "warning"


def test_a_person_may_let_migrations_run_backwards():
    assert findings({"phases/1/rollback/database": "migrate"}) == []


def test_a_contracting_migration_waits_for_a_phase_to_be_stable():
    changes = {
        "phases/0/changes/0/migration": "contract",
        "phases/0/rollback": {"database": "refuse"},
    }
    only(
        changes, "contract", "rollout_phases[0].changes[0].migration", "no earlier one to be stable"
    )


@pytest.mark.parametrize(
    "rollback",
    [
        pytest.param({"within": "10m", "rehearsed": "rehearsal"}, id="by default"),
        pytest.param({"within": "10m", "database": "keep"}, id="as the plan says"),
    ],
)
def test_code_is_not_taken_back_to_a_schema_that_lacks_what_it_needs(rollback):
    where = "rollout_phases[1].changes[0].migration"
    only({"phases/1/rollback": rollback}, "contract", where, "lacks what it needs")


def test_an_expanding_migration_needs_nothing():
    assert findings({"phases/0/changes/0/migration": "expand"}) == []


def test_people_are_called_in_their_order():
    changes = {
        "phases/1/escalation": [
            {"person": "ada", "after": "30m"},
            {"person": "bob", "after": "15m", "for": "business"},
            {"person": "eve", "after": "15m"},
        ]
    }
    where = "rollout_phases[1].escalation[2].after"
    only(changes, "escalation", where, "eve would be called before the one above")
