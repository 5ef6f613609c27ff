# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import (
    Reverts,
    parse_changes,
)
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox


def change(name: str, *depends_on: str, branch: str = "b") -> dict[str, Any]:
    return {"id": name, "branch": branch, "owner": None, "depends_on": list(depends_on)}


@pytest.mark.parametrize(
    ("raw", "order"),
    [
        pytest.param([change("a"), change("b")], ["a", "b"], id="the plan's order is kept"),
        pytest.param(
            [change("a", "c"), change("b"), change("c")],
            ["b", "c", "a"],
            id="a change waits for what it depends on, and nothing else moves",
        ),
        pytest.param([change("a", "phase-1")], ["a"], id="what landed earlier holds nothing up"),
    ],
)
def test_changes_come_after_what_they_depend_on(
    raw: list[dict[str, Any]], order: list[str]
) -> None:
    assert [item.id for item in parse_changes(raw)] == order


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param([], "changes is empty", id="none"),
        pytest.param([change("a"), change("a")], "Two changes have the id a", id="twins"),
        pytest.param([change("a", "a")], "circle: a", id="a change that waits for itself"),
        pytest.param([change("a", "b"), change("b", "a")], "circle: a, b", id="a circle"),
        pytest.param([change("a", branch="-x")], "branch of change a, '-x'", id="an option"),
    ],
)
def test_changes_that_make_no_sense_are_refused(raw: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(GitError, match=said):
        parse_changes(raw)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {"f": "1\n"})
    sandbox.commit("feature", {"feature": "1\n"})
    return sandbox


def reverted_by(sandbox: Sandbox, *branches: str, base: str = "main") -> list[Optional[str]]:
    repository = Repository(sandbox.work)
    tips = [tip for tip in repository.resolve(branches) if tip]
    bases = [tip for tip in repository.resolve([base]) if tip]
    found = [Reverts(repository, bases, tips).of(tip) for tip in tips]
    return [item.by if item else None for item in found]


def test_a_merge_that_stands_is_not_reverted(sandbox: Sandbox) -> None:
    sandbox.merge("main", "feature")
    assert reverted_by(sandbox, "feature") == [None]


def test_a_merge_that_was_taken_back_is_reverted_whatever_is_on_the_branch_now(
    sandbox: Sandbox,
) -> None:
    revert = sandbox.revert("main", sandbox.merge("main", "feature"))
    assert reverted_by(sandbox, "feature") == [revert]
    sandbox.commit("feature", {"fix": "1\n"})
    sandbox.commit("next", {"next": "1\n"}, start="feature")
    assert reverted_by(sandbox, "feature", "next") == [revert, revert]


def test_a_revert_that_was_taken_back_does_not_count_unless_that_was_taken_back_too(
    sandbox: Sandbox,
) -> None:
    revert = sandbox.revert("main", sandbox.merge("main", "feature"))
    again = sandbox.revert("main", revert)
    assert reverted_by(sandbox, "feature") == [None]
    sandbox.revert("main", again)
    assert reverted_by(sandbox, "feature") == [revert]


def test_an_abbreviated_revert_counts(sandbox: Sandbox) -> None:
    merge = sandbox.merge("main", "feature")
    sandbox.git("revert", "--no-commit", "-m", "1", merge)
    revert = sandbox.commit("main", {}, message=f"Back\n\nThis reverts commit {merge[:9]} (Merge)")
    assert reverted_by(sandbox, "feature") == [revert]


def test_the_revert_of_another_change_does_not_count(sandbox: Sandbox) -> None:
    sandbox.commit("other", {"other": "1\n"})
    sandbox.merge("main", "feature")
    sandbox.revert("main", sandbox.merge("main", "other"))
    assert reverted_by(sandbox, "feature") == [None]


def test_the_revert_of_a_commit_that_is_no_merge_does_not_count(sandbox: Sandbox) -> None:
    sandbox.merge("main", "feature")
    sandbox.revert("main", sandbox.commit("main", {"plain": "1\n"}))
    assert reverted_by(sandbox, "feature") == [None]


def test_a_branch_made_of_what_was_merged_or_taken_back_knows_of_it(sandbox: Sandbox) -> None:
    merge = sandbox.merge("main", "feature")
    sandbox.commit("after-merge", {"a": "1\n"}, start=merge)
    revert = sandbox.revert("main", merge)
    sandbox.commit("after-revert", {"b": "1\n"}, start=revert)
    assert reverted_by(sandbox, "after-merge", "after-revert") == [None, None]


def test_a_change_that_was_written_anew_is_not_reverted(sandbox: Sandbox) -> None:
    sandbox.revert("main", sandbox.merge("main", "feature"))
    sandbox.git("checkout", "-q", "-b", "anew", "main~2")
    sandbox.git("cherry-pick", "feature")
    assert reverted_by(sandbox, "anew", "feature")[0] is None
