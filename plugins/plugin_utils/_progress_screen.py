# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""When which line is written: a step's own lines wait for its verdict, but never for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_live import LiveLine, Now
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import Theme

HOLD_SECONDS = 10.0
INDENT = " " * 6


class Screen:
    """One step at a time. Its owner holds one lock around every call.

    A short step is written when it is over: its line, with what it said below. A step that takes
    longer than HOLD_SECONDS, or into which Ansible writes a warning, is opened: its name first,
    then what it says as it comes, then its line.
    """

    def __init__(
        self,
        emit: Callable[[str], None],
        theme: Theme,
        *,
        clock: Callable[[], float],
        live: LiveLine | None = None,
        heartbeat: float = 30.0,
    ) -> None:
        self._emit_line = emit
        self._theme = theme
        self._clock = clock
        self._live = live
        self._heartbeat = heartbeat
        self._label: str | None = None
        self._opened = False
        self._held: list[str] = []
        self._since = self._written = clock()
        self._paused = 0
        self.now: Now | None = None

    def begin(self, label: str) -> None:
        """Start a step."""
        self._label, self._opened, self._held = label, False, []
        self._since = self._clock()

    def say(self, lines: Sequence[str]) -> None:
        """Write lines under the step, or keep them until it is written."""
        indented = [(INDENT + line).rstrip() for line in lines]
        if self._label is None or self._opened:
            self.write(indented)
        else:
            self._held += indented

    def open(self) -> None:
        """Make room for output from elsewhere that belongs to the step."""
        if self._label is not None and not self._opened:
            self._opened = True
            self.write([f"  {self._theme.running} {self._label}", *self._held])
            self._held = []
        self.erase()

    def close(self, line: str) -> None:
        """Write the line of the step that is over."""
        self.write([line, *self._held])
        self._label, self._held, self.now = None, [], None

    def write(self, lines: Sequence[str]) -> None:
        """Write lines as they are, above the live line."""
        self.erase()
        for line in lines:
            self._emit_line(line)
        self._written = self._clock()

    def erase(self) -> None:
        if self._live is not None:
            self._live.erase()

    def pause(self) -> None:
        """Leave the terminal alone, as somebody is asked a question."""
        self.open()
        self._paused += 1

    def resume(self) -> None:
        self._paused -= 1

    def tick(self) -> None:
        """Show that the run is alive; called several times a second."""
        if self._paused or self.now is None:
            return
        time = self._clock()
        if self._held and time - self._since >= HOLD_SECONDS:
            self.open()
        text = self.now.text(self._theme, time - self.now.since)
        if self._live is not None:
            self._live.draw(text)
        elif time - self._written >= self._heartbeat:
            self.open()
            self.write([f"{INDENT}{self._theme.dots} {text}"])
