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
from collections import Counter
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Tuple, Type

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    Measurement,
    Retries,
    Source,
    SourceError,
    UnreachableError,
)

#: Sources asked at the same time: all of a large gate. A kind may have a lower limit of its own.
LIMIT = 64
#: What a source gets to report its own timeout, which says more than ours.
GRACE_SECONDS = 0.5


def measure_all(sources: Mapping[str, Source], *, limit: int = LIMIT) -> Dict[str, Measurement]:
    """Return the measurement of each source; what went wrong stands in its `error`.

    At most `limit` sources are asked at a time, and of each kind no more than it allows. One that
    does not answer within its time is left behind, and its place is given to the next.
    """
    waiting = list(sources)
    answers: queue.SimpleQueue[Tuple[str, Measurement]] = queue.SimpleQueue()
    deadlines: Dict[str, float] = {}
    measured: Dict[str, Measurement] = {}
    while waiting or deadlines:
        while (name := _next(waiting, sources, deadlines, limit)) is not None:
            waiting.remove(name)
            source = sources[name]
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


def _next(
    waiting: List[str], sources: Mapping[str, Source], asked: Mapping[str, float], limit: int
) -> Optional[str]:
    """Return the first one that waits and whose kind has room, None if there is none."""
    if len(asked) >= limit:
        return None
    running: Counter[Type[Source]] = Counter(sources[name].kind for name in asked)
    for name in waiting:
        kind = sources[name].kind
        if kind.AT_ONCE is None or running[kind] < kind.AT_ONCE:
            return name
    return None


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


@dataclass(frozen=True)
class Retried(Source):
    """A source that is asked again while it cannot be reached. Every try has the full timeout."""

    source: Source
    retries: Retries

    @classmethod
    def of(cls, source: Source, retries: Retries) -> Retried:
        """Return the source with its retries."""
        tries = 1 + retries.count
        total = tries * source.timeout_seconds + retries.count * retries.delay_seconds
        return cls(timeout_seconds=total, source=source, retries=retries)

    @classmethod
    def read(cls, fields: Fields, context: Context) -> Retried:
        """Raise NotImplementedError: it is made of a source that has been read."""
        raise NotImplementedError

    @property
    def kind(self) -> Type[Source]:
        """The kind of the source that is asked."""
        return self.source.kind

    @property
    def asked(self) -> str:
        """What the source is asked."""
        return self.source.asked

    def measure(self) -> Measurement:
        """Return the first answer, good or bad. Raises the SourceError of the last try."""
        for left in range(self.retries.count, -1, -1):
            try:
                return self.source.measure()
            except UnreachableError as exc:
                if not left:
                    tries = 1 + self.retries.count
                    raise UnreachableError(f"{exc} (asked {tries} times)") from None
            time.sleep(self.retries.delay_seconds)
        raise AssertionError("unreachable: the last try returns or raises")
