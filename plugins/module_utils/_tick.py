# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tick of the monitor: what all objectives together said at one moment. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Dict, Iterable, List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample

HELD, UNMEASURED, BREACH = "held", "unmeasured", "breach"
_KINDS = {"pass": HELD, "warn": HELD, "fail": BREACH}


@dataclass(frozen=True)
class Tick:
    """A moment, whether the objectives held then, and why not."""

    at: datetime
    kind: str
    why: str = ""


def read_ticks(objectives: Sequence[str], samples: Iterable[Sample]) -> List[Tick]:
    """Return the ticks in order of time. Samples of other objectives say nothing.

    One objective that fails is a breach, whatever the others say. Otherwise all of them must have
    been measured and held; a verdict that is not known did not hold.
    """
    moments: Dict[datetime, List[Sample]] = {}
    for sample in samples:
        if sample.objective in objectives:
            moments.setdefault(sample.at, []).append(sample)
    return [_tick(objectives, at, moments[at]) for at in sorted(moments)]


def _tick(objectives: Sequence[str], at: datetime, samples: Sequence[Sample]) -> Tick:
    samples = sorted(samples, key=lambda sample: sample.objective)
    worst = _first(samples, BREACH) or _first(samples, UNMEASURED)
    if worst is not None:
        reason = f": {worst.reason}" if worst.reason else ""
        return Tick(at, _kind(worst), f"{worst.objective} {_said(worst.verdict)}{reason}")
    measured = {sample.objective for sample in samples}
    missing = [name for name in objectives if name not in measured]
    if missing:
        return Tick(at, UNMEASURED, f"{', '.join(missing)} not measured")
    return Tick(at, HELD)


def _first(samples: Sequence[Sample], kind: str) -> Optional[Sample]:
    return next((sample for sample in samples if _kind(sample) == kind), None)


def _kind(sample: Sample) -> str:
    return _KINDS.get(sample.verdict, UNMEASURED)


def _said(verdict: str) -> str:
    return {"fail": "failed"}.get(verdict, f"gave {verdict}")
