# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady load on Tower: requests leave on time whatever the answers do, and all are counted.

The report (JSON, replaced about once a second and at the end) says for each target how many
requests were sent, how they were answered, how long that took, and how the last ones failed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import signal
import sys
import time
from collections import Counter, deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

KINDS = ("image", "video", "upscale")
TIMEOUT_S = 10.0
REPORT_EVERY_S = 1.0
REMEMBERED_FAILURES = 20


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Latencies:
    """How long answers took, in whole milliseconds, in bounded space."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one answer; what takes longer than the timeout counts as the timeout."""
        self._counts[min(math.ceil(seconds * 1000), int(TIMEOUT_S * 1000))] += 1

    def summary(self) -> dict[str, int | None]:
        """Return percentiles in milliseconds, null for each as long as there is no answer."""
        asked = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
        return {name: self.percentile(share) for name, share in asked.items()}

    def percentile(self, share: float) -> int | None:
        """Return the smallest latency that share (0 < share <= 1) of the answers kept to."""
        left = math.ceil(sum(self._counts.values()) * share)
        for milliseconds in sorted(self._counts):
            left -= self._counts[milliseconds]
            if left <= 0:
                return milliseconds
        return None


class Kind:
    """What became of the requests of one kind."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.latencies = Latencies()

    def report(self) -> dict[str, Any]:
        """Return the counts; latencies are those of answers with status 200."""
        answered = sum(self.answers.values())
        return {
            "answered": answered,
            "failed": answered - self.answers["200"],
            "answers": dict(sorted(self.answers.items())),
            "latency_ms": self.latencies.summary(),
        }


class Target:
    """One place that gets a steady number of requests a second."""

    def __init__(self, url: str, rate: float, kinds: list[str]) -> None:
        self.url = url.rstrip("/")
        self.rate = rate
        self.sent = 0
        self.kinds = {kind: Kind() for kind in kinds}
        self.all = Kind()
        self.failures: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_FAILURES)
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Send until cancelled, without waiting for answers."""
        started = time.monotonic()
        for number, kind in zip(itertools.count(), itertools.cycle(self.kinds)):
            await asyncio.sleep(started + number / self.rate - time.monotonic())
            task = asyncio.create_task(self.request(session, number, kind))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait for the answers that are still to come; each does within the timeout."""
        await asyncio.gather(*self._running)

    async def request(self, session: aiohttp.ClientSession, number: int, kind: str) -> None:
        """Ask for one generation and count how it was answered."""
        self.sent += 1
        body = {"prompt": f"steady load {number}", "project_id": "traffic"}
        started = time.monotonic()
        try:
            url = f"{self.url}/api/anime/generate/{kind}"
            async with session.post(url, json=body) as answer:
                text = await answer.text()
                outcome, detail = str(answer.status), text[:200]
        # OSError and ValueError: a name that does not resolve, an answer that is no text.
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as exc:
            outcome, detail = type(exc).__name__, str(exc)[:200]
        for counts in (self.all, self.kinds[kind]):
            counts.answers[outcome] += 1
            if outcome == "200":
                counts.latencies.add(time.monotonic() - started)
        if outcome != "200":
            failure = {"at": now(), "kind": kind, "answer": outcome, "detail": detail}
            self.failures.append(failure)

    def report(self) -> dict[str, Any]:
        """Return the counts so far; what is neither answered nor failed is in flight."""
        counts = self.all.report()
        return {
            "url": self.url,
            "rate": self.rate,
            "sent": self.sent,
            "in_flight": self.sent - counts["answered"],
            **counts,
            "kinds": {kind: each.report() for kind, each in self.kinds.items()},
            "last_failures": list(self.failures),
        }


class Reporter:
    """Writes the report, whole or not at all."""

    def __init__(self, path: Path, targets: dict[str, Target]) -> None:
        self._path = path
        self._targets = targets
        self._since = now()

    def write(self, *, finished: bool) -> None:
        """Replace the report. A disk that is full for a while must not end the load."""
        report = {
            "since": self._since,
            "updated": now(),
            "finished": finished,
            "targets": {name: target.report() for name, target in self._targets.items()},
        }
        partial = self._path.with_name(f"{self._path.name}.partial")
        try:
            partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            partial.replace(self._path)
        except OSError as exc:
            print(f"the report could not be written: {exc}", file=sys.stderr)

    async def run(self) -> None:
        """Write about every second until cancelled."""
        while True:
            self.write(finished=False)
            await asyncio.sleep(REPORT_EVERY_S)


async def load(targets: dict[str, Target], reporter: Reporter, duration: float | None) -> None:
    """Load all targets for duration seconds, or until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    # A fresh connection each time: like many people, not like one who is kept on one host.
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tasks = [asyncio.create_task(target.run(session)) for target in targets.values()]
        reporting = asyncio.create_task(reporter.run())
        watched = asyncio.create_task(stop.wait())
        await asyncio.wait(
            [watched, *tasks, reporting], timeout=duration, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (watched, *tasks):
            task.cancel()
        await asyncio.gather(*(target.drain() for target in targets.values()))
        reporting.cancel()
        ended = await asyncio.gather(*tasks, reporting, return_exceptions=True)
    reporter.write(finished=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


def parse_arguments() -> argparse.Namespace:
    """Return the checked command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", action="append", required=True, help="may be given repeatedly")
    parser.add_argument(
        "--rate", action="append", required=True, type=float, help="requests a second, per --url"
    )
    parser.add_argument("--name", action="append", help="name in the report, per --url")
    parser.add_argument("--kinds", default=",".join(KINDS), help="default: %(default)s")
    parser.add_argument("--duration", type=float, help="seconds; without it, until SIGTERM")
    parser.add_argument("--report", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    arguments.name = arguments.name or arguments.url
    if not len(arguments.url) == len(arguments.rate) == len(set(arguments.name)):
        parser.error("every --url needs its own --rate, and all or none a --name of their own")
    if not all(0 < rate < math.inf for rate in arguments.rate):
        parser.error("--rate must be above 0")
    arguments.kinds = arguments.kinds.split(",")
    if not set(arguments.kinds) <= set(KINDS):
        parser.error(f"--kinds must be some of {','.join(KINDS)}")
    return arguments


def main() -> None:
    arguments = parse_arguments()
    targets = {
        name: Target(url, rate, arguments.kinds)
        for name, url, rate in zip(arguments.name, arguments.url, arguments.rate, strict=True)
    }
    asyncio.run(load(targets, Reporter(arguments.report, targets), arguments.duration))


if __name__ == "__main__":
    main()
