# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side of Echo Brain."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from echo_brain.learner import Learner, dump, load, within_ranges

if TYPE_CHECKING:
    from pathlib import Path

LOG = logging.getLogger(__name__)
BODY_LIMIT_BYTES = 16 * 1024
KINDS_LIMIT = 16


class EchoBrain:
    """Gives advice and takes feedback; what it has learned outlives it in a file."""

    def __init__(self, state_path: Path) -> None:
        """Go on from what state_path holds; begin anew if that cannot be read."""
        self._state_path = state_path
        self._learners: dict[str, Learner] = {}
        try:
            self._learners = load(json.loads(state_path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            LOG.info("%s does not exist yet: nothing learned so far", state_path)
        except (OSError, ValueError, TypeError, AttributeError) as exc:
            LOG.error("%s cannot be read, learning begins anew: %s", state_path, exc)

    def application(self) -> web.Application:
        """Return the application with all its routes."""
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.add_routes(
            [
                web.get("/health", self.health),
                web.post("/consult", self.consult),
                web.post("/feedback", self.feedback),
            ]
        )
        return app

    async def health(self, _request: web.Request) -> web.Response:
        """Answer what has been learned so far."""
        return web.json_response({"status": "ok", "learned": dump(self._learners)})

    async def consult(self, request: web.Request) -> web.Response:
        """Answer {"kind", "parameters"} with advice on some of these parameters."""
        kind, parameters, _ = await _read(request)
        if kind not in self._learners and len(self._learners) >= KINDS_LIMIT:
            raise web.HTTPBadRequest(text=f"no more than {KINDS_LIMIT} kinds")
        learner = self._learners.setdefault(kind, Learner(best=parameters))
        return web.json_response({"advice": learner.advice(), "settled": learner.resting})

    async def feedback(self, request: web.Request) -> web.Response:
        """Learn from {"kind", "parameters", "quality"}."""
        kind, parameters, body = await _read(request)
        quality = body.get("quality")
        if isinstance(quality, bool) or not isinstance(quality, int | float):
            raise web.HTTPBadRequest(text="quality must be a number")
        if not 0 <= quality <= 1:
            raise web.HTTPBadRequest(text=f"quality must be from 0 to 1, got {quality}")
        learner = self._learners.setdefault(kind, Learner(best=parameters))
        before = dump({kind: learner})
        learner.learn(parameters, float(quality))
        if dump({kind: learner}) != before:
            self._save()
        return web.json_response({"settled": learner.resting})

    def _save(self) -> None:
        partial = self._state_path.with_name(f"{self._state_path.name}.partial")
        try:
            partial.write_text(json.dumps(dump(self._learners)), encoding="utf-8")
            partial.replace(self._state_path)
        except OSError as exc:
            LOG.error("what was learned could not be saved: %s", exc)


async def _read(request: web.Request) -> tuple[str, dict[str, float], dict[str, Any]]:
    """Return kind, parameters and the whole body. Raises HTTPBadRequest."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as exc:
        raise web.HTTPBadRequest(text="the body is not JSON") from exc
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
        raise web.HTTPBadRequest(text="the body must be an object with a kind")
    parameters = within_ranges(body.get("parameters"))
    if parameters is None:
        raise web.HTTPBadRequest(text="parameters must have steps and cfg_scale within range")
    return body["kind"], parameters, body
