# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan without findings, and what is found in it when something is changed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ansible_collections.phased.rollout.plugins.module_utils._plan import findings_of
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan, read_plan

#: Two phases; the second one has every key, and what a high risk requires.
GOOD: dict[str, Any] = {
    "phases": [
        {
            "id": 1,
            "name": "One",
            "changes": [{"id": "a", "branch": "feature/a"}],
            "validations": {
                "integration": [{"name": "tests", "command": ["tests/run.sh"], "critical": True}],
                "production": [
                    {
                        "name": "smoke",
                        "request": {"path": "/"},
                        "traced": {"query": "SELECT count(*) FROM t"},
                    }
                ],
            },
            "gate": ["errors"],
            "watch": {"duration": "72h"},
            "tag": "v1",
        },
        {
            "id": 2,
            "name": "Two",
            "risk": "high",
            "changes": [
                {
                    "id": "b",
                    "branch": "feature/b",
                    "owner": "backend",
                    "risk": "high",
                    "migration": "contract",
                    "rollback": {"within": "15m"},
                    "planned": {"total": {"hours": 6, "days": "4-5"}},
                },
                {"id": "c", "branch": "feature/c", "depends_on": ["b", "a"]},
            ],
            "requires": [{"phase": 1, "stable_for": "48h"}],
            "prerequisites": ["ready"],
            "inherits": [1],
            "gate": ["latency"],
            "approvals": [
                {"role": "reviewer", "count": 2, "expires": "1w", "exclude_runner": True},
                {"role": "cto", "persons": ["eve"]},
            ],
            "window": {
                "days": "mon-thu",
                "from": "09:00",
                "to": "16:00",
                "timezone": "Europe/Berlin",
                "low_traffic": {"objective": "traffic"},
            },
            "deploy": {"strategy": "rolling", "batches": [1, "50%", "100%"]},
            "watch": {
                "duration": "1w",
                "interval": "1m",
                "objectives": ["errors", "latency"],
                "on_breach": "pause",
                "critical": ["errors"],
            },
            "rollback": {
                "within": "10m",
                "database": "restore",
                "policy": "freeze",
                "rehearsed": "rehearsal",
            },
            "escalation": [
                {"person": "ada", "contact": "+41 44 123 45 67"},
                {"person": "eve", "after": "15m", "for": "security"},
            ],
            "planned": {
                "total": {"hours": "14-20", "days": "4-6", "people": 3},
                "stage": {"hours": 4, "days": 4},
                "deploy": {"hours": "10-16", "days": "5,6"},
            },
            "tag": "v2",
        },
    ],
    "objectives": {
        "errors": {"source": {"type": "prometheus", "query": "e"}, "pass": "== 0"},
        "latency": {
            "source": {"type": "prometheus", "query": "l"},
            "unit": "s",
            "pass": "< 100ms",
            "warn": "< 150ms",
        },
        "ready": {"source": {"type": "value", "value": None}, "pass": "== 1"},
        "traffic": {"source": {"type": "prometheus", "query": "t"}, "unit": "/s", "pass": "< 50/s"},
        "rehearsal": {
            "source": {"type": "junit", "path": "r.xml"},
            "unit": "ratio",
            "pass": "== 100%",
        },
    },
    "freezes": [{"from": "2026-12-24", "to": "2026-12-26", "reason": "Christmas"}],
    "roles": {"reviewer": ["ada", "bob", "eve"]},
    "baselines": {"latency": 0.08},
}
#: What must stand in the second phase for it to be of critical risk.
CRITICAL = {"phases/1/risk": "critical", "phases/1/deploy/strategy": "blue_green"}
#: Takes a key away.
GONE = object()


def edited(changes: dict[str, Any]) -> Plan:
    """Return the plan with other values at some paths, such as phases/0/gate."""
    plan: Any = deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
        place = plan
        for key in parents:
            place = place[key]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return read_plan(**plan)


def findings(changes: dict[str, Any]) -> list[Finding]:
    """Return what is found in the plan with other values at some paths."""
    return findings_of(edited(changes))


def found(changes: dict[str, Any], rule: str) -> list[Finding]:
    """Return what one rule finds in the plan with other values at some paths."""
    return [finding for finding in findings(changes) if finding.rule == rule]


def only(changes: dict[str, Any], rule: str, where: str, says: str) -> Finding:
    """Return the only finding that there is; it is of that rule and place, and says that."""
    everything = findings(changes)
    assert [(one.rule, one.path) for one in everything] == [(rule, where)], everything
    text = f"{everything[0].problem} | {everything[0].suggestion}"
    assert says in text, text
    return everything[0]
