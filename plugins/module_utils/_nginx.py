# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx as a front end: its configuration is checked, its reload proven by the workers that run.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Set, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._backends import Backend
from ansible_collections.phased.rollout.plugins.module_utils._front_end import (
    POLL_SECONDS,
    FrontEnd,
    FrontEndError,
)
from ansible_collections.phased.rollout.plugins.module_utils._nginx_text import (
    read_upstream,
    write_upstream,
)
from ansible_collections.phased.rollout.plugins.module_utils._unit_files import read_text

#: Runs argv and returns (exit code, standard output, standard error).
Run = Callable[[List[str]], Tuple[int, str, str]]
RELOAD_SECONDS = 5.0
PROC = Path("/proc")


class Nginx(FrontEnd):
    """An upstream of nginx in a file of its own, included by its configuration."""

    def __init__(
        self,
        run: Run,
        *,
        path: Path,
        name: str,
        backends: Sequence[Backend],
        directives: Sequence[str],
        pid_file: Path,
    ) -> None:
        super().__init__(path, name, backends)
        self._run = run
        self._directives = directives
        self._pid_file = pid_file
        self._old: Set[int] = set()

    def read(self, text: str) -> Dict[str, Backend]:
        """Return the servers of the upstream by address."""
        return read_upstream(text, self.name)

    def render(self, backends: Sequence[Backend]) -> str:
        """Return the text of the upstream."""
        return write_upstream(self.name, backends, self._directives)

    def check(self) -> None:
        """Raise FrontEndError with what nginx says if it would not take its configuration."""
        code, out, err = self._run(["nginx", "-t", "-q"])
        if code != 0:
            raise FrontEndError(f"nginx -t refuses upstream {self.name}: {(err or out).strip()}")

    def load(self, backends: Sequence[Backend]) -> None:
        """Reload nginx; return once only its new workers take requests. Raises FrontEndError."""
        master = self._master()
        self._old = set(workers(master))
        code, out, err = self._run(["nginx", "-s", "reload"])
        if code != 0:
            raise FrontEndError(f"nginx was not reloaded: {(err or out).strip()}")
        end = time.monotonic() + RELOAD_SECONDS
        while not _taken_over(workers(master), self._old):
            if time.monotonic() >= end:
                raise FrontEndError(
                    f"nginx did not take its configuration within {RELOAD_SECONDS:g} s of the"
                    " reload: workers from before take requests; its error log says why"
                )
            time.sleep(POLL_SECONDS)

    def drain(self, gone: Sequence[Backend], seconds: float) -> None:
        """Wait until the old workers, who still know those backends, have ended."""
        end = time.monotonic() + seconds
        while gone:
            left = self._old & set(workers(self._master()))
            if not left:
                return
            if time.monotonic() >= end:
                names = ", ".join(one.name for one in gone)
                raise FrontEndError(
                    f"{names} gets no new requests, but {len(left)} old workers of nginx still"
                    f" have some after {seconds:g} s; worker_shutdown_timeout would end them"
                )
            time.sleep(POLL_SECONDS)

    def _master(self) -> int:
        text = (read_text(self._pid_file) or "").strip()
        if not text.isdigit() or not (PROC / text).exists():
            raise FrontEndError(
                f"nginx does not run: {self._pid_file} names {text or 'no process'}; start it, then"
                " run this again"
            )
        return int(text)


def workers(master: int) -> Dict[int, bool]:
    """Return the workers of nginx by process id, and whether each still takes requests."""
    found: Dict[int, bool] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name in parentheses may hold anything, so what follows it is read.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            title = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
        if parent == master and title.startswith("nginx: worker process"):
            found[int(folder.name)] = "shutting down" not in title
    return found


def _taken_over(found: Dict[int, bool], old: Set[int]) -> bool:
    taking = {pid for pid, takes in found.items() if takes}
    return bool(taking) and not taking & old
