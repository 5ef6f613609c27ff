# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures that Prometheus scrapes."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from tower.generation import KINDS

OUTCOMES = ("ok", "failed", "rejected", "error")
# Fine where the three kinds usually are (0.10, 0.15, 0.25 s), coarse elsewhere.
SECONDS = (
    *(0.05, 0.075, 0.09, 0.1, 0.105, 0.11, 0.12, 0.135, 0.15, 0.155, 0.16, 0.17, 0.185),
    *(0.2, 0.225, 0.25, 0.255, 0.265, 0.28, 0.3, 0.35, 0.4, 0.5, 0.75, 1, 2, 5),
)

GENERATIONS = Counter(
    "tower_generations_total",
    "Generations by kind and outcome: ok, failed (the work), rejected (the request), "
    "error (nothing was kept)",
    ("kind", "outcome"),
)
GENERATION_SECONDS = Histogram(
    "tower_generation_seconds",
    "Seconds from the request to the answer",
    ("kind",),
    buckets=SECONDS,
)
BUILD_INFO = Gauge("tower_build_info", "The release that runs", ("release",))


def prepare(release: str) -> None:
    """Show every counter from the start: a rate cannot see a counter's first step otherwise."""
    BUILD_INFO.labels(release).set(1)
    for kind in KINDS:
        GENERATION_SECONDS.labels(kind)
        for outcome in OUTCOMES:
            GENERATIONS.labels(kind, outcome)
