# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What captured workflows tell: where the time goes, and what would save how much of it."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tower.comfyui import OPTIMISATIONS, node_key

if TYPE_CHECKING:
    from collections.abc import Sequence

# Below this share of a generation's time a suggestion is not worth anybody's.
WORTHWHILE_RATIO = 0.02


@dataclass(frozen=True)
class Capture:
    """One captured workflow: its nodes, how long each took, and how long all did."""

    kind: str
    workflow: dict[str, Any]
    timings: list[dict[str, Any]]
    seconds: float


def analyse(captures: Sequence[Capture], applied: frozenset[str]) -> dict[str, Any]:
    """Return the figures of each kind, what the applied optimisations gave, and suggestions.

    captures: oldest first, because only what came before can be reused.
    """
    kinds: dict[str, list[Capture]] = defaultdict(list)
    for capture in captures:
        kinds[capture.kind].append(capture)
    return {
        "captures": len(captures),
        "kinds": {kind: describe_kind(kinds[kind]) for kind in sorted(kinds)},
        "optimisations": {
            "applied": sorted(applied),
            "measured": [
                gain
                for kind in sorted(kinds)
                for name in OPTIMISATIONS
                if (gain := measured_gain(name, kind, kinds[kind]))
            ],
        },
        "suggestions": [
            suggestion
            for kind in sorted(kinds)
            for name in OPTIMISATIONS
            if name not in applied and (suggestion := suggest(name, kind, kinds[kind]))
        ],
    }


def describe_kind(captures: Sequence[Capture]) -> dict[str, Any]:
    """Return how long the workflows of one kind took, and each of their nodes, in seconds."""
    total = sum(capture.seconds for capture in captures)
    nodes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for capture in captures:
        for timing in capture.timings:
            nodes[timing["class_type"]].append(timing)
    return {
        "captures": len(captures),
        "mean_seconds": total / len(captures),
        "median_seconds": statistics.median(capture.seconds for capture in captures),
        "nodes": {
            class_type: {
                "runs": len(timings),
                "reused": sum(timing["reused"] for timing in timings),
                "mean_seconds": statistics.fmean(timing["seconds"] for timing in timings),
                "share": sum(timing["seconds"] for timing in timings) / total if total else 0,
            }
            for class_type, timings in nodes.items()
        },
    }


def measured_gain(name: str, kind: str, captures: Sequence[Capture]) -> dict[str, Any] | None:
    """Return how generations that reused something compare with those that reused nothing.

    None while there are not both.
    """
    reused: list[float] = []
    plain: list[float] = []
    for capture in captures:
        saved = any(
            timing["reused"] and timing["class_type"] in OPTIMISATIONS[name]
            for timing in capture.timings
        )
        (reused if saved else plain).append(capture.seconds)
    if not reused or not plain:
        return None
    before, after = statistics.median(plain), statistics.median(reused)
    return {
        "optimisation": name,
        "kind": kind,
        "reused": len(reused),
        "median_seconds_without": before,
        "median_seconds_with": after,
        "saved_ratio": 1 - after / before if before else 0,
    }


def suggest(name: str, kind: str, captures: Sequence[Capture]) -> dict[str, Any] | None:
    """Return what the optimisation would have saved, None if that is not worthwhile."""
    seen: set[str] = set()
    repeats, saved = 0, 0.0
    for capture in captures:
        for timing in capture.timings:
            node = capture.workflow[timing["node"]]
            if timing["class_type"] not in OPTIMISATIONS[name] or timing["reused"]:
                continue
            key = node_key(node)
            if key in seen:
                repeats += 1
                saved += timing["seconds"]
            seen.add(key)
    total = sum(capture.seconds for capture in captures)
    if not total or saved / total < WORTHWHILE_RATIO:
        return None
    return {
        "optimisation": name,
        "kind": kind,
        "reason": f"{repeats} of {len(captures)} generations repeated inputs that were seen before",
        "saves_seconds_per_generation": saved / len(captures),
        "saves_ratio": saved / total,
        "apply": f"add {name} to TOWER_OPTIMISATIONS",
    }
