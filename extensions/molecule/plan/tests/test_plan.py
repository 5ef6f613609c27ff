# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role plan has fetched the repository, for itself alone, and left the forge as it was."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_control"]


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "molecule" / "plan"


@pytest.mark.parametrize("name", ["trees", "phase-1"])
def test_what_the_rollout_keeps_is_private(host: Any, folder: Path, name: str) -> None:
    kept = host.file(str(folder / name))
    assert kept.is_directory
    assert kept.mode == 0o700


def test_the_mirror_has_the_branches_of_the_forge(
    host: Any, folder: Path, git: Callable[[str], str]
) -> None:
    asked = "for-each-ref --format='%(refname) %(objectname)' refs/heads refs/tags"
    mirror = host.check_output(f"git -C {folder}/repository.git {asked}")
    assert "refs/heads/main" in mirror
    assert mirror == git(asked)


def test_a_refused_plan_leaves_nothing(host: Any, folder: Path) -> None:
    assert not host.file(str(folder.with_name("refused"))).exists


@pytest.fixture
def hotfix(host: Any, home: Path) -> Callable[[str], str]:
    """Return a function that answers a git command in the remote of the hotfix."""
    remote = home / "molecule" / "hotfix" / "forge.git"
    return lambda command: str(host.check_output(f"git -C {remote} {command}"))


def test_a_hotfix_has_to_be_reviewed_two_days_after_its_release(
    host: Any, home: Path, hotfix: Callable[[str], str]
) -> None:
    commit, seconds = hotfix("log -1 --format='%H %ct' hotfix/fix").split()
    kept = host.file(str(home / f"molecule/hotfix/hotfix-fix-{commit[:7]}/after-review.json"))
    review = json.loads(kept.content_string)
    due = review.pop("due")
    released = datetime.strptime(review["released_at"], "%Y-%m-%dT%H:%M:%SZ")
    assert due == f"{released + timedelta(hours=48):%Y-%m-%dT%H:%M:%SZ}"
    assert review == {
        "author": "Somebody <somebody@tower.test>",
        "branch": "hotfix/fix",
        "commit": commit,
        "released_at": f"{datetime.fromtimestamp(int(seconds), timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "tag": "v1.0.1",
    }


def test_a_hotfix_that_is_resolved_is_not_merged(hotfix: Callable[[str], str]) -> None:
    assert hotfix("branch --contains hotfix/fix --format='%(refname:short)'") == "hotfix/fix"
