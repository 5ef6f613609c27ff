# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One generation, from the request to the commit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tower.comfyui import ComfyUI

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower.config import Settings
    from tower.database import Database
    from tower.faults import Faults
    from tower.feature import Feature
    from tower.generation import Generation


class Pipeline:
    """Generates and keeps what was generated."""

    def __init__(
        self, settings: Settings, database: Database, faults: Faults, features: Sequence[Feature]
    ) -> None:
        """Keep generations in database; features see each of them in their order."""
        self._release = settings.release
        self._database = database
        self._faults = faults
        self._features = features
        self._comfyui = ComfyUI()

    async def generate(self, generation: Generation) -> None:
        """Do the work and keep the generation, also one that failed.

        Sets generation.succeeded. Raises one of DATABASE_ERRORS if it could not be kept.
        """
        for feature in self._features:
            await feature.prepare(generation)
        await asyncio.sleep(self._faults.delay_seconds())
        generation.runs = await self._comfyui.run(generation)
        generation.succeeded = not self._faults.hits("fail")
        async with self._database.transaction() as connection:
            await self._keep(connection, generation)
            for feature in self._features:
                await feature.record(connection, generation)
        for feature in self._features:
            feature.committed(generation)

    async def _keep(self, connection: Any, generation: Generation) -> None:
        await connection.execute(
            "INSERT INTO generations"
            " (generation_id, kind, prompt, project_id, release, succeeded)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            generation.generation_id,
            generation.kind,
            generation.prompt,
            generation.project_id,
            self._release,
            generation.succeeded,
        )
