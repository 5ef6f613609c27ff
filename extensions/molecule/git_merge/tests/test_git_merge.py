# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was tested is what was released, in a history that says where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_control"]
BRANCH = "feature/phase1-ssot-bridge-implementation"
TAG = "v1.0.0-ssot-phase1"
CANDIDATE = "refs/rollout/candidates/phase-1"

Git = Callable[[str], str]


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "molecule" / "git_merge"


@pytest.fixture
def remote(host: Any, folder: Path) -> Git:
    return lambda command: str(host.check_output(f"git -C {folder}/forge.git {command}"))


@pytest.fixture
def candidate(host: Any, folder: Path) -> str:
    return str(host.check_output(f"git -C {folder}/repository.git rev-parse {CANDIDATE}"))


def test_the_integration_branch_is_the_candidate(remote: Git, candidate: str, tree: str) -> None:
    assert remote("rev-parse development") == candidate
    assert remote("rev-parse development^{tree}") == tree


def test_the_candidate_merges_the_branch_into_what_was_there(
    remote: Git, candidate: str, git: Git
) -> None:
    before, merged = git("rev-parse main"), git(f"rev-parse {BRANCH}")
    assert remote(f"log -1 --format=%P {candidate}") == f"{before} {merged}"


def test_the_release_merges_the_candidate_and_has_its_tree(
    remote: Git, candidate: str, git: Git, tree: str
) -> None:
    assert remote("log -1 --format=%P main") == f"{git('rev-parse main')} {candidate}"
    assert remote("rev-parse main^{tree}") == tree


def test_the_tag_is_annotated_and_on_the_release(remote: Git) -> None:
    assert remote(f"cat-file -t {TAG}") == "tag"
    assert remote(f"rev-parse {TAG}^{{commit}}") == remote("rev-parse main")


def test_the_commits_say_what_they_belong_to(remote: Git, tree: str) -> None:
    trailers = "log -1 --format='%(trailers:unfold)'"
    assert "Change: ssot-bridge" in remote(f"{trailers} development")
    released = remote(f"{trailers} main").splitlines()
    assert {"Rollout: tower-ssot", "Phase: 1", f"Tested-tree: {tree}"} <= set(released)


def test_the_archive_holds_the_tree(host: Any, folder: Path, tree: str, git: Git) -> None:
    listed = host.check_output(f"tar -tf {folder}/trees/{tree}.tar.gz").splitlines()
    files = [name for name in listed if not name.endswith("/")]
    assert sorted(files) == sorted(git(f"ls-tree -r --name-only {tree}").splitlines())


def test_no_half_archive_is_left(host: Any, folder: Path, tree: str) -> None:
    assert host.file(f"{folder}/trees").listdir() == [f"{tree}.tar.gz"]


def test_the_conflict_went_nowhere(remote: Git) -> None:
    there = remote("branch --contains feature/conflicting --format='%(refname:short)'")
    assert there.splitlines() == ["feature/conflicting", "integration/conflicting"]


@pytest.mark.parametrize("branch", ["integration/first", "integration/team/open"])
def test_an_open_branch_has_the_release_merged_into_it(remote: Git, branch: str) -> None:
    parents = remote(f"log -1 --format=%P {branch}").split()
    assert parents[1] == remote("rev-parse main")
    assert "(v1.0.0-ssot-phase1)" in remote(f"log -1 --format=%s {branch}")


def test_a_branch_that_conflicts_is_as_it_was(remote: Git) -> None:
    tips = remote("rev-parse integration/conflicting feature/conflicting").split()
    assert tips[0] == tips[1]


def test_the_forge_is_as_it_was(git: Git) -> None:
    assert git("tag --list") == ""
    assert git("rev-parse main") == git("rev-parse development")
