# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user's way through everything, from the first request to an optimum, through failures."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from tests.report import CheckError
from tests.validation.echo import PAUSE_SECONDS, EchoBrain, outcomes, wait_until_advised
from tests.validation.suite import run_suite
from tests.validation.surroundings import KINDS, Answer, Surroundings, require, require_status

if TYPE_CHECKING:
    from collections.abc import Callable

TRACE = """
SELECT g.kind, g.prompt, g.succeeded, d.decision -> 'parameters', w.workflow, c.outcome, c.advice,
       e.quality_before, e.quality_after
FROM generations g
JOIN generation_decisions d USING (generation_id)
JOIN workflow_captures w USING (generation_id)
JOIN ai_consultations c USING (generation_id)
LEFT JOIN consultation_effectiveness e USING (consultation_id)
WHERE g.generation_id = %s
"""
TABLES = ("generations", "generation_decisions", "workflow_captures", "ai_consultations")
SAMPLERS = {"KSampler", "ImageUpscaleWithModel"}
GOOD_QUALITY = 0.97


class Journey:
    """The Echo Brain of this journey, and what it led to so far."""

    def __init__(self) -> None:
        self.echo: EchoBrain | None = None
        self.kept = 0

    def companion(self) -> EchoBrain:
        """Return Echo Brain. Raises CheckError if the journey has not begun."""
        if self.echo is None:
            raise CheckError("Echo Brain was never started")
        return self.echo


JOURNEY = Journey()


def journey_begins(s: Surroundings) -> None:
    """Start Echo Brain and the service that consults it."""
    JOURNEY.echo = EchoBrain(s)
    JOURNEY.echo.run()
    s.stop()
    s.settings["TOWER_ECHO_BRAIN_URL"] = f"http://127.0.0.1:{JOURNEY.echo.port}"
    s.settings["TOWER_ECHO_BRAIN_PAUSE_MS"] = str(int(PAUSE_SECONDS * 1000))
    s.start()
    s.wait_ready()


def trace(s: Surroundings, answer: Answer, prompt: str) -> tuple[str, float | None]:
    """Return outcome and quality of a generation that all tables agree on. Raises CheckError."""
    rows = s.cluster.rows(TRACE, answer.body["generation_id"])
    require(len(rows) == 1, f"{answer.kind}: {len(rows)} complete traces instead of one")
    kind, kept_prompt, succeeded, decided, workflow, outcome, advice, _, after = rows[0]
    told = answer.body["parameters"]
    require((kind, kept_prompt, succeeded) == (answer.kind, prompt, True), f"kept: {rows[0]}")
    require(decided == told, f"decided {decided}, told {told}")
    sampler = next(n["inputs"] for n in workflow.values() if n["class_type"] in SAMPLERS)
    require(
        (sampler["steps"], sampler["cfg"]) == (told["steps"], told["cfg_scale"]),
        f"the workflow ran with {sampler}, told was {told}",
    )
    if advice is not None:
        followed = {name: told[name] for name in advice}
        require(followed == advice, f"advised {advice}, told {followed}")
    return outcome, after


def every_kind_can_be_traced(s: Surroundings) -> None:
    """Follow one generation of each kind through every table."""
    for kind in KINDS:
        prompt = f"first {kind}"
        answer = s.generate(kind, "journey", prompt)
        require_status([answer], 200)
        outcome, quality = trace(s, answer, prompt)
        require(outcome == "answered" and quality is not None, f"{kind}: {outcome}, {quality}")


def quality_reaches_the_optimum(s: Surroundings) -> str:
    """Generate images until they are as good as they can be."""
    qualities: list[float] = []
    while len(qualities) < 60 and (len(qualities) < 5 or min(qualities[-5:]) < GOOD_QUALITY):
        answer = s.generate("image", "journey-learning", "a red fox")
        require_status([answer], 200)
        _, quality = trace(s, answer, "a red fox")
        qualities.append(quality or 0.0)
    last = statistics.fmean(qualities[-5:])
    require(last >= GOOD_QUALITY, f"after {len(qualities)} generations it is {last:.2f}")
    return f"{qualities[0]:.2f} -> {last:.2f} in {len(qualities)} generations"


def analysis_sees_it_all(s: Surroundings) -> None:
    """Find all of it in the analysis."""
    status, body = s.get("/api/anime/workflows/analysis")
    kept = s.cluster.value("SELECT count(*) FROM workflow_captures")
    require(status == 200 and body["captures"] == kept, f"{status}: {body} instead of {kept}")
    applied = body["optimisations"]["applied"]
    require(applied == ["keep_models"], f"applied: {applied}")


def goes_on_without_echo_brain(s: Surroundings) -> str:
    """Kill Echo Brain, go on, bring it back with all that it knew."""
    echo = JOURNEY.companion()
    learned = echo.learned()["image"]["best"]
    echo.kill()
    for kind in KINDS * 2:
        answer = s.generate(kind, "journey-alone", "alone")
        require_status([answer], 200)
        outcome, _ = trace(s, answer, "alone")
        require(outcome in {"unreachable", "paused"}, f"{kind}: {outcome}")
    echo.run()
    require(echo.learned()["image"]["best"] == learned, "Echo Brain forgot what it knew")
    seconds = wait_until_advised(s, PAUSE_SECONDS + 2)
    return f"advised again after {seconds:.1f} s"


def goes_on_after_the_database_restarts(s: Surroundings) -> None:
    """Restart PostgreSQL: the service says what is wrong and finds it again by itself."""
    s.cluster.stop()
    status, body = s.get("/ready")
    require(status == 503, f"without a database /ready says {status}: {body}")
    require_status([s.generate("upscale", "journey-nodb")], 503)
    s.cluster.start()
    s.wait_ready()
    require_status([s.generate("upscale", "journey-db-again")], 200)


def goes_on_after_a_restart(s: Surroundings) -> None:
    """Restart the service: the next image is as good as the last one was."""
    s.stop()
    s.start()
    s.wait_ready()
    answer = s.generate("image", "journey-restart", "once more")
    require_status([answer], 200)
    _, quality = trace(s, answer, "once more")
    require(quality is not None and quality >= GOOD_QUALITY, f"the quality is {quality}")


def nothing_is_missing(s: Surroundings) -> str:
    """Count: every table has one row for each generation."""
    counts = {table: s.cluster.value(f"SELECT count(*) FROM {table}") for table in TABLES}
    require(len(set(counts.values())) == 1, str(counts))
    require(None not in outcomes(s, "journey-learning"), "a consultation is missing")
    JOURNEY.companion().kill()
    return f"{counts['generations']} generations"


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    ("the service consults Echo Brain", journey_begins),
    ("a generation of every kind can be traced", every_kind_can_be_traced),
    ("quality reaches the optimum", quality_reaches_the_optimum),
    ("the analysis sees it all", analysis_sees_it_all),
    ("it goes on without Echo Brain", goes_on_without_echo_brain),
    ("it goes on after the database restarts", goes_on_after_the_database_restarts),
    ("it goes on after a restart, as good as before", goes_on_after_a_restart),
    ("nothing is missing anywhere", nothing_is_missing),
]


if __name__ == "__main__":
    sys.exit(run_suite("complete-workflow", CHECKS))
