# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking all sources at the same time. This is the only place that runs them.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Dict, Mapping, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Measurement,
    Source,
    SourceError,
)

#: Sources asked at the same time. Enough for a gate, and no burden to a database.
LIMIT = 16
#: What a source gets to report its own timeout, which says more than ours.
GRACE_SECONDS = 0.5


def measure_all(sources: Mapping[str, Source], *, limit: int = LIMIT) -> Dict[str, Measurement]:
    """Return the measurement of each source; what went wrong stands in its `error`.

    At most `limit` sources are asked at a time. One that does not answer within its time is left
    behind, and its place is given to the next.
    """
    waiting = deque(sources.items())
    answers: queue.SimpleQueue[Tuple[str, Measurement]] = queue.SimpleQueue()
    deadlines: Dict[str, float] = {}
    measured: Dict[str, Measurement] = {}
    while waiting or deadlines:
        while waiting and len(deadlines) < limit:
            name, source = waiting.popleft()
            deadlines[name] = time.monotonic() + source.timeout_seconds + GRACE_SECONDS
            # A daemon: a thread that hangs must not keep the module from ending.
            threading.Thread(target=_ask, args=(name, source, answers), daemon=True).start()
        try:
            left = min(deadlines.values()) - time.monotonic()
            name, measurement = answers.get(timeout=max(0, left))
            if deadlines.pop(name, None) is not None:
                measured[name] = measurement
        except queue.Empty:
            for name in [one for one, end in deadlines.items() if end <= time.monotonic()]:
                del deadlines[name]
                measured[name] = _left_behind(sources[name])
    return {name: measured[name] for name in sources}


def _ask(name: str, source: Source, answers: queue.SimpleQueue[Tuple[str, Measurement]]) -> None:
    started = time.monotonic()
    try:
        measurement = source.measure()
    except SourceError as exc:
        measurement = Measurement(error=str(exc))
    except Exception as exc:  # a fault in one source must not take the others' answers away
        measurement = Measurement(error=f"fault in the source: {type(exc).__name__}: {exc}")
    seconds = round(time.monotonic() - started, 6)
    answers.put((name, replace(measurement, asked=source.asked, seconds=seconds)))


def _left_behind(source: Source) -> Measurement:
    return Measurement(
        error=f"no answer within {source.timeout_seconds:g} s",
        asked=source.asked,
        seconds=source.timeout_seconds,
    )
