# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import PHASE
from ansible_collections.phased.rollout.tests.plans import GOOD, found, only

SHAPE = "shape"


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param("phases/0/name", None, "name", "for example SSOT bridge", id="no name"),
        pytest.param("phases/0/tag", 1.0, "tag", "for example v1.0.0", id="a tag that is a number"),
        pytest.param("phases/0/gates", ["errors"], "gates", "did you mean gate?", id="a wrong key"),
        pytest.param("phases/0/risk", "hihg", "risk", "did you mean high?", id="an unknown risk"),
        pytest.param("phases/0/inherits", 1, "inherits", "a list", id="one instead of a list"),
        pytest.param(
            "phases/0/changes/0/brunch",
            "x",
            "changes[0].brunch",
            "did you mean branch?",
            id="a wrong key of a change",
        ),
        pytest.param(
            "phases/0/changes/0/risk",
            "lowest",
            "changes[0].risk",
            "did you mean low?",
            id="an unknown risk of a change",
        ),
        pytest.param(
            "phases/0/changes/0/migration",
            "expnad",
            "changes[0].migration",
            "did you mean expand?",
            id="an unknown kind of migration",
        ),
        pytest.param(
            "phases/0/deploy",
            {"batches": ["0%"]},
            "deploy.batches[0]",
            "1% to 100%",
            id="a batch of nothing",
        ),
        pytest.param(
            "phases/0/deploy",
            {"strategy": "roling"},
            "deploy.strategy",
            "did you mean rolling?",
            id="an unknown strategy",
        ),
        pytest.param(
            "phases/0/validations/integration/0/command",
            "tests/x.sh",
            "validations.integration[0].command",
            "for example [tests/smoke.sh, --fast]",
            id="a command that needs a shell",
        ),
        pytest.param(
            "phases/0/validations/integration/0/critical",
            "yes",
            "validations.integration[0].critical",
            "set true if a hotfix must pass it",
            id="a validation that is critical in words",
        ),
        pytest.param(
            "phases/0/validations/production/0/traced",
            {},
            "validations.production[0].traced.query",
            "for example SELECT count(*)",
            id="a trace without a query",
        ),
        pytest.param(
            "phases/0/watch/duration", "instant", "watch.duration", "as 48h", id="a word for a time"
        ),
        pytest.param(
            "phases/0/watch", {"interval": "5m"}, "watch.duration", "48h", id="a watch without end"
        ),
        pytest.param(
            "phases/0/watch/objectives",
            [],
            "watch.objectives",
            "for example [error_ratio]",
            id="a watch of nothing",
        ),
        pytest.param(
            "phases/0/watch/on_breach",
            "ignore",
            "watch.on_breach",
            "use one of fail, pause, reset",
            id="a breach that nobody minds",
        ),
        pytest.param(
            "phases/0/rollback",
            {"within": "instant"},
            "rollback.within",
            "as 48h",
            id="a rollback at once",
        ),
        pytest.param(
            "phases/0/rollback",
            {"database": "drop"},
            "rollback.database",
            "keep, migrate, refuse, restore",
            id="an unknown way back of the database",
        ),
        pytest.param(
            "phases/0/approvals",
            [{"role": "reviewer", "count": 0}],
            "approvals[0].count",
            "1 or more",
            id="an approval of nobody",
        ),
        pytest.param(
            "phases/0/approvals", ["cto"], "approvals[0]", "role, count", id="an approval in words"
        ),
        pytest.param(
            "phases/0/window",
            {"from": 540},
            "window.from",
            'in quotes, "09:00"',
            id="a time that YAML took for a number",
        ),
        pytest.param(
            "phases/0/window",
            {"days": "monday"},
            "window.days",
            "as mon-thu",
            id="a day with its whole name",
        ),
        pytest.param(
            "phases/0/window",
            {"days": "mon", "timezone": "CEST"},
            "window.timezone",
            "as Europe/Berlin",
            id="a time zone that is none",
        ),
        pytest.param(
            "phases/0/window",
            {"low_traffic": "traffic"},
            "window.low_traffic",
            "a mapping of objective",
            id="low traffic in words",
        ),
        pytest.param(
            "phases/0/escalation",
            [{"contact": "+41"}],
            "escalation[0].person",
            "for example ada",
            id="a contact of nobody",
        ),
        pytest.param(
            "phases/0/planned",
            {"merge": {"hours": "some"}},
            "planned.merge.hours",
            "as 12, 0.25 or 16-20",
            id="hours in words",
        ),
        pytest.param(
            "phases/0/planned",
            {"merge": {"days": "9-7"}},
            "planned.merge.days",
            "as 3, 7-9 or 1,3",
            id="days backwards",
        ),
        pytest.param(
            "phases/0/planned",
            {"merge": {"people": 0.5}},
            "planned.merge.people",
            "a whole number",
            id="half a person",
        ),
    ],
)
def test_a_phase_that_cannot_be_read_is_named_with_what_would_be_right(path, value, where, says):
    only({path: value}, SHAPE, f"rollout_phases[0].{where}", says)


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param(
            "objectives/errors/pass",
            "few",
            "rollout_objectives.errors.pass",
            "comparison with a limit",
            id="a criterion that is none",
        ),
        pytest.param(
            "objectives/errors/source",
            {"type": "promtheus"},
            "rollout_objectives.errors.source.type",
            "one of prometheus",
            id="a source that is not known",
        ),
        pytest.param(
            "objectives/errors/source",
            None,
            "rollout_objectives.errors.source",
            "say where to measure",
            id="an objective without a source",
        ),
        pytest.param(
            "freezes/0/to",
            "after Christmas",
            "rollout_freezes[0].to",
            "as 2026-12-24",
            id="a freeze until some time",
        ),
        pytest.param(
            "freezes/0",
            {"from": "2026-12-24", "to": "2026-12-26"},
            "rollout_freezes[0].reason",
            "Christmas",
            id="a freeze without a reason",
        ),
        pytest.param(
            "roles/reviewer", "ada", "rollout_roles.reviewer", "[ada]", id="a role that is no list"
        ),
        pytest.param("roles/cto", [], "rollout_roles.cto", "[ada]", id="a role of nobody"),
        pytest.param(
            "baselines/errors", "low", "baselines.errors", "a number", id="a baseline in words"
        ),
    ],
)
def test_what_else_cannot_be_read_is_named(path, value, where, says):
    only({path: value}, SHAPE, where, says)


def test_an_id_in_quotes_is_named():
    said = found({"phases/0/id": "1"}, SHAPE)
    assert [one.path for one in said] == ["rollout_phases[0].id"]
    assert "a whole number" in said[0].suggestion


def test_a_plan_without_phases_is_named():
    only({"phases": [], "roles": {}}, SHAPE, "rollout_phases", "found [] | set it")


def test_the_good_plan_says_something_under_every_key_of_a_phase():
    assert set(PHASE.keys) - set(GOOD["phases"][1]) == {"validations"}
