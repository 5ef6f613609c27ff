# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service answers sensibly even when there is no database at all."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import AioHTTPTestCase

from tower.config import Settings
from tower.service import Service

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://tower_app@127.0.0.1:1/nowhere"


class WithoutDatabaseTest(AioHTTPTestCase):
    async def get_application(self) -> web.Application:
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.faults = Path(folder.name) / "faults.json"
        settings = Settings(NOWHERE, "test", 8000, self.faults, "0123abcd", ROOT)
        return Service(settings).application()

    async def post(self, kind: str, body: str) -> tuple[int, str]:
        answer = await self.client.post(f"/api/anime/generate/{kind}", data=body)
        return answer.status, (await answer.json())["error"]

    async def test_it_is_alive_but_not_ready(self) -> None:
        health = await self.client.get("/health")
        self.assertEqual((health.status, (await health.json())["release"]), (200, "0123abcd"))
        ready = await self.client.get("/ready")
        self.assertEqual(ready.status, 503)
        self.assertIn("database", (await ready.json())["reason"])

    async def test_health_can_be_told_to_be_red(self) -> None:
        self.faults.write_text('{"unhealthy": true}', encoding="utf-8")
        statuses = [(await self.client.get(path)).status for path in ("/health", "/ready")]
        self.assertEqual(statuses, [503, 503])

    async def test_what_makes_no_sense_is_refused(self) -> None:
        self.assertEqual((await self.post("image", "{"))[0], 400)
        self.assertEqual((await self.post("image", "[]"))[0], 400)
        self.assertEqual((await self.post("sculpture", "{}"))[0], 404)

    async def test_what_cannot_be_kept_is_an_error(self) -> None:
        body = json.dumps({"prompt": "a red fox", "project_id": "p"})
        status, error = await self.post("upscale", body)
        self.assertEqual(status, 503)
        self.assertIn("could not be kept", error)

    async def test_every_counter_is_there_from_the_start(self) -> None:
        text = await (await self.client.get("/metrics")).text()
        self.assertIn('tower_generations_total{kind="video",outcome="ok"}', text)
        self.assertIn('tower_build_info{release="0123abcd"} 1.0', text)
