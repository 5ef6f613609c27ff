# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_read import gate_of
from ansible_collections.phased.rollout.plugins.module_utils._plan_record import phase_record
from ansible_collections.phased.rollout.tests.plans import GONE, edited


def record(number: int, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    return phase_record(edited(changes or {}), number)


def test_the_record_of_a_phase_that_says_little_has_every_key():
    found = record(1)
    found.pop("plan_hash")
    assert found == {
        "id": 1,
        "key": "phase-1",
        "name": "One",
        "title": "phase 1, One",
        "risk": "medium",
        "changes": [{"id": "a", "branch": "feature/a"}],
        "requires": [],
        "approvals": [],
        "prerequisites": [],
        "gate": ["errors"],
        "validations": {
            "integration": [{"name": "tests", "command": ["tests/run.sh"], "critical": True}],
            "staging": [],
            "production": [
                {
                    "name": "smoke",
                    "request": {"path": "/"},
                    "traced": {"query": "SELECT count(*) FROM t"},
                }
            ],
        },
        "window": None,
        "deploy": {"strategy": "rolling", "batches": [1, "100%"]},
        "watch": {
            "duration_seconds": 72 * 3600,
            "interval_seconds": 300,
            "objectives": ["errors"],
            "on_breach": "reset",
            "critical": [],
        },
        "rollback": {
            "within_seconds": None,
            "database": "keep",
            "policy": "automatic",
            "rehearsed": None,
        },
        "escalation": [],
        "planned": {},
        "tag": "v1",
        "label": "pre-phase-1-deployment",
    }


def test_the_record_of_a_phase_that_says_all_has_times_in_seconds():
    found = record(2)
    found.pop("plan_hash")
    assert found == {
        "id": 2,
        "key": "phase-2",
        "name": "Two",
        "title": "phase 2, Two",
        "risk": "high",
        "changes": [
            {
                "id": "b",
                "branch": "feature/b",
                "owner": "backend",
                "risk": "high",
                "migration": "contract",
                "rollback": {"within_seconds": 900},
                "planned": {
                    "total": {"hours_least": 6, "hours_most": 6, "people": None, "days": [4, 5]}
                },
            },
            {"id": "c", "branch": "feature/c", "depends_on": ["b", "a"]},
        ],
        "requires": [
            {"phase": 1, "key": "phase-1", "stable_for": "48h", "stable_for_seconds": 172800}
        ],
        "approvals": [
            {
                "role": "reviewer",
                "count": 2,
                "persons": ["ada", "bob", "eve"],
                "expires_seconds": 604800,
                "exclude_runner": True,
            },
            {
                "role": "cto",
                "count": 1,
                "persons": ["eve"],
                "expires_seconds": None,
                "exclude_runner": False,
            },
        ],
        "prerequisites": ["ready", "rehearsal", "traffic"],
        "gate": ["errors", "latency"],
        "validations": {"integration": [], "staging": [], "production": []},
        "window": {
            "days": "mon-thu",
            "from": "09:00",
            "to": "16:00",
            "timezone": "Europe/Berlin",
            "low_traffic": "traffic",
        },
        "deploy": {"strategy": "rolling", "batches": [1, "50%", "100%"]},
        "watch": {
            "duration_seconds": 604800,
            "interval_seconds": 60,
            "objectives": ["errors", "latency"],
            "on_breach": "pause",
            "critical": ["errors"],
        },
        "rollback": {
            "within_seconds": 600,
            "database": "restore",
            "policy": "freeze",
            "rehearsed": "rehearsal",
        },
        "escalation": [
            {"person": "ada", "contact": "+41 44 123 45 67", "after_seconds": 0, "for": None},
            {"person": "eve", "contact": None, "after_seconds": 900, "for": "security"},
        ],
        "planned": {
            "total": {"hours_least": 14, "hours_most": 20, "people": 3, "days": [4, 5, 6]},
            "stage": {"hours_least": 4, "hours_most": 4, "people": None, "days": [4]},
            "deploy": {"hours_least": 10, "hours_most": 16, "people": None, "days": [5, 6]},
        },
        "tag": "v2",
        "label": "pre-phase-2-deployment",
    }


def test_a_window_without_hours_is_open_all_day():
    assert record(1, {"phases/0/window": {"days": "sat,sun"}})["window"] == {
        "days": "sat-sun",
        "from": "00:00",
        "to": "24:00",
        "timezone": "UTC",
        "low_traffic": None,
    }


def test_a_prerequisite_that_is_named_twice_is_asked_once():
    named = {"phases/1/prerequisites": ["traffic", "ready", "rehearsal"]}
    assert record(2, named)["prerequisites"] == ["traffic", "ready", "rehearsal"]


def test_null_is_the_same_as_nothing():
    nothing = dict.fromkeys(
        f"phases/0/{key}" for key in ("requires", "approvals", "deploy", "window", "planned")
    )
    assert record(1, nothing) == record(1)


def test_an_unknown_phase_is_named():
    with pytest.raises(KeyError, match=r"no phase has id 9; the plan has \[1, 2\]"):
        record(9)


def test_a_phase_that_watches_nothing_has_no_watch():
    assert record(1, {"phases/0/watch": GONE})["watch"] is None


def test_a_gate_holds_all_that_it_inherits_once_and_in_order():
    by_id: dict[int, dict[str, Any]] = {
        1: {"gate": ["a", "b"]},
        2: {"gate": ["c", "a"], "inherits": [1]},
        3: {"gate": ["d"], "inherits": [2, 1]},
    }
    assert gate_of(by_id, 3) == ["a", "b", "c", "d"]


def test_a_gate_that_inherits_itself_is_no_endless_one():
    by_id: dict[int, dict[str, Any]] = {1: {"gate": ["a"], "inherits": [1, 2]}, 2: {"gate": ["b"]}}
    assert gate_of(by_id, 1) == ["a"]
