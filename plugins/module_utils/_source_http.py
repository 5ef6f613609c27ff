# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `http`: how often, or how fast, a URL or a whole journey answers as it should.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from ansible_collections.phased.rollout.plugins.module_utils._http import NoAnswerError, fetch
from ansible_collections.phased.rollout.plugins.module_utils._http_exchange import (
    EXCHANGE_OPTIONS,
    Exchange,
    TakeError,
    read_exchange,
    tally,
)
from ansible_collections.phased.rollout.plugins.module_utils._load import (
    Done,
    Load,
    read_load,
    run_load,
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
    SourceError,
    UnreachableError,
)

LOAD_OPTIONS = ("requests", "rate", "concurrency", "request_timeout", "ca_cert")
MEASURE_OPTIONS = ("measure", "reduce")


class Trip(NamedTuple):
    """One request, or one whole journey. problem: what went wrong, None for nothing."""

    seconds: float
    problem: Optional[str] = None
    answered: bool = True


@dataclass(frozen=True)
class HttpSource(Source):
    """A number of requests or journeys.

    latency: measure seconds instead of success. reduce: how many seconds become one value.
    """

    steps: Tuple[Exchange, ...]
    load: Load
    journey: bool = False
    request_timeout_seconds: Optional[float] = None
    ca_cert: Optional[str] = None
    latency: bool = False
    reduce: str = "p95"
    withheld: Optional[str] = None

    @classmethod
    def read(cls, fields: Fields, context: Context) -> HttpSource:
        """Return the source that the fields state."""
        journey = fields.raw.get("journey") is not None
        own = ("journey", "url") if journey else EXCHANGE_OPTIONS
        fields.only(*COMMON_OPTIONS, *LOAD_OPTIONS, *MEASURE_OPTIONS, *own)
        timeout_seconds = context.timeout_of(fields)
        steps = (
            _read_steps(fields)
            if journey
            else (read_exchange(fields, name="the request", base="", known=()),)
        )
        changes = [step.method for step in steps if step.changes]
        return cls(
            timeout_seconds=timeout_seconds,
            steps=steps,
            journey=journey,
            load=read_load(fields, "requests", timeout_seconds),
            request_timeout_seconds=fields.number("request_timeout", timeout_seconds, above=0),
            ca_cert=fields.optional_text("ca_cert"),
            latency=fields.choice("measure", ("success", "latency"), "success") == "latency",
            reduce=read_reduce(fields, "p95"),
            withheld=changes[0] if context.check_mode and changes else None,
        )

    @property
    def asked(self) -> str:
        """The request, or the journey's steps, and how often."""
        if not self.journey:
            return f"{self.steps[0]}{self.load}"
        return "; then ".join(f"{step.name}: {step}" for step in self.steps) + str(self.load)

    def measure(self) -> Measurement:
        """Return the share that came through as wanted, or how long that took."""
        if self.withheld:
            return Measurement(note=f"{self.withheld} may change something: not sent in check mode")
        done = run_load(self._travel, self.load, timeout_seconds=self.timeout_seconds)
        problems = [one.outcome.problem for one in done if one.outcome.problem]
        answered = any(one.outcome.answered for one in done)
        if len(done) < self.load.count:
            what = "journeys" if self.journey else "requests"
            text = f"only {len(done)} of {self.load.count} {what} were done"
            seen = f": {tally(problems)}" if problems else ""
            error = SourceError if answered else UnreachableError
            raise error(f"{text} within {self.timeout_seconds:g} s{seen}")
        if not answered:
            raise UnreachableError(problems[-1])
        return self._latency(done, problems) if self.latency else _success(done, problems)

    def _latency(self, done: List[Done[Trip]], problems: List[str]) -> Measurement:
        if problems:
            # An error page is fast: the time of wrong answers must never look like a good one.
            raise SourceError(
                f"only good answers can be timed, but {len(problems)} of {len(done)} were not:"
                f" {tally(problems)}"
            )
        seconds = [one.outcome.seconds + one.late_seconds for one in done]
        return Measurement(
            value=reduce_samples(seconds, self.reduce),
            unit="s",
            samples=len(seconds),
            values=tuple(seconds),
        )

    def _travel(self, left_seconds: float) -> Trip:
        """Return what one run through all steps came to."""
        deadline = time.monotonic() + left_seconds
        seconds, answered = 0.0, False
        taken: Dict[str, Union[str, int, float, bool]] = {}
        cookies = CookieJar()
        for step in self.steps:
            where = f"step {step.name!r}: " if self.journey else ""
            try:
                answer = fetch(
                    **step.filled(taken),
                    timeout_seconds=self._limit(deadline - time.monotonic()),
                    ca_cert=self.ca_cert,
                    cookies=cookies,
                )
            except NoAnswerError as exc:
                return Trip(seconds, f"{where}{exc}", answered)
            answered, seconds = True, seconds + answer.seconds
            problem = step.miss(answer.status, answer.body)
            if problem is None:
                try:
                    taken.update(step.taken_from(answer.body))
                except TakeError as exc:
                    problem = str(exc)
            if problem is not None:
                return Trip(seconds, where + problem)
        return Trip(seconds)

    def _limit(self, left_seconds: float) -> float:
        # Never 0, which would mean that a socket does not wait at all.
        return max(0.001, min(left_seconds, self.request_timeout_seconds or left_seconds))


def _success(done: List[Done[Trip]], problems: List[str]) -> Measurement:
    return Measurement(
        good=len(done) - len(problems),
        total=len(done),
        samples=len(done),
        note=f"{len(problems)} were not good: {tally(problems)}" if problems else None,
    )


def _read_steps(fields: Fields) -> Tuple[Exchange, ...]:
    raw: Any = fields.raw["journey"]
    if not isinstance(raw, list) or not raw:
        raise ShapeError(fields.at("journey"), raw, "it must be a list of steps, one at least")
    steps: List[Exchange] = []
    for index, entry in enumerate(raw):
        step = Fields(entry, fields.at(f"journey[{index}]"))
        step.only("name", "take", *EXCHANGE_OPTIONS)
        name = step.text("name", "every step needs a name, which a failure is reported by")
        if name in [earlier.name for earlier in steps]:
            raise ShapeError(step.at("name"), name, "another step has this name")
        known = [taken for earlier in steps for taken in earlier.take]
        base = fields.optional_text("url") or ""
        steps.append(read_exchange(step, name=name, base=base, known=known))
    return tuple(steps)
