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
SECONDS = 4
NOMINAL_SECONDS = {"image": 0.150, "video": 0.250, "upscale": 0.100}
# Of the median; the slowest answers of a busy machine say more about the machine.
DEGRADATION_ALLOWED = 1.15
TAIL_ALLOWED = 2.0
POOL_SIZE = 10
ADVISED_NEEDED = 0.8
HOLD_UP_SECONDS = 0.4
# A machine whose timers are later than this has no time to spare: it cannot say who is slow.
TIMER_LATE_SECONDS = 0.020
ROUNDS = 6


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


async def timer_lateness(seconds: float) -> float:
    """Return by how many seconds the worst timer of this machine is late meanwhile."""
    late = 0.0
    end = time.monotonic() + seconds
    while (until := time.monotonic() + 0.02) < end:
        await asyncio.sleep(0.02)
        late = max(late, time.monotonic() - until)
    return late


async def load(s: Surroundings, project_id: str) -> tuple[list[Answer], float]:
    """Return the answers to the load of this test, and how late timers were meanwhile."""
    return await asyncio.gather(
        send_load(s.app.port, project_id, RATE, SECONDS), timer_lateness(SECONDS)
    )


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


def require_complete(s: Surroundings, project_id: str, answers: list[Answer]) -> None:
    """Raise CheckError unless every request was answered and every trace is complete."""
    require_status(answers, 200)
    require_decisions(s, project_id, answers)
    require_captures(s, project_id, answers)
    found = outcomes(s, project_id)
    require(None not in found, f"{found.count(None)} consultations are missing")


def undisturbed(measure: Callable[[int], tuple[list[str], float]]) -> None:
    """Measure until nothing is wrong, or until nothing else can be blamed for it.

    measure: takes the number of the round, gives what was wrong and how late timers were.
    Raises CheckError with what was wrong last.
    """
    for number in range(ROUNDS):
        wrong, late = measure(number)
        if not wrong or late < TIMER_LATE_SECONDS:
            break
    busy = f" (timers of this machine are up to {late * 1000:.0f} ms late)"
    require(not wrong, "; ".join(wrong) + busy)


def latency_holds(s: Surroundings) -> str:
    """Load the service as it runs in production."""
    said = ""

    def measure(number: int) -> tuple[list[str], float]:
        nonlocal said
        project_id = f"load-{number}"
        answers, late = asyncio.run(load(s, project_id))
        require_complete(s, project_id, answers)
        medians = [f"{kind} {latency(answers, kind, 0.5) * 1000:.0f} ms" for kind in KINDS]
        said = f"{len(answers)} requests, medians: {', '.join(medians)}"
        wrong = too_slow(answers)
        answered = outcomes(s, project_id).count("answered") / len(answers)
        if answered < ADVISED_NEEDED:
            wrong.append(f"{answered:.0%} of consultations succeeded, needed {ADVISED_NEEDED:.0%}")
        return wrong, late

    with advised(s):
        undisturbed(measure)
        connections = s.cluster.value(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tower_app'"
        )
    require(connections <= POOL_SIZE, f"{connections} connections, allowed {POOL_SIZE}")
    return said


def failure_under_load(s: Surroundings) -> str:
    """Kill Echo Brain in the middle of the load: nobody notices."""
    said = ""

    def measure(number: int) -> tuple[list[str], float]:
        nonlocal said
        project_id = f"load-kill-{number}"
        with advised(s) as echo:
            answers, late = asyncio.run(_kill_halfway(s, echo, project_id))
        require_complete(s, project_id, answers)
        found = outcomes(s, project_id)
        lost = len(found) - found.count("answered")
        require(found.count("answered") > 0 < lost, f"the kill did not show: {found}")
        said = f"{len(answers)} of {len(answers)} answered, {lost} unadvised"
        slow = [a for a in answers if a.seconds > NOMINAL_SECONDS[a.kind] + HOLD_UP_SECONDS]
        wrong = f"{len(slow)} answers took more than {HOLD_UP_SECONDS} s longer"
        return [wrong] if slow else [], late

    undisturbed(measure)
    return said


async def _kill_halfway(
    s: Surroundings, echo: EchoBrain, project_id: str
) -> tuple[list[Answer], float]:
    asyncio.get_running_loop().call_later(SECONDS / 2, echo.kill)
    return await load(s, project_id)


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    (f"{RATE} requests/s cost less than 15 %, and nothing is lost", latency_holds),
    ("the death of Echo Brain under load costs no request", failure_under_load),
]


if __name__ == "__main__":
    sys.exit(run_suite("load-full-integration", CHECKS))
