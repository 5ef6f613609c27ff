# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On random histories, merges and reverts without a work tree are those of git in a work tree."""

from __future__ import annotations

from hypothesis import given, note, settings
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Merged, text
from ansible_collections.phased.rollout.tests.git_histories import (
    BRANCHES,
    History,
    Result,
    WorkTree,
    fixed,
    histories,
)


def agree(merged: Merged, result: Result) -> None:
    """Fail unless both are clean with the same tree, or conflict in the same paths."""
    note(f"engine {merged}, git {result}")
    if result.tree:
        assert (merged.tree, merged.conflicts) == (result.tree, {})
    elif result.unmerged:
        assert set(merged.conflicts) == {text(path) for path in result.unmerged}
    else:
        assert merged.conflicts


@settings(fixed, max_examples=120)
@given(history=histories())
def test_a_merge_is_what_git_merge_gives(work: WorkTree, history: History) -> None:
    ids = work.make(history)
    heads = [ids[head] for head in dict.fromkeys(history.heads)]
    pairs = [(ours, theirs) for ours in heads for theirs in heads if ours != theirs][:3]
    repository = Repository(work.path)
    for (ours, theirs), merged in zip(pairs, Merges(repository).merge_all(pairs)):
        note(f"{ours} {theirs}")
        agree(merged, work.merge(ours, theirs))
        assert Merges(repository).merge(ours, theirs) == merged


@settings(fixed, max_examples=120)
@given(history=histories(), branch=st.integers(0, BRANCHES - 1), which=st.integers(0, 59))
def test_a_revert_is_what_git_revert_gives(
    work: WorkTree, history: History, branch: int, which: int
) -> None:
    ids = work.make(history)
    repository = Repository(work.path)
    head = ids[history.heads[branch]]
    commits = [commit for commit in repository.log([head]) if commit.parents]
    for commit in commits[which % (len(commits) or 1) :][:2]:
        merged = Merges(repository).revert(head, commit)
        note(f"{head} {commit.sha}")
        agree(merged, work.revert(head, commit.sha, merge=len(commit.parents) > 1))
