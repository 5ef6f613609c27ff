# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What taking back gives, computed against real histories."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._revert import (
    Outcome,
    Reverter,
    RevertRequest,
)
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

AT = 1_700_100_000


class Line:
    """A branch main on which changes and phases land, and what taking them back gives."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox(folder, local=True)
        self.git = self.sandbox.git
        self.root = self.sandbox.commit("main", {"shared": "0\n", "moved/old": "1\n2\n3\n"})

    def land(
        self,
        name: str,
        files: Optional[dict[str, Optional[str]]] = None,
        *,
        into: str = "main",
        **trailers: str,
    ) -> str:
        """Return the merge of a branch of this name with trailers, as our engine makes it."""
        self.sandbox.commit(name, files or {name: "1\n"}, start=into)
        return self.merge(name, into=into, **trailers)

    def merge(self, name: str, *, into: str = "main", **trailers: str) -> str:
        self.git("checkout", "-q", into)
        lines = "\n".join(f"{key}: {value}" for key, value in trailers.items())
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {name}\n\n{lines}", name)
        return self.git("rev-parse", "HEAD")

    def phase(self, number: str, *changes: str, **trailers: str) -> str:
        """Return the release of a phase: a candidate with a merge for each change, merged."""
        candidate = f"candidate-{number}"
        self.sandbox.commit(candidate, {}, start="main", message="Start")
        for change in changes:
            own = {change: f"{number}\n", f"of-{number}": f"{change}\n"}
            self.land(change, {**own}, into=candidate, Phase=number, Change=change, **trailers)
        return self.merge(candidate, Phase=number, Change=f"phase-{number}", **trailers)

    def take_back(self, **asked: Any) -> Outcome:
        """Return what taking back gives, once main was moved there."""
        outcome = self.compute(**asked)
        self.git("checkout", "-q", "main")
        self.git("reset", "-q", "--hard", outcome.after)
        return outcome

    def compute(self, **asked: Any) -> Outcome:
        request = RevertRequest(**{"branch": "main", "identity": ("A", "a@x"), **asked})
        return Reverter(Repository(self.sandbox.work), request).compute(AT)

    def reverted(self, *commits: str, start: str = "main") -> str:
        """Return the tree that git revert gives in a work tree, newest first."""
        self.git("checkout", "-q", "--detach", start)
        for commit in commits:
            merge = len(self.git("rev-parse", f"{commit}^@").split()) > 1
            self.git("revert", "--no-edit", *(["-m", "1"] if merge else []), commit)
        tree = self.sandbox.tree("HEAD")
        self.git("checkout", "-q", "main")
        return tree

    def tree(self, commit: str) -> str:
        return self.sandbox.tree(commit)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def shas(outcome: Outcome, state: str = "reverted") -> list[str]:
    return [entry["sha"] for entry in outcome.reverts if entry["state"] == state]


def test_a_phase_goes_by_its_release_and_the_rest_stays(line: Line) -> None:
    line.phase("1", "one")
    second = line.phase("2", "two", "three", Rollout="tower")
    line.phase("3", "four")
    expected = line.reverted(second)
    outcome = line.take_back(phase="2", reason="Too slow.", trailers={"Ticket": "7"})
    assert line.tree(outcome.after) == expected
    assert outcome.later == []
    assert outcome.reverts == [
        {
            "sha": second,
            "commit": outcome.after,
            "id": "phase-2",
            "phase": "2",
            "subject": "Merge candidate-2",
            "state": "reverted",
        }
    ]
    assert line.git("log", "-1", "--format=%B%an <%ae> %at", outcome.after) == (
        f'Revert "Merge candidate-2"\n\nToo slow.\n\nThis reverts commit {second}, reversing\n'
        f"changes made to {line.git('rev-parse', f'{second}^')}.\n\n"
        "Rollout: tower\nPhase: 2\nChange: phase-2\nTicket: 7\n"
        f"A <a@x> {AT}"
    )
    again = line.compute(phase="2")
    assert again.after == again.before
    assert shas(again, "gone") == [second]
    assert again.reverts[0]["commit"] == outcome.after


def test_the_same_request_at_the_same_time_gives_the_same_commit(line: Line) -> None:
    line.phase("1", "one")
    assert line.compute(phase="1").after == line.compute(phase="1").after
    assert line.compute(phase="1").after != line.compute(phase="1", reason="Why").after


def test_every_merge_of_a_phase_on_the_branch_goes_newest_first(line: Line) -> None:
    first = line.land("a", {"a": "1\n"}, Phase="1", Change="a")
    second = line.land("b", {"a": "2\n"}, Phase="1", Change="b")
    outcome = line.compute(phase="1")
    assert shas(outcome) == [second, first]
    assert line.tree(outcome.after) == line.reverted(second, first) == line.tree(line.root)


def test_a_change_goes_out_of_a_release(line: Line) -> None:
    line.phase("1", "one")
    line.phase("2", "two")
    merge = line.git("log", "--format=%H", "--grep=^Change: one$", "main")
    outcome = line.take_back(change="one")
    assert shas(outcome) == [merge]
    assert line.tree(outcome.after) == line.reverted(merge, start=outcome.before)
    assert line.compute(change="one").after == outcome.after


def test_a_change_is_gone_when_the_release_that_brought_it_is(line: Line) -> None:
    release = line.phase("1", "one", "two")
    line.take_back(phase="1")
    outcome = line.compute(change="one")
    assert outcome.after == outcome.before
    assert [entry["commit"] for entry in outcome.reverts] == [outcome.before]
    assert release != outcome.before


def test_a_phase_goes_after_one_of_its_changes_went(line: Line) -> None:
    line.phase("1", "one", "two")
    line.take_back(change="two")
    outcome = line.take_back(phase="1")
    assert line.tree(outcome.after) == line.tree(line.root)
    assert [entry["id"] for entry in outcome.reverts] == ["two", "phase-1"]
    for asked in ({"phase": "1"}, {"change": "one"}, {"change": "two"}):
        assert line.compute(**asked).after == outcome.after


def test_a_phase_that_landed_again_goes_after_one_of_its_changes_went(line: Line) -> None:
    line.phase("1", "one", "two")
    line.sandbox.revert("main", line.take_back(phase="1").after)
    line.take_back(change="two")
    outcome = line.take_back(phase="1")
    assert line.tree(outcome.after) == line.tree(line.root)
    assert line.compute(phase="1").after == outcome.after


def test_a_phase_whose_changes_all_went_by_themselves_is_gone(line: Line) -> None:
    release = line.phase("1", "one")
    line.take_back(change="one")
    outcome = line.compute(phase="1")
    assert outcome.after == outcome.before
    assert shas(outcome, "gone") == [release]


def test_a_squashed_change_goes_as_a_plain_commit(line: Line) -> None:
    plain = line.sandbox.commit("main", {"p": "1\n"}, message="Plain\n\nChange: p\n")
    outcome = line.compute(change="p")
    assert line.tree(outcome.after) == line.reverted(plain) == line.tree(line.root)
    message = line.git("log", "-1", "--format=%B", outcome.after)
    assert f'Revert "Plain"\n\nThis reverts commit {plain}.\n\nChange: p' in message


def by_hand(line: Line) -> str:
    line.sandbox.commit("feature", {"feature": "1\n"})
    return line.sandbox.merge("main", "feature")


def by_hand_through_development(line: Line) -> str:
    line.sandbox.commit("development", {"dev": "1\n"})
    line.sandbox.commit("feature", {"feature": "1\n"})
    merge = line.sandbox.merge("development", "feature")
    line.sandbox.commit("development", {"dev": "2\n"})
    line.sandbox.commit("staging", {"staging": "1\n"})
    line.sandbox.merge("staging", "development")
    line.sandbox.commit("main", {"main": "1\n"})
    line.sandbox.merge("main", "staging")
    return merge


@pytest.mark.parametrize("made", [by_hand, by_hand_through_development])
def test_a_change_that_was_merged_by_hand_goes_by_its_innermost_merge(
    line: Line, made: Any
) -> None:
    merge = made(line)
    line.sandbox.commit("main", {"after": "1\n"})
    outcome = line.take_back(change="x", tip="feature")
    assert shas(outcome) == [merge]
    assert outcome.reverts[0]["id"] == "x"
    assert line.tree(outcome.after) == line.reverted(merge, start=outcome.before)
    again = line.compute(change="x", tip="feature")
    assert again.after == again.before
    assert shas(again, "gone") == [merge]


def test_a_rename_is_followed_as_git_revert_does(line: Line) -> None:
    line.git("mv", "moved/old", "moved/new")
    line.git("commit", "-q", "-m", "Move\n\nChange: move")
    line.sandbox.commit("main", {"moved/new": "1\n2\n3\nmore\n"})
    assert line.git("log", "-1", "--format=%s") == "Work"
    move = line.git("rev-parse", "HEAD~1")
    outcome = line.compute(change="move", later="keep")
    assert line.tree(outcome.after) == line.reverted(move)


def test_what_was_landed_again_goes_by_what_landed_it_again(line: Line) -> None:
    first = line.land("a", {"shared": "a\n"}, Phase="1", Change="a")
    revert = line.sandbox.revert("main", first)
    line.land("b", {"shared": "b\n"}, Phase="2", Change="b")
    line.take_back(phase="2")
    again = line.sandbox.revert("main", revert)
    outcome = line.take_back(change="a")
    assert shas(outcome) == [again]
    assert outcome.reverts[0]["id"] == "a"
    assert line.tree(outcome.after) == line.tree(line.root)
    assert line.compute(change="a").after == outcome.after


def test_what_landed_again_in_a_release_goes_with_it(line: Line) -> None:
    line.phase("1", "one")
    revert = line.take_back(phase="1").after
    line.sandbox.commit("candidate-again", {}, start="main", message="Start")
    line.sandbox.revert("candidate-again", revert)
    line.git("checkout", "-q", "main")
    release = line.merge("candidate-again", Phase="1", Change="phase-1")
    outcome = line.take_back(phase="1")
    assert shas(outcome) == [release]
    assert line.tree(outcome.after) == line.tree(line.root)
    assert line.compute(phase="1").after == outcome.after


def test_a_release_that_landed_again_does_not_hold_its_own_change_back(line: Line) -> None:
    line.phase("1", "one", "two")
    line.sandbox.revert("main", line.take_back(phase="1").after)
    outcome = line.take_back(change="two")
    assert len(shas(outcome)) == 1
    assert line.compute(change="two").after == outcome.after


@pytest.mark.parametrize(
    ("own", "later", "files"),
    [
        pytest.param({"shared": "1\n"}, {"shared": "2\n"}, ["shared"], id="the same file"),
        pytest.param({"shared": "1\n"}, {"shared": None}, ["shared"], id="a file that is gone now"),
        pytest.param(
            {"shared": None}, {"shared/x": "1\n"}, ["shared/x"], id="a folder where a file was"
        ),
        pytest.param(
            {"moved/old": None}, {"moved": "1\n"}, ["moved"], id="a file where a folder was"
        ),
    ],
)
def test_what_shares_files_with_a_phase_keeps_it(
    line: Line, own: dict[str, Optional[str]], later: dict[str, Optional[str]], files: list[str]
) -> None:
    line.land("a", own, Phase="1", Change="a")
    top = line.land("b", later, Phase="2", Change="b")
    line.land("c", {"other": "1\n"}, Phase="3", Change="c")
    with pytest.raises(GitError, match=r"phase 1 cannot go alone.*Merge b, phase 2: ") as info:
        line.compute(phase="1", required_by=["2"])
    assert info.value.details["later"] == [
        {"commit": top, "subject": "Merge b", "phase": "2", "files": files}
    ]
    outcome = line.compute(phase="1", later="revert")
    assert line.tree(outcome.after) == line.reverted(top, line.git("rev-parse", f"{top}^1"))
    assert [entry["commit"] for entry in outcome.later] == [top]


def test_a_change_in_a_release_is_kept_by_what_came_later_in_it(line: Line) -> None:
    line.phase("1", "one", "two")
    two = line.git("log", "--format=%H", "--grep=^Change: two$", "main")
    with pytest.raises(GitError, match=f"{two[:10]} .Merge two, phase 1: of-1."):
        line.compute(change="one")
    outcome = line.compute(change="one", later="revert")
    assert [entry["id"] for entry in outcome.reverts] == ["two", "one"]
    assert line.tree(outcome.after) == line.tree(line.root)


def test_a_change_in_a_release_is_kept_by_what_came_after_the_release(line: Line) -> None:
    line.phase("1", "one")
    top = line.land("b", {"one": "2\n"}, Phase="2", Change="b")
    with pytest.raises(GitError, match=f"{top[:10]} .Merge b, phase 2: one."):
        line.compute(change="one")


def test_a_merge_goes_alone_though_its_own_commits_name_the_change_too(line: Line) -> None:
    for number in "12":
        line.sandbox.commit("a", {"f": number}, message=f"Work {number}\n\nChange: a")
    line.git("checkout", "-q", "main")
    merge = line.merge("a", Change="a")
    outcome = line.compute(change="a")
    assert [entry["sha"] for entry in outcome.reverts] == [merge]


def test_a_later_phase_stands_on_an_earlier_one_if_the_plan_says_so(line: Line) -> None:
    first, second, third = (line.phase(n, name) for n, name in zip("123", ("a", "b", "c")))
    with pytest.raises(GitError, match=r"phase 2 cannot go alone.*phase 3: by the plan") as info:
        line.compute(phase="2", required_by=["1", "3"])
    assert [entry["commit"] for entry in info.value.details["later"]] == [third]
    both = line.take_back(phase="2", required_by=["3"], later="revert")
    assert shas(both) == [third, second]
    assert line.tree(both.after) == line.tree(first)
    assert shas(line.compute(phase="1", required_by=["2", "3"])) == [first]


def test_what_stands_on_what_stands_on_it_goes_too(line: Line) -> None:
    first = line.land("a", {"f": "1\n"}, Phase="1", Change="a")
    second = line.land("b", {"f": "2\n", "g": "1\n"}, Phase="2", Change="b")
    third = line.land("c", {"g": "2\n"}, Phase="3", Change="c")
    aside = line.land("d", {"d": "1\n"}, Phase="4", Change="d")
    outcome = line.compute(phase="1", later="revert")
    assert shas(outcome) == [third, second, first]
    assert [(entry["phase"], entry["files"]) for entry in outcome.later] == [
        ("3", ["g"]),
        ("2", ["f"]),
    ]
    assert line.tree(outcome.after) == line.reverted(third, second, first)
    assert aside not in shas(outcome)


def test_what_stands_on_it_can_be_kept(line: Line) -> None:
    first = line.land("a", {"f": "1\n2\n3\n4\n5\n"}, Phase="1", Change="a")
    line.land("b", {"f": "0\n1\n2\n3\n4\n5\n"}, Phase="2", Change="b")
    change = line.land("c", {"f": "0\n1\n2\n3\n4\n6\n"}, Phase="3", Change="c")
    line.land("d", {"f": "8\n1\n2\n3\n4\n6\n"}, Phase="4", Change="d")
    outcome = line.compute(phase="3", later="keep")
    assert [entry["phase"] for entry in outcome.later] == ["4"]
    assert line.tree(outcome.after) == line.reverted(change)
    with pytest.raises(GitError, match=r"conflicts .* f \(modify/delete\), which changed") as info:
        line.compute(phase="1", later="keep")
    assert info.value.details["conflicts"] == [{"path": "f", "kind": "modify/delete"}]
    assert [entry["phase"] for entry in info.value.details["later"]] == ["4", "3", "2"]
    assert first


def test_what_was_taken_back_holds_nothing_back(line: Line) -> None:
    line.land("a", {"f": "1\n"}, Phase="1", Change="a")
    line.land("b", {"f": "2\n"}, Phase="2", Change="b")
    line.take_back(phase="2")
    outcome = line.compute(phase="1", required_by=["2"])
    assert len(shas(outcome)) == 1
    assert line.tree(outcome.after) == line.tree(line.root)


def test_what_landed_again_holds_an_earlier_phase_back(line: Line) -> None:
    line.land("a", {"f": "1\n"}, Phase="1", Change="a")
    line.land("b", {"f": "2\n"}, Phase="2", Change="b")
    again = line.sandbox.revert("main", line.take_back(phase="2").after)
    with pytest.raises(GitError, match=again[:10]):
        line.compute(phase="1")
    outcome = line.take_back(phase="1", later="revert")
    assert line.tree(outcome.after) == line.tree(line.root)
    assert line.compute(phase="2").after == outcome.after


def test_the_name_of_a_phase_in_another_rollout_is_another_phase(line: Line) -> None:
    line.phase("1", "one", Rollout="tower")
    second = line.phase("1", "two", Rollout="bridge")
    with pytest.raises(GitError, match=r"several rollouts \(bridge, tower\)"):
        line.compute(phase="1")
    assert shas(line.compute(phase="1", rollout="bridge")) == [second]
    with pytest.raises(GitError, match="Phase: 1 and the trailer Rollout: else"):
        line.compute(phase="1", rollout="else")


def test_everything_since_a_commit_gives_its_tree(line: Line) -> None:
    start = line.phase("1", "one")
    line.phase("2", "two")
    gone = line.land("a", {"shared": "a\n"}, Change="a")
    plain = line.sandbox.commit("main", {"hotfix": "1\n"})
    line.take_back(change="a")
    newest = line.phase("3", "three")
    outcome = line.take_back(since=start)
    assert line.tree(outcome.after) == line.tree(start)
    assert [entry["phase"] for entry in outcome.reverts] == ["3", None, "2"]
    assert shas(outcome)[:2] == [newest, plain]
    assert gone not in shas(outcome)
    assert line.git("merge-base", "--is-ancestor", newest, outcome.after) == ""
    again = line.compute(since=start)
    assert (again.after, again.reverts) == (again.before, [])


def test_a_commit_that_was_taken_back_before_the_start_is_back_then(line: Line) -> None:
    landed = line.land("a", {"shared": "a\n"}, Change="a")
    line.take_back(change="a")
    outcome = line.compute(since=landed)
    assert line.tree(outcome.after) == line.tree(landed)
    assert len(shas(outcome)) == 1


def test_a_revert_that_was_more_than_that_goes_commit_by_commit(line: Line) -> None:
    landed = line.land("a", {"shared": "a\n"}, Change="a")
    line.git("revert", "--no-commit", "-m", "1", landed)
    half = line.sandbox.commit(
        "main", {"more": "1\n"}, message=f'Revert "a"\n\nThis reverts commit {landed}.'
    )
    outcome = line.take_back(since=line.root)
    assert line.tree(outcome.after) == line.tree(line.root)
    assert shas(outcome) == [half, landed]
    assert line.compute(since=line.root).after == outcome.after


def test_reset_moves_the_branch(line: Line) -> None:
    start = line.phase("1", "one")
    line.phase("2", "two")
    assert line.take_back(reset_to=start).after == start
    assert line.compute(reset_to=start).before == start


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A history with all that cannot be taken back; nothing adds to it."""
    line = Line(tmp_path_factory.mktemp("git"))
    line.git("commit", "-q", "--amend", "-m", "First\n\nChange: root")
    line.phase("1", "one")
    line.sandbox.commit("forward", {"f": "1\n"})
    line.git("checkout", "-q", "main")
    line.git("merge", "-q", "--ff-only", "forward")
    line.sandbox.commit("deep", {"deep": "1\n"})
    line.sandbox.commit("deeper", {"deep": "2\n"}, start="deep")
    line.sandbox.merge("main", "deeper")
    line.sandbox.commit("main", {"p": "1\n", "q": "1\n"}, message="Two\n\nChange: p\nChange: q")
    line.sandbox.commit("one-o", {"one-o": "1\n"})
    line.sandbox.commit("two-o", {"two-o": "1\n"})
    line.git("checkout", "-q", "main")
    line.git("merge", "-q", "--no-ff", "-m", "Octopus", "one-o", "two-o")
    line.sandbox.commit("ahead", {"ahead": "1\n"})
    return line


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"phase": "9"}, "first-parent line of main .* Phase: 9: corr", id="no phase"),
        pytest.param({"change": "x"}, "Change: x: correct the name, or give", id="no change"),
        pytest.param({"change": "x", "tip": "none"}, "none of change x does not", id="no branch"),
        pytest.param({"change": "x", "tip": "-x"}, "'-x' cannot be", id="a branch like an option"),
        pytest.param({"change": "x", "tip": "ahead"}, "has not landed", id="not landed"),
        pytest.param({"change": "x", "tip": "forward"}, "fast-forward", id="without a merge"),
        pytest.param({"change": "x", "tip": "deep"}, "a branch that .* merged", id="deep down"),
        pytest.param({"change": "p"}, "landed p and q in one", id="two changes in one commit"),
        pytest.param({"change": "o", "tip": "two-o"}, "cannot go alone", id="an octopus"),
        pytest.param({"change": "root"}, "first commit of its history", id="the first commit"),
        pytest.param({"branch": "none", "phase": "1"}, "branch none does not", id="unknown branch"),
        pytest.param({"branch": "a..b", "phase": "1"}, "no such name", id="branch that cannot be"),
        pytest.param({"since": "none"}, "none does not exist", id="unknown start"),
        pytest.param({"since": "-x"}, "'-x' cannot be", id="a start like an option"),
        pytest.param({"since": "ahead"}, "not in the history of main", id="start elsewhere"),
        pytest.param({"since": "deep"}, "not on the first-parent line", id="start in a branch"),
        pytest.param({"since": "main", "rollout": "x"}, "leave it out", id="since with a rollout"),
        pytest.param({"reset_to": "ahead"}, "not in the history of main", id="reset elsewhere"),
        pytest.param(
            {"phase": "1", "trailers": {"A b": "x"}}, "trailer", id="a trailer with space"
        ),
    ],
)
def test_what_cannot_be_is_refused(settled: Line, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(GitError, match=said):
        settled.compute(**asked)
