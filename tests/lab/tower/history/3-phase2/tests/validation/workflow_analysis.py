# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates the workflow analysis: sound figures, sound suggestions, and gains that are real."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from tests.report import CheckError
from tests.validation.suite import run_suite
from tests.validation.surroundings import KINDS, Surroundings, require, require_status

if TYPE_CHECKING:
    from collections.abc import Callable

ANALYSIS = "/api/anime/workflows/analysis"
# What loading a model takes of each kind, which keeping it loaded must save.
MODEL_SECONDS = {"image": 0.030, "video": 0.050, "upscale": 0.020}
ROUNDS = 6
# A busy machine can hide a gain, but not make one up.
TRIES = 3
LOADS = """
SELECT timing -> 'seconds' FROM workflow_captures, jsonb_array_elements(timings) AS timing
WHERE kind = %s AND timing ->> 'class_type' IN ('CheckpointLoaderSimple', 'UpscaleModelLoader')
ORDER BY captured_at
"""
BULK = """
INSERT INTO generations (generation_id, kind, prompt, project_id, release, succeeded)
SELECT gen_random_uuid(), 'image', 'bulk', 'bulk', 'bulk', true FROM generate_series(1, 5000);
INSERT INTO workflow_captures (capture_id, generation_id, kind, workflow, timings, seconds)
SELECT gen_random_uuid(), g.generation_id, c.kind, c.workflow, c.timings, c.seconds
FROM generations g, (SELECT * FROM workflow_captures WHERE kind = 'image' LIMIT 1) c
WHERE g.project_id = 'bulk';
"""


class Measured:
    """The fastest that the client saw with each set of optimisations, in seconds.

    The fastest, because a busy machine only adds to what a generation takes.
    """

    def __init__(self) -> None:
        self.fastest: dict[str, dict[str, float]] = {}

    def run(self, s: Surroundings, optimisations: str, prompt: str = "") -> dict[str, Any]:
        """Generate with these optimisations on empty tables; return the analysis."""
        s.stop()
        s.cluster.execute("TRUNCATE generations CASCADE")
        s.settings["TOWER_OPTIMISATIONS"] = optimisations
        s.start()
        seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(ROUNDS):
            for kind in KINDS:
                answer = s.generate(kind, "analysis", prompt or f"fox number {number}")
                require_status([answer], 200)
                seconds[kind].append(answer.seconds)
        self.fastest[optimisations + prompt] = {
            kind: min(values) for kind, values in seconds.items()
        }
        return analysis(s)


def analysis(s: Surroundings, query: str = "") -> dict[str, Any]:
    """Return the analysis. Raises CheckError if there is none."""
    status, body = s.get(ANALYSIS + query)
    require(status == 200, f"the analysis answered {status}: {body}")
    result: dict[str, Any] = body
    return result


def suggested(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the suggestions by optimisation and kind."""
    return {(each["optimisation"], each["kind"]): each for each in found["suggestions"]}


MEASURED = Measured()


def nothing_suggests_nothing(s: Surroundings) -> None:
    """Ask before anything was captured, and ask nonsense."""
    found = analysis(s)
    require(found["captures"] == 0, f"it claims {found['captures']} captures")
    require(not found["suggestions"], f"it suggests {found['suggestions']}")
    for query in ("?minutes=0", "?minutes=soon", "?minutes=-5", "?minutes=999999"):
        status, _ = s.get(ANALYSIS + query)
        require(status == 400, f"{query} was answered with {status}")


def figures_match_the_table(s: Surroundings) -> None:
    """Compute the figures from the table and compare."""
    found = MEASURED.run(s, "")
    for kind in KINDS:
        count, mean = s.cluster.rows(
            "SELECT count(*), avg(seconds) FROM workflow_captures WHERE kind = %s", kind
        )[0]
        figures = found["kinds"][kind]
        require(
            figures["captures"] == count == ROUNDS and abs(figures["mean_seconds"] - mean) < 1e-6,
            f"{kind}: {count} captures of {mean} s, the analysis says {figures}",
        )
        shares = sum(node["share"] for node in figures["nodes"].values())
        require(abs(shares - 1) < 1e-6, f"{kind}: the shares of the nodes add up to {shares}")


def models_are_suggested(s: Surroundings) -> str:
    """Expect one suggestion per kind: keep the model loaded, with what it really saves."""
    suggestions = suggested(analysis(s))
    expected = {("keep_models", kind) for kind in KINDS}
    require(set(suggestions) == expected, f"it suggests {sorted(suggestions)}")
    for kind, seconds in MODEL_SECONDS.items():
        promised = suggestions["keep_models", kind]["saves_seconds_per_generation"]
        # All but the first generation load what was loaded before.
        loads = [float(row[0]) for row in s.cluster.rows(LOADS, kind)]
        real = sum(loads[1:]) / len(loads)
        require(
            abs(promised - real) < 1e-6 and min(loads) >= seconds * 0.95,
            f"{kind}: it promises {promised:.4f} s, loading took {real:.4f} s of {loads}",
        )
    return ", ".join(f"{kind} {each['saves_ratio']:.0%}" for (_, kind), each in suggestions.items())


def keeping_models_helps(s: Surroundings) -> str:
    """Apply the suggestion: clients see the gain, the analysis measures it and stops asking."""
    found = MEASURED.run(s, "keep_models")
    require(not found["suggestions"], f"it still suggests {sorted(suggested(found))}")
    gains = {each["kind"]: each["saved_ratio"] for each in found["optimisations"]["measured"]}
    require(set(gains) == set(KINDS), f"it measured gains of {sorted(gains)} only")
    require(min(gains.values()) > 0, f"it measured no gain: {gains}")
    for _ in range(TRIES):
        before, after = MEASURED.fastest[""], MEASURED.fastest["keep_models"]
        said = [
            f"{kind} {before[kind] * 1000:.0f} -> {after[kind] * 1000:.0f} ms" for kind in KINDS
        ]
        if all(before[kind] - after[kind] > MODEL_SECONDS[kind] * 0.7 for kind in KINDS):
            return ", ".join(said)
        MEASURED.run(s, "")
        MEASURED.run(s, "keep_models")
    raise CheckError(f"clients do not see the gain: {', '.join(said)}")


def prompts_are_suggested_when_repeated(s: Surroundings) -> None:
    """Repeat one prompt: expect the other optimisation, for the kinds that have prompts."""
    suggestions = suggested(MEASURED.run(s, "keep_models", "the same fox"))
    expected = {("reuse_prompts", "image"), ("reuse_prompts", "video")}
    require(set(suggestions) == expected, f"it suggests {sorted(suggestions)}")


def reusing_prompts_helps(s: Surroundings) -> str:
    """Apply that one too."""
    for _ in range(TRIES):
        found = MEASURED.run(s, "keep_models,reuse_prompts", "the same fox")
        require(not found["suggestions"], f"it still suggests {sorted(suggested(found))}")
        before = MEASURED.fastest["keep_modelsthe same fox"]["image"]
        after = MEASURED.fastest["keep_models,reuse_promptsthe same fox"]["image"]
        if before - after > 0.010:
            return f"image {before * 1000:.0f} -> {after * 1000:.0f} ms"
    raise CheckError(f"image: {before:.3f} s before, {after:.3f} s after")


def analysis_is_responsive(s: Surroundings) -> str:
    """Ask with thousands of captures, while generations go on undisturbed."""
    s.cluster.execute(BULK)
    started = time.monotonic()
    found = analysis(s)
    seconds = time.monotonic() - started
    require(found["captures"] == 2000, f"it read {found['captures']} captures")
    require(seconds < 1, f"it took {seconds:.2f} s, allowed is 1 s")
    return f"{found['captures']} captures in {seconds * 1000:.0f} ms"


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    ("nothing captured, nothing suggested; nonsense is refused", nothing_suggests_nothing),
    ("the figures match the table", figures_match_the_table),
    ("it suggests to keep models, with the real saving", models_are_suggested),
    ("keeping models saves what was promised", keeping_models_helps),
    ("it suggests to reuse prompts exactly when they repeat", prompts_are_suggested_when_repeated),
    ("reusing prompts saves time too", reusing_prompts_helps),
    ("the analysis is responsive", analysis_is_responsive),
]


if __name__ == "__main__":
    sys.exit(run_suite("workflow-analysis", CHECKS))
