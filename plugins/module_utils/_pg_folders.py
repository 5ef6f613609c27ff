# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks in a directory, and hidden folders that no killed run leaves for long.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterator

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import fsync
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

# A label has no tilde, so that no label can name such a folder or its lock.
_HIDDEN = re.compile(r"\.([A-Za-z0-9][A-Za-z0-9._-]*~[a-z]+)")
_LOCK = re.compile(r"\.([A-Za-z0-9][A-Za-z0-9._~-]*)\.lock")


class BusyError(PgError):
    """Another run holds the lock, or another user. The message says who."""


@contextmanager
def locked(directory: Path, name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a name in a directory while the block runs.

    shared: others may hold it as well, but nobody who does not share it.
    Raises BusyError at once if somebody does, PgError if the directory cannot be written to.
    """
    path = directory / f".{name}.lock"
    descriptor = _acquire(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, name)
    try:
        os.ftruncate(descriptor, 0)
        if not shared:
            since = datetime.now(timezone.utc).isoformat(timespec="seconds")
            os.pwrite(descriptor, f"process {os.getpid()}, since {since}".encode(), 0)
        yield
    finally:
        _release(path, descriptor)


@contextmanager
def hidden_folder(parent: Path, label: str, kind: str) -> Iterator[Path]:
    """Yield a new private folder in parent, which is removed unless the block has renamed it.

    Where a killed run could not do that, the next run of any label does, with sweep().
    Raises BusyError if another run has the folder of this label and kind, PgError.
    """
    with locked(parent, f"{label}~{kind}"):
        folder = parent / f".{label}~{kind}"
        remove(folder)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            remove(folder)


def sweep(parent: Path) -> None:
    """Remove what killed runs left in a directory: hidden folders and locks that nobody holds."""
    for path in sorted(parent.iterdir()):
        name = (_HIDDEN if path.is_dir() else _LOCK).fullmatch(path.name)
        if name and not path.is_symlink():
            try:
                with locked(parent, name[1]):
                    if name.re is _HIDDEN:
                        remove(path)
            except BusyError:
                continue


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, even if a dying program still writes there."""
    for _attempt in range(10):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError as exc:
            if exc.errno != errno.ENOTEMPTY:
                raise PgError(f"{folder} cannot be removed: {exc.strerror}; remove it") from exc
        else:
            fsync(folder.parent)
            return
    raise PgError(f"{folder} cannot be removed: another program writes there; end it, remove it")


def _acquire(path: Path, kind: int, name: str) -> int:
    """Return the descriptor of the lock's file. Whoever releases a lock removes its file."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as exc:
            if path.exists():
                raise BusyError(f"{path} belongs to another user; run as that one") from exc
            raise PgError(f"{path.parent} cannot be written to: {exc.strerror}") from exc
        except OSError as exc:
            raise PgError(f"{path.parent} cannot be written to: {exc.strerror}") from exc
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "one that reads it"
            os.close(descriptor)
            raise BusyError(
                f"{name} in {path.parent} is in use by another run ({holder}); wait for it"
            ) from None
        os.close(descriptor)


def _release(path: Path, descriptor: int) -> None:
    try:
        # Of several that share a lock the last one removes its file.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(descriptor, path):
            path.unlink()
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether a path still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
