# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `prometheus`: one value now, many over a time, or the events of several windows.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import Any, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
from ansible_collections.phased.rollout.plugins.module_utils._prometheus import (
    CLOCK_SECONDS,
    DoubtError,
    NoSeriesError,
    ask,
    read_now,
    read_points,
)
from ansible_collections.phased.rollout.plugins.module_utils._samples import (
    read_reduce,
    reduce_samples,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    Window,
)

#: What Prometheus itself allows in one answer.
MOST_POINTS = 11_000
#: The part of the points, in percent, that may be missing from a range.
MAY_MISS_PERCENT = 10
_PLACE = "$window"
#: A query of which timestamp() tells when its values were scraped; of any other it tells nothing.
_SELECTOR = re.compile(r"[A-Za-z_:][\w:]*(?:\{[^{}]*\})?|\{[^{}]+\}")


class Range(NamedTuple):
    """A range of time up to now. may_miss: how many of the points may be missing."""

    seconds: float
    step_seconds: float
    may_miss: int

    @property
    def expected(self) -> int:
        """How many points a range without gaps has."""
        return math.floor(self.seconds / self.step_seconds + 1e-9) + 1


@dataclass(frozen=True)
class PrometheusSource(Source):
    """Questions to the Prometheus at url: a query, or two that count good and all events.

    max_age_seconds: how old the last scraped value of max_age_of may be. windows: what $window
    stands for.
    """

    url: str
    query: Optional[str] = None
    good: Optional[str] = None
    total: Optional[str] = None
    windows: Tuple[str, ...] = ()
    range: Optional[Range] = None
    reduce: str = "last"
    max_age_seconds: Optional[float] = None
    max_age_of: str = ""
    ca_cert: Optional[str] = None

    @classmethod
    def read(cls, fields: Fields, context: Context) -> PrometheusSource:
        """Return the source that the fields state."""
        fields.only(
            *(*COMMON_OPTIONS, "url", "ca_cert", "query", "good", "total", "windows"),
            *("range", "reduce", "max_age", "max_age_of"),
        )
        counts = "good" in fields.raw or "total" in fields.raw
        source = cls(
            timeout_seconds=context.timeout_of(fields),
            url=fields.text(
                "url",
                "it must be the URL of the Prometheus server, here or in prometheus_url",
                context.prometheus_url,
            ).rstrip("/"),
            ca_cert=fields.optional_text("ca_cert"),
            query=None if counts else fields.text("query", "it must be a PromQL query"),
            good=fields.text("good", "it must count the good events") if counts else None,
            total=fields.text("total", "it must count all events") if counts else None,
            windows=_read_windows(fields),
            range=_read_range(fields),
            reduce=read_reduce(fields) if fields.raw.get("range") is not None else "last",
            max_age_seconds=(
                None if fields.raw.get("max_age") is None else read_duration(fields, "max_age")
            ),
            max_age_of=fields.optional_text("max_age_of") or fields.raw.get("query") or "",
        )
        _check_together(fields, source)
        return source

    @property
    def asked(self) -> str:
        """The query, or the two queries, and over what time."""
        if self.query is None:
            where = f" with {_PLACE} = {', '.join(self.windows)}" if self.windows else ""
            return f"({self.good}) of ({self.total}){where}"
        if self.range is None:
            return self.query
        return f"{self.reduce} of {self.query} over {self.range.seconds:g} s"

    def measure(self) -> Measurement:
        """Return what the queries give; a doubtful answer is none, and the note says why."""
        deadline = time.monotonic() + self.timeout_seconds
        try:
            self._check_age(deadline)
            if self.query is None:
                return self._measure_events(deadline)
            if self.range is not None:
                return self._measure_range(self.range, self.query, deadline)
            payload = self._ask("query", {"query": self.query}, deadline)
            _moment, value = read_now(payload)
            return Measurement(
                value=value, samples=1, note=read_points(payload, ("scalar", "vector")).note
            )
        except DoubtError as exc:
            return Measurement(note=str(exc))

    def _ask(self, path: str, arguments: Mapping[str, str], deadline: float) -> Mapping[str, Any]:
        left = deadline - time.monotonic()
        limited = {**arguments, "timeout": f"{self.timeout_seconds:g}s"}
        return ask(self.url, path, limited, ca_cert=self.ca_cert, seconds=left)

    def _check_age(self, deadline: float) -> None:
        """Raise DoubtError if what was scraped last is too old, or from the future."""
        if self.max_age_seconds is None:
            return
        question = f"time() - min(timestamp({self.max_age_of}))"
        age = read_now(self._ask("query", {"query": question}, deadline))[1]
        if not -CLOCK_SECONDS <= age <= self.max_age_seconds:
            raise DoubtError(
                f"{self.max_age_of} was last scraped {age:.0f} s ago, and may be"
                f" {self.max_age_seconds:g} s old at most: is its target up?"
            )

    def _now(self, deadline: float) -> float:
        """Return the time of the server, by whose clock its data is stamped."""
        return read_now(self._ask("query", {"query": "time()"}, deadline))[0]

    def _measure_events(self, deadline: float) -> Measurement:
        now = f"{self._now(deadline):.3f}"
        windows = [
            Window(
                window,
                good=self._count(self.good, window, now, deadline),
                total=self._count(self.total, window, now, deadline),
            )
            for window in self.windows or ("",)
        ]
        longest = windows[-1]
        note = "; ".join(
            f"{what} found no series or no number{f' in {window.name}' if window.name else ''}"
            for window in windows
            for what in ("good", "total")
            if getattr(window, what) is None
        )
        return Measurement(
            good=longest.good,
            total=longest.total,
            windows=tuple(windows) if self.windows else (),
            note=note or None,
        )

    def _count(
        self, query: Optional[str], window: str, now: str, deadline: float
    ) -> Optional[float]:
        """Return the events in one window, None if there is no such series or no number."""
        arguments = {"query": str(query).replace(_PLACE, window), "time": now}
        try:
            value = read_now(self._ask("query", arguments, deadline))[1]
        except NoSeriesError:
            return None
        return value if math.isfinite(value) else None

    def _measure_range(self, span: Range, query: str, deadline: float) -> Measurement:
        now = self._now(deadline)
        arguments = {
            "query": query,
            "start": f"{now - span.seconds:.3f}",
            "end": f"{now:.3f}",
            "step": f"{span.step_seconds:g}",
        }
        found = read_points(self._ask("query_range", arguments, deadline), ("matrix",))
        points = [(moment, value) for moment, value in found.points if math.isfinite(value)]
        missing = span.expected - len(points)
        if missing > span.may_miss:
            raise DoubtError(
                f"{missing} of {span.expected} points in the last {span.seconds:g} s are missing"
                f" or no number, and {span.may_miss} may be: was the target down?"
            )
        if points[-1][0] < now - 2 * span.step_seconds:
            raise DoubtError(
                f"the series ends {now - points[-1][0]:.0f} s ago: is its target still up?"
            )
        values = tuple(value for _moment, value in points)
        gaps = f"{missing} of {span.expected} points are missing" if missing > 0 else None
        return Measurement(
            value=reduce_samples(values, self.reduce),
            samples=len(values),
            values=values,
            note="; ".join(filter(None, [gaps, found.note])) or None,
        )


def _read_windows(fields: Fields) -> Tuple[str, ...]:
    """Return the windows from the shortest to the longest."""
    listed: List[Tuple[float, str]] = []
    for text in fields.texts("windows"):
        if not re.fullmatch(r"(?:\d+(?:ms|[smhdw]))+", text):
            needed = "a window is a duration such as 5m or 1h"
            raise ShapeError(fields.at("windows"), text, needed)
        listed.append((read_duration(Fields({"windows": text}, fields.path), "windows"), text))
    return tuple(text for _seconds, text in sorted(listed))


def _read_range(fields: Fields) -> Optional[Range]:
    if fields.raw.get("range") is None:
        return None
    inner = fields.section("range", "it must have a duration and a step")
    inner.only("duration", "step", "may_miss")
    span = Range(read_duration(inner, "duration"), read_duration(inner, "step"), 0)
    percent = inner.number("may_miss", MAY_MISS_PERCENT)
    if percent > 50:
        raise ShapeError(inner.at("may_miss"), percent, "it must be a percentage up to 50")
    if not 2 <= span.expected <= MOST_POINTS:
        needed = f"duration and step must make 2 to {MOST_POINTS} points, not {span.expected}"
        raise ShapeError(inner.at("step"), inner.raw["step"], needed)
    # The oldest or the newest point is often not there yet, which is no gap.
    return span._replace(may_miss=max(1, int(span.expected * percent / 100)) if percent else 0)


def _check_together(fields: Fields, source: PrometheusSource) -> None:
    """Raise ShapeError if the options contradict each other."""
    texts = [text for text in (source.query, source.good, source.total) if text]
    if source.good is not None and "query" in fields.raw:
        raise ShapeError(fields.at("query"), fields.raw["query"], "good and total replace it")
    if source.query is not None and source.windows:
        raise ShapeError(fields.at("windows"), list(source.windows), "it needs good and total")
    if source.range is None and "reduce" in fields.raw:
        raise ShapeError(fields.at("reduce"), fields.raw["reduce"], "it needs a range")
    if source.range is not None and source.query is None:
        raise ShapeError(fields.at("range"), fields.raw["range"], "it needs a query")
    if source.max_age_seconds is not None and not _SELECTOR.fullmatch(source.max_age_of):
        needed = 'it must be a plain series, such as up{job="tower"}, whose age can be told'
        raise ShapeError(fields.at("max_age_of"), source.max_age_of or None, needed)
    if source.max_age_seconds is None and "max_age_of" in fields.raw:
        raise ShapeError(fields.at("max_age"), None, "max_age_of needs it")
    for text in texts:
        if bool(source.windows) != (_PLACE in text):
            needed = f"{_PLACE} must stand in good and in total where windows are stated"
            raise ShapeError(fields.path, text, needed)
