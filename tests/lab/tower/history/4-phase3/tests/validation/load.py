# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady load on all three phases together, also while Echo Brain dies."""

from __future__ import annotations

import asyncio
import itertools
import math
import sys
import time
from typing import TYPE_CHECKING

import aiohttp

from tests.validation.echo import EchoBrain, advised, outcomes
from tests.validation.phase1 import require_decisions
from tests.validation.phase2 import require_captures
from tests.validation.suite import run_suite
from tests.validation.surroundings import KINDS, Answer, Surroundings, require, require_status

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = 24
SECONDS = 6
NOMINAL_SECONDS = {"image": 0.150, "video": 0.250, "upscale": 0.100}
# Of the median; the slowest answers of a busy machine say more about the machine.
DEGRADATION_ALLOWED = 1.15
TAIL_ALLOWED = 1.5
POOL_SIZE = 10


async def send_load(port: int, project_id: str, rate: float, seconds: float) -> list[Answer]:
    """Return the answers to requests that leave on time, whatever the answers do."""
    url = f"http://127.0.0.1:{port}/api/anime/generate"
    timeout = aiohttp.ClientTimeout(total=15)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

        async def one(kind: str, number: int) -> Answer:
            body = {"prompt": f"load {number}", "project_id": project_id}
            started = time.monotonic()
            try:
                async with session.post(f"{url}/{kind}", json=body) as answer:
                    status, text = answer.status, await answer.json(content_type=None)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
                status, text = 0, repr(exc)
            return Answer(kind, status, text, time.monotonic() - started)

        started = time.monotonic()
        tasks = []
        for number, kind in zip(range(int(rate * seconds)), itertools.cycle(KINDS), strict=False):
            await asyncio.sleep(started + number / rate - time.monotonic())
            tasks.append(asyncio.create_task(one(kind, number)))
        return list(await asyncio.gather(*tasks))


def latency(answers: list[Answer], kind: str, share: float) -> float:
    """Return the seconds that this share of the answers of a kind do not exceed."""
    seconds = sorted(answer.seconds for answer in answers if answer.kind == kind)
    return seconds[math.ceil(len(seconds) * share) - 1]


def too_slow(answers: list[Answer]) -> list[str]:
    """Return what took longer than allowed, in words."""
    return [
        f"{share:.0%} of {kind} take up to {latency(answers, kind, share):.3f} s, "
        f"allowed are {NOMINAL_SECONDS[kind] * allowed:.3f} s"
        for kind in KINDS
        for share, allowed in ((0.5, DEGRADATION_ALLOWED), (0.95, TAIL_ALLOWED))
        if latency(answers, kind, share) > NOMINAL_SECONDS[kind] * allowed
    ]


def load(s: Surroundings, project_id: str) -> list[Answer]:
    """Return the answers to the load of this test."""
    return asyncio.run(send_load(s.app.port, project_id, RATE, SECONDS))


def require_complete(s: Surroundings, project_id: str, answers: list[Answer]) -> None:
    """Raise CheckError unless every request was answered and every trace is complete."""
    require_status(answers, 200)
    require_decisions(s, project_id, answers)
    require_captures(s, project_id, answers)
    found = outcomes(s, project_id)
    require(None not in found, f"{found.count(None)} consultations are missing")


def latency_holds(s: Surroundings) -> str:
    """Load the service as it runs in production; one of three rounds must be undisturbed."""
    with advised(s):
        for attempt in range(3):
            answers = load(s, f"load-{attempt}")
            require_complete(s, f"load-{attempt}", answers)
            found = outcomes(s, f"load-{attempt}")
            answered = found.count("answered") / len(found)
            require(answered >= 0.8, f"{answered:.0%} of consultations succeeded, needed 80 %")
            slow = too_slow(answers)
            if not slow:
                break
        require(not slow, "; ".join(slow))
        connections = s.cluster.value(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tower_app'"
        )
        require(connections <= POOL_SIZE, f"{connections} connections, allowed {POOL_SIZE}")
    said = [f"{kind} {latency(answers, kind, 0.5) * 1000:.0f} ms" for kind in KINDS]
    return f"{len(answers)} requests, medians: {', '.join(said)}"


def failure_under_load(s: Surroundings) -> str:
    """Kill Echo Brain in the middle of the load: nobody notices."""
    with advised(s) as echo:
        answers = asyncio.run(_kill_halfway(s, echo))
    require_complete(s, "load-kill", answers)
    found = outcomes(s, "load-kill")
    lost = len(found) - found.count("answered")
    require(found.count("answered") > 0 < lost, f"the kill did not show: {sorted(set(found))}")
    slow = [a for a in answers if a.seconds > NOMINAL_SECONDS[a.kind] + 0.4]
    require(not slow, f"{len(slow)} answers took more than 0.4 s longer")
    return f"{len(answers)} of {len(answers)} answered, {lost} unadvised"


async def _kill_halfway(s: Surroundings, echo: EchoBrain) -> list[Answer]:
    asyncio.get_running_loop().call_later(SECONDS / 2, echo.kill)
    return await send_load(s.app.port, "load-kill", RATE, SECONDS)


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    (f"{RATE} requests/s cost less than 15 %, and nothing is lost", latency_holds),
    ("the death of Echo Brain under load costs no request", failure_under_load),
]


if __name__ == "__main__":
    sys.exit(run_suite("load-full-integration", CHECKS))
