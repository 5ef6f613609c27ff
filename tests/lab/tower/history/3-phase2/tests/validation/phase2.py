# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase 2: every generation of every kind leaves its workflow, beside its decision."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg2

from tests.report import CheckError
from tests.validation.phase1 import REQUESTS, require_decisions
from tests.validation.surroundings import (
    KINDS,
    Answer,
    Surroundings,
    require,
    require_status,
    require_usual_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURES_OF = """
SELECT g.generation_id::text, c.kind, c.workflow, c.timings, c.seconds
FROM generations g LEFT JOIN workflow_captures c USING (generation_id)
WHERE g.project_id = %s
"""
# What a generation takes at least when its model is loaded already.
USUAL_SECONDS = {"image": 0.115, "video": 0.195, "upscale": 0.075}
CLASSES = {
    "image": ["CheckpointLoaderSimple", "CLIPTextEncode", "KSampler", "VAEDecode"],
    "video": ["CheckpointLoaderSimple", "CLIPTextEncode", "KSampler", "VAEDecode", "VideoCombine"],
    "upscale": ["UpscaleModelLoader", "LoadImage", "ImageUpscaleWithModel", "SaveImage"],
}


def rollback_keeps_phase_one(s: Surroundings) -> None:
    """Take the schema of phase 2 back and bring it again: decisions stay, readiness follows."""
    require_status(s.generate_many("before-phase2", 3), 200)
    decisions = s.cluster.value("SELECT count(*) FROM generation_decisions")
    for command, ready in ((("downgrade", "0002"), 503), (("upgrade", "head"), 200)):
        s.migrate(*command)
        kept = s.cluster.value("SELECT count(*) FROM generation_decisions")
        require(
            kept == decisions > 0,
            f"alembic {' '.join(command)} left {kept} of {decisions} decisions",
        )
        status, body = s.get("/ready")
        require(status == ready, f"after {' '.join(command)} /ready says {status}: {body}")


def everything_is_captured(s: Surroundings) -> str:
    """Find exactly one capture, and one decision, for each generation of all kinds."""
    answers = s.generate_many("workflows", REQUESTS)
    require_status(answers, 200)
    require_decisions(s, "workflows", answers)
    return require_captures(s, "workflows", answers)


def require_captures(s: Surroundings, project_id: str, answers: list[Answer]) -> str:
    """Raise CheckError unless every answered generation has its one capture."""
    rows = s.cluster.rows(CAPTURES_OF, project_id)
    captured = [row[0] for row in rows if row[1] is not None]
    answered = [answer.body["generation_id"] for answer in answers]
    require(
        sorted(captured) == sorted(answered) and len(rows) == len(answered),
        f"{len(set(captured) & set(answered))} of {len(answered)} answered generations "
        f"have their workflow ({len(rows)} kept)",
    )
    kinds = {kind: sum(row[1] == kind for row in rows) for kind in KINDS}
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def captures_tell_the_truth(s: Surroundings) -> None:
    """Compare captures with what was asked for and with the time that the client saw."""
    answers = {}
    for kind in KINDS:
        answer = s.generate(kind, "workflow-truth", prompt=f"a {kind} of a red fox")
        require_status([answer], 200)
        answers[answer.body["generation_id"]] = answer
    for generation_id, kind, workflow, timings, seconds in s.cluster.rows(
        CAPTURES_OF, "workflow-truth"
    ):
        answer = answers[generation_id]
        classes = [workflow[str(n)]["class_type"] for n in range(1, len(workflow) + 1)]
        require(classes == CLASSES[kind], f"the {kind} workflow has the nodes {classes}")
        timed = [timing["class_type"] for timing in timings]
        require(timed == classes, f"the {kind} workflow has timings of {timed}")
        require(
            str(answer.body["parameters"]["seed"]) in str(workflow),
            f"the {kind} workflow is not the one of this request",
        )
        spent = sum(timing["seconds"] for timing in timings)
        require(
            abs(spent - seconds) < 1e-6 and USUAL_SECONDS[kind] < seconds <= answer.seconds,
            f"{kind} took {answer.seconds:.3f} s, its capture says {seconds:.3f} s",
        )


def failures_are_captured(s: Surroundings) -> str:
    """Find the workflow of generations whose work failed."""
    s.faults(fail=1)
    answers = s.generate_many("workflow-failures", 6)
    s.faults()
    require_status(answers, 500)
    return require_captures(s, "workflow-failures", answers)


def no_capture_no_generation(s: Surroundings) -> None:
    """Make captures impossible: neither generation nor decision may stay."""
    s.cluster.execute("ALTER TABLE workflow_captures RENAME TO hidden_captures")
    try:
        answers = s.generate_many("no-capture", 3)
    finally:
        s.cluster.execute("ALTER TABLE hidden_captures RENAME TO workflow_captures")
    require_status(answers, 503)
    for table in ("generations", "generation_decisions"):
        kept = s.cluster.value(f"SELECT count(*) FROM {table} WHERE project_id = 'no-capture'")
        require(kept == 0, f"{kept} rows of {table} were kept without a capture")


def integrity_is_enforced(s: Surroundings) -> None:
    """Let the database refuse what must not be."""
    insert = (
        "INSERT INTO workflow_captures"
        " (capture_id, generation_id, kind, workflow, timings, seconds)"
        " SELECT gen_random_uuid(), {}, 'image', {}, '[]', 0 FROM workflow_captures LIMIT 1"
    )
    for what, generation_id, workflow in (
        ("a capture without a generation", "gen_random_uuid()", "'{}'"),
        ("a second capture", "generation_id", "'{}'"),
        ("an empty capture", "generation_id", "NULL"),
    ):
        try:
            s.cluster.execute(insert.format(generation_id, workflow))
        except psycopg2.IntegrityError:
            continue
        raise CheckError(f"the database accepted {what}")


def both_together_are_cheap(s: Surroundings) -> str:
    """Without any optimisation, tracking and capture may cost 15 % of an upscale's 100 ms."""
    s.stop()
    s.settings["TOWER_OPTIMISATIONS"] = ""
    s.start()
    try:
        return require_usual_time(lambda: s.generate("upscale", "cheap"), 0.100, 0.115)
    finally:
        s.stop()
        del s.settings["TOWER_OPTIMISATIONS"]
        s.start()


def analysis_answers(s: Surroundings) -> str:
    """Ask for the analysis: it knows every capture and answers at once."""
    started = time.monotonic()
    status, body = s.get("/api/anime/workflows/analysis")
    seconds = time.monotonic() - started
    require(status == 200, f"the analysis answered {status}: {body}")
    kept = s.cluster.value("SELECT count(*) FROM workflow_captures")
    require(body["captures"] == kept > 0, f"it read {body['captures']} of {kept} captures")
    require(seconds < 0.5, f"it took {seconds:.2f} s, allowed are 0.5 s")
    return f"{kept} captures in {seconds * 1000:.0f} ms"


def figures_are_right(s: Surroundings) -> None:
    """Compare what Prometheus sees with what was kept."""
    names = ("tower_workflow_captures_total", "tower_decisions_total", "tower_generations_total")
    before = {name: s.metric(name) for name in names}
    require_status(s.generate_many("workflow-figures", 6), 200)
    for name in names:
        counted = s.metric(name) - before[name]
        require(counted == 6, f"{name} counted {counted:g} of 6")


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    ("the way back keeps all decisions", rollback_keeps_phase_one),
    ("every generation leaves its workflow and its decision", everything_is_captured),
    ("a capture says what ran, and for how long", captures_tell_the_truth),
    ("a failed generation leaves its workflow", failures_are_captured),
    ("without its workflow nothing is kept, and the client knows", no_capture_no_generation),
    ("the database refuses what must not be", integrity_is_enforced),
    ("tracking and capture together cost less than 15 %", both_together_are_cheap),
    ("the analysis knows all captures and answers at once", analysis_answers),
    ("the figures for Prometheus are right", figures_are_right),
]
