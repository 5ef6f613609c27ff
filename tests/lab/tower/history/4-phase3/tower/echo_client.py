# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to Echo Brain, and never lets it hold up or spoil a generation."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from tower.breaker import CircuitBreaker

if TYPE_CHECKING:
    from tower.config import Settings
    from tower.faults import Faults
    from tower.generation import Parameters

FAILURES_ALLOWED = 5
# Advice outside these would be expensive or senseless, whoever gave it.
ADVICE_RANGES = {"steps": (1, 100), "cfg_scale": (0.5, 30.0)}
OUTCOMES = ("answered", "timeout", "unreachable", "refused", "nonsense", "paused")


class NonsenseError(Exception):
    """Echo Brain answered what is no advice."""


@dataclass(frozen=True)
class Consulted:
    """What came of asking."""

    outcome: str
    advice: dict[str, float] | None
    seconds: float


class EchoClient:
    """Asks with a timeout, behind a circuit breaker."""

    def __init__(self, url: str, settings: Settings, faults: Faults) -> None:
        """The fault {"echo_brain": "down"} makes Echo Brain unreachable, for rehearsals."""
        self._url = url
        self._faults = faults
        self._timeout = aiohttp.ClientTimeout(total=settings.echo_brain_timeout_seconds)
        self._session: aiohttp.ClientSession | None = None
        self.breaker = CircuitBreaker(FAILURES_ALLOWED, settings.echo_brain_pause_seconds)

    async def start(self) -> None:
        """Prepare; connections are made when they are needed."""
        self._session = aiohttp.ClientSession(timeout=self._timeout)

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def consult(self, kind: str, parameters: Parameters) -> Consulted:
        """Return the advice on parameters, or why there is none; raises nothing."""
        started = time.monotonic()
        outcome, answer = await self._ask("consult", kind, parameters)
        advice = None
        if outcome == "answered":
            try:
                advice = parse_advice(answer)
            except NonsenseError:
                outcome = "nonsense"
        if outcome != "paused":
            # Whoever talks nonsense is left alone for a while, too.
            (self.breaker.succeeded if outcome == "answered" else self.breaker.failed)()
        return Consulted(outcome, advice, time.monotonic() - started)

    async def give_feedback(self, kind: str, parameters: Parameters, quality: float) -> bool:
        """Return whether Echo Brain took in what quality came of parameters."""
        if self.breaker.is_open:
            return False
        outcome, _ = await self._post("feedback", kind, parameters, {"quality": quality})
        return outcome == "answered"

    async def _ask(self, path: str, kind: str, parameters: Parameters) -> tuple[str, Any]:
        if not self.breaker.allows():
            return "paused", None
        return await self._post(path, kind, parameters, {})

    async def _post(
        self, path: str, kind: str, parameters: Parameters, more: dict[str, Any]
    ) -> tuple[str, Any]:
        if self._faults.value("echo_brain") == "down" or self._session is None:
            return "unreachable", None
        body = {"kind": kind, "parameters": asdict(parameters), **more}
        try:
            async with self._session.post(f"{self._url}/{path}", json=body) as answer:
                if answer.status != 200:
                    return "refused", None
                return "answered", await answer.json(content_type=None)
        except TimeoutError:
            return "timeout", None
        except ValueError:
            return "nonsense", None
        except (aiohttp.ClientError, OSError):
            return "unreachable", None


def parse_advice(answer: Any) -> dict[str, float]:
    """Return the advice in an answer. Raises NonsenseError unless all of it can be used."""
    advice = answer.get("advice") if isinstance(answer, dict) else None
    if not isinstance(advice, dict) or set(advice) != set(ADVICE_RANGES):
        raise NonsenseError(f"advice must be on {', '.join(ADVICE_RANGES)}")
    for name, (least, most) in ADVICE_RANGES.items():
        value = advice[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NonsenseError(f"{name} must be a number")
        if not least <= value <= most:
            raise NonsenseError(f"{name} must be from {least} to {most}, got {value}")
    return {"steps": float(round(advice["steps"])), "cfg_scale": float(advice["cfg_scale"])}
