# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks stops the phase there, says where and why, and nothing after it runs."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.phased.rollout.tests.e2e.runs import play
from ansible_collections.phased.rollout.tests.e2e.world import (
    CHECKOUT,
    FEATURE,
    PRODUCTION,
    REMOTE,
    SSH,
    TAG,
    health,
    lab,
    on,
    refs,
    run,
)

FAULTS = "/etc/tower/faults.json"


@pytest.fixture(autouse=True)
def _fresh_lab_for_each() -> None:
    lab("reset")


def commit_on(branch: str, folder: Path, path: str, text: str) -> None:
    """Push a commit to a branch that replaces one file, as a developer would."""
    run(["git", "clone", "--quiet", "--branch", branch, REMOTE, str(folder)])
    (folder / path).write_text(text)
    message = (
        f"Replace {path}\n\nReviewed-by: Ada <ada@example.com>\nReviewed-by: Bo <bo@example.com>"
    )
    identity = ["-c", "user.name=Cy", "-c", "user.email=cy@example.com"]
    run(["git", *identity, "commit", "--quiet", "--all", "--message", message], cwd=folder)
    run(["git", "push", "--quiet"], cwd=folder)


def lock_out(host: str) -> None:
    """Stop a host's sshd once this connection has ended; what it serves goes on."""
    on(host, "systemd-run --on-active=1 --timer-property=AccuracySec=100ms systemctl stop ssh")
    for _attempt in range(50):
        done = subprocess.run([*SSH.split(), host, "true"], capture_output=True, check=False)
        if done.returncode == 255:
            return
        time.sleep(0.2)
    raise AssertionError(f"{host} can still be reached")


def test_a_failing_validation_stops_before_anything_is_pushed(tmp_path):
    commit_on(
        FEATURE,
        tmp_path / "tower",
        "tests/integration/validate_ssot_integration.sh",
        "#!/bin/sh\necho 'decision of generation 7 is missing'\nexit 3\n",
    )
    before = refs()
    ran = play("phase1")
    assert ran.rc != 0
    assert ran.steps[-1] == "Validate"
    for said in (
        "Validate",
        "staging1",
        "SSOT integration",
        "exit code 3",
        "generation 7 is missing",
    ):
        assert said in ran.last_lines, ran.output
    assert refs() == before


def test_a_conflict_is_named_before_anything_is_touched(tmp_path):
    before = on("db", "ls /var/backups/rollout")
    for branch, text in (("main", "one\n"), (FEATURE, "two\n")):
        commit_on(branch, tmp_path / branch.replace("/", "-"), "CHANGELOG.md", text)
    ran = play("phase1")
    assert ran.rc != 0
    assert ran.steps[-1] == "Forecast"
    for said in ("Forecast", "ssot-bridge", "CHANGELOG.md"):
        assert said in ran.last_lines, ran.output
    assert on("db", "ls /var/backups/rollout") == before


def test_a_review_that_is_missing_closes_the_entry_gate(tmp_path):
    folder = tmp_path / "tower"
    run(["git", "clone", "--quiet", "--branch", FEATURE, REMOTE, str(folder)])
    identity = ["-c", "user.name=Cy", "-c", "user.email=cy@example.com"]
    run(
        ["git", *identity, "commit", "--quiet", "--allow-empty", "--message", "One more"],
        cwd=folder,
    )
    run(["git", "push", "--quiet"], cwd=folder)
    ran = play("phase1")
    assert ran.rc != 0
    assert ran.steps[-1] == "Entry gate"
    assert "code_review" in ran.last_lines, ran.output


def test_a_host_that_cannot_be_reached_stops_the_deployment():
    old = health("prod2")["release"]
    lock_out("prod2")
    ran = play("phase1")
    assert ran.rc != 0
    assert ran.steps[-1] == "Judge the deployment"
    for said in ("prod2", "cannot be reached", "prod1: taken back"):
        assert said in ran.last_lines, ran.output
    assert health("prod1")["release"] == old
    assert ("Prove", "staging1") not in ran.ran


def test_a_host_that_is_lost_among_others_of_its_batch_is_not_forgotten(tmp_path):
    plan = yaml.safe_load((CHECKOUT / "inventories/lab/group_vars/all/plan.yml").read_text())
    plan["rollout_phases"][0]["deploy"]["batches"] = ["100%"]
    changed = tmp_path / "plan.json"
    changed.write_text(json.dumps({"rollout_phases": plan["rollout_phases"]}))
    lock_out("prod2")
    ran = play("phase1", "-e", f"@{changed}")
    assert ran.rc != 0
    assert "prod2" in ran.last_lines, ran.output
    assert ("Prove", "staging1") not in ran.ran
    assert ran.steps[-1] in ("Deploy", "Judge the deployment")


def test_a_database_host_that_cannot_be_reached_stops_before_the_release():
    lock_out("db")
    before = refs()
    ran = play("phase1")
    assert ran.rc != 0
    assert ran.steps[-1] == "Back up"
    assert "db" in ran.last_lines, ran.output
    assert refs() == before


def test_a_health_check_that_stays_red_stops_before_the_second_host():
    old = health("prod2")["release"]
    on("prod1", f"echo '{{\"unhealthy\": true}}' > {FAULTS}")
    ran = play("phase1", "-e", "service_restart_timeout=5")
    assert ran.rc != 0
    assert ran.steps[-1] == "Judge the deployment"
    for said in ("Batch 1", "prod1", "does not serve release"):
        assert said in ran.last_lines, ran.output
    assert health("prod2")["release"] == old
    assert ("Prove", "staging1") not in ran.ran


def test_lost_decisions_close_the_exit_gate():
    for host in PRODUCTION:
        on(host, f"echo '{{\"lose_decisions\": 0.5}}' > {FAULTS}")
    ran = play("phase1")
    assert ran.rc != 0
    assert TAG in "".join(refs())
    assert "Prove" in ran.last_lines or "decision_capture" in ran.last_lines, ran.output


def test_a_plan_that_makes_no_sense_is_refused():
    ran = play("phase1", "-e", "'{\"rollout_objectives\": {}}'")
    assert ran.rc != 0
    assert ran.steps[-1] == "Resolve the plan"
    assert "rollout_phases[0].gate[0]" in ran.last_lines, ran.output
