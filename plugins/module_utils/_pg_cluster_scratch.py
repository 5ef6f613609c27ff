# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory for a restored copy beside the live cluster: held, made, removed, also after a kill.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Optional, Tuple, Type

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import running
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

_REMOVE_TRIES = 50
_REMOVE_WAIT_SECONDS = 0.1


class Scratch:
    """A directory of our own, which nobody else uses while a with statement runs.

    A file beside it holds the number of its inode. So the next run knows what a killed one left,
    even if it was renamed in the meantime, and removes nothing else: a directory of that name with
    another inode is somebody's cluster.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        """Name the directory. purpose: what is to be in it, for who finds it after a kill."""
        self.path = path
        self.purpose = purpose
        self._note = path.with_name(f".{path.name}.scratch")
        self._file: Optional[IO[str]] = None

    def __enter__(self) -> Scratch:
        """Keep others from the directory. Raises PgError if another run uses it."""
        self._file = self._locked()
        return self

    def make(self) -> None:
        """Make the directory, empty. Raises PgError if there is one that was not made here."""
        if self._file is None:
            raise PgError(f"{self.path} is not held")
        self.remove()
        if self.path.exists():
            raise PgError(
                f"{self.path} is in the way, and no backup or restore has made it: look what it is,"
                " and move it away"
            )
        self.path.mkdir(mode=0o700)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{self.path.stat().st_ino} {self.purpose}")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.remove()
        self._release()

    def remove(self) -> None:
        """Remove the directory if it is the one that was made here. Raises PgError if it cannot."""
        if not self.path.is_symlink() and self._is_ours():
            _remove(self.path)

    def noted(self) -> Tuple[str, str]:
        """Return the inode of the directory that was made here last, and its purpose."""
        try:
            inode, _separator, purpose = self._note.read_text(encoding="utf-8").partition(" ")
        except FileNotFoundError:
            return "", ""
        return inode, purpose

    def _is_ours(self) -> bool:
        if self._file is None or not self.path.is_dir():
            return False
        made = self.noted()[0]
        # A run that was killed before it could note what it had made has left it empty.
        return made == str(self.path.stat().st_ino) or not any(self.path.iterdir())

    def _locked(self) -> IO[str]:
        while True:
            try:
                file = self._note.open("a+", encoding="utf-8")
            except OSError as exc:
                raise PgError(f"cannot write to {self._note.parent}: {exc.strerror}") from exc
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise PgError(
                    f"another run is using {self.path}; wait until it has ended"
                ) from None
            # Between open and lock the other run may have ended, and taken the file with it.
            if self._note.exists() and self._note.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
            file.close()

    def _release(self) -> None:
        if self._file is not None:
            self._note.unlink()
            self._file.close()
            self._file = None


def _remove(path: Path) -> None:
    """Remove a directory that programs of a killed run may still be writing to."""
    if running(path) or running(path / "data"):
        raise PgError(f"a server is running on {path}; stop it, and run this again")
    for tried in range(_REMOVE_TRIES):
        try:
            shutil.rmtree(path)
            return
        except FileNotFoundError:
            return
        except OSError as exc:
            if tried == _REMOVE_TRIES - 1:
                raise PgError(f"cannot remove {path}: {exc}") from exc
        time.sleep(_REMOVE_WAIT_SECONDS)
