# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow capture: what ran for each generation, and for how long; and what follows from it."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web
from prometheus_client import Counter

from tower.analysis import Capture, analyse
from tower.comfyui import build_workflow
from tower.database import DATABASE_ERRORS
from tower.feature import Feature

if TYPE_CHECKING:
    from tower.config import Settings
    from tower.database import Database
    from tower.faults import Faults
    from tower.generation import Generation

CAPTURES = Counter("tower_workflow_captures_total", "Workflows that were captured")
REUSED = Counter("tower_workflow_nodes_reused_total", "Nodes that an optimisation saved")
# Enough for sound figures, few enough to be answered at once.
CAPTURES_READ = 2000
WINDOW_LIMIT_MINUTES = 7 * 24 * 60
READ = """
SELECT kind, workflow, timings, seconds FROM workflow_captures
WHERE captured_at > now() - make_interval(mins => $1)
ORDER BY captured_at DESC LIMIT $2
"""


class WorkflowCapture(Feature):
    """Captures the workflow of every generation of every kind, and answers what they tell."""

    def __init__(self, settings: Settings, database: Database, faults: Faults) -> None:
        """The fault lose_captures (a ratio) makes it forget some, for rehearsals."""
        self._optimisations = settings.optimisations
        self._database = database
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        """Return the route of the analysis."""
        return [web.get("/api/anime/workflows/analysis", self.analysis)]

    async def record(self, connection: Any, generation: Generation) -> None:
        """Write the workflow and its timings next to the generation."""
        if self._faults.hits("lose_captures"):
            return
        await connection.execute(
            "INSERT INTO workflow_captures"
            " (capture_id, generation_id, kind, workflow, timings, seconds)"
            " VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6)",
            uuid.uuid4(),
            generation.generation_id,
            generation.kind,
            json.dumps(build_workflow(generation)),
            json.dumps([asdict(run) for run in generation.runs]),
            sum(run.seconds for run in generation.runs),
        )
        generation.recorded.add("workflow")

    def committed(self, generation: Generation) -> None:
        """Count a capture once it is certain to stay."""
        if "workflow" in generation.recorded:
            CAPTURES.inc()
            REUSED.inc(sum(run.reused for run in generation.runs))

    async def analysis(self, request: web.Request) -> web.Response:
        """Answer where the time goes and what would save some."""
        minutes = request.query.get("minutes", "60")
        if not (minutes.isdecimal() and 0 < int(minutes) <= WINDOW_LIMIT_MINUTES):
            error = f"minutes must be from 1 to {WINDOW_LIMIT_MINUTES}, got {minutes!r}"
            return web.json_response({"error": error}, status=400)
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch(READ, int(minutes), CAPTURES_READ)
        except DATABASE_ERRORS as exc:
            error = f"the captures could not be read: {type(exc).__name__}"
            return web.json_response({"error": error}, status=503)
        # Thousands of captures take a while to read: generations must not wait for it.
        found = await asyncio.to_thread(self._analyse, rows)
        return web.json_response({"minutes": int(minutes), **found})

    def _analyse(self, rows: list[Any]) -> dict[str, Any]:
        captures = [
            Capture(
                row["kind"], json.loads(row["workflow"]), json.loads(row["timings"]), row["seconds"]
            )
            for row in reversed(rows)
        ]
        return analyse(captures, self._optimisations)
