# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A circuit breaker: who does not answer is not asked for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CircuitBreaker:
    """Opens after some failures in a row; after a pause it lets one call through as a probe."""

    def __init__(
        self,
        failures_allowed: int,
        pause_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open after failures_allowed failures in a row, for pause_seconds."""
        self._failures_allowed = failures_allowed
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are held back at the moment, probes aside."""
        return self._failures >= self._failures_allowed

    def allows(self) -> bool:
        """Return whether a call may be made now; its outcome must be told."""
        if not self.is_open:
            return True
        if self._clock() < self._open_until:
            return False
        # The probe: until its outcome is known, nobody else gets through.
        self._open_until = self._clock() + self._pause_seconds
        return True

    def succeeded(self) -> None:
        """Take in that a call went well."""
        self._failures = 0

    def failed(self) -> None:
        """Take in that a call went wrong."""
        self._failures += 1
        if self.is_open:
            self._open_until = self._clock() + self._pause_seconds
