# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping what was measured, so that it can be judged again, by the same objectives or by others.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import date
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._baseline import (
    Baseline,
    read_baselines,
    read_samples,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
    to_number,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Measurement,
    Window,
)

NEEDED = "it must be a saved result of this module, with measurements, baselines and judged_on"


class Measured(NamedTuple):
    """All that judging needs besides the objectives. judged_on: the date in UTC."""

    measurements: Mapping[str, Measurement]
    baselines: Mapping[str, Baseline]
    judged_on: date


def save(measured: Measured) -> Dict[str, Any]:
    """Return what was measured, ready for JSON: NaN and infinity are written as texts."""
    return {
        "measurements": {
            name: _plain(asdict(measurement)) for name, measurement in measured.measurements.items()
        },
        "baselines": {
            name: _plain({**baseline._asdict(), "verdict": _word(baseline)})
            for name, baseline in measured.baselines.items()
        },
        "judged_on": measured.judged_on.isoformat(),
    }


def load(raw: Any) -> Measured:
    """Return what was measured from a saved result. Raises ShapeError."""
    fields = Fields(raw, "replay")
    measurements = fields.section("measurements", NEEDED)
    baselines = fields.section("baselines", NEEDED)
    day = fields.raw.get("judged_on")
    try:
        judged_on = date.fromisoformat(str(day))
    except ValueError:
        raise ShapeError(fields.at("judged_on"), day, NEEDED) from None
    return Measured(
        {
            name: _measurement(Fields(one, measurements.at(name)))
            for name, one in measurements.raw.items()
        },
        read_baselines(baselines.raw, baselines.path),
        judged_on,
    )


def _measurement(fields: Fields) -> Measurement:
    numbers = ("value", "good", "total", "samples", "seconds")
    texts = ("unit", "note", "error", "asked")
    fields.only(*numbers, *texts, "values", "windows")
    samples = _number(fields, "samples")
    return Measurement(
        value=_number(fields, "value"),
        good=_number(fields, "good"),
        total=_number(fields, "total"),
        samples=None if samples is None or not math.isfinite(samples) else int(samples),
        seconds=_number(fields, "seconds"),
        unit=fields.optional_text("unit"),
        note=fields.optional_text("note"),
        error=fields.optional_text("error"),
        asked=fields.optional_text("asked"),
        values=read_samples(fields, "values"),
        windows=tuple(
            _window(Fields(one, f"{fields.at('windows')}[{index}]"))
            for index, one in enumerate(fields.raw.get("windows") or [])
        ),
    )


def _window(fields: Fields) -> Window:
    fields.only("name", "good", "total")
    name = fields.text("name", "it must be how long the window is, such as 5m")
    return Window(name, _number(fields, "good"), _number(fields, "total"))


def _number(fields: Fields, key: str) -> Optional[float]:
    raw = fields.raw.get(key)
    return None if raw is None else to_number(raw, fields.at(key))


def _word(baseline: Baseline) -> Optional[str]:
    return baseline.verdict.value if baseline.verdict else None


def _plain(value: Any) -> Any:
    """Return the value as JSON has it."""
    if isinstance(value, Window):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
