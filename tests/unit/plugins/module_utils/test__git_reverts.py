# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_reverts import Reverts
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox


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
    return [items[0].by.sha if items else None for items in found]


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
