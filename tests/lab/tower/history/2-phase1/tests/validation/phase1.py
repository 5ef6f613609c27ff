# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase 1: every generation leaves its decision, and tracking costs next to nothing."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg2

from tests.report import CheckError
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

# Enough that losing one decision in twenty cannot go unseen.
REQUESTS = 48
DECISIONS_OF = """
SELECT g.generation_id::text, d.kind, d.project_id, d.decision
FROM generations g LEFT JOIN generation_decisions d USING (generation_id)
WHERE g.project_id = %s
"""
LAST_HOUR = """
SELECT count(*) FROM generation_decisions WHERE "timestamp" > now() - interval '1 hour'
"""
OF_PROJECT = "SELECT count(*) FROM generation_decisions WHERE project_id = 'phase1-prod-test'"
# 20,000 generations with their decisions over ten days.
HISTORY = """
INSERT INTO generations (generation_id, kind, prompt, project_id, release, succeeded, created_at)
SELECT gen_random_uuid(), 'image', 'bulk', 'bulk', 'bulk', true, now() - n * interval '43.2 s'
FROM generate_series(1, 20000) n;
INSERT INTO generation_decisions
    (decision_id, generation_id, project_id, kind, decision, "timestamp")
SELECT gen_random_uuid(), generation_id, project_id, kind, '{"parameters": {}}', created_at
FROM generations WHERE project_id = 'bulk';
ANALYZE generation_decisions;
"""
FORGET_HISTORY = """
DELETE FROM generation_decisions WHERE project_id = 'bulk';
DELETE FROM generations WHERE project_id = 'bulk';
"""


def migrations_keep_data(s: Surroundings) -> None:
    """Go forth, back and forth again over a database that is in use."""
    s.migrate("upgrade", "0001")
    s.cluster.execute(
        "INSERT INTO generations (generation_id, kind, prompt, project_id, release, succeeded)"
        " VALUES (gen_random_uuid(), 'image', 'older', 'before-phase1', 'older', true)"
    )
    for command in (("upgrade", "head"), ("downgrade", "0001"), ("upgrade", "head")):
        s.migrate(*command)
        kept = s.cluster.value("SELECT count(*) FROM generations")
        require(kept == 1, f"alembic {' '.join(command)} left {kept} of 1 generation")
    s.cluster.execute("DELETE FROM generations")


def waits_for_its_schema(s: Surroundings) -> None:
    """Be not ready on an older schema, and ready as soon as it is migrated."""
    s.migrate("downgrade", "0001")
    s.start()
    status, body = s.get("/ready")
    require(status == 503, f"/ready said {status} on the schema of the release before: {body}")
    s.migrate("upgrade", "head")
    s.wait_ready()


def everything_is_captured(s: Surroundings) -> str:
    """Find exactly one decision for each of many generations of all kinds."""
    answers = s.generate_many("capture", REQUESTS)
    require_status(answers, 200)
    return require_decisions(s, "capture", answers)


def require_decisions(
    s: Surroundings, project_id: str, answers: list[Answer], unanswered: int = 0
) -> str:
    """Raise CheckError unless the answers and the rows with decisions are the same ones.

    unanswered: of so many requests the outcome is unknown; kept or not, they are whole.
    """
    rows = s.cluster.rows(DECISIONS_OF, project_id)
    with_decision = [row[0] for row in rows if row[1] is not None]
    answered = [answer.body["generation_id"] for answer in answers]
    captured = len(set(with_decision) & set(answered))
    require(
        captured == len(answered) and len(with_decision) == len(rows) <= len(answered) + unanswered,
        f"{captured} of {len(answered)} answered generations have their decision "
        f"({len(rows)} kept, {len(with_decision)} decisions)",
    )
    return f"{captured} of {len(answered)}"


def decisions_tell_the_truth(s: Surroundings) -> None:
    """Compare each decision with what the client was told."""
    answers = [s.generate(kind, "truth") for kind in KINDS]
    require_status(answers, 200)
    told = {answer.body["generation_id"]: answer.body for answer in answers}
    for generation_id, kind, project_id, decision in s.cluster.rows(DECISIONS_OF, "truth"):
        body = told[generation_id]
        require(
            (kind, project_id) == (body["kind"], body["project_id"])
            and decision["parameters"] == body["parameters"]
            and decision["outcome"] == "succeeded",
            f"the decision {kind} {project_id} {decision} is not what was told: {body}",
        )


def failures_are_captured(s: Surroundings) -> str:
    """Find the decision of generations whose work failed."""
    s.faults(fail=1)
    answers = s.generate_many("failures", 6)
    s.faults()
    require_status(answers, 500)
    return require_decisions(s, "failures", answers)


def no_decision_no_generation(s: Surroundings) -> None:
    """Make decisions impossible: the client must hear of it, and nothing may stay."""
    s.cluster.execute("ALTER TABLE generation_decisions RENAME TO hidden_decisions")
    try:
        answers = s.generate_many("impossible", 3)
    finally:
        s.cluster.execute("ALTER TABLE hidden_decisions RENAME TO generation_decisions")
    require_status(answers, 503)
    kept = s.cluster.value("SELECT count(*) FROM generations WHERE project_id = 'impossible'")
    require(kept == 0, f"{kept} generations were kept without a decision")
    require_status([s.generate("upscale", "possible-again")], 200)


def lost_connections_lose_nothing(s: Surroundings) -> str:
    """Cut every connection to the database during requests."""
    cutter = threading.Timer(
        0.2,
        s.cluster.execute,
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tower_app'",),
    )
    cutter.start()
    answers = s.generate_many("cut", 24)
    cutter.join()
    require_status(s.generate_many("after-cut", 3), 200)
    unclear = [answer for answer in answers if answer.status not in {200, 503}]
    require(not unclear, f"unclear answers: {unclear[:1]}")
    good = [answer for answer in answers if answer.status == 200]
    return require_decisions(s, "cut", good, unanswered=len(answers) - len(good))


def integrity_is_enforced(s: Surroundings) -> None:
    """Let the database refuse what must not be, and find nothing of the kind in it."""
    row = "SELECT gen_random_uuid(), {}, 'p', 'image', {} FROM generations LIMIT 1"
    for what, generation_id, decision in (
        ("a decision without a generation", "gen_random_uuid()", "'{}'"),
        ("a second decision", "(SELECT generation_id FROM generation_decisions LIMIT 1)", "'{}'"),
        ("an empty decision", "generation_id", "NULL"),
    ):
        insert = (
            "INSERT INTO generation_decisions"
            " (decision_id, generation_id, project_id, kind, decision) "
        )
        try:
            s.cluster.execute(insert + row.format(generation_id, decision))
        except psycopg2.IntegrityError:
            continue
        raise CheckError(f"the database accepted {what}")
    without = s.cluster.value(
        "SELECT count(*) FROM generations g WHERE NOT EXISTS"
        " (SELECT FROM generation_decisions d WHERE d.generation_id = g.generation_id)"
    )
    require(without == 0, f"{without} generations have no decision")


def queries_are_fast(s: Surroundings) -> str:
    """Ask what operators ask, of 20,000 decisions, each in less than 100 ms."""
    s.cluster.execute(HISTORY)
    try:
        plan = "\n".join(row[0] for row in s.cluster.rows("EXPLAIN " + LAST_HOUR))
        require("generation_decisions_timestamp" in plan, f"the index is not used:\n{plan}")
        slowest = 0.0
        for sql in (LAST_HOUR, OF_PROJECT):
            seconds = []
            for _ in range(3):
                started = time.monotonic()
                s.cluster.rows(sql, role="tower_app")
                seconds.append(time.monotonic() - started)
            slowest = max(slowest, min(seconds))
    finally:
        s.cluster.execute(FORGET_HISTORY)
    require(slowest < 0.1, f"the slowest took {slowest * 1000:.0f} ms, allowed are 100 ms")
    return f"slowest {slowest * 1000:.0f} ms"


def tracking_is_cheap(s: Surroundings) -> str:
    """Compare with the 100 ms that an upscale takes without any tracking."""
    return require_usual_time(lambda: s.generate("upscale", "cheap"), 0.100, 0.110)


def figures_are_right(s: Surroundings) -> None:
    """Compare what Prometheus sees with what was kept."""
    before = s.metric("tower_decisions_total")
    require_status(s.generate_many("figures", 6), 200)
    counted = s.metric("tower_decisions_total") - before
    require(counted == 6, f"tower_decisions_total counted {counted:g} of 6 decisions")


def stopping_loses_nothing(s: Surroundings) -> str:
    """Stop the service under load: what was answered is kept, and it ends within 3 s."""
    answers: list[Answer] = []
    load = threading.Thread(target=lambda: answers.extend(s.generate_many("stop", 30)))
    load.start()
    time.sleep(0.3)
    s.stop()
    load.join()
    good = [answer for answer in answers if answer.status == 200]
    require(bool(good), "nothing was answered before the stop")
    told = require_decisions(s, "stop", good, unanswered=len(answers) - len(good))
    s.start()
    s.wait_ready()
    return told


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    ("migrations go forth and back and keep the data", migrations_keep_data),
    ("the service waits for its schema, then is ready", waits_for_its_schema),
    ("every generation leaves its decision", everything_is_captured),
    ("a decision says what was done", decisions_tell_the_truth),
    ("a failed generation leaves its decision", failures_are_captured),
    ("without its decision nothing is kept, and the client knows", no_decision_no_generation),
    ("lost database connections lose no decision", lost_connections_lose_nothing),
    ("the database refuses what must not be", integrity_is_enforced),
    ("the questions of operators take less than 100 ms", queries_are_fast),
    ("tracking costs less than 10 %", tracking_is_cheap),
    ("the figures for Prometheus are right", figures_are_right),
    ("stopping under load loses nothing", stopping_loses_nothing),
]
