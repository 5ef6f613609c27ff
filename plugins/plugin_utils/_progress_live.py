# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""A line at the foot of the output that shows that a long task is alive."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import (
    Theme,
    clip,
    duration,
)

ERASE = "\r\x1b[K"
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ASCII_SPINNER = "|/-\\"
NAMED_HOSTS = 2


@dataclass
class Now:
    """What runs at this moment."""

    step: str
    task: str
    since: float
    hosts: dict[str, bool] = field(default_factory=dict)  # name: finished
    note: str = ""

    def where(self) -> str:
        """Return the hosts the task still runs on: by name if few, else how many of how many."""
        busy = [host for host, finished in self.hosts.items() if not finished]
        if len(busy) <= NAMED_HOSTS:
            return ", ".join(busy)
        return f"{len(busy)} of {len(self.hosts)} hosts"

    def text(self, theme: Theme, elapsed: float) -> str:
        """Return the state as one line: step, seconds, task, hosts, attempt."""
        parts = [f"{self.step} {duration(elapsed)}", self.task, self.where(), self.note]
        return theme.bullet.join(part for part in parts if part)


class LiveLine:
    """Draws on a terminal. Its owner holds one lock around every call and every other output."""

    def __init__(self, stream: TextIO, theme: Theme) -> None:
        self._stream = stream
        self._theme = theme
        self._frames = SPINNER if theme.unicode else ASCII_SPINNER
        self._turn = 0
        self.shown = False

    def draw(self, text: str) -> None:
        """Replace the line by this text, cut to the terminal's width."""
        self._turn = (self._turn + 1) % len(self._frames)
        line = f"  {self._frames[self._turn]} {text}"
        line = clip(line, self._columns() - 1, dots=self._theme.dots)
        self._write(ERASE + self._theme.paint(line, "live"))
        self.shown = True

    def erase(self) -> None:
        """Take the line away, if there is one."""
        if self.shown:
            self._write(ERASE)
            self.shown = False

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _write(self, text: str) -> None:
        # A closed terminal must not end the run.
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


class Ticker:
    """Calls ``tick`` every ``seconds`` in a thread of its own until it is stopped."""

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick = tick
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._thread.start()

    def stop(self) -> None:
        """Tick no more. A tick under way is not waited for: it may want the caller's lock."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._tick()
