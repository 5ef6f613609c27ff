# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._merge import Merger
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
    parse_identity,
    worded,
)
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

AT = 1_700_100_000


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        pytest.param("Ada L <ada@x>", ("Ada L", "ada@x"), id="name and mail"),
        pytest.param(" Ada<ada@x> ", ("Ada", "ada@x"), id="spaces do not matter"),
    ],
)
def test_parse_identity(identity: str, expected: tuple[str, str]) -> None:
    assert parse_identity(identity) == expected


@pytest.mark.parametrize("identity", ["", "Ada", "<ada@x>", "Ada <a b>", "Ada <a>\nx <b>", "A <>"])
def test_an_identity_that_git_would_not_take_is_refused(identity: str) -> None:
    with pytest.raises(GitError, match="Name <mail>"):
        parse_identity(identity)


def test_worded_ends_in_trailers() -> None:
    assert worded("Subject\n\nBody\n", {"Phase": "1", "Change": "a"}) == (
        "Subject\n\nBody\n\nPhase: 1\nChange: a\n"
    )
    assert worded("Subject", {}) == "Subject\n"


@pytest.mark.parametrize(
    "trailer", [("A b", "x"), ("A", ""), ("A", "x\ny"), ("", "x"), ("A:", "x")]
)
def test_a_trailer_that_git_would_not_read_is_refused(trailer: tuple[str, str]) -> None:
    with pytest.raises(GitError, match="trailer"):
        worded("Subject", dict([trailer]))


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {"f": "1\n"})
    sandbox.commit("development", {})
    sandbox.commit("one", {"one": "1\n"}, start="main")
    sandbox.commit("two", {"two": "1\n"}, start="one")
    return sandbox


def merger(sandbox: Sandbox, *branches: str, **options: Any) -> Merger:
    changes = [Change(branch, branch) for branch in branches]
    request = MergeRequest("development", changes, ("A", "a@x"), **options)
    return Merger(Repository(sandbox.work), request)


def test_every_change_gets_a_merge_commit_of_its_own(sandbox: Sandbox) -> None:
    outcome = merger(sandbox, "one", "two", message="Land", trailers={"Phase": "1"}).compute(AT)
    log = sandbox.git("log", "--first-parent", "-2", "--format=%B", outcome.after)
    assert log == "Land\n\nPhase: 1\nChange: two\n\nLand\n\nPhase: 1\nChange: one"
    assert [merge["state"] for merge in outcome.merges] == ["merged", "merged"]
    assert sandbox.git("rev-parse", f"{outcome.after}^2") == outcome.tips["two"]
    assert sandbox.git("rev-parse", f"{outcome.after}~1^2") == outcome.tips["one"]


def test_a_change_that_another_one_brought_is_not_merged_again(sandbox: Sandbox) -> None:
    outcome = merger(sandbox, "two", "one").compute(AT)
    assert [merge["state"] for merge in outcome.merges] == ["merged", "integrated"]


def test_when_all_changes_are_there_only_what_the_updates_bring_is_missing(
    sandbox: Sandbox,
) -> None:
    head = sandbox.merge("development", "two")
    same = merger(sandbox, "one", "two", update_from=["main"]).compute(AT)
    assert same.after == head
    fix = sandbox.commit("main", {"new": "1\n"})
    outcome = merger(sandbox, "one", "two", update_from=["main"]).compute(AT)
    assert [merge["state"] for merge in outcome.merges] == ["integrated", "integrated"]
    assert sandbox.git("merge-base", "--is-ancestor", fix, outcome.after) == ""


def test_an_update_that_diverged_is_merged(sandbox: Sandbox) -> None:
    sandbox.commit("development", {"dev": "1\n"})
    sandbox.commit("main", {"new": "1\n"})
    outcome = merger(sandbox, "one", update_from=["main", "main~1"]).compute(AT)
    assert [update["state"] for update in outcome.updates] == ["merged", "integrated"]


def test_a_conflict_names_the_update_that_causes_it(sandbox: Sandbox) -> None:
    sandbox.commit("development", {"f": "dev\n"})
    sandbox.commit("main", {"f": "main\n"})
    with pytest.raises(GitError, match=r"main conflicts with development .* in: f \(contents\)"):
        merger(sandbox, "one", update_from=["main"]).compute(AT)


def test_the_same_request_gives_the_same_commit_and_other_words_another(sandbox: Sandbox) -> None:
    first = merger(sandbox, "one").compute(AT).after
    assert merger(sandbox, "one").compute(AT).after == first
    assert merger(sandbox, "one").compute(AT + 1).after != first
    assert merger(sandbox, "one", message="Else").compute(AT).after != first
    assert merger(sandbox, "one", trailers={"Phase": "2"}).compute(AT).after != first
