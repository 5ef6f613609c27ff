# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""Where the lines go: Ansible's display, its log, and the terminal."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from contextlib import suppress
from threading import RLock
from typing import Any

from ansible import constants as C
from ansible.utils import color

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_guard import Guard
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_live import LiveLine, Ticker
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_screen import Screen
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import Theme

LIVE_SECONDS, LOG_SECONDS = 0.25, 1.0
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STYLES = {"title": "\x1b[1m", "dim": "\x1b[2m", "live": "\x1b[2m"}
_COLOURS = {
    "ok": C.COLOR_OK,
    "changed": C.COLOR_CHANGED,
    "skipped": C.COLOR_SKIP,
    "failed": C.COLOR_ERROR,
    "unreachable": C.COLOR_UNREACHABLE,
    "warn": C.COLOR_WARN,
}


def paint(text: str, kind: str) -> str:
    """Return the text in the colour of its kind, where Ansible writes colours."""
    if kind in _STYLES:
        return f"{_STYLES[kind]}{text}\x1b[0m" if color.ANSIBLE_COLOR else text
    return str(color.stringc(text, _COLOURS[kind]))


def draws_unicode(marks: str) -> bool:
    """Return whether marks are Unicode; with "auto" the encoding of the output decides."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    return marks == "unicode" or (marks == "auto" and encoding == "utf8")


def is_terminal() -> bool:
    """Return whether a person looks: ansible-runner has a terminal, but reads it itself."""
    return sys.stdout.isatty() and "AWX_ISOLATED_DATA_DIR" not in os.environ


class Output:
    """Writes to Ansible's display. ``lock`` guards everything that is written."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self.lock = getattr(display, "_lock", None) or RLock()
        self._guard: Guard | None = None
        self._ticker: Ticker | None = None
        self._quiet = False
        self.theme = Theme()
        self.screen = Screen(self._emit, self.theme, clock=time.monotonic)

    def start(self, *, check: bool, marks: str, live: bool, heartbeat: float, quiet: bool) -> None:
        """Begin a run. When quiet, only its summary is written: Ansible writes the rest."""
        self.stop()
        width = shutil.get_terminal_size().columns if is_terminal() else 0
        self.theme = theme = Theme(draws_unicode(marks), paint, check, width)
        self._quiet = quiet
        live = live and is_terminal() and os.environ.get("TERM") != "dumb"
        line = LiveLine(sys.stdout, theme) if live else None
        self.screen = Screen(
            self._emit, theme, clock=time.monotonic, live=line, heartbeat=heartbeat
        )
        if quiet:
            return
        screen = self.screen
        self._guard = Guard(
            self._display, self.lock, before=screen.open, pause=screen.pause, resume=screen.resume
        )
        self._ticker = Ticker(self._tick, LIVE_SECONDS if live else LOG_SECONDS)
        self._ticker.start()

    def stop(self) -> None:
        """End the live line, and leave the display as it was."""
        if self._ticker is not None:
            self._ticker.stop()
        self.screen.erase()
        if self._guard is not None:
            self._guard.remove()
        self._ticker = self._guard = None
        self._quiet = False

    def _tick(self) -> None:
        with self.lock:
            if self._ticker is not None:
                self.screen.tick()

    def _emit(self, line: str) -> None:
        if self._quiet:
            return
        write = self._guard.write if self._guard is not None else self._display.display
        write(line, screen_only=True)
        write(_ANSI.sub("", line), log_only=True)
        # Ansible leaves flushing to the end, but a log is read while it grows.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
