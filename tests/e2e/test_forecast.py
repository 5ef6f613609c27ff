# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast tells how the plan's three phases stand, and moves nothing."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.e2e.runs import Play, play
from ansible_collections.phased.rollout.tests.e2e.world import FEATURE, REMOTE, refs, run

BRANCHES = {
    "ssot-bridge": FEATURE,
    "workflow-persistence": "feature/phase2-comfyui-workflow-persistence",
    "echo-brain": "feature/phase3-echo-brain-integration",
}
PHASES = [
    {"id": number, "changes": [{"id": name, "branch": branch, "owner": f"team-{number}"}]}
    for number, (name, branch) in enumerate(BRANCHES.items(), 1)
]


def forecast(folder: Path, *arguments: str) -> Play:
    given = {"rollout_phases": PHASES, "forecast_directory": str(folder / "reports")}
    return play("forecast", "-e", shlex.quote(json.dumps(given)), *arguments)


def reports(folder: Path) -> tuple[dict[str, Any], str]:
    """Return the two reports, having seen that nobody else can read them."""
    files = [folder / "reports" / name for name in ("forecast.json", "forecast.md")]
    assert [oct(path.stat().st_mode & 0o777) for path in (files[0].parent, *files)] == [
        "0o700",
        "0o600",
        "0o600",
    ]
    return json.loads(files[0].read_text()), files[1].read_text()


@pytest.fixture(scope="module")
def conflict(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let phase 3 add a file that the release branch has added, too."""
    for branch, line in (("main", "one"), (BRANCHES["echo-brain"], "two")):
        folder = tmp_path_factory.mktemp("git") / "tower"
        run(["git", "clone", "--quiet", "--branch", branch, REMOTE, str(folder)])
        (folder / "NOTES.md").write_text(f"{line}\n")
        run(["git", "add", "NOTES.md"], cwd=folder)
        identity = ["-c", "user.name=Cy", "-c", "user.email=cy@example.com"]
        run(["git", *identity, "commit", "--quiet", "--message", line], cwd=folder)
        run(["git", "push", "--quiet"], cwd=folder)


def test_changes_that_merge_are_told_as_such(tmp_path):
    before = refs()
    ran = forecast(tmp_path)
    assert ran.rc == 0, ran.output
    assert refs() == before
    found, text = reports(tmp_path)
    assert {change["id"]: change["state"] for change in found["changes"]} == dict.fromkeys(
        BRANCHES, "mergeable"
    )
    assert "# Merge forecast: 3 mergeable\n" in text
    for said in (*BRANCHES, "# Merge forecast: 3 mergeable", str(tmp_path / "reports/forecast.md")):
        assert said in ran.output


def test_a_conflict_is_told_and_does_not_fail_it(tmp_path, conflict):
    before = refs()
    ran = forecast(tmp_path)
    assert ran.rc == 0, ran.output
    assert refs() == before
    found, text = reports(tmp_path)
    states = [change["state"] for change in found["changes"]]
    assert states == ["mergeable", "mergeable", "conflicting"]
    for said in ("1 conflicting", "### `main` and `echo-brain`", "`Cy`: `two`", "+two\n"):
        assert said in text


def test_one_phase_can_be_asked_for_and_a_dry_run_writes_nothing(tmp_path):
    ran = forecast(tmp_path, "-e", "phase=2", "--check")
    assert ran.rc == 0, ran.output
    assert "`workflow-persistence`" in ran.output
    assert "`ssot-bridge`" not in ran.output
    assert not (tmp_path / "reports").exists()


def test_a_phase_that_the_plan_does_not_have_is_refused(tmp_path):
    ran = forecast(tmp_path, "-e", "phase=7")
    assert ran.rc != 0
    assert "The plan has no phase 7; it has 1, 2, 3" in " ".join(ran.last_lines.split())
