# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples: what the monitor measured of one objective at one moment.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._mask import mask_text
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict


@dataclass(frozen=True)
class Sample:
    """One row of the monitor. at: the tick's time, the same for all that was measured with it."""

    phase: str
    objective: str
    at: datetime
    value: Optional[float]
    unit: Optional[str]
    verdict: str
    reason: Optional[str]


def read_moment(raw: object, path: str) -> datetime:
    """Return a moment written in ISO 8601 with its offset from UTC. Raises ShapeError."""
    needed = "it must be a time with its offset from UTC, such as 2026-01-31T12:00:00Z"
    try:
        at = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ShapeError(path, raw, needed)
    return at.astimezone(timezone.utc)


def read_samples(results: Sequence[Any], phase: str, at: datetime) -> List[Sample]:
    """Return the results of slo_check as samples of one tick. Raises ShapeError."""
    samples: List[Sample] = []
    for index, raw in enumerate(results):
        sample = _sample(Fields(raw, f"results[{index}]"), phase, at)
        if any(sample.objective == other.objective for other in samples):
            raise ShapeError(
                f"results[{index}].name", sample.objective, "each objective counts once in a tick"
            )
        samples.append(sample)
    return samples


def _sample(fields: Fields, phase: str, at: datetime) -> Sample:
    reason = fields.optional_text("reason")
    return Sample(
        phase=phase,
        objective=fields.text("name", "it must be the name of an objective"),
        at=at,
        value=_value(fields.raw),
        unit=fields.optional_text("unit"),
        verdict=fields.choice("verdict", [verdict.value for verdict in Verdict]),
        reason=mask_text(reason) if reason else None,
    )


def _value(raw: Mapping[str, Any]) -> Optional[float]:
    """Return the number that was measured; what is no finite number is none."""
    value = raw.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
