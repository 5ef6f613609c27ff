# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""Lets the screen know before Ansible writes or asks, so that two outputs do not mix."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TextIO

PROMPTS = ("prompt_until", "do_var_prompt")


def one_place(one: TextIO, other: TextIO) -> bool:
    """Return whether two streams end in the same file or terminal."""
    try:
        return os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError):
        return True


class Guard:
    """Stands before the methods of one Ansible Display object until it is removed.

    ``lock`` is the display's own: Ansible holds it when it forks, so that no worker starts in the
    middle of a line.
    """

    def __init__(
        self,
        display: Any,
        lock: AbstractContextManager[Any],
        *,
        before: Callable[[], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._display = display
        self._lock = lock
        self._before, self._pause, self._resume = before, pause, resume
        self._pid = os.getpid()
        self._shared = one_place(sys.stdout, sys.stderr)
        self.write: Callable[..., None] = display.display
        display.display = self._guarded(display.display)
        for name in PROMPTS:
            if hasattr(display, name):
                setattr(display, name, self._asking(getattr(display, name)))

    def remove(self) -> None:
        """Give the display its own methods back."""
        for name in ("display", *PROMPTS):
            vars(self._display).pop(name, None)

    def _guarded(self, original: Callable[..., None]) -> Callable[..., None]:
        def display(msg: str, *args: Any, **kwargs: Any) -> None:
            # A forked worker sends its messages to the parent, and must not touch the terminal.
            elsewhere = kwargs.get("log_only") or (kwargs.get("stderr") and not self._shared)
            if elsewhere or os.getpid() != self._pid:
                original(msg, *args, **kwargs)
                return
            with self._lock:
                self._before()
                original(msg, *args, **kwargs)

        return display

    def _asking(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            if os.getpid() != self._pid:
                return original(*args, **kwargs)
            with self._lock:
                self._pause()
            try:
                return original(*args, **kwargs)
            finally:
                with self._lock:
                    self._resume()

        return ask
