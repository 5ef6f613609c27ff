# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._known import Known, Present
from ansible_collections.phased.rollout.plugins.module_utils._question import opener
from ansible_collections.phased.rollout.plugins.module_utils._rollout_status import status
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.tests.ledger_histories import (
    ROLLOUT,
    START,
    Book,
    hours,
    lease,
    sample,
)

WATCH = {"duration_seconds": 48 * 3600, "interval_seconds": 3600, "objectives": ["errors"]}
BOUND = {"plan_hash": "p2", "changes": {"flow": "c1"}, "tree": "t2", "gate": "g2", "backup": "b2"}
HOLDER = "bob@control"


def record(number: int, **other: Any) -> dict[str, Any]:
    return {
        "id": number,
        "key": f"phase-{number}",
        "name": f"name {number}",
        "title": f"phase {number}, name {number}",
        "risk": "high",
        "changes": [{"id": "flow", "branch": "feature/flow", "owner": "backend"}],
        "tag": f"v{number}",
        "plan_hash": f"p{number}",
        "watch": WATCH,
        "requires": [],
        "approvals": [],
        **other,
    }


FIRST = record(1)
SECOND = record(2, requires=[{"phase": 1, "stable_for_seconds": 48 * 3600}])


def known(
    book: Book | None = None,
    *records: dict[str, Any],
    now: datetime = START,
    samples: list[Sample] | None = None,
    **other: Any,
) -> Known:
    book = book or Book()
    return Known(
        rollout=ROLLOUT,
        phases=records or (FIRST, SECOND),
        now=now,
        opening=other.pop("opening", opener([])),
        entries=[entry for entry in book.entries if entry.kind != "step"],
        steps=book.newest_steps(),
        samples={"phase-1": samples or []},
        **other,
    )


def deployed(*, exit_verdict: str | None = "pass", exit_tree: str = "t1") -> Book:
    """Return a ledger in which phase 1 went to production."""
    book = Book()
    book.write("step", START, step="deploy", status="passed")
    book.write("released", START, tag="v1", tree="t1")
    book.write("deployed", START, tag="v1", tree="t1")
    if exit_verdict:
        results = [{"name": "errors", "verdict": exit_verdict}, {"name": "b", "verdict": "pass"}]
        gate: dict[str, Any] = {"verdict": exit_verdict, "tree": exit_tree, "results": results}
        book.write("gate", START, gate="exit", **gate)
    return book


def held(count: int, last: str = "pass") -> list[Sample]:
    """Return a tick every hour from the deploy on."""
    ticks = [sample(hours(hour), "pass") for hour in range(count)]
    return [*ticks, sample(hours(count), last, reason="2 % of 1 %")]


def states(of: dict[str, Any]) -> list[str]:
    return [phase["state"] for phase in of["phases"].values()]


def kinds(of: dict[str, Any], phase: str = "phase-2") -> list[str]:
    return [block["kind"] for block in of["phases"][phase]["blocked_by"]]


def test_a_rollout_that_has_not_begun() -> None:
    found = status(known())
    assert states(found) == ["ready", "waiting"]
    assert found["blocked_by"] == []
    assert found["next"] == "Phase 1 can start: run ansible-playbook playbooks/phase1.yml."
    [block] = found["phases"]["phase-2"]["blocked_by"]
    assert (block["text"], block["who"]) == ("phase 1 is not deployed", ["backend"])


def test_what_is_told_is_json() -> None:
    found = status(known(deployed(), now=hours(24), samples=held(24), lease=lease("r", hours(25))))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_phase_that_runs() -> None:
    book = Book()
    book.write("step", START, run="run-7", step="backup", status="passed")
    book.write("step", hours(1), run="run-7", step="integrate", status="started")
    found = status(known(book, now=hours(1), lease=lease("run-7", hours(2))))
    assert states(found) == ["running", "waiting"]
    assert found["next"] == "Wait: phase 1 is running at the step integrate, by bob@control."
    assert found["lease"]["holder"] == HOLDER
    assert kinds(found) == ["requires", "lease"]
    assert found["phases"]["phase-2"]["blocked_by"][0]["text"] == (
        "phase 1 is not deployed yet: it is running"
    )
    assert kinds(found, "phase-1") == []
    assert [step["step"] for step in found["phases"]["phase-1"]["steps"]] == ["backup", "integrate"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(
            {"status": "failed", "reason": "disk full"}, "stage failed: disk full", id="it failed"
        ),
        pytest.param({"status": "failed"}, "stage failed", id="it failed and says no more"),
        pytest.param(
            {"status": "started"}, "stage was begun by ada and never finished", id="it was killed"
        ),
    ],
)
def test_a_phase_that_stopped(data: dict[str, str], why: str) -> None:
    book = Book()
    book.write("step", START, step="backup", status="passed")
    book.write("step", hours(1), step="stage", **data)
    # The lease of the run that was killed has run out.
    found = status(known(book, now=hours(3), lease=lease("run-1", hours(2))))
    assert states(found) == ["stopped", "waiting"]
    assert found["phases"]["phase-1"]["since"] == "2026-01-12T10:00:00.000000Z"
    assert found["next"] == (
        f"Phase 1 stopped: {why}. Put that right, then run ansible-playbook playbooks/phase1.yml:"
        " it goes on from there."
    )
    assert found["phases"]["phase-2"]["blocked_by"][0]["text"] == (
        f"phase 1 is not deployed; it stopped: {why}"
    )


def test_a_step_that_passed_when_run_again_stops_nothing_any_more() -> None:
    book = Book()
    book.write("step", START, step="stage", status="failed")
    book.write("step", hours(1), step="stage", status="passed")
    assert states(status(known(book))) == ["ready", "waiting"]


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        pytest.param(["released"], "released", id="released"),
        pytest.param(["released", "deployed", "rolled_back"], "rolled_back", id="taken back"),
        pytest.param(["deployed", "rolled_back", "released"], "released", id="landed again"),
    ],
)
def test_what_the_newest_mark_says(marks: list[str], state: str) -> None:
    book = Book()
    for kind in marks:
        book.write(kind, START, tree="t1")
    assert states(status(known(book)))[0] == state


def test_a_failed_step_that_led_to_a_rollback_is_over() -> None:
    book = deployed(exit_verdict=None)
    book.write("step", START, step="prove", status="failed", reason="no decision")
    assert states(status(known(book)))[0] == "stopped"
    book.write("step", START, step="rollback", status="started")
    book.write("rolled_back", START, tag="v1")
    found = status(known(book))
    assert states(found)[0] == "rolled_back"
    assert found["next"].startswith("Phase 1 can start")
    book.write("step", START, step="rollback", status="failed", reason="no database")
    assert states(status(known(book)))[0] == "stopped"


def test_a_rollback_is_the_end_of_the_step_that_made_it_necessary() -> None:
    book = deployed(exit_verdict=None)
    book.write("step", START, step="prove", status="failed", reason="no decision")
    book.write("rolled_back", START, tag="v1")
    assert states(status(known(book)))[0] == "rolled_back"


def test_what_stopped_in_production_is_nothing_to_build_on() -> None:
    book = deployed()
    book.write("step", START, step="watch", status="failed", reason="no monitor")
    found = status(known(book, now=hours(50), samples=held(50)))
    assert states(found) == ["stopped", "waiting"]
    [block] = found["phases"]["phase-2"]["blocked_by"]
    assert block["text"] == "phase 1 is deployed; it stopped: watch failed: no monitor"


def test_a_deploy_that_was_killed_after_its_mark_is_not_taken_for_finished() -> None:
    book = Book()
    book.write("step", START, step="deploy", status="started")
    book.write("deployed", START, tree="t1")
    assert states(status(known(book, now=hours(1))))[0] == "stopped"


def test_the_last_steps_tell_how_long_they_took() -> None:
    book = Book()
    started = [
        book.write("step", START, step="backup", status="started", run="run-1"),
        book.write("step", hours(1), step="backup", status="started", run="run-2"),
    ]
    book.write("step", hours(1.5), step="backup", status="passed", run="run-2")
    book.write("step", hours(2), step="stage", status="started", run="run-2")
    [backup, stage] = status(known(book, begun=started))["phases"]["phase-1"]["steps"]
    assert (backup["status"], backup["seconds"]) == ("passed", 1800)
    assert (stage["status"], stage["seconds"]) == ("started", None)


def test_who_approves_sees_what_the_gates_and_the_backup_have_found() -> None:
    book = deployed(exit_verdict="fail")
    book.write("backup", hours(1), label="pre-phase-1-deployment", hash="b1")
    shown = status(known(book, now=hours(1)))["phases"]["phase-1"]["evidence"]
    assert shown["gates"]["exit"]["verdict"] == "fail"
    assert shown["backup"]["label"] == "pre-phase-1-deployment"
    assert status(known())["phases"]["phase-1"]["evidence"] == {"gates": {}, "backup": None}


def test_a_phase_that_soaks() -> None:
    found = status(known(deployed(), now=hours(24), samples=held(24)))
    assert states(found) == ["soaking", "waiting"]
    soak = found["phases"]["phase-1"]["soak"]
    assert (soak["stable_seconds"], soak["needed_seconds"]) == (24 * 3600, 48 * 3600)
    [block] = found["phases"]["phase-2"]["blocked_by"]
    assert (block["kind"], block["who"], block["earliest"]) == (
        "soak", ["time"], "2026-01-14T09:00:00.000000Z",
    )  # fmt: skip
    assert found["next"] == (
        "Wait until phase 2 can start: phase 1 has been stable for 24 h of 48 h."
        " Not before Wed 2026-01-14 09:00 UTC."
    )


def test_a_phase_that_is_stable_lets_the_next_one_start() -> None:
    found = status(known(deployed(), now=hours(50), samples=held(50)))
    assert states(found) == ["stable", "ready"]
    assert found["phases"]["phase-1"]["since"] == "2026-01-14T09:00:00.000000Z"
    assert found["next"] == "Phase 2 can start: run ansible-playbook playbooks/phase2.yml."


def test_a_plan_that_has_come_to_its_end() -> None:
    done = known(deployed(), FIRST, now=hours(50), samples=held(50))
    assert status(done)["next"] == "Nothing: every phase has come to its end."
    soaking = known(deployed(), FIRST, now=hours(2), samples=held(2))
    assert status(soaking)["next"] == "Wait: phase 1 has been stable for 2 h of 48 h."


def test_a_phase_may_have_to_be_stable_for_longer_than_it_is_watched() -> None:
    third = record(3, requires=[{"phase": 1, "stable_for_seconds": 72 * 3600}])
    found = status(known(deployed(), FIRST, third, now=hours(50), samples=held(50)))
    assert states(found) == ["stable", "waiting"]
    assert "stable for 50 h of 72 h" in found["blocked_by"][0]["text"]


@pytest.mark.parametrize(
    ("on_breach", "stable", "after", "earliest"),
    [
        pytest.param(
            "reset", "0 s", "; the clock starts again at zero", "2026-01-15T09:00:00.000000Z",
            id="reset",
        ),
        pytest.param("pause", "22 h", "", "2026-01-14T11:00:00.000000Z", id="pause"),
        pytest.param(
            "fail", "22 h",
            "; this soak has failed. Only another deploy starts another soak", None, id="fail",
        ),
    ],
)  # fmt: skip
def test_a_phase_that_is_not_stable(
    on_breach: str, stable: str, after: str, earliest: str | None
) -> None:
    first = record(1, watch={**WATCH, "on_breach": on_breach})
    found = status(known(deployed(), first, SECOND, now=hours(24), samples=held(23, "fail")))
    assert states(found) == ["unstable", "waiting"]
    [block] = found["phases"]["phase-2"]["blocked_by"]
    assert block["text"] == (
        f"phase 1 has been stable for {stable} of 48 h; since Tue 2026-01-13 07:00 UTC: errors"
        f" failed: 2 % of 1 %{after}"
    )
    assert (block["earliest"], block["who"]) == (earliest, ["backend"])
    assert found["phases"]["phase-1"]["since"] == "2026-01-13T07:00:00.000000Z"
    assert "or take it back: ansible-playbook playbooks/rollback.yml -e phase=1" in found["next"]


def test_a_monitor_that_does_not_run_is_told_to_whoever_runs_it() -> None:
    found = status(known(deployed(), now=hours(30), samples=held(24)))
    [block] = found["phases"]["phase-2"]["blocked_by"]
    assert block["text"].endswith("no sample for 6 h: does the monitor run?")
    assert block["who"] == ["whoever runs the monitor"]
    assert states(found)[0] == "soaking"


@pytest.mark.parametrize(
    "watch",
    [
        pytest.param({**WATCH, "objectives": []}, id="no objectives"),
        pytest.param(None, id="no watch"),
    ],
)
def test_what_nobody_watches_is_never_stable(watch: Any) -> None:
    found = status(known(deployed(), record(1, watch=watch), SECOND, now=hours(99)))
    assert states(found) == ["deployed", "waiting"]
    [block] = found["phases"]["phase-2"]["blocked_by"]
    assert block["text"].startswith("phase 1 can never be stable: the plan watches no objectives")
    assert block["who"] == ["whoever keeps the plan"]


def test_a_phase_that_nobody_has_to_watch_is_finished_when_it_is_deployed() -> None:
    found = status(known(deployed(), record(1, watch=None), now=hours(1)))
    assert states(found) == ["deployed"]
    assert found["next"] == "Nothing: every phase has come to its end."


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        pytest.param(
            {"exit_verdict": None}, "the exit gate has not been measured since the deploy",
            id="not measured",
        ),
        pytest.param(
            {"exit_verdict": "inconclusive"},
            "the exit gate is closed: inconclusive (errors inconclusive)", id="no data",
        ),
        pytest.param(
            {"exit_verdict": "fail"}, "the exit gate is closed: fail (errors fail)", id="failed",
        ),
        pytest.param(
            {"exit_tree": "t0"}, "the exit gate vouches for tree t0, but t1 is deployed",
            id="of another tree",
        ),
    ],
)  # fmt: skip
def test_an_exit_gate_that_does_not_vouch_for_what_is_deployed(
    gate: dict[str, Any], why: str
) -> None:
    found = status(known(deployed(**gate), now=hours(50), samples=held(50)))
    assert states(found) == ["deployed", "waiting"]
    assert [block["text"] for block in found["blocked_by"]] == [why, f"phase 1: {why}"]
    assert found["next"] == f"Phase 1 is deployed, but {why}."


def test_a_gate_of_before_the_deploy_vouches_for_nothing() -> None:
    book = Book()
    book.write("gate", START, gate="exit", verdict="pass", tree="t1")
    book.write("deployed", START, tree="t1")
    assert kinds(status(known(book, samples=held(50), now=hours(50)))) == ["exit_gate"]


def merged(approval: dict[str, Any] | None = None) -> Book:
    """Return a ledger in which phase 2 came up to its release gate."""
    book = Book()
    evidence = {"changes": BOUND["changes"]}
    write: dict[str, Any] = {"phase": "phase-2", "run": "run-2", "actor": "dora@control"}
    book.write("step", START, step="integrate", status="passed", evidence=evidence, **write)
    book.write("backup", START, **{**write, "hash": "b2"})
    gate = {"gate": "release", "verdict": "pass", "tree": "t2", "hash": "g2"}
    book.write("gate", START, **write, **gate)
    if approval is not None:
        data = {"role": "cto", "person": "carl", "reason": "seen", "bound": BOUND, **approval}
        book.write("approval", START, "phase-2", **data)
    return book


CTO = {"role": "cto", "count": 1, "persons": ["carl", "dora"], "exclude_runner": True}
APPROVED = record(2, approvals=[CTO])


def test_what_there_is_to_approve_is_what_the_ledger_has_of_it() -> None:
    found = status(known(merged(), APPROVED))
    assert found["phases"]["phase-2"]["bound"] == BOUND


def test_the_caller_may_know_better_what_there_is_to_approve() -> None:
    present = {"phase-2": Present.of({"changes": {"flow": "c9"}}, "present")}
    phase = status(known(merged({}), APPROVED, present=present))["phases"]["phase-2"]
    assert phase["bound"] == {**BOUND, "changes": {"flow": "c9"}}
    assert phase["approvals"][0]["refused"][0]["drifted"] == ["changes"]


def test_evidence_of_before_a_rollback_is_none() -> None:
    book = merged({})
    book.write("rolled_back", hours(1), "phase-2")
    phase = status(known(book, APPROVED))["phases"]["phase-2"]
    assert phase["bound"] == {**dict.fromkeys(BOUND), "plan_hash": "p2", "changes": {}}
    assert phase["approvals"][0]["refused"][0]["drifted"] == ["changes", "tree", "gate", "backup"]


@pytest.mark.parametrize(
    ("approval", "text"),
    [
        pytest.param(None, "1 of 1 approval as cto is missing", id="nobody has approved"),
        pytest.param(
            {"bound": {**BOUND, "tree": "t1"}},
            "1 of 1 approval as cto is missing; that of 'carl' does not count: void: the merged"
            " tree was t1, is t2", id="of another tree",
        ),
        pytest.param(
            {"person": "dora"},
            "1 of 1 approval as cto is missing; that of 'dora' does not count: dora runs the phase"
            " (dora@control)", id="by who runs it",
        ),
    ],
)  # fmt: skip
def test_an_approval_that_is_missing_stops_the_release_but_not_the_start(
    approval: dict[str, Any] | None, text: str
) -> None:
    found = status(known(merged(approval), APPROVED))
    assert states(found) == ["ready"]
    [block] = found["blocked_by"]
    assert (block["kind"], block["stops"], block["text"], block["who"]) == (
        "approval", "release", text, ["carl"],
    )  # fmt: skip
    assert found["next"] == (
        f"Phase 2 can start: run ansible-playbook playbooks/phase2.yml. Before its release, {text}."
        " To approve: ansible-playbook playbooks/approve.yml -e phase=2 -e role=cto -e reason=..."
    )


def test_a_phase_that_stopped_at_its_release_gate_tells_how_to_approve() -> None:
    book = merged()
    book.write("step", hours(1), "phase-2", step="release gate", status="failed")
    assert status(known(book, APPROVED))["next"] == (
        "Phase 2 stopped: release gate failed. Put that right, then run ansible-playbook"
        " playbooks/phase2.yml: it goes on from there. Besides, 1 of 1 approval as cto is missing."
        " To approve: ansible-playbook playbooks/approve.yml -e phase=2 -e role=cto -e reason=..."
    )


def test_an_approval_that_counts_blocks_nothing() -> None:
    found = status(known(merged({}), APPROVED))
    assert (kinds(found), found["phases"]["phase-2"]["approvals"][0]["persons"]) == ([], ["carl"])
    assert found["signed"] is False


def test_where_too_few_can_approve_the_plan_has_to_change() -> None:
    plan = record(2, approvals=[{**CTO, "count": 2}])
    [block] = status(known(merged({}), plan))["blocked_by"]
    assert block["text"] == (
        "1 of 2 approvals as cto is missing; of those the plan names, only 0 can still approve"
    )
    assert block["who"] == ["whoever keeps the plan"]


def test_the_caller_is_a_runner_too() -> None:
    present = {"phase-2": Present.of({"runner": "carl", "authors": []}, "present")}
    found = status(known(merged({}), APPROVED, present=present))
    assert "carl runs the phase" in found["blocked_by"][0]["text"]


def test_approvals_are_not_asked_for_again_once_released() -> None:
    book = merged({"bound": {}})
    book.write("released", hours(1), "phase-2", tree="t2")
    book.write("deployed", hours(1), "phase-2", tree="t2")
    assert status(known(book, APPROVED))["phases"]["phase-2"]["approvals"] == []


NIGHTS = {"days": "mon-thu", "from": "09:00", "to": "16:00", "timezone": "UTC"}


def test_a_window_that_is_closed() -> None:
    found = status(known(None, record(1, window=NIGHTS), now=hours(8)))
    [block] = found["blocked_by"]
    assert block["text"] == "outside of the window mon-thu 09:00-16:00 UTC"
    assert (block["who"], block["earliest"]) == (["time"], "2026-01-13T09:00:00.000000Z")
    assert states(found) == ["waiting"]


def test_what_ends_while_the_window_is_closed_waits_for_it() -> None:
    requires = [{"phase": 1, "stable_for_seconds": 77 * 3600}]
    second = record(2, window={**NIGHTS, "to": "12:00"}, requires=requires)
    found = status(known(deployed(), FIRST, second, now=hours(2), samples=held(2)))
    assert found["phases"]["phase-2"]["blocked_by"][0]["earliest"] == "2026-01-15T14:00:00.000000Z"
    assert found["phases"]["phase-2"]["earliest"] == "2026-01-19T09:00:00.000000Z"


def test_a_review_that_is_due_blocks_the_next_phase() -> None:
    book = Book()
    due = {"due_at": "2026-01-12T12:00:00Z", "person": "eve", "reason": "exploited"}
    book.write("review_due", START, "hotfix-cve", key="due", what="hotfix cve", **due)
    found = status(known(book, FIRST, now=hours(4)))
    [block] = found["blocked_by"]
    assert (block["kind"], block["who"]) == ("review", ["anybody but eve"])
    assert block["text"] == (
        "hotfix cve has to be reviewed by Mon 2026-01-12 12:00 UTC, which is over: eve let it"
        " through (exploited)"
    )
    assert [one["key"] for one in found["reviews"]] == ["due"]
    book.write("review", hours(5), None, of="due", person="eve", reason="fine")
    assert "a review by eve does not count" in status(known(book, FIRST))["next"]
    book.write("review", hours(6), None, of="due", person="carl", reason="fine")
    assert states(status(known(book, FIRST))) == ["ready"]


def test_a_lease_of_another_run_blocks_and_ones_own_does_not() -> None:
    other = known(None, FIRST, now=hours(1), lease=lease("run-9", hours(2)))
    [block] = status(other)["blocked_by"]
    assert block["text"] == (
        "bob@control holds the rollout since Mon 2026-01-12 09:00 UTC, with run run-9; unless"
        " renewed, until Mon 2026-01-12 11:00 UTC"
    )
    assert block["who"] == [HOLDER]
    assert kinds(status(replace(other, run="run-9")), "phase-1") == []
    assert kinds(status(replace(other, now=hours(2))), "phase-1") == []


def test_a_ledger_that_cannot_be_trusted_blocks_everything() -> None:
    broken = known(deployed(), FIRST, SECOND, broken="entry 3 (k) has hash a")
    found = status(broken)
    assert (kinds(found, "phase-1")[-1], kinds(found)[-1]) == ("ledger", "ledger")
    assert found["next"] == "Do nothing to production: entry 3 (k) has hash a."


def test_every_reason_is_told_not_the_first() -> None:
    book = deployed(exit_verdict="fail")
    due = {"due_at": "2026-01-12T12:00:00Z", "person": "eve", "reason": "exploited"}
    book.write("review_due", START, "hotfix-cve", what="hotfix cve", **due)
    book.write("step", START, "phase-2", step="stage", status="failed", reason="disk full")
    second = {**SECOND, "window": NIGHTS, "approvals": [CTO]}
    other = {"lease": lease("run-9", hours(9)), "broken": "entry 3 is missing"}
    found = status(known(book, FIRST, second, now=hours(8), samples=held(8), **other))
    assert kinds(found) == [
        "step", "exit_gate", "soak", "review", "window", "approval", "ledger", "lease",
    ]  # fmt: skip
    assert all(block["who"] for block in found["phases"]["phase-2"]["blocked_by"])


HOTFIX = {**FIRST, "id": "fix-cve-1234567", "key": "fix-cve-1234567", "review_within_seconds": 60}


def test_a_hotfix_waits_for_no_window_and_no_review_of_another_one() -> None:
    book = Book()
    due = {"due_at": "2026-01-12T12:00:00Z", "person": "eve", "reason": "exploited"}
    book.write("review_due", START, "hotfix-cve", what="hotfix cve", **due)
    plan = [{**HOTFIX, "window": NIGHTS}, {**FIRST, "window": NIGHTS}]
    found = status(known(book, *plan, now=hours(8)))
    assert states(found) == ["ready", "waiting"]
    assert found["next"] == "Fix-cve-1234567 can start: run the playbook of fix-cve-1234567."


def test_a_phase_that_is_required_and_not_there_blocks() -> None:
    plan = record(2, requires=[{"phase": 7, "stable_for_seconds": 60}])
    [block] = status(known(None, plan))["blocked_by"]
    assert block["text"] == "it requires phase 7, which is not in the plan"


@pytest.mark.parametrize(
    "requires",
    [
        pytest.param({"phase": 1}, id="no time"),
        pytest.param({"phase": 1, "stable_for_seconds": 0}, id="no time at all"),
    ],
)
def test_a_requirement_without_a_time_is_refused(requires: dict[str, Any]) -> None:
    with pytest.raises(ShapeError, match=r"phase-2\.requires\[0\]\.stable_for_seconds"):
        status(known(None, FIRST, record(2, requires=[requires])))


def test_what_a_caller_says_of_a_phase_is_checked() -> None:
    with pytest.raises(ShapeError, match="did you mean authors"):
        Present.of({"author": ["ada"]}, "present.phase-1")


def test_phases_do_not_take_each_others_entries() -> None:
    book = deployed()
    book.write("rolled_back", hours(1), "phase-2")
    found = status(known(book, now=hours(2), samples=held(2)))
    assert states(found) == ["soaking", "rolled_back"]
