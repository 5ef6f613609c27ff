# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consultation: Echo Brain advises on parameters, learns from what came of it, and may be away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Gauge, Histogram, Summary

from tower.echo_client import OUTCOMES, EchoClient
from tower.feature import Feature
from tower.generation import KINDS
from tower.quality import quality

if TYPE_CHECKING:
    from tower.config import Settings
    from tower.faults import Faults
    from tower.generation import Generation, Parameters

CONSULTATIONS = Counter("tower_consultations_total", "Consultations by outcome", ("outcome",))
SECONDS = Histogram(
    "tower_consultation_seconds",
    "Seconds that a generation waited for advice",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1),
)
QUALITY = Summary("tower_quality_score", "Quality of what was generated, 0 to 1", ("kind",))
PAUSED = Gauge("tower_echo_brain_paused", "1 while Echo Brain is not asked because it failed")
FEEDBACK = Counter("tower_feedback_total", "Feedback by outcome", ("outcome",))
FEEDBACK_LIMIT = 1000


class Consultation(Feature):
    """Asks for advice before each generation; without Echo Brain it is none of its business."""

    def __init__(self, settings: Settings, faults: Faults) -> None:
        """The fault lose_consultations (a ratio) makes it forget some, for rehearsals."""
        self._faults = faults
        self._client: EchoClient | None = None
        if settings.echo_brain_url:
            self._client = EchoClient(settings.echo_brain_url, settings, faults)
        self._feedback: asyncio.Queue[tuple[str, Parameters, float]] | None = None
        self._sender: asyncio.Task[None] | None = None
        for outcome in OUTCOMES:
            CONSULTATIONS.labels(outcome)
        for kind in KINDS:
            QUALITY.labels(kind)

    async def start(self) -> None:
        """Start to send feedback."""
        if self._client is None:
            return
        await self._client.start()
        self._feedback = asyncio.Queue(FEEDBACK_LIMIT)
        self._sender = asyncio.create_task(self._send_feedback(self._client, self._feedback))

    async def stop(self) -> None:
        """Stop; feedback that has not been sent is not worth waiting for."""
        if self._sender is not None:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
        if self._client is not None:
            await self._client.stop()

    async def prepare(self, generation: Generation) -> None:
        """Let Echo Brain advise on the parameters; without advice they stay as they are."""
        if self._client is None:
            return
        unadvised = generation.parameters
        consulted = await self._client.consult(generation.kind, unadvised)
        if consulted.advice is not None:
            generation.parameters = replace(
                unadvised,
                steps=int(consulted.advice["steps"]),
                cfg_scale=consulted.advice["cfg_scale"],
            )
        CONSULTATIONS.labels(consulted.outcome).inc()
        SECONDS.observe(consulted.seconds)
        PAUSED.set(self._client.breaker.is_open)
        generation.consulted = (unadvised, consulted)

    async def record(self, connection: Any, generation: Generation) -> None:
        """Write what was asked, what was advised, and what came of it."""
        if generation.consulted is None or self._faults.hits("lose_consultations"):
            return
        unadvised, consulted = generation.consulted
        consultation_id = uuid.uuid4()
        await connection.execute(
            "INSERT INTO ai_consultations"
            " (consultation_id, generation_id, project_id, kind, question, advice,"
            " succeeded, outcome, seconds)"
            " VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9)",
            consultation_id,
            generation.generation_id,
            generation.project_id,
            generation.kind,
            json.dumps(asdict(unadvised)),
            json.dumps(consulted.advice) if consulted.advice is not None else None,
            consulted.advice is not None,
            consulted.outcome,
            consulted.seconds,
        )
        if consulted.advice is not None and generation.succeeded:
            await self._record_effect(connection, consultation_id, generation, unadvised)

    async def _record_effect(
        self,
        connection: Any,
        consultation_id: uuid.UUID,
        generation: Generation,
        unadvised: Parameters,
    ) -> None:
        before = quality(generation.kind, unadvised)
        after = quality(generation.kind, generation.parameters)
        await connection.execute(
            "INSERT INTO consultation_effectiveness"
            " (consultation_id, kind, quality_before, quality_after, improved)"
            " VALUES ($1, $2, $3, $4, $5)",
            consultation_id,
            generation.kind,
            before,
            after,
            after > before,
        )

    def committed(self, generation: Generation) -> None:
        """Rate what was generated, and let Echo Brain know."""
        if not generation.succeeded:
            return
        rating = quality(generation.kind, generation.parameters)
        QUALITY.labels(generation.kind).observe(rating)
        if self._feedback is None:
            return
        try:
            self._feedback.put_nowait((generation.kind, generation.parameters, rating))
        except asyncio.QueueFull:
            FEEDBACK.labels("dropped").inc()

    async def _send_feedback(
        self, client: EchoClient, queue: asyncio.Queue[tuple[str, Parameters, float]]
    ) -> None:
        while True:
            taken_in = await client.give_feedback(*await queue.get())
            FEEDBACK.labels("sent" if taken_in else "dropped").inc()
