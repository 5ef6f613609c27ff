# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""A bare mirror of a remote on the control node: made, kept current, one user at a time."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Optional
from urllib.parse import unquote

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import text

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOTE = "origin"
LOCK_TIMEOUT_SECONDS = 600.0
_PASSWORD = re.compile(r"[a-z+]+://[^/@:\s]*:([^/@\s]*)@", re.I)
# What git says of an object, a ref or a file of its own that it cannot make sense of.
_DAMAGE = re.compile(
    r"corrupt|bad object|did not send all|unexpected line|bad config|unable to read|inside a git"
    r"|not a git repo|missing"
)
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@contextmanager
def opened(path: Path, remote: Optional[str], *, push: bool = False) -> Iterator[Repository]:
    """Yield the repository at the path; with a remote it is its mirror: made, locked and fetched.

    Branches and tags of a mirror are the remote's; refs below refs/rollout/ are ours and stay.
    push: whether there must be a remote to push to. Raises GitError if there is no repository, or
    the remote cannot be read.
    """
    # Ansible takes an option that is null for one that is given, so required_if does not do.
    if remote is None and push:
        raise GitError("A push needs a remote: name it, or leave the push out")
    if remote is None:
        repository = Repository(path)
        repository.require()
        yield repository
        return
    if not remote or remote.startswith("-") or any(ord(char) < 0x20 for char in remote):
        raise GitError(f"The remote {remote!r} is not a URL or path of a repository")
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    with _locked(Path(f"{path}.lock")) as lock:
        mirror = Repository(path, pass_fds=[lock], bare=True)
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            _make(path, lock, remote)
        with _damage_named(mirror):
            _point_at(mirror, remote)
            fetch(mirror, remote)
            yield mirror


@contextmanager
def _damage_named(mirror: Repository) -> Iterator[None]:
    """Let an error that looks like it, and is, due to damage of the mirror say how to go on."""
    try:
        yield
    except GitError as exc:
        if not _DAMAGE.search(str(exc)):
            raise
        options = ("--no-dangling", "--no-progress")
        done = mirror.git("fsck", *options, good=range(-64, 256), doing="check the mirror")
        if done.returncode == 0:
            raise
        raise GitError(
            f"{exc}. The mirror is damaged: remove {mirror.path}, and it is made anew, without the"
            " candidates that it kept",
            **exc.details,
        ) from exc


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Yield the descriptor of an exclusive lock. Git inherits it: it holds until git ends too."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise GitError(
                    f"Another run has been using the mirror for {LOCK_TIMEOUT_SECONDS:.0f} s (it"
                    f" holds {path}): wait for it, or end it"
                )
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(path: Path, lock: int, remote: str) -> None:
    """Make an empty mirror beside the path, then rename it: a killed run leaves none half made.

    Its ids are of the kind that the remote has, SHA-1 or SHA-256.
    """
    partial = Path(f"{path}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700)
    made = Repository(partial, pass_fds=[lock])
    listed = made.git("ls-remote", "--", remote, doing=f"read {remote}").stdout
    kind = "sha256" if listed.find(b"\t") == 64 else "sha1"
    form = f"--object-format={kind}"
    made.git("init", "--quiet", "--bare", "--template=", form, doing="make a mirror")
    made.git("config", "rollout.mirror", "true", doing="make a mirror")
    partial.rename(path)


def _point_at(mirror: Repository, remote: str) -> None:
    """Set the mirror's remote. Raises GitError if the repository is not a mirror of ours."""
    if not mirror.path.is_dir():
        raise GitError(f"{mirror.path} is not a directory: name another path for the mirror")
    done = mirror.git("config", "--local", "-z", "--list", doing="read the configuration")
    entries = (entry.partition("\n") for entry in text(done.stdout).split("\0"))
    settings = {key: value for key, _newline, value in entries}
    if settings.get("rollout.mirror") != "true":
        raise GitError(
            f"{mirror.path} is a repository that was not made as a mirror, and fetching into it"
            " would replace its branches: leave out the remote to use it as it is, or name another"
            " path"
        )
    _drop_stale_locks(mirror.path)
    key = f"remote.{REMOTE}.url"
    if settings.get(key) != remote:
        mirror.git("config", "--local", key, remote, doing="set the remote")


def _drop_stale_locks(path: Path) -> None:
    """Remove git's lock files: while we hold the mirror's lock, only a killed git can own them."""
    for folder in (path.glob("*.lock"), (path / "refs").rglob("*.lock")):
        for leftover in folder:
            leftover.unlink()


def fetch(mirror: Repository, remote: str) -> None:
    """Bring a mirror up to date. Raises GitError if the remote cannot be read."""
    done = mirror.git(
        "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", REMOTE, *_REFSPECS,
        doing=f"fetch {remote}",
    )  # fmt: skip
    # Git leaves such refs as they were, and calls that a success.
    if b"shallow roots" in done.stderr:
        raise GitError(
            f"The remote {remote} is a shallow clone, so what its branches have in common cannot be"
            " told: name a full repository, or run git fetch --unshallow in it"
        )


def secrets_of(remote: Optional[str]) -> set[str]:
    """Return what must not be shown of a remote: the password in its URL, as is and decoded."""
    match = _PASSWORD.match(remote or "")
    return {match[1], unquote(match[1])} - {""} if match else set()
