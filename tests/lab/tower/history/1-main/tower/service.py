# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side of the service."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tower import metrics
from tower.database import DATABASE_ERRORS, Database, SchemaError
from tower.faults import Faults
from tower.features import all_features
from tower.generation import KINDS, Generation, InvalidRequestError, parse_request
from tower.pipeline import Pipeline

if TYPE_CHECKING:
    from tower.config import Settings

LOG = logging.getLogger(__name__)
BODY_LIMIT_BYTES = 64 * 1024


class Service:
    """Answers requests; one per process."""

    def __init__(self, settings: Settings) -> None:
        """Put the parts together; nothing is connected yet."""
        self._settings = settings
        self._faults = Faults(settings.faults_path)
        self._database = Database(settings.database_url, settings.root / "migrations" / "versions")
        self._features = all_features(settings, self._database, self._faults)
        self._pipeline = Pipeline(settings, self._database, self._faults, self._features)
        metrics.prepare(settings.release)

    def application(self) -> web.Application:
        """Return the application with all its routes."""
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/ready", self.ready),
                web.get("/metrics", self.metrics),
                web.post("/api/anime/generate/{kind}", self.generate),
            ]
        )
        for feature in self._features:
            app.add_routes(feature.routes())
        app.on_startup.append(self._start)
        app.on_cleanup.append(self._stop)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        """Answer whether the process is alive; asks nobody else."""
        about = {
            "release": self._settings.release,
            "environment": self._settings.environment,
        }
        if self._faults.value("unhealthy"):
            return web.json_response(
                {"status": "unhealthy", "reason": "told so by the faults file", **about},
                status=503,
            )
        return web.json_response({"status": "ok", **about})

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer whether generations can be served, and if not, why."""
        if self._faults.value("unhealthy"):
            return _not_ready("told so by the faults file")
        try:
            revision = await self._database.check_schema()
        except SchemaError as exc:
            return _not_ready(str(exc))
        except DATABASE_ERRORS as exc:
            LOG.warning("not ready: %r", exc)
            return _not_ready(f"the database does not answer: {type(exc).__name__}")
        return web.json_response(
            {
                "status": "ready",
                "release": self._settings.release,
                "schema": revision,
                "schema_wanted": self._database.wanted_revision,
            }
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        """Answer Prometheus."""
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def generate(self, request: web.Request) -> web.Response:
        """Generate, and answer only once the generation is kept."""
        started = time.monotonic()
        kind = request.match_info["kind"]
        if kind not in KINDS:
            error = f"there is no kind {kind!r}, only {', '.join(KINDS)}"
            return web.json_response({"error": error}, status=404)
        try:
            generation = parse_request(kind, await _json_body(request))
        except InvalidRequestError as exc:
            metrics.GENERATIONS.labels(kind, "rejected").inc()
            return web.json_response({"error": str(exc)}, status=400)
        try:
            await self._pipeline.generate(generation)
        except DATABASE_ERRORS as exc:
            LOG.error("generation %s was not kept: %r", generation.generation_id, exc)
            metrics.GENERATIONS.labels(kind, "error").inc()
            error = f"the generation could not be kept: {type(exc).__name__}"
            return web.json_response({"error": error}, status=503)
        finally:
            metrics.GENERATION_SECONDS.labels(kind).observe(time.monotonic() - started)
        return self._answer(generation)

    def _answer(self, generation: Generation) -> web.Response:
        outcome = "ok" if generation.succeeded else "failed"
        metrics.GENERATIONS.labels(generation.kind, outcome).inc()
        answer = {
            "generation_id": str(generation.generation_id),
            "kind": generation.kind,
            "project_id": generation.project_id,
            "release": self._settings.release,
            "parameters": asdict(generation.parameters),
        }
        if not generation.succeeded:
            answer["error"] = "the generation failed"
        return web.json_response(answer, status=200 if generation.succeeded else 500)

    async def _start(self, _app: web.Application) -> None:
        await self._database.start()
        for feature in self._features:
            await feature.start()

    async def _stop(self, _app: web.Application) -> None:
        for feature in reversed(self._features):
            await feature.stop()
        await self._database.stop()


def _not_ready(reason: str) -> web.Response:
    return web.json_response({"status": "not ready", "reason": reason}, status=503)


async def _json_body(request: web.Request) -> Any:
    """Return the body. Raises InvalidRequestError if it is no JSON."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as exc:
        raise InvalidRequestError("the body is not JSON") from exc
