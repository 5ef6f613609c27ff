# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may run, who has to approve, and what the ledger says of it; the tests run in this order."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.phased.rollout.tests.e2e.runs import Play, play
from ansible_collections.phased.rollout.tests.e2e.world import CHECKOUT, TAG, on, refs, sql

ROLLOUT = "SELECT count(*) FROM rollout.entries"
VERIFIER = CHECKOUT / "playbooks/files/verify_ledger.py"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phase 1 as it is, with an approval before its release, and a watch of one second a tick."""
    text = (CHECKOUT / "inventories/lab/group_vars/all/plan.yml").read_text()
    phase = yaml.safe_load(text)["rollout_phases"][0]
    phase["approvals"] = [{"role": "cto", "count": 1, "persons": ["carl"]}]
    phase["watch"] = {"duration": "10m", "interval": "1m", "objectives": ["production_up"]}
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_text(json.dumps({"rollout_phases": [phase]}))
    return path


def run(plan: Path, playbook: str, *arguments: str, **given: Any) -> Play:
    """Run a playbook with that plan."""
    extra = ["-e", f"@{plan}", "-e", shlex.quote(json.dumps(given))]
    return play(playbook, *extra, *arguments)


def status(plan: Path) -> dict[str, Any]:
    """Return what the status says, from its JSON."""
    ran = run(plan, "status", format="json")
    assert ran.rc == 0, ran.output
    lines = next(
        event["event_data"]["res"]["msg"]
        for event in ran.events
        if event["event"] == "runner_on_ok"
        and event["event_data"]["task"] == "Say where the rollout stands"
    )
    told: dict[str, Any] = json.loads("\n".join(lines))
    return told


def test_a_status_before_the_first_run_says_that_nothing_has_begun(plan: Path) -> None:
    phase = status(plan)["phases"]["phase-1"]
    assert phase["state"] in ("ready", "waiting")
    assert [block["kind"] for block in phase["blocked_by"]] == ["approval"]


def test_a_second_run_is_told_who_is_at_it(plan: Path) -> None:
    held = run(plan, "phase1", "--tags", "integrate")
    assert held.rc == 0, held.output
    sql(
        "UPDATE rollout.leases SET run = 'other', holder = 'ada@elsewhere', host_id = 'x',"
        " since = now(), expires_at = now() + interval '1 hour'",
        "rollout",
    )
    before = refs()
    ran = run(plan, "phase1")
    assert ran.rc != 0
    assert "ada@elsewhere" in ran.last_lines, ran.output
    assert ran.steps[-1] == "Take the lease"
    assert refs() == before
    assert "ada@elsewhere" in str(status(plan)["lease"])
    sql("UPDATE rollout.leases SET expires_at = now()", "rollout")


def test_the_phase_stops_at_the_release_and_says_whose_approval_is_missing(plan: Path) -> None:
    before = refs()["refs/heads/main"]
    ran = run(plan, "phase1")
    assert ran.rc != 0
    assert ran.steps[-1] == "Release gate", ran.output
    assert "cto" in ran.last_lines, ran.output
    assert refs()["refs/heads/main"] == before
    blocked = status(plan)["phases"]["phase-1"]["blocked_by"]
    assert "carl" in str([block["who"] for block in blocked if block["kind"] == "approval"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"phase": 1, "role": "cto"}, "Missing: reason", id="no reason"),
        pytest.param(
            {"phase": 1, "role": "boss", "reason": "x"}, "no approval by boss", id="no such role"
        ),
        pytest.param({"phase": 9, "role": "cto", "reason": "x"}, "no phase 9", id="no such phase"),
    ],
)
def test_an_approval_of_nothing_is_refused(plan: Path, given: dict[str, Any], says: str) -> None:
    ran = run(plan, "approve", **given)
    assert ran.rc != 0
    assert says in ran.last_lines, ran.output


def test_the_approval_of_somebody_else_does_not_count(plan: Path) -> None:
    ran = run(plan, "approve", phase=1, role="cto", reason="Looks good", person="mallory")
    assert ran.rc == 0, ran.output
    found = status(plan)["phases"]["phase-1"]["approvals"][0]
    assert (found["have"], [one["person"] for one in found["refused"]]) == (0, ["mallory"])


def test_who_approves_sees_what_first(plan: Path) -> None:
    entries = sql(ROLLOUT, "rollout")
    ran = run(plan, "approve", "--check", phase=1, role="cto", reason="Good", person="carl")
    assert ran.rc == 0, ran.output
    for said in (
        "ssot-bridge",
        "gate integration: pass",
        "pre-phase-1-deployment",
        "restore takes",
    ):
        assert said in ran.output, ran.output
    assert sql(ROLLOUT, "rollout") == entries


def test_with_the_approval_the_same_command_goes_to_its_end(plan: Path) -> None:
    approved = run(plan, "approve", phase=1, role="cto", reason="Good", person="carl")
    assert approved.rc == 0, approved.output
    ran = run(plan, "phase1")
    assert ran.rc == 0, ran.output
    assert TAG in "".join(refs())
    assert status(plan)["phases"]["phase-1"]["state"] == "soaking"


def test_samples_of_the_watch_become_stable_time(plan: Path) -> None:
    for _tick in range(2):
        ran = run(plan, "monitor")
        assert ran.rc == 0, ran.output
    soak = status(plan)["phases"]["phase-1"]["soak"]
    assert 0 < soak["stable_seconds"] < soak["needed_seconds"]


def test_the_ledger_is_whole_and_the_tag_vouches_for_it(plan: Path, tmp_path: Path) -> None:
    export = tmp_path / "ledger.jsonl"
    ran = run(plan, "status", verify=True, export=str(export))
    assert ran.rc == 0, ran.output
    message = on("forge", f"runuser -u git -- git -C /srv/git/tower.git tag -l -n9 {TAG}")
    assert "Ledger: " in message
    argv = [sys.executable, str(VERIFIER), str(export)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    # Whoever owns the database can get around its triggers, and is found out.
    sql("ALTER TABLE rollout.entries DISABLE TRIGGER ALL", "rollout")
    sql("DELETE FROM rollout.entries WHERE sequence = 3", "rollout")
    ran = run(plan, "status", verify=True)
    assert ran.rc != 0
    assert "3" in ran.last_lines, ran.output
