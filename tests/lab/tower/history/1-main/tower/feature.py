# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a feature can do around a generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from tower.generation import Generation


class Feature:
    """A feature overrides what it needs; the service calls each in the order of features.py."""

    async def start(self) -> None:
        """Get ready, once the service is about to listen."""

    async def stop(self) -> None:
        """Let go of everything, once the last request is answered."""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes that this feature answers."""
        return []

    async def prepare(self, generation: Generation) -> None:
        """Change a generation before the work begins."""

    async def record(self, connection: Any, generation: Generation) -> None:
        """Write in the transaction that keeps the generation; an exception undoes it."""

    def committed(self, generation: Generation) -> None:
        """Follow up on a generation that has been kept; must be quick and must not raise."""
