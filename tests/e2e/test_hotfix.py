# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hotfix takes the short path, and only a hotfix does; the tests run in this order."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.tests.e2e.runs import Play, play
from ansible_collections.phased.rollout.tests.e2e.world import (
    CHECKOUT,
    FEATURE,
    PRODUCTION,
    REMOTE,
    TAG,
    History,
    health,
    on,
    refs,
    run,
    snapshot,
)

HOTFIX = "hotfix/body-limit"
PHASE_2 = "feature/phase2-comfyui-workflow-persistence"
OPEN = "integration/phase1-phase2-validation"
STUCK = "integration/other-limit"
VALIDATION = "tests/integration/validate_ssot_integration.sh"


class Developer:
    """Somebody with a clone of the remote."""

    def __init__(self, folder: Path) -> None:
        run(["git", "clone", "--quiet", REMOTE, str(folder)])
        self.folder = folder

    def git(self, *arguments: str) -> str:
        """Return what git printed."""
        return run(
            ["git", "-c", "user.name=Cy", "-c", "user.email=cy@example.com", *arguments],
            cwd=self.folder,
        )

    def replace(self, branch: str, start: str, path: str, old: str, new: str) -> str:
        """Push a commit on a new branch that replaces words of a file; return the commit."""
        self.git("checkout", "--quiet", "-B", branch, start)
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))
        self.git("commit", "--quiet", "--all", "--message", f"Replace words of {path}")
        self.git("push", "--quiet", "origin", branch)
        return self.git("rev-parse", "HEAD")


def hotfix(branch: str, *arguments: str) -> Play:
    return play("hotfix", "-e", f"branch={branch}", *arguments)


@pytest.fixture(scope="module")
def developer(tmp_path_factory: pytest.TempPathFactory) -> Developer:
    """Phase 1 is released, and development has gone on."""
    phase = play("phase1")
    assert phase.rc == 0, phase.output
    made = Developer(tmp_path_factory.mktemp("developer") / "tower")
    made.replace("development", "origin/development", "CHANGELOG.md", "# Changelog", "# Changes")
    return made


@pytest.fixture(scope="module")
def tip(developer: Developer) -> str:
    """The hotfix is pushed; one open branch takes it, with another it conflicts."""
    tip = developer.replace(HOTFIX, "main", "tower/service.py", "64 * 1024", "256 * 1024")
    developer.replace(STUCK, "main", "tower/service.py", "64 * 1024", "128 * 1024")
    developer.git("push", "--quiet", "origin", f"origin/{PHASE_2}:refs/heads/{OPEN}")
    return tip


@pytest.fixture(scope="module")
def release(tip: str) -> str:
    """Return the name of the release."""
    return f"hotfix-body-limit-{tip[:7]}"


def test_work_that_is_not_released_is_named(developer):
    developer.replace("hotfix/smuggling", "development", "tower/service.py", "64 * 1024", "1 << 18")
    before = refs()
    ran = hotfix("hotfix/smuggling")
    assert ran.rc != 0
    assert ran.steps == ["Resolve the hotfix"]
    smuggled = developer.git("log", "-1", "--format=%h %s", "development")
    assert smuggled in ran.last_lines, ran.output
    assert "Replace words of tower/service.py" not in ran.last_lines
    assert refs() == before


def test_a_conflict_with_main_stops_before_anything_is_touched(developer):
    old = f"origin/{FEATURE}~4"
    developer.replace("hotfix/old", old, "tower/features.py", "return []", "return list()")
    before = refs(), on("db", "ls /var/backups/rollout")
    ran = hotfix("hotfix/old")
    assert ran.rc != 0
    assert ran.steps[-1] == "Forecast"
    assert "tower/features.py" in ran.last_lines, ran.output
    assert (refs(), on("db", "ls /var/backups/rollout")) == before


def test_a_critical_validation_that_fails_leaves_main_alone(developer):
    developer.replace("hotfix/broken", "main", VALIDATION, "exec ", "exit 3; exec ")
    before = refs()
    ran = hotfix("hotfix/broken")
    assert ran.rc != 0
    assert ran.steps[-1] == "Validate"
    assert "exit code 3" in ran.last_lines, ran.output
    assert refs() == before


def test_a_dry_run_goes_through_all_steps_and_touches_nothing(tip, release):
    before = snapshot()
    ran = hotfix(HOTFIX, "--check")
    assert ran.steps[-1] == "Judge the merge back", ran.output
    assert f"{release} would be released" in ran.last_lines
    assert snapshot() == before


def test_it_is_out_even_if_an_open_branch_conflicts(release):
    ran = hotfix(HOTFIX)
    assert ran.rc != 0
    assert ran.steps[-2:] == ["Exit gate", "Judge the merge back"], ran.output
    assert "production smoke: passed" in ran.output
    for said in (release, "released and in production", STUCK, "tower/service.py"):
        assert said in ran.last_lines, ran.output


def test_main_has_the_merge_and_the_tag(tip, release, tmp_path):
    history, heads = History(tmp_path / "tower.git"), refs()
    head = heads["refs/heads/main"]
    assert heads[f"refs/tags/{release}^{{}}"] == head
    candidate = history.git("rev-parse", f"{head}^2")
    assert history.git("show", "-s", "--format=%P", candidate).split() == [
        heads[f"refs/tags/{TAG}^{{}}"],
        tip,
    ]
    assert history.git("diff", "--stat", candidate, head) == ""


def test_production_serves_it(tmp_path):
    tree = History(tmp_path / "tower.git").git("rev-parse", "main^{tree}")
    assert [health(host)["release"] for host in PRODUCTION] == [tree, tree]


def test_a_backup_was_taken_before(release):
    manifest = json.loads(on("db", f"cat /var/backups/rollout/pre-{release}/manifest.json"))
    assert manifest["database"] == "tower_consolidated"


@pytest.mark.parametrize(("branch", "has_it"), [("development", 1), (OPEN, 1), (STUCK, 0)])
def test_the_open_branches_have_it_where_it_merges(tip, tmp_path, branch, has_it):
    history = History(tmp_path / "tower.git")
    heads = refs()
    assert history.git("rev-list", branch).split().count(tip) == has_it
    assert history.git("rev-list", branch).split().count(heads["refs/heads/main"]) == has_it


def test_a_review_falls_due(release):
    kept = CHECKOUT / ".cache/lab/rollout" / release / "after-review.json"
    review = json.loads(kept.read_text())
    released, due = (datetime.fromisoformat(review[key]) for key in ("released_at", "due"))
    assert (due - released).total_seconds() == 48 * 3600
    assert (review["branch"], review["tag"]) == (HOTFIX, release)
    assert review["commit"] == refs()["refs/heads/main"]
    assert review["author"] == "Cy <cy@example.com>"


def test_once_merged_by_hand_a_second_run_is_green_and_changes_nothing(developer, release):
    developer.git("fetch", "--quiet")
    developer.git("checkout", "--quiet", STUCK)
    developer.git("merge", "--quiet", "--strategy-option=theirs", "--no-edit", release)
    developer.git("push", "--quiet", "origin", STUCK)
    before = refs()
    ran = hotfix(HOTFIX)
    assert ran.rc == 0, ran.output
    assert ran.changes == []
    assert refs() == before
