# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the git modules take, as ratios against the bare git commands that they need.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_git.py
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

from ansible_collections.phased.rollout.plugins.module_utils._forecast import Forecast
from ansible_collections.phased.rollout.plugins.module_utils._git import run_program
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import opened
from ansible_collections.phased.rollout.plugins.module_utils._land import Landing, land
from ansible_collections.phased.rollout.plugins.module_utils._merge import MergeRequest
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

KNOWN = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
FILES, CHANGES, ROUNDS = 1000, 8, 7


def median_seconds(work: Callable[[], object], before: Callable[[], object] = bool) -> float:
    """Return the median time of a few rounds, each prepared first, which is not timed."""
    seconds = []
    for _round in range(ROUNDS):
        before()
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def made(folder: Path) -> Sandbox:
    """Return a repository of FILES files with CHANGES branches, the neighbours in conflict."""
    sandbox = Sandbox(folder)
    sandbox.commit("main", {f"d{n % 32}/f{n}": f"{n}\n" * 20 for n in range(FILES)})
    for n in range(CHANGES):
        files = {f"d{n % 32}/f{n + 32 * k}": f"change {n}\n" for k in range(5)}
        sandbox.commit(f"change-{n}", {**files, f"d0/shared{n // 2}": f"{n}\n"}, start="main")
    return sandbox


def bench_forecast(sandbox: Sandbox, mirror: Path) -> None:
    """Print the time of a forecast with all pairs, as a ratio to merge-tree on the same pairs."""
    changes = [Change(f"c{n}", f"change-{n}") for n in range(CHANGES)]

    def forecast() -> None:
        with opened(mirror, sandbox.url) as repository:
            Forecast(repository, "main", changes).as_dict(pairwise=True, tag=None)

    def bare() -> None:
        for one, other in combinations(changes, 2):
            run_program(
                ["git", "-C", str(mirror), "merge-tree", "--write-tree", one.branch, other.branch],
                env={}, data=None, pass_fds=[],
            )  # fmt: skip

    forecast()
    ours, theirs = median_seconds(forecast), median_seconds(bare)
    pairs = len(list(combinations(changes, 2)))
    print(
        f"forecast, {CHANGES} changes, {pairs} pairs, {FILES} files, with fetch:"
        f" {ours:.3f} s, {ours / theirs:.2f} x the merge-tree commands of the pairs"
        f" ({theirs:.3f} s)"
    )


def bench_merge(sandbox: Sandbox, mirror: Path) -> None:
    """Print the time of a merge and push, as a ratio to the git commands that it needs."""
    main = sandbox.refs()["refs/heads/main"]
    identity = ("Bench", "bench@example.org")
    request = MergeRequest("main", [Change("c1", "change-1")], identity)

    def reset() -> None:
        sandbox.git("update-ref", "refs/heads/main", main, where=sandbox.remote)
        sandbox.git("fetch", "-q", sandbox.url, "+main:main", where=mirror)

    def ours() -> None:
        with opened(mirror, sandbox.url) as repository:
            land(repository, request, Landing(push=True), now=1_700_000_000, check_mode=False)

    def bare() -> None:
        def git(*arguments: str) -> str:
            argv = [
                "git",
                "-C",
                str(mirror),
                *KNOWN,
                *arguments,
            ]
            done = run_program(argv, env={}, data=None, pass_fds=[])
            assert done.returncode == 0, done.stderr
            return done.stdout.decode().strip()

        git("fetch", "-q", "--prune", "origin", "+refs/heads/*:refs/heads/*")
        tree = git("merge-tree", "--write-tree", "main", "change-1")
        merge = git("commit-tree", "-p", "main", "-p", "change-1", "-m", "Merge", tree)
        lease = f"--force-with-lease=refs/heads/main:{main}"
        git("push", "-q", "--atomic", lease, "origin", f"{merge}:refs/heads/main")

    engine, commands = median_seconds(ours, reset), median_seconds(bare, reset)
    print(
        f"merge and push: {engine:.3f} s, {engine / commands:.2f} x the bare git commands"
        f" ({commands:.3f} s)"
    )


def main() -> None:
    """Print all benchmarks."""
    folder = Path(tempfile.mkdtemp(prefix="bench-git-"))
    try:
        sandbox = made(folder)
        bench_forecast(sandbox, folder / "mirror.git")
        bench_merge(sandbox, folder / "mirror.git")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
