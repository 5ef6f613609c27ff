# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _git_mirror
from ansible_collections.phased.rollout.plugins.module_utils._git import GitError
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import opened, secrets_of
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("git"))
    sandbox.commit("main", {"f": "1\n"})
    return sandbox


def test_a_mirror_is_private_and_follows_its_remote(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "new" / "mirror.git"
    for branch in ("one", "two"):
        sandbox.git("push", "-q", "origin", f"main:{branch}")
        with opened(path, sandbox.url) as mirror:
            assert mirror.resolve(["main", branch])[1] is not None
        sandbox.git("push", "-q", "--delete", "origin", branch)
    with opened(path, sandbox.url) as mirror:
        assert mirror.resolve(["one", "two"]) == [None, None]
    assert path.stat().st_mode & 0o077 == 0


def test_what_a_killed_run_left_is_cleared(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "mirror.git"
    (tmp_path / "mirror.git.partial").mkdir()
    (tmp_path / "mirror.git.partial" / "HEAD").touch()
    with opened(path, sandbox.url):
        pass
    for lock in ("config.lock", "packed-refs.lock", "refs/heads/new.lock"):
        (path / lock).touch()
    sandbox.git("push", "-q", "origin", "main:new")
    with opened(path, f"{sandbox.url}/") as mirror:
        assert mirror.resolve(["new"]) != [None]


def test_a_mirror_in_use_is_waited_for_and_named(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mirror.git"
    monkeypatch.setattr(_git_mirror, "LOCK_TIMEOUT_SECONDS", 0.1)
    with (
        opened(path, sandbox.url),
        pytest.raises(GitError, match=r"mirror\.git\.lock"),
        opened(path, sandbox.url),
    ):
        pass


def test_a_mirror_stays_in_use_while_git_of_a_killed_run_goes_on(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mirror.git"
    monkeypatch.setattr(_git_mirror, "LOCK_TIMEOUT_SECONDS", 0.1)
    inherited = []
    with opened(path, sandbox.url) as mirror:
        inherited += [os.dup(descriptor) for descriptor in mirror.pass_fds]
    with (
        pytest.raises(GitError, match="Another run"),
        opened(path, sandbox.url),
    ):
        pass
    os.close(*inherited)
    with opened(path, sandbox.url):
        pass


def test_a_repository_of_the_user_is_left_alone(sandbox: Sandbox) -> None:
    with (
        pytest.raises(GitError, match="not made as a mirror"),
        opened(sandbox.work, sandbox.url),
    ):
        pass


@pytest.mark.parametrize(
    ("remote", "secrets"),
    [
        pytest.param(None, set(), id="no remote"),
        pytest.param("/srv/git/tower.git", set(), id="a path"),
        pytest.param("ssh://git@forge:2222/tower.git", set(), id="a user and a port"),
        pytest.param("https://ada:t0ken@forge/tower.git", {"t0ken"}, id="a token"),
        pytest.param("https://:t0ken@forge/tower.git", {"t0ken"}, id="a token without a user"),
        pytest.param("https://ada:a%2Fb@forge/x", {"a%2Fb", "a/b"}, id="an encoded token"),
        pytest.param("https://ada:@forge/tower.git", set(), id="an empty token"),
        pytest.param("https://forge:80/a:b@c", set(), id="a path that looks like a login"),
    ],
)
def test_secrets_of(remote: Optional[str], secrets: set[str]) -> None:
    assert secrets_of(remote) == secrets
