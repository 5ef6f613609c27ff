# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two control nodes that race for one branch, and one that is killed at every call of git."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import fetch, opened
from ansible_collections.phased.rollout.plugins.module_utils._land import land
from ansible_collections.phased.rollout.plugins.module_utils._landing import Landing
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
)
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox
from ansible_collections.phased.rollout.tests.integration.conftest import MODULES
from ansible_collections.phased.rollout.tests.integration.control import PHASE_1, TAG

LANDINGS = 1000
IDENTITY = ("Rollout", "rollout@example.org")


def _changes(remote: Path) -> list[str]:
    """Return changes that each add a file, all of them reachable from one ref of a new remote."""
    stream = [b"commit refs/heads/main\nmark :1\ncommitter A <a@b> 1 +0000\ndata 1\n1"]
    stream.append(b"M 100644 inline f\ndata 1\n1\n")
    for number in range(LANDINGS):
        stream.append(b"reset refs/heads/changes\ncommit refs/heads/changes")
        stream.append(b"mark :%d\ncommitter A <a@b> 1 +0000\ndata 1\n1" % (number + 2))
        stream.append(b"from :1\nM 100644 inline changes/%d/%d" % (number % 30, number))
        stream.append(b"data 1\n1\n\nget-mark :%d" % (number + 2))
    stream.append(b"commit refs/heads/changes\ncommitter A <a@b> 1 +0000\ndata 1\n1")
    stream += [b"merge :%d" % (number + 2) for number in range(LANDINGS - 1)]
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    argv = ["git", "-C", str(remote), "fast-import", "--quiet"]
    done = subprocess.run(argv, input=b"\n".join([*stream, b""]), capture_output=True, check=True)
    return done.stdout.decode().split()


def _land_all(mirror: Path, remote: Path, changes: Sequence[str]) -> tuple[int, int]:
    """Land changes one by one, each as often as it takes; return (landed, lost races).

    A race is lost to a landing of the other, so there cannot be more of them than landings.
    """
    landed = lost = 0
    for change in changes:
        request = MergeRequest("main", [Change(change[:10], change)], IDENTITY)
        for _attempt in range(LANDINGS):
            try:
                with opened(mirror, f"file://{remote}") as repository:
                    result = land(
                        repository,
                        request,
                        Landing(push=True),
                        now=int(time.time()),
                        check_mode=False,
                        refetch=lambda: fetch(repository, f"file://{remote}"),
                    )
                landed += bool(result["pushed"])
                break
            except GitError as exc:
                if "moved" not in exc.details:
                    raise
                lost += 1
        else:
            raise AssertionError(f"{change} lost {LANDINGS} races")
    return landed, lost


def test_two_control_nodes_land_a_thousand_changes_on_one_branch(tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    changes = _changes(remote)
    shares = [
        [change for n, change in enumerate(changes) if n % 2 == node or n % 10 == 9]
        for node in range(2)
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        jobs = [
            pool.submit(_land_all, tmp_path / f"{node}.git", remote, share)
            for node, share in enumerate(shares)
        ]
        counts = [job.result() for job in jobs]
    log = ["git", "-C", str(remote), "log", "--first-parent", "--format=%P", "main"]
    parents = [line.split() for line in subprocess.check_output(log, text=True).splitlines()]
    assert sum(landed for landed, _lost in counts) == LANDINGS
    assert sum(lost for _landed, lost in counts) > 0
    assert [len(each) for each in parents] == [2] * LANDINGS + [0]
    assert sorted(each[1] for each in parents[:-1]) == sorted(changes)
    tree = ["git", "-C", str(remote), "ls-tree", "-r", "--name-only", "main"]
    assert len(subprocess.check_output(tree).splitlines()) == LANDINGS + 1


RUN = {**PHASE_1, "push": True, "tag": TAG}
KILLS = {
    "before": "kill -9 $PPID; exit 1",
    "while git goes on after": 'kill -9 $PPID; exec "$GIT" "$@"',
    "after, git's locks being left": (
        '"$GIT" "$@"; if cd "$2/refs/heads"; then touch main.lock ../../config.lock'
        " ../../packed-refs.lock; fi; kill -9 $PPID; exit 1"
    ),
}


@dataclass(frozen=True)
class Node:
    """A control node with its own remote, both in one folder, and a git that counts its calls."""

    folder: Path

    def run(self, *, kill: str = "", at: int = 0) -> subprocess.CompletedProcess[bytes]:
        """Run the module, and let a script run in the place of one call of git."""
        programs = self.folder / f"programs-{at}"
        programs.mkdir()
        (programs / "git").write_text(
            f"#!/bin/sh\nGIT={shutil.which('git')}\nPATH={os.environ['PATH']}\n"
            f'echo "$*" >>{programs}/calls\n'
            f'[ "$(wc -l <{programs}/calls)" != {at} ] || {{ {kill or ":"}; }}\nexec "$GIT" "$@"\n'
        )
        (programs / "git").chmod(0o755)
        asked = {**RUN, "repository": str(self.folder / "mirror.git"), "remote": self.url}
        return subprocess.run(
            [sys.executable, "-m", f"{MODULES}.git_merge"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": asked}).encode(),
            env={
                **os.environ,
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),
                "TMPDIR": str(self.folder),
            },
            capture_output=True,
            check=False,
        )

    @property
    def url(self) -> str:
        return f"file://{self.folder}/remote.git"

    def calls(self) -> list[str]:
        """Return the calls of git in the run that was not disturbed."""
        return (self.folder / "programs-0" / "calls").read_text().splitlines()

    def state(self) -> list[str]:
        """Return all refs of the remote and all that is in them, but for the times."""
        git = ["git", "-C", str(self.folder / "remote.git")]
        form = "%(refname) %(objecttype) %(tree) %(*tree) %(contents)"
        refs = subprocess.check_output([*git, "for-each-ref", f"--format={form}"], text=True)
        log = [*git, "log", "--all", "--topo-order", "--format=%T %s %an %cn"]
        return [refs, *sorted(subprocess.check_output(log, text=True).splitlines())]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A remote with main, development behind it, and a feature branch."""
    sandbox = Sandbox(tmp_path_factory.mktemp("start"))
    sandbox.commit("main", {"app.py": "one\n"})
    sandbox.commit("development", {"dev.py": "one\n"})
    sandbox.git("checkout", "-q", "main")
    sandbox.commit("main", {"audit.md": "done\n"}, message="Audit")
    sandbox.commit("feature/phase1", {"bridge.py": "bridge\n"}, message="Bridge")
    return sandbox.remote


def _node(folder: Path, start: Path) -> Node:
    shutil.copytree(start, folder / "remote.git")
    return Node(folder)


@pytest.fixture(scope="module")
def undisturbed(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Node:
    node = _node(tmp_path_factory.mktemp("undisturbed"), start)
    done = node.run()
    assert json.loads(done.stdout)["changed"], done
    return node


def _killed(node: Node, script: str, at: int) -> tuple[list[str], bytes]:
    """Return the remote's state after a run that was killed and one that was not, and its result.

    A process that goes on after the kill is waited for by the second run, as it holds the lock.
    """
    killed = node.run(kill=script, at=at)
    assert killed.returncode == -signal.SIGKILL, killed
    done = node.run()
    return node.state(), done.stdout


@pytest.mark.parametrize("kill", KILLS)
def test_a_run_killed_at_any_call_of_git_ends_as_if_it_had_not_been(
    kill: str, undisturbed: Node, start: Path, tmp_path: Path
) -> None:
    calls, expected = undisturbed.calls(), undisturbed.state()
    assert sum("push" in call.split() for call in calls) == 1

    def run(at: int) -> tuple[list[str], bytes]:
        return _killed(_node(tmp_path / str(at), start), KILLS[kill], at)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ended = list(pool.map(run, range(1, len(calls) + 1)))
    for call, (state, said) in zip(calls, ended):
        assert state == expected, (call, said)
