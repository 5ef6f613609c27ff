# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git_revert, run as a module against a real remote on which git_merge has released phases."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

MODULE = "ansible_collections.phased.rollout.plugins.modules.git_revert"
MAIN = "refs/heads/main"


class Control:
    """A control node: the mirror of a remote, and the modules that use it."""

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        run_module: Callable[..., dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.sandbox = sandbox
        self._where = {"repository": str(folder / "control.git"), "remote": sandbox.url}
        self._folder = folder
        self._run_module = run_module
        self._monkeypatch = monkeypatch

    def merge(self, **args: Any) -> dict[str, Any]:
        return self._run_module("git_merge", {**self._where, "push": True, **args})

    def revert(self, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        return self._run_module("git_revert", self._complete(args), check_mode=check_mode)

    def killed(self, **args: Any) -> None:
        """Run git_revert, which must not live to its end."""
        given = json.dumps({"ANSIBLE_MODULE_ARGS": self._complete(args)}).encode()
        done = subprocess.run(
            [sys.executable, "-m", MODULE], input=given, capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL

    def _complete(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**self._where, "branch": "main", "push": True, **args}

    def intercept(self, command: str, script: str) -> None:
        """Let a shell script run where git is next called with a command; $GIT is git itself."""
        folder = self._folder / "intercepted"
        folder.mkdir()
        git = folder / "git"
        git.write_text(
            f"#!/bin/sh\nGIT={shutil.which('git')}\n"
            f'case " $* " in *" {command} "*) if mkdir {folder}/once 2>/dev/null; then\n'
            f'PATH={os.environ["PATH"]}\n{script}\nfi ;; esac\nexec "$GIT" "$@"\n'
        )
        git.chmod(0o755)
        self._monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def release(self, phase: str, *changes: str) -> str:
        """Return the release of a phase: development with its changes, then main with that."""
        trailers = {"Rollout": "tower", "Phase": phase}
        wanted = [{"id": change, "branch": f"feature/{change}"} for change in changes]
        candidate = self.merge(
            into="development", update_from=["main"], changes=wanted, trailers=trailers
        )
        assert candidate["changed"], candidate
        released = self.merge(
            into="main",
            changes=[{"id": f"phase-{phase}", "branch": candidate["after"]}],
            expected_tree=candidate["tree"],
            commit_message=f"Release phase {phase}",
            trailers=trailers,
            tag=f"v{phase}",
        )
        assert released["changed"], released
        sha: str = released["after"]
        return sha

    def main(self) -> str:
        return self.sandbox.refs()[MAIN]

    def tree(self, commit: str = "main") -> str:
        return self.sandbox.tree(commit, where=self.sandbox.remote)

    def reverted(self, *commits: str) -> str:
        """Return the tree that git revert -m 1 gives in a work tree on the remote's main."""
        self.sandbox.git("fetch", "-q", "origin")
        self.sandbox.git("checkout", "-q", "--detach", "origin/main")
        for commit in commits:
            self.sandbox.git("revert", "--no-edit", "-m", "1", commit)
        return self.sandbox.tree("HEAD")


@pytest.fixture
def control(
    tmp_path: Path, run_module: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Control:
    """A remote with reviewed feature branches, of which three share files, and no release."""
    sandbox = Sandbox(tmp_path)
    sandbox.commit("main", {"app.py": "one\n", "README": "tower\n"})
    sandbox.commit("development", {})
    sandbox.commit("feature/bridge", {"bridge.py": "bridge\n", "app.py": "one\nbridge\n"})
    sandbox.commit("feature/agents", {"agents.py": "agents\n"})
    sandbox.commit("feature/search", {"search.py": "search\n"})
    sandbox.commit("feature/tuning", {"agents.py": "tuned\n"}, start="feature/agents")
    return Control(sandbox, tmp_path, run_module, monkeypatch)


@pytest.fixture
def phases(control: Control) -> list[str]:
    """The releases of two phases, of which the second one stands on nothing of the first."""
    return [control.release("1", "bridge", "agents"), control.release("2", "search")]


def test_a_phase_is_taken_back_and_a_second_run_changes_nothing(
    control: Control, phases: list[str]
) -> None:
    expected, before = control.reverted(phases[0]), control.sandbox.refs()
    result = control.revert(phase="1", rollout="tower", reason="Too slow.", trailers={"Gate": 3})
    assert result["changed"], result
    assert result["before"] == before[MAIN]
    assert result["tree"] == expected == control.tree()
    assert result["pushed"] == [MAIN]
    assert result["kept_as"] is None
    assert control.sandbox.refs() == {**before, MAIN: result["after"]}
    assert [(r["sha"], r["id"], r["phase"], r["state"]) for r in result["reverts"]] == [
        (phases[0], "phase-1", "1", "reverted")
    ]
    message = control.sandbox.git("log", "-1", "--format=%B", "main", where=control.sandbox.remote)
    assert message == (
        f'Revert "Release phase 1"\n\nToo slow.\n\nThis reverts commit {phases[0]}, reversing\n'
        f"changes made to {control.sandbox.git('rev-parse', f'{phases[0]}^')}.\n\n"
        "Rollout: tower\nPhase: 1\nChange: phase-1\nGate: 3"
    )
    control.sandbox.git("fsck", "--strict", "--no-dangling", where=control.sandbox.remote)

    again = control.revert(phase="1", rollout="tower")
    assert not again["changed"]
    assert again["pushed"] == []
    assert again["reverts"] == [{**result["reverts"][0], "state": "gone"}]
    assert control.main() == result["after"]


def test_what_was_taken_back_lands_again_and_goes_again(
    control: Control, phases: list[str]
) -> None:
    before, without = control.tree(), control.reverted(phases[0])
    control.revert(phase="1")
    released = control.merge(
        into="main",
        changes=[{"id": "phase-1", "branch": f"{phases[0]}^2"}],
        trailers={"Rollout": "tower", "Phase": "1"},
    )
    assert control.tree() == before, released
    result = control.revert(phase="1")
    assert len(result["reverts"]) == 1, result
    assert control.tree() == without
    assert not control.revert(phase="1")["changed"]


def test_a_change_is_taken_back_out_of_its_release(control: Control, phases: list[str]) -> None:
    merge = control.sandbox.git(
        "log", "--format=%H", "--grep=^Change: bridge$", "main", where=control.sandbox.remote
    )
    expected = control.reverted(merge)
    result = control.revert(change={"id": "bridge", "branch": "feature/bridge"})
    assert result["tree"] == expected == control.tree(), result
    assert [entry["sha"] for entry in result["reverts"]] == [merge]
    assert not control.revert(change={"id": "bridge", "sha": None})["changed"]
    assert phases[0] != merge


def test_a_change_that_was_merged_by_hand_is_found_by_its_branch(control: Control) -> None:
    merge = control.sandbox.merge("main", "feature/agents")
    control.sandbox.merge("main", "feature/search")
    expected = control.reverted(merge)
    result = control.revert(change={"id": "agents", "branch": "feature/agents"}, rollout="tower")
    assert result["tree"] == expected == control.tree(), result
    assert result["reverts"][0]["id"] == "agents"
    assert not control.revert(change={"id": "agents", "branch": "feature/agents"})["changed"]


def test_what_later_stands_on_it_is_named_and_goes_with_it_if_wanted(
    control: Control, phases: list[str]
) -> None:
    third = control.release("3", "tuning")
    before = control.sandbox.refs()
    refused = control.revert(phase="1")
    for word in ("phase 1 cannot go alone", "phase 3", third[:10], "agents.py"):
        assert word in refused["msg"]
    assert refused["later"] == [
        {
            "commit": third,
            "subject": "Release phase 3",
            "phase": "3",
            "files": ["agents.py"],
        }
    ]
    kept = control.revert(phase="1", later="keep")
    assert kept["conflicts"] == [{"path": "agents.py", "kind": "modify/delete"}]
    assert third[:10] in kept["msg"]
    by_plan = control.revert(phase="2", required_by=["3"])
    assert "phase 3: by the plan" in by_plan["msg"]
    assert control.sandbox.refs() == before

    expected = control.reverted(third, phases[0])
    result = control.revert(phase="1", later="revert")
    assert [entry["sha"] for entry in result["reverts"]] == [third, phases[0]]
    assert result["later"] == refused["later"]
    assert control.tree() == expected
    assert not control.revert(phase="1", later="revert")["changed"]


def test_everything_since_a_tag_gives_the_tag_and_loses_nothing(
    control: Control, phases: list[str]
) -> None:
    control.sandbox.git("fetch", "-q", "origin")
    control.sandbox.git("checkout", "-q", "-B", "main", "origin/main")
    plain = control.sandbox.commit("main", {"app.py": "hotfix\n"}, message="Hotfix")
    result = control.revert(since="v1")
    assert [entry["sha"] for entry in result["reverts"]] == [plain, phases[1]], result
    assert control.tree() == control.tree("v1") == result["tree"]
    control.sandbox.git("merge-base", "--is-ancestor", plain, "main", where=control.sandbox.remote)
    assert not control.revert(since="v1")["changed"]


def test_a_reset_keeps_the_old_head(control: Control, phases: list[str]) -> None:
    before = control.sandbox.refs()
    kept = f"refs/heads/rollback/main-{phases[1][:10]}"
    result = control.revert(reset_to="v1")
    assert result["kept_as"] == kept, result
    assert result["pushed"] == [MAIN, kept]
    assert result["reverts"] == []
    assert control.sandbox.refs() == {**before, MAIN: phases[0], kept: phases[1]}
    again = control.revert(reset_to="v1")
    assert (again["changed"], again["kept_as"]) == (False, None)


@pytest.mark.parametrize(
    ("held", "lands"),
    [
        pytest.param("main", True, id="the old head already"),
        pytest.param("v1", False, id="something else"),
    ],
)
def test_a_reset_overwrites_no_branch(
    control: Control, phases: list[str], held: str, lands: bool
) -> None:
    kept = f"refs/heads/rollback/main-{phases[1][:10]}"
    commit = control.sandbox.git("rev-parse", f"{held}^{{}}", where=control.sandbox.remote)
    control.sandbox.git("update-ref", kept, commit, where=control.sandbox.remote)
    before = control.sandbox.refs()
    result = control.revert(reset_to="v1")
    assert bool(result.get("failed")) != lands, result
    assert result["pushed"] == [MAIN] if lands else commit in result["msg"]
    assert control.sandbox.refs() == {**before, MAIN: phases[0] if lands else phases[1]}


def test_check_mode_computes_everything_and_moves_no_ref(
    control: Control, phases: list[str]
) -> None:
    before = control.sandbox.refs()
    result = control.revert(check_mode=True, phase="2")
    assert result["changed"]
    assert result["pushed"] == [MAIN]
    assert result["diff"]["after"]["files"] == ["D search.py"]
    assert result["diff"]["before"]["commit"] == phases[1]
    reset = control.revert(check_mode=True, reset_to="v1")
    assert reset["pushed"] == [MAIN, f"refs/heads/rollback/main-{phases[1][:10]}"]
    without = control.revert(phase="2", push=False)
    assert (without["changed"], without["tree"]) == (False, result["tree"])
    assert control.sandbox.refs() == before


def test_a_tree_that_is_not_expected_is_not_pushed(control: Control, phases: list[str]) -> None:
    before = control.sandbox.refs()
    result = control.revert(phase="1", expected_tree=control.tree("v1"))
    assert "is expected" in result["msg"]
    assert result["tree"] in result["msg"]
    assert control.sandbox.refs() == before
    assert control.revert(phase="1", expected_tree=result["tree"])["after"] != phases[1]


@pytest.mark.parametrize("asked", [{"phase": "1"}, {"reset_to": "v1"}], ids=["revert", "reset"])
def test_a_hook_that_refuses_keeps_everything(
    control: Control, phases: list[str], asked: dict[str, Any]
) -> None:
    before = control.sandbox.refs()
    control.sandbox.hook("update", f'[ "$1" != {MAIN} ] || {{ echo not today >&2; exit 1; }}')
    result = control.revert(**asked)
    assert "not today" in result["msg"]
    assert MAIN in [entry["ref"] for entry in result["rejected"]]
    assert control.sandbox.refs() == before
    assert before[MAIN] == phases[1]


@pytest.mark.parametrize("asked", [{"phase": "1"}, {"reset_to": "v1"}], ids=["revert", "reset"])
def test_a_lost_race_pushes_nothing_and_the_next_run_wins(
    control: Control, phases: list[str], asked: dict[str, Any]
) -> None:
    sandbox = control.sandbox
    sandbox.git("fetch", "-q", "origin")
    theirs = sandbox.commit("theirs", {"theirs": "1\n"}, start="origin/main")
    before = sandbox.refs()
    control.intercept("push", f"git -C {sandbox.work} push -q origin theirs:main")
    result = control.revert(**asked)
    assert result["moved"] == [{"ref": MAIN, "from": phases[1], "to": theirs}]
    assert sandbox.refs() == {**before, MAIN: theirs}
    again = control.revert(**asked)
    assert (again["changed"], again["before"]) == (True, theirs)


@pytest.mark.parametrize(
    ("command", "script"),
    [
        pytest.param("merge-tree", "kill -9 $PPID; exit 1", id="before it is computed"),
        pytest.param("push", "kill -9 $PPID; exit 1", id="before the push"),
        pytest.param("push", 'kill -9 $PPID; exec "$GIT" "$@"', id="git goes on with the push"),
        pytest.param("push", '"$GIT" "$@"; kill -9 $PPID; exit 1', id="after the push"),
    ],
)
def test_after_a_kill_the_same_command_ends_in_one_revert(
    control: Control, phases: list[str], command: str, script: str
) -> None:
    expected = control.reverted(phases[0])
    control.intercept(command, script)
    control.killed(phase="1")
    result = control.revert(phase="1")
    assert result["after"] == control.main(), result
    assert control.tree() == expected
    log = control.sandbox.git("log", "--format=%s", "main", where=control.sandbox.remote)
    assert log.count('Revert "Release phase 1"') == 1
    assert not control.revert(phase="1")["changed"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param({"phase": "9"}, "Phase: 9", id="unknown phase"),
        pytest.param({"change": {"id": "x"}}, "Change: x", id="unknown change"),
        pytest.param({"change": {"id": "x", "branch": "--x"}}, "--x", id="branch like an option"),
        pytest.param({"since": "--all"}, "--all", id="start like an option"),
        pytest.param({"reset_to": "none"}, "none", id="unknown commit"),
        pytest.param({"phase": "1", "branch": "nowhere"}, "nowhere", id="unknown branch"),
        pytest.param({"phase": "1", "branch": "--x"}, "branch --x", id="like an option"),
        pytest.param({"phase": ""}, "empty", id="nothing named"),
        pytest.param({"phase": "1", "since": "v1"}, "mutually exclusive", id="two things"),
        pytest.param({}, "one of the following is required", id="nothing said"),
        pytest.param({"phase": "1", "identity": "nobody"}, "nobody", id="identity without mail"),
        pytest.param({"phase": "1", "expected_tree": "abc"}, "abc", id="short tree"),
        pytest.param({"phase": "1", "remote": None}, "needs a remote", id="a push to nowhere"),
    ],
)
def test_what_makes_no_sense_is_named(control: Control, args: dict[str, Any], said: str) -> None:
    before = control.sandbox.refs()
    result = control.revert(**args)
    assert result["failed"]
    assert said in result["msg"]
    assert "exception" not in result
    assert control.sandbox.refs() == before
