# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    Completed,
    GitError,
    Repository,
    checked_name,
)
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("git"))
    sandbox.commit("main", {"f": "1\n2\n3\n", "gone": "1\n"})
    sandbox.commit("one", {"f": "1\nA\n3\n", "gone": None})
    sandbox.commit("two", {"f": "1\nB\n3\n", "gone": "2\n"})
    return sandbox


@pytest.fixture
def repository(sandbox: Sandbox) -> Repository:
    return Repository(sandbox.remote)


@pytest.mark.parametrize("name", ["", "-x", "--upload-pack=x", "a b", "a\nb", "a\tb", "a\0b"])
def test_a_name_that_git_could_misread_is_refused(name: str) -> None:
    with pytest.raises(GitError, match=r"The base .* cannot be the name"):
        checked_name(name, what="The base")


@pytest.mark.parametrize("name", ["main", "feature/x", "a$(b)", "HEAD~1", "ünï", "a" * 40])
def test_a_name_that_git_can_take_is_kept(name: str) -> None:
    assert checked_name(name, what="The base") == name


def test_git_reads_no_configuration_of_the_user_and_asks_no_question() -> None:
    seen: dict[str, str] = {}

    def run(
        argv: list[str], *, env: dict[str, str], data: Optional[bytes], pass_fds: list[int]
    ) -> Completed:
        seen.update(env)
        return Completed(0, b"", b"")

    Repository(Path("/srv/tower.git"), run).git("version", doing="ask")
    assert seen == {
        "LC_ALL": "C",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CEILING_DIRECTORIES": "/srv",
    }


def test_a_folder_inside_a_repository_is_not_that_repository(sandbox: Sandbox) -> None:
    folder = sandbox.work / "folder"
    folder.mkdir()
    with pytest.raises(GitError, match="not a git repository"):
        Repository(folder).require()


def test_a_branch_wins_over_a_tag_of_its_name(sandbox: Sandbox, repository: Repository) -> None:
    sandbox.git("push", "-q", "origin", "main:refs/tags/one", "main:refs/tags/v1")
    one, main = sandbox.refs()["refs/heads/one"], sandbox.refs()["refs/heads/main"]
    names = ["one", "v1", main, "nowhere", "main..one", "ünï"]
    assert repository.resolve(names) == [one, main, main, None, None, None]


def test_a_commit_is_the_same_whenever_it_is_made(repository: Repository) -> None:
    main = repository.resolve(["main"])[0]
    assert main
    tree = repository.commits([main])[main].tree
    made = [
        repository.commit(tree, [main], "Words\n", identity=("A", "a@x"), at=at)
        for at in (1700000000, 1700000000, 1700000001)
    ]
    assert made[0] == made[1] != made[2]
    assert repository.commits(made)[made[0]].author == "A"
