# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._forecast import Forecast, summary
from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._pairs import Pairs
from ansible_collections.phased.rollout.tests.git_sandbox import (
    ADA,
    BEA,
    Sandbox,
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A plan with a change in every state, and two that conflict with each other only."""
    sandbox = Sandbox(tmp_path_factory.mktemp("git"))
    sandbox.commit("main", {"f": "1\n2\n3\n", "g": "1\n"})
    reviews = f"Reviewed-by: {ADA}\nReviewed-by: {BEA}\nReviewed-by: Cy <cy@example.org>"
    sandbox.commit("landed", {"landed": "1\n"}, author=BEA)
    sandbox.commit("landed", {"landed": "2\n"}, message=f"Land\n\n{reviews}")
    sandbox.commit("left", {"f": "1\nL\n3\n"}, start="main")
    sandbox.commit("right", {"f": "1\nR\n3\n"}, start="main", author=BEA)
    sandbox.commit("right", {"r": "1\n"}, message=f"Right\n\n{reviews}")
    sandbox.commit("on-left", {"more": "1\n"}, start="left")
    sandbox.commit("against", {"g": "theirs\n"}, start="main")
    sandbox.commit("back", {"back": "1\n"}, start="main")
    sandbox.merge("main", "landed")
    sandbox.revert("main", sandbox.merge("main", "back"))
    sandbox.commit("main", {"g": "ours\n"})
    sandbox.git("push", "-q", "origin", "main:refs/tags/plain", "main~1:refs/tags/older")
    return sandbox


def forecast(sandbox: Sandbox, *branches: str, **options: Any) -> dict[str, Any]:
    changes = [Change(branch, branch, owner=f"team {branch}") for branch in branches]
    base = options.pop("base", "main")
    repository = Repository(sandbox.remote)
    made = Forecast(repository, base, changes)
    pairs = Pairs(made, changes).as_list() if options.pop("pairwise", False) else []
    return {**made.as_dict(**{"tag": None, **options}), "pairs": pairs}


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        pytest.param(
            "landed",
            {
                "state": "integrated",
                "ahead": 0,
                "behind": 5,
                "files": [],
                "reviewed_by": ["Cy <cy@example.org>"],
                "author": ADA,
                "authors": [ADA],
            },
            id="landed: nobody reviews a change that holds a commit of theirs",
        ),
        pytest.param(
            "right",
            {
                "state": "mergeable",
                "ahead": 2,
                "files": ["f", "r"],
                "owner": "team right",
                "conflicts": [],
                "authors": [ADA, BEA],
                "reviewed_by": ["Cy <cy@example.org>"],
            },
            id="mergeable, with the files and the authors of all its commits",
        ),
        pytest.param(
            "against",
            {"state": "conflicting", "conflicts": [{"path": "g", "kind": "contents"}]},
            id="conflicting, with file and kind",
        ),
        pytest.param("back", {"state": "reverted", "conflicts": []}, id="taken back"),
        pytest.param("nowhere", {"state": "missing", "sha": None}, id="missing"),
    ],
)
def test_how_a_change_stands_alone(sandbox: Sandbox, branch: str, expected: dict[str, Any]) -> None:
    standing = forecast(sandbox, branch)["changes"][0]
    assert {key: standing[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("branches", "state", "conflicts"),
    [
        pytest.param(["landed"], "integrated", [], id="nothing to do"),
        pytest.param(["landed", "left", "on-left"], "mergeable", [], id="one on top of the other"),
        pytest.param(["on-left", "left"], "mergeable", [], id="what came along is there already"),
        pytest.param(
            ["left", "right", "on-left"],
            "conflicting",
            [{"id": "right", "files": ["f"]}],
            id="the later one conflicts, and is left out for those after it",
        ),
        pytest.param(["left", "nowhere"], "missing", [], id="a missing change is the worst"),
        pytest.param(["left", "back"], "mergeable", [], id="a change taken back lands again"),
    ],
)
def test_how_changes_stand_in_sequence(
    sandbox: Sandbox, branches: list[str], state: str, conflicts: list[dict[str, Any]]
) -> None:
    chain = forecast(sandbox, *branches)["chain"]
    assert (chain["state"], chain["conflicts"]) == (state, conflicts)
    assert (chain["tree"] is None) == (state not in ("integrated", "mergeable"))


def test_the_tree_of_a_sequence_is_what_git_merge_gives(sandbox: Sandbox) -> None:
    chain = forecast(sandbox, "right", "landed")["chain"]
    sandbox.git("checkout", "-q", "--detach", "main")
    sandbox.git("merge", "-q", "--no-edit", "right")
    assert chain["tree"] == sandbox.tree("HEAD")


def test_pairs_tell_conflicts_with_each_other_from_conflicts_with_the_base(
    sandbox: Sandbox,
) -> None:
    result = forecast(sandbox, "left", "right", "against", "landed", "back", pairwise=True)
    found = {tuple(pair["ids"]): pair["conflicts"] for pair in result["pairs"]}
    assert found == {
        ("left", "right"): [{"path": "f", "kind": "contents"}],
        ("left", "against"): [],
        ("right", "against"): [],
    }
    assert result["pairs"][0]["owners"] == ["team left", "team right"]
    assert result["pairs"][0]["state"] == "conflicting"
    assert forecast(sandbox, "left", "right")["pairs"] == []


def test_a_conflict_that_the_base_has_resolved_is_none(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.commit("main", {"f": "1\n"})
    sandbox.commit("left", {"f": "L\n"}, start="main")
    sandbox.commit("right", {"f": "R\n"}, start="main")
    sandbox.merge("main", "left")
    sandbox.git("merge", "-q", "-s", "ours", "-m", "Merge right", "right")
    sandbox.git("push", "-q", "origin", "main")
    sandbox.commit("left", {"l": "1\n"})
    sandbox.commit("right", {"r": "1\n"})
    assert forecast(sandbox, "left", "right", pairwise=True)["pairs"][0]["conflicts"] == []


@pytest.mark.parametrize(("tag", "is_head"), [("plain", True), ("older", False), ("none", None)])
def test_released(sandbox: Sandbox, tag: str, is_head: Optional[bool]) -> None:
    released = forecast(sandbox, "left", tag=tag)["released"]
    assert (released and released["is_head"]) == is_head


def test_a_forecast_made_twice_writes_nothing_new(sandbox: Sandbox) -> None:
    def objects() -> str:
        return sandbox.git("count-objects", "-v", where=sandbox.remote)

    first = forecast(sandbox, "left", "on-left", "right", pairwise=True)
    before = objects()
    assert forecast(sandbox, "left", "on-left", "right", pairwise=True) == first
    assert objects() == before


@pytest.mark.parametrize("base", ["nowhere", "-x", "a b"])
def test_a_base_that_cannot_be_is_named(sandbox: Sandbox, base: str) -> None:
    with pytest.raises(GitError, match=base):
        forecast(sandbox, "left", base=base)


def test_summary_says_it_in_one_line() -> None:
    chain = {"state": "conflicting", "conflicts": [{"id": "a", "files": ["f", "g"]}]}
    states = ["mergeable", "conflicting", "mergeable", "integrated"]
    assert (
        summary(states, chain, {"ref": "main", "sha": "76d4bb83f8dab3933a48"})
        == "1 integrated, 2 mergeable, 1 conflicting on main (76d4bb83f8); in order: conflicting at"
        " a (f, g)"
    )
