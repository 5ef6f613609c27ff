# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the git modules take, as ratios against the bare git commands that they need.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_git.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path

from ansible_collections.phased.rollout.plugins.module_utils._forecast import Forecast
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import fetch, opened
from ansible_collections.phased.rollout.plugins.module_utils._land import land
from ansible_collections.phased.rollout.plugins.module_utils._landing import Landing
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
)
from ansible_collections.phased.rollout.plugins.module_utils._pairs import Pairs

KNOWN = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
ROUNDS = 7


class Repositories:
    """A bare remote of a number of files, with changes as branches of main, and a mirror."""

    def __init__(self, folder: Path, *, files: int, changes: int, meet: bool = False) -> None:
        """Return them. meet: whether all changes share a file, in which they do not conflict."""
        self.files, self.count, self.meet = files, changes, meet
        self.remote, self.mirror = folder / "remote.git", folder / "mirror.git"
        self.url = f"file://{self.remote}"
        self.changes = [Change(f"c{n}", f"change-{n}") for n in range(changes)]
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.remote))
        stream = "".join(self._history()).encode()
        subprocess.run(
            ["git", "-C", self.remote, "fast-import", "--quiet"], input=stream, check=True
        )
        with opened(self.mirror, self.url):
            pass

    def _history(self) -> Iterator[str]:
        """Yield a stream for `git fast-import`: main, then for each change a branch of five files.

        Neighbours change one file that they share, so they conflict with each other.
        """
        files = {self._path(n): f"{n}\n" * 20 for n in range(self.files)}
        yield commit("main", "", {**files, "met": self._met(-1)}.items())
        for n in range(self.count):
            own = {self._path(n + self.count * k): f"change {n}\n" for k in range(5)}
            own[f"shared/{n // 2}"] = f"{n}\n"
            own.update({"met": self._met(n)} if self.meet else {})
            yield commit(f"change-{n}", "refs/heads/main", own.items())

    def _met(self, changed: int) -> str:
        return "".join(f"{n}{' changed' * (n == 10 * changed)}\n" for n in range(10 * self.count))

    def _path(self, number: int) -> str:
        number %= self.files
        return f"d{number % 16}/e{number % 1024}/f{number}"


def commit(branch: str, start: str, files: Iterable[tuple[str, str]]) -> str:
    """Return one commit of a stream for `git fast-import`."""
    lines = [f"commit refs/heads/{branch}\ncommitter B <b@x> 1700000000 +0000\ndata 4\nWork\n"]
    lines += [f"from {start}\n"] if start else []
    lines += [f"M 644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files]
    return "".join(lines)


def git(where: Path, *arguments: str) -> str:
    """Return what a bare git command prints."""
    argv = ["git", "-C", str(where), *KNOWN, *arguments]
    done = subprocess.run(argv, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def median_seconds(
    work: Callable[[], object], before: Callable[[], object] = bool, rounds: int = ROUNDS
) -> float:
    """Return the median time of a few rounds, each prepared first, which is not timed."""
    seconds = []
    for _round in range(rounds):
        before()
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def forecast(made: Repositories) -> None:
    """Make a forecast of all pairs, as the module does."""
    with (
        opened(made.mirror, made.url) as repository,
        tempfile.TemporaryDirectory() as folder,
    ):
        alone = Forecast(repository.quarantined(Path(folder)), "main", made.changes)
        pairs = Pairs(alone, made.changes)
        alone.as_dict(tag=None)
        pairs.as_list()
        pairs.order()


def bench_forecast(made: Repositories, folder: Path, rounds: int = ROUNDS) -> None:
    """Print the time of a forecast, as a ratio to the merges of all pairs in a work tree."""
    seconds = median_seconds(lambda: forecast(made), rounds=rounds)
    pairs = list(combinations(made.changes, 2))
    tried = pairs[:: max(1, len(pairs) // 28)]
    work = folder / f"work-{made.files}-{made.count}"
    git(folder, "clone", "-q", str(made.remote), str(work))

    def by_hand() -> None:
        for one, other in tried:
            git(work, "checkout", "-q", "--detach", "origin/main")
            for change in (one, other):
                argv = ["git", "-C", str(work), *KNOWN, "merge", "-q", "--no-ff", "--no-edit"]
                subprocess.run([*argv, f"origin/{change.branch}"], capture_output=True, check=False)
            git(work, "reset", "-q", "--hard")

    bare = median_seconds(by_hand, rounds=1) * len(pairs) / len(tried)
    print(
        f"forecast, {made.count} changes, {len(pairs)} pairs, {made.files} files, with fetch:"
        f" {seconds:.2f} s; git merge in a work tree takes {bare / seconds:.0f} x that"
        f" ({bare:.1f} s{'' if tried == pairs else ', measured on every so many pairs'})"
    )


def bench_merge(made: Repositories) -> None:
    """Print the time of a merge and push, as a ratio to the git commands that it needs."""
    main = git(made.remote, "rev-parse", "main")
    request = MergeRequest("main", made.changes[1:2], ("Bench", "bench@example.org"))

    def reset() -> None:
        git(made.remote, "update-ref", "refs/heads/main", main)
        git(made.mirror, "fetch", "-q", made.url, "+main:main")

    def ours() -> None:
        with opened(made.mirror, made.url) as repository:
            land(
                repository,
                request,
                Landing(push=True),
                now=1_700_000_000,
                check_mode=False,
                diff=False,
                refetch=lambda: fetch(repository, made.url),
            )

    def bare() -> None:
        git(made.mirror, "fetch", "-q", "--prune", "origin", "+refs/heads/*:refs/heads/*")
        tree = git(made.mirror, "merge-tree", "--write-tree", "main", "change-1")
        merge = git(made.mirror, "commit-tree", "-p", "main", "-p", "change-1", "-m", "Merge", tree)
        lease = f"--force-with-lease=refs/heads/main:{main}"
        git(made.mirror, "push", "-q", "--atomic", lease, "origin", f"{merge}:refs/heads/main")

    # In turns, so that whatever else the machine does falls on both.
    times = [(median_seconds(ours, reset, 1), median_seconds(bare, reset, 1)) for _n in range(25)]
    engine, commands = (statistics.median(column) for column in zip(*times))
    print(
        f"merge and push, {made.files} files: {engine:.3f} s, {engine / commands:.2f} x the bare"
        f" git commands ({commands:.3f} s)"
    )


def main() -> None:
    """Print all benchmarks."""
    folder = Path(tempfile.mkdtemp(prefix="bench-git-"))
    try:
        for files, changes, rounds in ((1000, 8, 7), (100_000, 8, 3), (1000, 100, 1)):
            where = folder / f"{files}-{changes}"
            where.mkdir()
            made = Repositories(where, files=files, changes=changes, meet=changes == 100)
            bench_forecast(made, folder, rounds)
            if changes == 8:
                bench_merge(made)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
