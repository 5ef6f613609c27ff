# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase 3: Echo Brain advises, learns, and may fail without anybody's generation failing."""

from __future__ import annotations

import signal
import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg2

from tests.report import CheckError
from tests.validation.echo import (
    PAUSE_SECONDS,
    advised,
    consult,
    nonsense,
    outcomes,
    wait_until_advised,
)
from tests.validation.phase1 import REQUESTS, require_decisions
from tests.validation.phase2 import require_captures
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

# A search takes about 25 rounds; the last ones must be much better than the first.
LEARNING_ROUNDS = 30
COMPARED_ROUNDS = 5
EFFECTS = """
SELECT e.kind, e.quality_before, e.quality_after, e.improved
FROM consultation_effectiveness e JOIN ai_consultations c USING (consultation_id)
WHERE c.project_id = %s ORDER BY c."timestamp"
"""
TRACE = """
SELECT d.decision -> 'parameters', c.question, c.advice
FROM ai_consultations c JOIN generation_decisions d USING (generation_id)
WHERE c.project_id = %s
"""


def rollback_keeps_earlier_phases(s: Surroundings) -> None:
    """Take the schema of phase 3 back and bring it again: phases 1 and 2 stay whole."""
    tables = ("generations", "generation_decisions", "workflow_captures")
    require_status(s.generate_many("before-phase3", 3), 200)
    before = [s.cluster.value(f"SELECT count(*) FROM {table}") for table in tables]
    for command in (("downgrade", "0003"), ("upgrade", "head")):
        s.migrate(*command)
        after = [s.cluster.value(f"SELECT count(*) FROM {table}") for table in tables]
        require(before == after, f"{' '.join(command)}: {tables} had {before}, now {after}")
    s.wait_ready()


def everything_is_captured(s: Surroundings) -> str:
    """Find consultation, decision and workflow for each generation of all kinds."""
    with advised(s):
        answers = s.generate_many("consulted", REQUESTS)
    require_status(answers, 200)
    require_decisions(s, "consulted", answers)
    require_captures(s, "consulted", answers)
    found = outcomes(s, "consulted")
    require(
        found.count("answered") >= 0.8 * REQUESTS and None not in found and len(found) == REQUESTS,
        f"{found.count('answered')} of {REQUESTS} consultations succeeded, "
        f"{found.count(None)} are missing",
    )
    effects = s.cluster.rows(EFFECTS, "consulted")
    require(
        len(effects) == found.count("answered"),
        f"{len(effects)} of {found.count('answered')} answered consultations have their effect",
    )
    return f"{found.count('answered')} of {REQUESTS} succeeded"


def advice_is_followed(s: Surroundings) -> None:
    """Follow one advice that differs from the defaults into decision and answer."""
    with advised(s):
        for number in range(4):
            answer = s.generate("image", f"advice-{number}")
            require_status([answer], 200)
        (decided, question, advice) = s.cluster.rows(TRACE, "advice-3")[0]
    told = answer.body["parameters"]
    require(question != told, f"no advice in four rounds: {told}")
    for name, value in advice.items():
        require(
            decided[name] == told[name] == value,
            f"{name}: advised {value}, decided {decided[name]}, told {told[name]}",
        )


def advice_improves_quality(s: Surroundings) -> str:
    """Generate and let Echo Brain learn: quality rises well above where it began."""
    with advised(s) as echo, ThreadPoolExecutor(len(KINDS)) as pool:

        def learn(kind: str) -> list[Answer]:
            return [s.generate(kind, f"learning-{kind}") for _ in range(LEARNING_ROUNDS)]

        for answers in pool.map(learn, KINDS):
            require_status(answers, 200)
        learned = echo.learned()
        echo.signal(signal.SIGTERM)
        echo.wait(3)
        echo.run()
        require(echo.learned() == learned != {}, "a restart made Echo Brain forget")
    said, improved, total = [], 0, 0
    for kind in KINDS:
        effects = s.cluster.rows(EFFECTS, f"learning-{kind}")
        qualities = [after for _, _, after, _ in effects]
        first = statistics.fmean(qualities[:COMPARED_ROUNDS])
        last = statistics.fmean(qualities[-COMPARED_ROUNDS:])
        require(
            last > first + 0.15 and last > 0.9,
            f"the quality of {kind} went from {first:.2f} to {last:.2f}",
        )
        said.append(f"{kind} {first:.2f} -> {last:.2f}")
        improved += sum(effect[3] for effect in effects)
        total += len(effects)
    require(improved > 0.6 * total, f"only {improved} of {total} consultations improved anything")
    return f"{', '.join(said)}; {improved} of {total} improved"


def death_is_survived(s: Surroundings) -> str:
    """Kill Echo Brain: generations go on, it is left alone, and asked again when it is back."""
    with advised(s) as echo:
        require_status(s.generate_many("echo-alive", 3), 200)
        echo.kill()
        answers = s.generate_many("echo-dead", 24)
        require_status(answers, 200)
        require_decisions(s, "echo-dead", answers)
        found = outcomes(s, "echo-dead")
        require(
            set(found) == {"unreachable", "paused"} and len(found) == 24,
            f"without Echo Brain consultations went {sorted(map(str, set(found)))}",
        )
        require(s.metric("tower_echo_brain_paused") == 1, "the figures do not show the pause")
        echo.run()
        seconds = wait_until_advised(s, PAUSE_SECONDS + 2)
    return f"asked again {seconds:.1f} s after it was back"


def hanging_is_survived(s: Surroundings) -> str:
    """Stop Echo Brain without ending it: the timeout bounds what a generation can lose."""
    with advised(s) as echo:
        require_status(s.generate_many("echo-well", 3), 200)
        echo.signal(signal.SIGSTOP)
        try:
            answers = [s.generate("upscale", "echo-hangs")]
            while len(answers) < 12 and answers[-1].seconds < 2:
                answers.append(s.generate("upscale", "echo-hangs"))
        finally:
            echo.signal(signal.SIGCONT)
        require_status(answers, 200)
        found = outcomes(s, "echo-hangs")
        require(
            set(found) == {"timeout", "paused"} and found.count("timeout") <= 7,
            f"consultations went {found}",
        )
        longest = max(answer.seconds for answer in answers)
        require(longest < 0.45, f"one generation took {longest:.2f} s")
        wait_until_advised(s, PAUSE_SECONDS + 2)
    return f"the longest generation took {longest * 1000:.0f} ms"


def nonsense_is_ignored(s: Surroundings) -> None:
    """Let somebody answer nonsense: the parameters stay what they were."""
    with nonsense() as port:
        consult(s, port)
        answers = [s.generate("upscale", "nonsense") for _ in range(4)]
    require_status(answers, 200)
    steps = {answer.body["parameters"]["steps"] for answer in answers}
    require(steps == {8}, f"nonsense was followed: steps {steps}")
    require(set(outcomes(s, "nonsense")) == {"nonsense"}, str(outcomes(s, "nonsense")))


def fault_is_honoured(s: Surroundings) -> None:
    """Take Echo Brain away by the faults file, as rehearsals do, and give it back."""
    with advised(s):
        s.faults(echo_brain="down")
        require_status(s.generate_many("echo-fault", 6), 200)
        s.faults()
        require("answered" not in outcomes(s, "echo-fault"), "the fault did nothing")
        wait_until_advised(s, PAUSE_SECONDS + 2)


def no_consultation_no_generation(s: Surroundings) -> None:
    """Make consultations impossible to keep: nothing else may stay."""
    with advised(s):
        s.cluster.execute("ALTER TABLE ai_consultations RENAME TO hidden_consultations")
        try:
            answers = s.generate_many("no-consultation", 3)
        finally:
            s.cluster.execute("ALTER TABLE hidden_consultations RENAME TO ai_consultations")
    require_status(answers, 503)
    for table in ("generations", "generation_decisions"):
        kept = s.cluster.value(f"SELECT count(*) FROM {table} WHERE project_id = 'no-consultation'")
        require(kept == 0, f"{kept} rows of {table} were kept without their consultation")


def integrity_is_enforced(s: Surroundings) -> None:
    """Let the database refuse what must not be."""
    consultation = (
        "INSERT INTO ai_consultations (consultation_id, generation_id, project_id, kind,"
        " question, advice, succeeded, outcome, seconds)"
        " SELECT gen_random_uuid(), {}, 'p', 'image', '{{}}', {}, {}, 'answered', 0"
        " FROM ai_consultations LIMIT 1"
    )
    unused = (
        "(SELECT generation_id FROM generations g WHERE NOT EXISTS (SELECT FROM"
        " ai_consultations c WHERE c.generation_id = g.generation_id) LIMIT 1)"
    )
    for what, sql in {
        "a consultation without a generation": consultation.format(
            "gen_random_uuid()", "'{}'", "true"
        ),
        "a second consultation": consultation.format("generation_id", "'{}'", "true"),
        "success without advice": consultation.format(unused, "NULL", "true"),
        "an effect without a consultation": "INSERT INTO consultation_effectiveness"
        " (consultation_id, kind, quality_before, quality_after, improved)"
        " VALUES (gen_random_uuid(), 'image', 0, 1, true)",
    }.items():
        try:
            s.cluster.execute(sql)
        except psycopg2.IntegrityError:
            continue
        raise CheckError(f"the database accepted {what}")


def all_together_is_cheap(s: Surroundings) -> str:
    """As in production, optimised, an upscale may take 15 % more than 100 ms."""
    with advised(s):
        return require_usual_time(lambda: s.generate("upscale", "cheap"), 0.100, 0.115)


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    ("the way back keeps phases 1 and 2", rollback_keeps_earlier_phases),
    ("every generation leaves its consultation", everything_is_captured),
    ("advice is followed, and the decision says so", advice_is_followed),
    ("feedback improves quality, and is not forgotten", advice_improves_quality),
    ("generations survive the death of Echo Brain", death_is_survived),
    ("generations survive an Echo Brain that hangs", hanging_is_survived),
    ("nonsense is not followed", nonsense_is_ignored),
    ("the fault echo_brain: down is honoured", fault_is_honoured),
    ("without its consultation nothing is kept", no_consultation_no_generation),
    ("the database refuses what must not be", integrity_is_enforced),
    ("all three phases together cost less than 15 %", all_together_is_cheap),
]
