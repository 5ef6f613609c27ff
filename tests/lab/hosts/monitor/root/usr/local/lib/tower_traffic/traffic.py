# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady load on Tower: requests leave on time whatever comes back, and every answer counts.

The report (a JSON file, replaced once a second) says for each target how many requests were sent,
how they were answered, and what the last one that failed looked like.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import aiohttp

TARGETS = {"production": ("http://lb", 8.0), "staging": ("http://staging1:8000", 1.0)}
KINDS = ("image", "video", "upscale")
TIMEOUT_S = 10


class Target:
    """One place that gets a steady number of requests a second."""

    def __init__(self, url: str, rate: float) -> None:
        self.url = url
        self.rate = rate
        self.sent = 0
        self.answers: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.last_failure: dict[str, Any] | None = None

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Send for ever, without waiting for answers; start when there is somebody to answer."""
        await self.ready(session)
        running: set[asyncio.Task[None]] = set()
        started = time.monotonic()
        for number, kind in zip(itertools.count(), itertools.cycle(KINDS)):
            await asyncio.sleep(started + number / self.rate - time.monotonic())
            task = asyncio.create_task(self.request(session, number, kind))
            running.add(task)
            task.add_done_callback(running.discard)

    async def ready(self, session: aiohttp.ClientSession) -> None:
        """Return as soon as the target says that it can serve."""
        while True:
            try:
                async with session.get(f"{self.url}/ready") as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(0.2)

    async def request(self, session: aiohttp.ClientSession, number: int, kind: str) -> None:
        """Ask for one generation and count how it was answered."""
        self.sent += 1
        body = {"prompt": f"steady load {number}", "project_id": "traffic"}
        try:
            url = f"{self.url}/api/anime/generate/{kind}"
            async with session.post(url, json=body) as answer:
                outcome, detail = str(answer.status), (await answer.text())[:200]
        except (aiohttp.ClientError, asyncio.TimeoutError) as exc:
            outcome, detail = type(exc).__name__, str(exc)
        self.answers[outcome] += 1
        self.kinds[kind] += 1
        if outcome != "200":
            self.last_failure = {"at": now(), "kind": kind, "answer": outcome, "detail": detail}

    def report(self) -> dict[str, Any]:
        """Return the counts so far; what is neither answered nor failed is in flight."""
        answered = sum(self.answers.values())
        return {
            "url": self.url,
            "sent": self.sent,
            "answered": answered,
            "in_flight": self.sent - answered,
            "failed": answered - self.answers["200"],
            "answers": dict(self.answers),
            "kinds": dict(self.kinds),
            "last_failure": self.last_failure,
        }


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


async def main(report: Path) -> None:
    targets = {name: Target(url, rate) for name, (url, rate) in TARGETS.items()}
    since = now()
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    # A fresh connection each time: like many people, not like one who is kept on one host.
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        senders = [asyncio.create_task(target.run(session)) for target in targets.values()]
        while not any(sender.done() for sender in senders):
            counts = {name: target.report() for name, target in targets.items()}
            draft = report.with_suffix(".new")
            draft.write_text(json.dumps({"since": since, "updated": now(), "targets": counts}))
            draft.replace(report)
            await asyncio.sleep(1)
        await asyncio.gather(*senders)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
