# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.tests.plans import findings, only

COMMAND = "rollout_phases[0].validations.integration[0].command"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["git", "revert", "HEAD", "--no-edit"], "without -m 1 fails on a merge"),
        (["git", "-C", "/srv/app", "revert", "abc"], "leave it to the rollback"),
        (["git", "reset", "--hard", "v1.0.0"], "throws work away"),
        (["git", "push", "origin", "main", "--force"], "overwrites what others have pushed"),
        (["git", "push", "-f"], "overwrites what others have pushed"),
        (["git", "checkout", "-b", "integration/all"], "the branch is there"),
        (["git", "switch", "-c", "integration/all"], "use checkout -B or switch -C"),
        (["gh", "pr", "close", "324"], "takes nothing back"),
        (
            ["gcloud", "run", "services", "update", "api", "--project=p", "--revision=api-1"],
            "update-traffic NAME --to-revisions REVISION=100",
        ),
        (["psql", "-c", "drop table if exists ai_consultations"], "destroys data"),
        (["sh", "-c", "git revert HEAD && git push"], "without -m 1 fails on a merge"),
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_do_what_is_meant(command, says):
    changes = {"phases/0/validations/integration/0/command": command}
    assert only(changes, "dead_command", COMMAND, says).severity == "warning"


@pytest.mark.parametrize(
    "command",
    [
        ["git", "revert", "-m", "1", "abc"],
        ["git", "revert", "--mainline=1", "abc"],
        ["git", "push", "--force-with-lease", "origin", "main"],
        ["git", "checkout", "-B", "integration/all"],
        ["gcloud", "run", "services", "update-traffic", "api", "--to-revisions", "api-1=100"],
        ["gcloud", "run", "services", "update", "api", "--memory=1Gi"],
        ["tests/check_droplet.sh", "--table"],
    ],
    ids=" ".join,
)
def test_a_command_that_may_be_meant(command):
    assert findings({"phases/0/validations/integration/0/command": command}) == []


def test_a_source_may_not_do_so_either():
    source = {"type": "command", "argv": ["git", "reset", "--hard"]}
    where = "rollout_objectives.errors.source.argv"
    only({"objectives/errors/source": source}, "dead_command", where, "throws work away")


def test_a_validation_of_production_does_not_ask_staging():
    """As every rollback command of a plan whose project is that of staging."""
    smoke = {"name": "x", "command": ["scripts/check.py", "--project", "netra-staging"]}
    changes = {"phases/0/validations/production/0": smoke}
    where = "rollout_phases[0].validations.production[0].command"
    only(changes, "wrong_environment", where, "let it ask production")


def test_a_validation_of_staging_may_speak_of_production():
    ready = {"name": "x", "command": ["tests/production-readiness/validate_all_systems.sh"]}
    assert findings({"phases/0/validations/staging": [ready]}) == []
