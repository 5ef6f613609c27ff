# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart a systemd unit and prove that what runs now is what was meant.

This module util is PRIVATE to the collection. It runs on managed hosts: standard library only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._ask import Answer
from ansible_collections.phased.rollout.plugins.module_utils._unit_files import (
    DropIns,
    Run,
    UnitError,
    check_unit,
)
from ansible_collections.phased.rollout.plugins.module_utils._unit_state import (
    PROPERTIES,
    UnitState,
    not_restarted,
    not_steady,
    read_state,
)

#: Asks a URL within a time in seconds.
Ask = Callable[[str, float], Answer]

ANSWER_SECONDS = 3.0
POLL_SECONDS = 0.1
JOURNAL_LINES = 15


@dataclass(frozen=True)
class Service:
    """A unit and what it has to serve.

    release: what its health must name, anything if empty. current: the link whose target a restart
    starts, empty if there is none. ready, health: URLs; an empty one is not asked.
    """

    unit: str
    release: str
    current: str
    ready: str
    health: str


class Restart:
    """Brings one service to serve its release."""

    def __init__(self, run: Run, ask: Ask, service: Service, drop_ins: Mapping[str, str]) -> None:
        """Read what is there. Raises UnitError if the unit is unknown to systemd."""
        self._run = run
        self._ask = ask
        self._service = service
        self._drop_ins = DropIns(run, service.unit, drop_ins)
        self._since = time.time()
        self.before = self._state()

    def needed(self) -> bool:
        """Return whether what runs is not what a restart would start."""
        state = self.before
        if not state.runs or not state.enabled or state.stale or self._drop_ins.differ:
            return True
        return self._other_release() is not None

    def serves(self) -> bool:
        """Return whether the service serves its release, is ready, and would be after a restart."""
        return not self.needed() and self._ask_ready().status == 200

    def perform(self) -> None:
        """Restart the unit, with its drop-ins in place. Raises UnitError.

        What systemd objects to is taken back before it could do any harm.
        """
        misled = self._misled()
        if misled:
            raise UnitError(f"{self._service.unit} was not restarted: {misled}; switch it first")
        changed = self._drop_ins.differ
        if changed:
            self._drop_ins.put()
        if changed or self.before.stale or self.before.loaded != "loaded":
            try:
                self._systemctl("daemon-reload")
                check_unit(self._run, self._service.unit)
            except UnitError:
                if changed:
                    self._drop_ins.take_back()
                    self._systemctl("daemon-reload")
                raise
        self._since = time.time()
        if not self.before.enabled:
            self._systemctl("enable", "--quiet", self._service.unit)
        self._systemctl("restart", self._service.unit)
        reason = not_restarted(self.before, self._state())
        if reason:
            raise UnitError(f"{self._service.unit} was not restarted: {reason}")

    def prove(self, *, ready_seconds: float, steady_seconds: float) -> Dict[str, Any]:
        """Return what is proven: release, main process, restarts, since when, seconds it took.

        Raises UnitError unless the service becomes ready in time, then names its release, and stays
        the same process for a while.
        """
        start = self._state()
        took = self._wait_ready(start, ready_seconds)
        other = self._other_release()
        if other is not None:
            raise UnitError(f"{self._why()}: {other}")
        self._wait_steady(start, steady_seconds)
        last = self._ask_ready()
        if last.status != 200:
            raise UnitError(f"{self._why()}: it was ready and is not any more: {last}")
        return {
            "release": self._service.release,
            "active_since": start.active_since,
            "main_pid": start.main_pid,
            "restarts": start.restarts,
            "ready_seconds": round(took, 2),
        }

    def journal(self) -> str:
        """Return the last lines of the unit's journal since the restart, or why there are none."""
        since = f"--since=@{self._since:.3f}"
        code, out, err = self._run(
            [
                *("journalctl", "--unit", self._service.unit, since, "--no-pager"),
                *(f"--lines={JOURNAL_LINES}", "--output=cat"),
            ]
        )
        return (
            out.strip() if code == 0 and out.strip() else f"(none: {err.strip() or 'it is empty'})"
        )

    def _wait_ready(self, start: UnitState, seconds: float) -> float:
        began = time.monotonic()
        while True:
            answer = self._ask_ready()
            if answer.status == 200:
                return time.monotonic() - began
            reason = not_steady(start, self._state())
            if reason:
                raise UnitError(f"{self._why()}: {reason}")
            if time.monotonic() - began >= seconds:
                raise UnitError(f"{self._why()}: it was not ready within {seconds:g} s: {answer}")
            time.sleep(POLL_SECONDS)

    def _wait_steady(self, start: UnitState, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            reason = not_steady(start, self._state())
            if reason:
                raise UnitError(f"{self._why()}: {reason}")
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 5 * POLL_SECONDS))

    def _other_release(self) -> Optional[str]:
        """Return what is served instead of the release, None if that is served."""
        wanted = self._service.release
        misled = self._misled()
        if misled or not wanted or not self._service.health:
            return misled
        answer = self._ask(self._service.health, ANSWER_SECONDS)
        if answer.facts.get("release") == wanted:
            return None
        return f"{self._service.health} answers {answer}"

    def _misled(self) -> Optional[str]:
        """Return where the link leads instead of the release, None if it leads there."""
        wanted, current = self._service.release, self._service.current
        if wanted and current and Path(current).resolve().name != wanted:
            return f"{current} leads to {Path(current).resolve()}, not to release {wanted}"
        return None

    def _ask_ready(self) -> Answer:
        ready = self._service.ready
        return self._ask(ready, ANSWER_SECONDS) if ready else Answer(200, "")

    def _why(self) -> str:
        return f"{self._service.unit} does not serve release {self._service.release or '(any)'}"

    def _state(self) -> UnitState:
        names = [f"--property={name}" for name in PROPERTIES]
        return read_state(self._systemctl("show", *names, self._service.unit))

    def _systemctl(self, *arguments: str) -> str:
        code, out, err = self._run(["systemctl", *arguments])
        if code != 0:
            raise UnitError(
                f"systemctl {' '.join(arguments)} failed: {err.strip() or f'exit code {code}'}"
            )
        return out
