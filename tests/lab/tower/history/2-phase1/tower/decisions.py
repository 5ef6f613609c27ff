# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decision tracking: generation_decisions is the single source of truth on why and how.

The decision is written in the transaction that keeps the generation. So there is no generation
without its decision: if one cannot be written, the client gets an error and neither is kept.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter

from tower.feature import Feature
from tower.generation import DEFAULTS

if TYPE_CHECKING:
    from tower.faults import Faults
    from tower.generation import Generation

DECISIONS = Counter("tower_decisions_total", "Decisions that were kept")


class DecisionTracking(Feature):
    """Keeps the decision behind every generation."""

    def __init__(self, faults: Faults) -> None:
        """The fault lose_decisions (a ratio) makes it forget some, for rehearsals."""
        self._faults = faults

    async def record(self, connection: Any, generation: Generation) -> None:
        """Write the decision next to its generation."""
        if self._faults.hits("lose_decisions"):
            return
        await connection.execute(
            "INSERT INTO generation_decisions"
            " (decision_id, generation_id, project_id, kind, decision)"
            " VALUES ($1, $2, $3, $4, $5::jsonb)",
            uuid.uuid4(),
            generation.generation_id,
            generation.project_id,
            generation.kind,
            json.dumps(describe(generation)),
        )
        generation.recorded.add("decision")

    def committed(self, generation: Generation) -> None:
        """Count a decision once it is certain to stay."""
        if "decision" in generation.recorded:
            DECISIONS.inc()


def describe(generation: Generation) -> dict[str, Any]:
    """Return the decision: what was chosen, where it departs from the defaults, the outcome."""
    chosen = asdict(generation.parameters)
    defaults = asdict(DEFAULTS[generation.kind])
    return {
        "parameters": chosen,
        "changed": sorted(
            name for name in chosen if name != "seed" and chosen[name] != defaults[name]
        ),
        "outcome": "succeeded" if generation.succeeded else "failed",
    }
