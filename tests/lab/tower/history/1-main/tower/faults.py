# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: for rehearsals, the service can be told to misbehave.

The file (JSON, one object) is read again whenever it changes:

    {"slow_ms": 400, "slow_ratio": 0.5}   every second generation takes 400 ms longer
    {"fail": 0.05}                        every 20th generation fails
    {"unhealthy": true}                   /health and /ready are red

Ratios count instead of throwing dice, so a rehearsal can be repeated exactly.
"""

from __future__ import annotations

import json
import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LOG = logging.getLogger(__name__)


class Faults:
    """The faults that the file at path asks for at this moment."""

    def __init__(self, path: Path) -> None:
        """Watch path; without such a file there are no faults."""
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._faults: dict[str, Any] = {}
        self._asked: dict[str, int] = {}

    def value(self, name: str, default: Any = None) -> Any:
        """Return what the file says about name."""
        self._refresh()
        return self._faults.get(name, default)

    def hits(self, name: str) -> bool:
        """Return whether the fault strikes now: of n calls, floor(n * ratio) are struck."""
        ratio = ratio_of(self.value(name, 0))
        asked = self._asked.get(name, 0)
        self._asked[name] = asked + 1
        return (asked + 1) * ratio // 1 > asked * ratio // 1

    def delay_seconds(self) -> float:
        """Return for how many seconds this generation is to be held up."""
        slow_ms = self.value("slow_ms", 0)
        if not slow_ms or (self.value("slow_ratio") is not None and not self.hits("slow_ratio")):
            return 0.0
        return float(slow_ms) / 1000

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except OSError:
            seen = None
        if seen == self._seen:
            return
        self._seen = seen
        self._asked.clear()
        self._faults = self._read() if seen else {}
        LOG.warning("faults are now %s", self._faults)

    def _read(self) -> dict[str, Any]:
        try:
            faults = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            LOG.error("%s cannot be read, no faults: %s", self._path, exc)
            return {}
        if not isinstance(faults, dict):
            LOG.error("%s does not hold a JSON object, no faults", self._path)
            return {}
        return faults


def ratio_of(value: Any) -> Fraction:
    """Return value as an exact ratio from 0 to 1; true is 1, and what is no ratio is 0."""
    try:
        ratio = Fraction(int(value)) if isinstance(value, bool) else Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return Fraction(0)
    return min(max(ratio, Fraction(0)), Fraction(1))
