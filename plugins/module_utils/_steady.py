# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring again and again until it has been good for long enough, or cannot become good.

The times are those of gates in Azure Pipelines, the limits those of an analysis in Argo Rollouts.
https://learn.microsoft.com/en-us/azure/devops/pipelines/release/approvals/gates
https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
    to_number,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict, worst

#: The options, as a module takes them.
STEADY_SPEC: Dict[str, Dict[str, Any]] = {
    "stabilise": {"type": "float", "default": 0.0},
    "every": {"type": "float", "default": 10.0},
    "steady_for": {"type": "float", "required": True},
    "timeout": {"type": "float", "required": True},
    "failure_limit": {"type": "int", "default": 0},
    "consecutive_error_limit": {"type": "int", "default": 4},
    "inconclusive_limit": {"type": "int", "default": 0},
}
LIMIT_OPTIONS = ("failure_limit", "consecutive_error_limit", "inconclusive_limit")
GOOD = (Verdict.PASS, Verdict.WARN)
REPLAY_NEEDED = "it must be what this module returned, or left out"

Look = Callable[[], Tuple[Mapping[str, Verdict], Mapping[str, Measurement]]]


class Clock(NamedTuple):
    """Where the time comes from, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


class Broken(NamedTuple):
    """The option whose limit is broken, and by what, in words."""

    option: str
    words: str


class Limits(NamedTuple):
    """How many bad measurements of one objective are borne. Below 0 is any number."""

    failure_limit: int = -1
    consecutive_error_limit: int = -1
    inconclusive_limit: int = -1

    def broken(self, counts: Mapping[Verdict, int], errors_in_a_row: int) -> Optional[Broken]:
        """Return which limit is broken, None if all are kept."""
        found = (
            (counts[Verdict.FAIL], "failed"),
            (errors_in_a_row, "errors in a row"),
            (counts[Verdict.INCONCLUSIVE], "inconclusive"),
        )
        for option, limit, (count, what) in zip(LIMIT_OPTIONS, self, found):
            if count > limit >= 0:
                return Broken(option, f"{option} of {limit} with {count} {what}")
        return None


class Steady(NamedTuple):
    """When to measure, and for how long it must be good. All in seconds.

    stabilise: before the first measurement. every: from the start of one to that of the next.
    timeout: of the whole. limits: those of an objective that states none.
    """

    stabilise: float
    every: float
    steady_for: float
    timeout: float
    limits: Limits


def read_steady(fields: Fields) -> Steady:
    """Return what the options state. Raises ShapeError."""
    fields.only(*STEADY_SPEC)
    for key in ("steady_for", "timeout"):
        if fields.raw.get(key) is None:
            raise ShapeError(fields.at(key), None, "it must be a number of seconds")
    stabilise = fields.number("stabilise", STEADY_SPEC["stabilise"]["default"])
    every = fields.number("every", STEADY_SPEC["every"]["default"], above=0)
    steady_for = fields.number("steady_for", 0)
    timeout = fields.number("timeout", 0)
    least = stabilise + (steady_for + every if steady_for else 0)
    if timeout < least:
        needed = f"it must be at least {least:g}, which is stabilise and steady_for and every"
        raise ShapeError(fields.at("timeout"), fields.raw["timeout"], needed)
    defaults = Limits(*(STEADY_SPEC[name]["default"] for name in LIMIT_OPTIONS))
    return Steady(stabilise, every, steady_for, timeout, read_limits(fields, defaults))


def read_limits(fields: Fields, defaults: Limits) -> Limits:
    """Return the limits that the fields state, the default for any other. Raises ShapeError."""
    return Limits(*(_limit(fields, name, getattr(defaults, name)) for name in LIMIT_OPTIONS))


def _limit(fields: Fields, key: str, default: int) -> int:
    raw = fields.raw.get(key)
    number = to_number(default if raw is None else raw, fields.at(key))
    if number < -1 or number % 1 != 0:  # NaN and infinity leave no remainder of 0
        raise ShapeError(fields.at(key), raw, "it must be a whole number, or -1 for no limit")
    return int(number)


def as_steady(verdict: Verdict, told: Any) -> Verdict:
    """Return the verdict on what is left of a watch, made no better than the watch came out.

    Other criteria do not make steady what was not. told: that of `Watch.told`, or None for no
    watch. Raises ShapeError.
    """
    if told is None:
        return verdict
    fields = Fields(told, "replay.steady")
    try:
        outcome = Verdict(fields.raw.get("verdict"))
    except ValueError:
        raise ShapeError(fields.at("verdict"), fields.raw.get("verdict"), REPLAY_NEEDED) from None
    return worst([verdict, outcome if outcome in GOOD else Verdict.INCONCLUSIVE])


class Watch:
    """What was seen so far, when to measure next, and in the end what it came to.

    It is told the time and the verdicts, and does nothing else. due: when to measure next, None
    when it is over. evidence: the last measurements, but of an objective that broke a limit the one
    that broke it.
    """

    def __init__(
        self,
        steady: Steady,
        limits: Mapping[str, Limits],
        overall: Callable[[Mapping[str, Verdict]], Verdict],
        started: float,
    ) -> None:
        """Begin at the time `started`. overall: the verdict on all, from that on each."""
        self.due: Optional[float] = started + steady.stabilise
        self.evidence: Dict[str, Measurement] = {}
        self.verdict = Verdict.INCONCLUSIVE
        self._steady, self._limits, self._overall = steady, limits, overall
        self._started = started
        self._planned = started + steady.stabilise
        self._measurements = 0
        self._counts: Dict[str, Counter[Verdict]] = {}
        self._errors: Counter[str] = Counter()
        self._broken: Dict[str, Broken] = {}
        self._held: Dict[str, Verdict] = {}
        self._since: Optional[float] = None
        self._seconds = 0.0
        self._always_passed = True
        self._interrupted = ""
        self._reason = ""

    def saw(
        self,
        start: float,
        end: float,
        verdicts: Mapping[str, Verdict],
        evidence: Mapping[str, Measurement],
    ) -> None:
        """Take in one measurement, begun and ended at these times, and set what is due."""
        self._measurements += 1
        for name, verdict in verdicts.items():
            if name not in self._broken:
                self.evidence[name] = evidence[name]
            self._count(name, verdict)
        now = {**verdicts, **self._held}
        verdict = self._overall(now)
        self._always_passed &= verdict is Verdict.PASS
        if verdict in GOOD:
            if self._since is None:
                # From here the interval counts, so that no late start makes it fall short.
                self._since = self._planned = start
            self._seconds = start - self._since
        else:
            self._since, self._seconds = None, 0.0
            self._interrupted = f"{_shown(start - self._started)} s by {_who(now, verdict)}"
        self._decide(verdict, now)
        if self.due is not None:
            self._plan(start, end, verdict)

    def _count(self, name: str, verdict: Verdict) -> None:
        counts = self._counts.setdefault(name, Counter())
        counts[verdict] += 1
        self._errors[name] = self._errors[name] + 1 if verdict is Verdict.ERROR else 0
        broken = self._limits[name].broken(counts, self._errors[name])
        if broken and name not in self._broken:
            self._broken[name], self._held[name] = broken, verdict

    def _decide(self, verdict: Verdict, now: Mapping[str, Verdict]) -> None:
        """End it if no further measurement can change whether it is good."""
        best = self._overall({name: self._held.get(name, Verdict.PASS) for name in now})
        if best not in GOOD:
            broke = [f"{name} broke its {one.words}" for name, one in self._broken.items()]
            self._end(verdict, "; ".join(broke) or "there is nothing that could become good")
        elif self._since is not None and self._seconds >= self._steady.steady_for:
            self.due = None
            self.verdict = verdict if self._always_passed else Verdict.WARN
            self._reason = f"it was steady for {_shown(self._seconds)} s"
            if self._interrupted:
                self._reason += f", but interrupted after {self._interrupted}"
            elif not self._always_passed:
                self._reason += ", with warnings"

    def _plan(self, start: float, end: float, verdict: Verdict) -> None:
        """Set when to measure next: at the next time of the interval, or now if that is past."""
        every = self._steady.every
        self._planned += every * (1 + (start - self._planned) // every)
        self.due = max(self._planned, end)
        if self.due > self._started + self._steady.timeout:
            had = f"it had been good for {_shown(self._seconds)} s"
            if self._since is None:
                had = "it was not good"
            last = f", last interrupted after {self._interrupted}" if self._interrupted else ""
            wanted = f"{self._steady.steady_for:g} s within {self._steady.timeout:g} s"
            self._end(verdict, f"it was not steady for {wanted}: at the end {had}{last}")

    def _end(self, verdict: Verdict, reason: str) -> None:
        self.due, self._reason = None, reason
        self.verdict = worst([verdict, Verdict.INCONCLUSIVE])

    def told(self) -> Dict[str, Any]:
        """Return what it came to, ready for JSON."""
        return {
            "verdict": self.verdict.value,
            "reason": self._reason,
            "measurements": self._measurements,
            "steady_seconds": round(self._seconds, 6),
            "limits": {name: broken.option for name, broken in self._broken.items()},
            "counts": {
                name: {verdict.value: counts[verdict] for verdict in Verdict}
                for name, counts in self._counts.items()
            },
        }


def follow(watch: Watch, look: Look, clock: Clock) -> None:
    """Measure when it is due, until the watch is over. look: verdicts and measurements, by name."""
    while watch.due is not None:
        while (left := watch.due - clock.now()) > 0:
            clock.sleep(left)
        start = clock.now()
        verdicts, evidence = look()
        watch.saw(start, clock.now(), verdicts, evidence)


def _shown(seconds: float) -> str:
    return f"{round(seconds, 2):g}"


def _who(verdicts: Mapping[str, Verdict], verdict: Verdict) -> str:
    """Return who made the verdict bad: the objectives, or else the score."""
    bad: List[str] = [f"{name} ({one.value})" for name, one in verdicts.items() if one not in GOOD]
    return ", ".join(bad) or f"the score ({verdict.value})"
