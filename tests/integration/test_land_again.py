# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that was taken back lands again whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_reverts import TakenBack
from ansible_collections.phased.rollout.plugins.module_utils._land_again import missing_files
from ansible_collections.phased.rollout.plugins.module_utils._merge import Merger
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
    Outcome,
)
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

WORDS = "".join(f"{n}\n" for n in range(30))


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {"app": WORDS, "old": "old\n", "g": WORDS})
    sandbox.commit("feature", {"feature": "1\n", "old": None})
    return sandbox


def landed(sandbox: Sandbox, *branches: str) -> Outcome:
    changes = [Change(branch, branch) for branch in branches]
    request = MergeRequest("main", changes, ("A", "a@x"))
    return Merger(Repository(sandbox.work), request).compute(1_800_000_000)


def files(sandbox: Sandbox, commit: str) -> set[str]:
    return set(sandbox.git("ls-tree", "-r", "--name-only", commit).splitlines())


def back(sandbox: Sandbox) -> None:
    sandbox.revert("main", sandbox.merge("main", "feature"))


def back_twice(sandbox: Sandbox) -> None:
    first = sandbox.merge("main", "feature")
    sandbox.commit("feature", {"second": "2\n"})
    second = sandbox.merge("main", "feature")
    sandbox.revert("main", second)
    sandbox.revert("main", first)


def back_and_again_and_back(sandbox: Sandbox) -> None:
    revert = sandbox.revert("main", sandbox.merge("main", "feature"))
    sandbox.revert("main", sandbox.revert("main", revert))


def one_commit_back(sandbox: Sandbox) -> None:
    """Of a branch that was merged whole, somebody took back one commit."""
    commit = sandbox.git("rev-parse", "feature")
    sandbox.commit("feature", {"second": "2\n"})
    sandbox.merge("main", "feature")
    sandbox.revert("main", commit)


def fast_forward_back(sandbox: Sandbox) -> None:
    sandbox.git("checkout", "-q", "main")
    sandbox.git("merge", "-q", "--ff-only", "feature")
    sandbox.revert("main", sandbox.git("rev-parse", "feature"))


@pytest.mark.parametrize(
    "taken", [back, back_twice, back_and_again_and_back, one_commit_back, fast_forward_back]
)
@pytest.mark.parametrize("more", [False, True], ids=["as it was", "with more on its branch"])
def test_a_change_that_was_taken_back_lands_again_whole(
    sandbox: Sandbox, taken: Callable[[Sandbox], None], more: bool
) -> None:
    taken(sandbox)
    assert "feature" not in files(sandbox, "main")
    sandbox.commit("main", {"later": "l\n"})
    if more and taken is not fast_forward_back:
        sandbox.commit("feature", {"more": "m\n"})
    outcome = landed(sandbox, "feature")
    own = files(sandbox, "feature")
    assert outcome.merges[0]["state"] == "reapplied"
    assert files(sandbox, outcome.after) == own | {"later"}
    sandbox.git("checkout", "-q", "main")
    sandbox.git("merge", "-q", "--ff-only", outcome.after)
    again = landed(sandbox, "feature")
    assert again.after == again.before
    assert again.merges[0]["state"] == "integrated"


def test_two_changes_that_went_together_land_again_together_or_not_at_all(
    sandbox: Sandbox,
) -> None:
    sandbox.commit("other", {"other": "o\n"}, start="main", message="Other work")
    sandbox.git("checkout", "-q", "-b", "phase", "main")
    sandbox.merge("phase", "feature")
    sandbox.merge("phase", "other")
    sandbox.revert("main", sandbox.merge("main", "phase"))
    with pytest.raises(GitError, match=r"together with 1 commits of other changes.*\(Other work\)"):
        landed(sandbox, "feature")
    outcome = landed(sandbox, "feature", "other")
    assert [merge["state"] for merge in outcome.merges] == ["reapplied", "reapplied"]
    assert {"feature", "other"} <= files(sandbox, outcome.after)


def test_what_others_wrote_since_stays(sandbox: Sandbox) -> None:
    sandbox.commit("feature", {"app": WORDS.replace("3\n", "three\n", 1)})
    back(sandbox)
    sandbox.commit("main", {"app": WORDS.replace("25\n", "twenty-five\n"), "g": None})
    after = landed(sandbox, "feature").after
    app = sandbox.git("show", f"{after}:app")
    assert "three" in app
    assert "twenty-five" in app
    assert "g" not in files(sandbox, after)


def test_a_conflict_on_the_way_is_named(sandbox: Sandbox) -> None:
    sandbox.commit("feature", {"app": WORDS.replace("3\n", "three\n", 1)})
    back(sandbox)
    sandbox.commit("main", {"app": WORDS.replace("3\n", "drei\n", 1)})
    with pytest.raises(GitError, match=r"conflicts with main .* in: app \(contents\)"):
        landed(sandbox, "feature")


def test_files_that_did_not_land_are_named(sandbox: Sandbox) -> None:
    """What `git merge` makes of a change that was taken back."""
    fork = sandbox.git("rev-parse", "main")
    merge = sandbox.merge("main", "feature")
    revert = sandbox.revert("main", merge)
    tip = sandbox.commit("feature", {"more": "m\n", "app": "mine\n"})
    sandbox.merge("main", "feature")
    after = sandbox.commit("main", {"app": "not as on the branch\n"})
    repository = Repository(sandbox.work)
    commits = repository.commits([merge, revert])
    taken_back = [TakenBack(commits[merge], commits[revert], fork)]
    found = missing_files(repository, tip, taken_back, before=revert, after=after, others=[])
    assert found == ["app", "feature", "old"]


@pytest.mark.parametrize("seed", range(25))
def test_random_changes_land_again_as_if_they_had_never_gone(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {f"d{n % 3}/f{n}": f"{n}\n{WORDS}" for n in range(9)})

    def work(branch: str, lines: range) -> None:
        chosen = chance.sample(range(9), 3)
        found: dict[str, Optional[str]] = {f"new/{branch}{chance.random()}": "new\n"}
        sandbox.git("checkout", "-q", branch)
        for n in chosen:
            path = sandbox.work / f"d{n % 3}/f{n}"
            text = path.read_text().splitlines() if path.exists() else ["again"]
            text[min(chance.choice(lines), len(text) - 1)] = f"{branch} {chance.random()}"
            found[f"d{n % 3}/f{n}"] = "\n".join(text) + "\n"
        sandbox.commit(branch, found)

    sandbox.commit("feature", {"feature": "f\n"})
    work("feature", range(1, 5))
    work("main", range(20, 25))
    merge = sandbox.merge("main", "feature")
    sandbox.git("branch", "kept", merge)
    sandbox.revert("main", merge)
    work("main", range(10, 15))
    sandbox.git("checkout", "-q", "kept")
    sandbox.git("cherry-pick", "--allow-empty", "main")
    work("feature", range(1, 5))
    sandbox.merge("kept", "feature")
    assert sandbox.tree(landed(sandbox, "feature").after) == sandbox.tree("kept")
