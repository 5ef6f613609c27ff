# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the bare repository of the sample application from the folders in history/.

Each folder is one branch: branch.toml says where it starts and what its commits take; the other
files are what the branch adds to, or replaces in, the tree that it starts from. Authors and dates
are fixed, so the hashes are the same every time. Needs git and Python 3.11, nothing else.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HISTORY = Path(__file__).resolve().parent / "history"
METADATA = "branch.toml"
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
# Branches that exist from the start without commits of their own.
ALIASES = {"development": "main"}


class HistoryError(Exception):
    """The folders do not describe a history."""


@dataclass(frozen=True)
class Commit:
    """One commit: who, when, why, and which files of the branch's folder it takes."""

    author: str
    when: str
    message: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Branch:
    """One branch: its name, the branch whose tip it starts from, and its commits."""

    name: str
    start: str | None
    commits: tuple[Commit, ...]
    folder: Path


def read_branch(folder: Path) -> Branch:
    """Return the branch that folder describes.

    Raises HistoryError unless every file belongs to exactly one commit.
    """
    data = tomllib.loads((folder / METADATA).read_text(encoding="utf-8"))
    left = set(overlay_files(folder))
    commits = []
    for entry in data["commit"]:
        taken = {path for path in left if covered(path.relative_to(folder), entry["files"])}
        unused = [
            pattern
            for pattern in entry["files"]
            if not any(covered(path.relative_to(folder), [pattern]) for path in taken)
        ]
        if unused:
            raise HistoryError(f"{folder.name}/{METADATA}: {unused} name no file that is left")
        left -= taken
        commits.append(
            Commit(
                author=entry["author"],
                when=fast_import_date(entry["date"]),
                message=entry["message"].strip() + "\n",
                files=tuple(sorted(taken)),
            )
        )
    if left:
        names = sorted(str(path.relative_to(folder)) for path in left)
        raise HistoryError(f"{folder.name}/{METADATA}: no commit takes {names}")
    return Branch(data["branch"], data.get("from"), tuple(commits), folder)


def overlay_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a branch's folder that belong into the repository."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and str(inside) != METADATA and not CACHES.intersection(inside.parts):
            yield path


def covered(path: Path, patterns: Iterable[str]) -> bool:
    """Return whether path is one of patterns, or below one that ends in a slash."""
    name = path.as_posix()
    return any(
        name.startswith(pattern) if pattern.endswith("/") else name == pattern
        for pattern in patterns
    )


def fast_import_date(text: str) -> str:
    """Return an ISO 8601 date as git's raw format: seconds and offset."""
    when = datetime.datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise HistoryError(f"the date {text} has no time zone")
    return f"{int(when.timestamp())} {when:%z}"


def stream(branches: Iterable[Branch]) -> Iterator[bytes]:
    """Yield the input of git fast-import for all branches."""
    for branch in branches:
        start = f"refs/heads/{branch.start}" if branch.start else None
        for commit in branch.commits:
            yield from commit_stream(branch, commit, start)
            start = None
    for alias, target in ALIASES.items():
        yield f"reset refs/heads/{alias}\nfrom refs/heads/{target}\n\n".encode()
    yield b"done\n"


def commit_stream(branch: Branch, commit: Commit, start: str | None) -> Iterator[bytes]:
    """Yield the input of git fast-import for one commit."""
    yield f"commit refs/heads/{branch.name}\n".encode()
    yield f"author {commit.author} {commit.when}\n".encode()
    yield f"committer {commit.author} {commit.when}\n".encode()
    yield data_block(commit.message.encode())
    if start:
        yield f"from {start}\n".encode()
    for path in commit.files:
        mode = "100755" if path.stat().st_mode & 0o100 else "100644"
        yield f"M {mode} inline {path.relative_to(branch.folder).as_posix()}\n".encode()
        yield data_block(path.read_bytes())
    yield b"\n"


def data_block(data: bytes) -> bytes:
    """Return data as git fast-import reads it."""
    return b"data %d\n%b\n" % (len(data), data)


def git(repository: Path, *arguments: str, feed: bytes | None = None) -> str:
    """Return what git printed, run without anybody's configuration.

    Raises HistoryError with git's own words if it failed.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    clean.update(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull, LC_ALL="C")
    answer = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        input=feed,
        capture_output=True,
        env=clean,
        check=False,
    )
    if answer.returncode:
        raise HistoryError(f"git {arguments[0]}: {answer.stderr.decode().strip()}")
    return answer.stdout.decode()


def build(destination: Path) -> str:
    """Build the repository at destination, whole or not at all.

    Returns one line per branch: its name, commit and tree.
    Raises HistoryError if destination exists already or the history is not sound.
    """
    if destination.exists():
        raise HistoryError(f"{destination} exists already; remove it, or name another place")
    branches = [read_branch(path.parent) for path in sorted(HISTORY.glob(f"*/{METADATA}"))]
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".history-") as folder:
        repository = Path(folder) / "tower.git"
        git(repository, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        feed = b"".join(stream(branches))
        git(repository, "fast-import", "--quiet", "--date-format=raw", "--done", feed=feed)
        summary = git(repository, "for-each-ref", "--format=%(refname:short) %(objectname) %(tree)")
        shutil.move(repository, destination)
    return summary


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="build_history", description="Build the bare repository of the sample application."
    )
    parser.add_argument("destination", metavar="DEST", type=Path, help="must not exist yet")
    try:
        print(build(parser.parse_args().destination.absolute()), end="")
    except (HistoryError, OSError) as exc:
        print(f"build_history: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
