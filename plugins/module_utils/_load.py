# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing the same thing many times: one after the other, side by side, or at a fixed rate.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, Generic, List, Optional, TypeVar

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

Outcome = TypeVar("Outcome")

#: More threads than this measure the control node instead of the server.
MOST_AT_ONCE = 100
#: How many may be under way where a rate is given and nothing else is said.
AT_ONCE_FOR_A_RATE = 20


@dataclass(frozen=True)
class Load:
    """How often, and how. rate: starts per second, whether or not the last answer has come."""

    count: int = 1
    rate: Optional[float] = None
    at_once: int = 1

    def __str__(self) -> str:
        """Return the load for people, empty for a single time."""
        times = "" if self.count == 1 else f", {self.count} times"
        return f"{times}, {self.rate:g} per second" if self.rate else times


@dataclass(frozen=True)
class Done(Generic[Outcome]):
    """One outcome. late_seconds: how long it had to wait for its turn; a caller waits as well."""

    outcome: Outcome
    late_seconds: float = 0


def read_load(fields: Fields, count_key: str, timeout_seconds: float) -> Load:
    """Return the load that the fields state. Raises ShapeError."""
    rate = fields.number("rate", 0, above=0) if fields.raw.get("rate") is not None else None
    at_once = fields.whole("concurrency", AT_ONCE_FOR_A_RATE if rate else 1)
    load = Load(fields.whole(count_key, 1), rate, at_once)
    if load.at_once > MOST_AT_ONCE:
        raise ShapeError(fields.at("concurrency"), at_once, f"it must be at most {MOST_AT_ONCE}")
    if rate and (load.count - 1) / rate >= timeout_seconds:
        needed = (
            f"{load.count} starts take {(load.count - 1) / rate:g} s at this rate, which the"
            f" timeout of {timeout_seconds:g} s does not allow"
        )
        raise ShapeError(fields.at("rate"), rate, needed)
    return load


def run_load(
    work: Callable[[float], Outcome], load: Load, *, timeout_seconds: float
) -> List[Done[Outcome]]:
    """Return what came in time, in the order of the starts; fewer than load.count if time is up.

    work gets the seconds that are left. With a rate the starts are planned ahead, and an outcome
    whose start was late says so: a slow server must not thin out its own load.
    """
    start = time.monotonic()
    deadline = start + timeout_seconds
    numbers = itertools.count()
    done: Dict[int, Done[Outcome]] = {}
    faults: List[Exception] = []

    def serve() -> None:
        try:
            while not faults and (number := next(numbers)) < load.count:
                late = _wait_until(start + number / load.rate, deadline) if load.rate else 0.0
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                done[number] = Done(work(left), late)
        except Exception as exc:  # raised again below, in the caller's thread
            faults.append(exc)

    if load.at_once == 1:
        serve()
    else:
        _run_beside(serve, min(load.at_once, load.count), deadline)
    if faults:
        raise faults[0]
    return [one for _number, one in sorted(dict(done).items())]


def _run_beside(serve: Callable[[], None], count: int, deadline: float) -> None:
    # Daemons: one that hangs must not keep the module from ending.
    threads = [threading.Thread(target=serve, daemon=True) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))


def _wait_until(due: float, deadline: float) -> float:
    """Wait for the due time and return how many seconds it was missed by."""
    time.sleep(max(0, min(due, deadline) - time.monotonic()))
    return max(0.0, time.monotonic() - due)
