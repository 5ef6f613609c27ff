# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says of a unit, and what of it is not as it has to be. Pure: no I/O, no Ansible.

This module util is PRIVATE to the collection. It runs on managed hosts: standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts"),
    *("ActiveEnterTimestamp", "NeedDaemonReload", "UnitFileState", "Result"),
)
DROP_IN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.conf")


@dataclass(frozen=True)
class UnitState:
    """A unit at one moment. main_pid: 0 if nothing runs. restarts: those by systemd itself."""

    loaded: str
    active: str
    main_pid: int
    restarts: int
    active_since: str
    stale: bool
    enabled: bool
    result: str

    @property
    def runs(self) -> bool:
        """Return whether its process is there and systemd takes it for started."""
        return self.active == "active" and self.main_pid > 0


def read_state(text: str) -> UnitState:
    """Return what `systemctl show` printed of a unit; what it did not print counts as unknown."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return UnitState(
        loaded=found.get("LoadState", "unknown"),
        active=found.get("ActiveState", "unknown"),
        main_pid=_number(found.get("MainPID", "")),
        restarts=_number(found.get("NRestarts", "")),
        active_since=found.get("ActiveEnterTimestamp", ""),
        stale=found.get("NeedDaemonReload", "no") == "yes",
        enabled=found.get("UnitFileState", "") == "enabled",
        result=found.get("Result", ""),
    )


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def not_restarted(before: UnitState, after: UnitState) -> Optional[str]:
    """Return why a restart did not give the unit a process of its own, None if it did."""
    if not after.runs:
        return f"it is {after.active} after the restart (result {after.result or 'unknown'})"
    if after.main_pid == before.main_pid:
        return f"its main process is still {after.main_pid}, the one from before the restart"
    return None


def not_steady(start: UnitState, now: UnitState) -> Optional[str]:
    """Return why a unit did not stay as it was since start, None if it did."""
    if now.restarts != start.restarts:
        return f"systemd restarted it ({start.restarts} restarts before, {now.restarts} now)"
    if not now.runs:
        return f"it did not stay active: it is {now.active} (result {now.result or 'unknown'})"
    if now.main_pid != start.main_pid:
        return f"its main process changed from {start.main_pid} to {now.main_pid}"
    return None
