# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a rollout from a real ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.filter.rollout_status import FilterModule
from ansible_collections.phased.rollout.plugins.module_utils._lease import (
    PROC,
    Process,
    host_id,
)
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql, free_port
from ansible_collections.phased.rollout.tests.integration.ledgers import ledger_database
from ansible_collections.phased.rollout.tests.integration.rollouts import (
    FIRST,
    HOUR,
    ROLLOUT,
    SECOND,
    Rollout,
)

VERIFIER = Path(__file__).parents[2] / "playbooks" / "files" / "verify_ledger.py"
_STARTED = 19


@pytest.fixture
def rollout(postgresql: Postgresql, run_module: Callable[..., dict[str, Any]]) -> Iterator[Rollout]:
    """A rollout in a database without a ledger."""
    with ledger_database(postgresql) as database:
        yield Rollout(database, run_module)


def test_without_a_ledger_nothing_has_happened(rollout: Rollout) -> None:
    told = rollout.info(verify_chain=True)
    assert [phase["state"] for phase in told["phases"].values()] == ["ready", "waiting"]
    assert told["chain"] == {"ok": True, "entries": 0, "head": None, "broken": None}
    with pytest.raises(psycopg2.errors.UndefinedTable):
        rollout.database.execute("SELECT 1 FROM rollout.entries")


def test_a_ledger_that_is_gone_while_a_tag_vouches_for_it_blocks_everything(
    rollout: Rollout,
) -> None:
    told = rollout.info(heads=[{"tag": "v1", "sequence": 7, "hash": "a" * 64}])
    assert not told["chain"]["ok"]
    assert told["next"].startswith("Do nothing to production: entry 1 is missing")
    assert [block["kind"] for block in told["blocked_by"]] == ["ledger"]


def test_a_phase_soaks_and_then_the_next_one_can_start(rollout: Rollout) -> None:
    rollout.deploy()
    rollout.ticks(0, 24)
    rollout.ticks(25, 25, "fail")
    rollout.ticks(26, 70)
    told = rollout.info()
    soak = told["phases"]["phase-1"]["soak"]
    # The breach took the first day; two hours since the last tick count for nothing.
    assert (soak["stable_seconds"], soak["state"]) == (44 * 3600, "interrupted")
    assert [one["why"] for one in soak["interruptions"]] == [
        "errors failed: 2 % of 1 %; the clock starts again at zero",
        "no sample for 2 h: does the monitor run?",
    ]
    [block] = told["phases"]["phase-2"]["blocked_by"]
    assert block["text"].startswith("phase 1 has been stable for 44 h of 48 h; since ")
    shorter = {**SECOND, "requires": [{"phase": 1, "stable_for_seconds": 44 * 3600}]}
    assert rollout.states(phases=[FIRST, shorter]) == ["soaking", "ready"]


def test_a_rollback_takes_the_soak_with_it(rollout: Rollout) -> None:
    rollout.deploy()
    rollout.ticks(0, 60)
    assert rollout.states() == ["stable", "ready"]
    rollout.write("rolled_back", 61, tag="v1", reason="wrong numbers")
    told = rollout.info()
    assert [phase["state"] for phase in told["phases"].values()] == ["rolled_back", "waiting"]
    assert told["phases"]["phase-2"]["blocked_by"][0]["text"] == "phase 1 was rolled back"
    rollout.write("deployed", 62, tag="v1", tree="t1")
    rollout.write("gate", 62, gate="exit", verdict="pass", tree="t1", results=[])
    assert rollout.info()["phases"]["phase-1"]["soak"]["stable_seconds"] == 0


@pytest.mark.parametrize(
    ("script", "state", "stable_hours", "note"),
    [
        pytest.param([(0, 49), (300, 1000)], "stable", 59, True, id="lately"),
        pytest.param([(0, 49), (999, 999)], "stable", 49, False, id="long ago"),
        pytest.param([(0, 38), (990, 999)], "soaking", 47, False, id="not yet, in all"),
        pytest.param([(640, 690), (999, 999)], "stable", 50, True, id="in between"),
    ],
)
def test_no_more_samples_are_read_than_are_needed(
    rollout: Rollout, script: list[tuple[int, int]], state: str, stable_hours: int, note: bool
) -> None:
    rollout.began -= 928 * HOUR
    rollout.deploy()
    for first, last in script:
        rollout.ticks(first, last)
    first_phase = {**FIRST, "watch": {**FIRST["watch"], "on_breach": "pause"}}
    phase = rollout.info(phases=[first_phase])["phases"]["phase-1"]
    assert phase["state"] == state
    assert phase["soak"]["stable_seconds"] // 3600 == stable_hours
    assert bool(phase["soak"]["notes"]) is note


def test_samples_twice_or_of_the_future_add_nothing(rollout: Rollout) -> None:
    rollout.deploy()
    rollout.ticks(0, 10)
    rollout.ticks(5, 10)
    soak = rollout.info()["phases"]["phase-1"]["soak"]
    assert soak["stable_seconds"] == 10 * 3600
    # A clock that was ahead: its samples came in, and the server's clock has not got there yet.
    rollout.database.execute(
        "INSERT INTO rollout.samples SELECT rollout, phase, objective, now() + interval '1 minute'"
        f" * n, value, unit, verdict, reason FROM rollout.samples, generate_series(1, 9) n"
        f" WHERE at = '{rollout.began.isoformat()}'"
    )
    later = rollout.info()["phases"]["phase-1"]["soak"]
    assert later["stable_seconds"] == soak["stable_seconds"]
    assert "9 samples are later than now" in later["notes"][0]


def test_who_holds_the_lease_is_told_until_that_process_is_dead(rollout: Rollout) -> None:
    rollout.write("step", 1, step="backup", status="started")
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        fields = (PROC / str(sleeper.pid) / "stat").read_text().rpartition(")")[2].split()
        process = Process(host_id(), sleeper.pid, int(fields[_STARTED]))
        with rollout.database.open() as ledger:
            ledger.take_lease(ROLLOUT, "ada@control", "run-1", 900, process)
        told = rollout.info()
        assert told["phases"]["phase-1"]["state"] == "running"
        assert told["lease"]["holder"] == "ada@control"
        assert told["phases"]["phase-2"]["blocked_by"][-1]["who"] == ["ada@control"]
        own = rollout.info(run="run-1")["phases"]["phase-2"]["blocked_by"]
        assert [block["kind"] for block in own] == ["requires"]
    finally:
        sleeper.kill()
        sleeper.wait()
    told = rollout.info()
    assert (told["phases"]["phase-1"]["state"], told["lease"]) == ("stopped", None)
    assert "backup was begun by ada@control and never finished" in told["next"]


def test_windows_and_freezes_are_asked_by_the_server_s_clock(rollout: Rollout) -> None:
    rollout.deploy()
    now = rollout.began + 72 * HOUR
    freeze = {
        "from": f"{now - 24 * HOUR:%Y-%m-%d}",
        "to": f"{now + 48 * HOUR:%Y-%m-%d}",
        "reason": "stock-taking",
    }
    told = rollout.info(phases=[{**FIRST, "key": "phase-9"}], freezes=[freeze])
    [block] = told["phases"]["phase-9"]["blocked_by"]
    assert block["kind"] == "window"
    assert block["text"].endswith("stock-taking")
    assert block["earliest"].startswith(f"{now + 72 * HOUR:%Y-%m-%d}T00:00:00")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(
            "UPDATE rollout.entries SET body = replace(body, 't1', 't9') WHERE sequence = 3",
            "entry 3 (deployed-3) has hash", id="a tampered entry",
        ),
        pytest.param("DELETE FROM rollout.entries WHERE sequence = 2", "entry 2 is missing",
                     id="an entry that was removed"),
        pytest.param("DELETE FROM rollout.entries WHERE sequence = 4",
                     "entry 4 is missing: the chain ends at 3, but tag v1 vouches for entry 4",
                     id="a tail that was cut off"),
    ],
)  # fmt: skip
def test_a_ledger_that_was_tampered_with_blocks_everything(
    rollout: Rollout, damage: str, problem: str
) -> None:
    rollout.deploy()
    assert rollout.last is not None
    heads = [{"tag": "v1", "sequence": 4, "hash": rollout.last.hash}]
    sound = rollout.info(verify_chain=True, heads=heads)
    assert sound["chain"]["ok"]
    assert sound["chain"]["head"] == {"sequence": 4, "hash": rollout.last.hash}
    rollout.database.tamper(damage)
    told = rollout.info(verify_chain=True, heads=heads)
    assert not told["chain"]["ok"]
    assert told["chain"]["broken"]["message"].startswith(problem)
    assert told["next"].startswith(f"Do nothing to production: {problem}")
    for phase in told["phases"].values():
        assert "ledger" in [block["kind"] for block in phase["blocked_by"]]
    text = FilterModule().filters()["rollout_status"](told)
    assert f"ITS CHAIN IS BROKEN: {problem[:20]}" in text


@pytest.mark.parametrize("body", ["[]", '"odd"', '{"at": 1}', "no JSON"])
def test_what_is_no_entry_at_all_is_named_and_never_read_past(rollout: Rollout, body: str) -> None:
    rollout.deploy()
    rollout.database.tamper(f"UPDATE rollout.entries SET body = '{body}' WHERE sequence = 3")
    told = rollout.info()
    assert told["failed"]
    assert "cannot be read" in told["msg"] or "invalid input syntax for type json" in told["msg"]
    checked = rollout.info(verify_chain=True)
    assert checked["next"].startswith("Do nothing to production: entry 3 (deployed-3) has hash")


def test_the_last_steps_of_each_phase_tell_how_long_they_took(rollout: Rollout) -> None:
    for hour, status in enumerate(["started", "failed", "started", "failed", "failed"]):
        rollout.write("step", hour, step="stage", status=status, reason=f"after {hour} h")
    rollout.write("step", 6, "phase-2", step="stage", status="started")
    told = rollout.info()
    [step] = told["phases"]["phase-1"]["steps"]
    # Two hosts failed; the step began before the first of them did.
    assert (step["status"], step["seconds"], step["reason"]) == ("failed", 7200, "after 4 h")
    assert told["phases"]["phase-2"]["steps"][0]["seconds"] is None
    text = FilterModule().filters()["rollout_status"](told)
    assert "stage failed, took 2 h: after 4 h" in text


def test_the_newest_of_many_counts(rollout: Rollout) -> None:
    rollout.deploy()
    rollout.ticks(0, 60)
    for hour, verdict in ((1, "fail"), (2, "pass")):
        rollout.write("gate", hour, gate="exit", verdict=verdict, tree="t1", results=[])
    for hour in range(3, 9):
        rollout.write("gate", hour, gate="entry", verdict="fail", tree="", results=[])
        rollout.write("deployed", hour, tag="v1", tree="t1")
    assert rollout.states() == ["deployed", "waiting"]
    rollout.write("gate", 9, gate="exit", verdict="pass", tree="t1", results=[])
    assert rollout.states() == ["stable", "ready"]
    assert rollout.info()["phases"]["phase-1"]["soak"]["stable_seconds"] == 60 * 3600


def test_an_export_is_verified_without_the_database(rollout: Rollout, tmp_path: Path) -> None:
    rollout.deploy()
    file = tmp_path / "tower.jsonl"
    dry = rollout.info(export=str(file), check_mode=True)
    assert (dry["changed"], dry["chain"]["ok"], file.exists()) == (False, True, False)
    told = rollout.info(export=str(file))
    assert (told["changed"], told["chain"]["entries"]) == (True, 4)
    assert not rollout.info(export=str(file))["changed"]
    assert file.stat().st_mode & 0o777 == 0o600
    done = subprocess.run(
        [sys.executable, str(VERIFIER), str(file)], capture_output=True, text=True, check=True
    )
    assert "4" in done.stdout
    folder = rollout.info(export=str(tmp_path / "missing" / "file"))
    assert "missing" in folder["msg"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param({"phases": []}, "phases is []", id="no phases"),
        pytest.param(
            {"phases": [{**FIRST, "watch": {"objectives": ["a"]}}]},
            "watch.interval_seconds is missing", id="a watch without an interval",
        ),
        pytest.param(
            {"phases": [FIRST, {**SECOND, "requires": [{"phase": 1}]}]},
            "phase-2.requires[0].stable_for_seconds is missing", id="no time to be stable",
        ),
        pytest.param(
            {"heads": [{"tag": "v1", "sequence": 1, "hash": "abc"}]}, "heads[0].hash", id="no hash"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(rollout: Rollout, args: dict[str, Any], message: str) -> None:
    rollout.deploy()
    told = rollout.info(**args)
    assert told["failed"]
    assert told["msg"].startswith("Cannot tell where tower stands: ")
    assert message in told["msg"]


def test_a_server_that_is_gone_is_told(rollout: Rollout) -> None:
    told = rollout.info(login_port=free_port())
    assert told["failed"]
    assert told["msg"].startswith("Cannot tell where tower stands: cannot connect to the ledger")


def test_a_role_without_rights_is_told_what_it_lacks(rollout: Rollout) -> None:
    rollout.deploy()
    writer = rollout.database.writer
    told = rollout.info(login_user=writer.user, login_password=writer.password)
    assert told["failed"]
    assert "permission denied" in told["msg"]


def test_what_is_told_is_what_the_filter_takes(rollout: Rollout) -> None:
    rollout.deploy()
    rollout.ticks(0, 24)
    show = FilterModule().filters()["rollout_status"]
    told = json.loads(json.dumps(rollout.info(verify_chain=True)))
    text = show(told)
    assert max(map(len, text.splitlines())) <= 100
    assert "phase 1 has been stable for 24 h of 48 h" in text
    assert "its chain of 4 entries is whole" in text
    assert show(told, "markdown").startswith("# Rollout tower")


def test_reading_writes_nothing(rollout: Rollout) -> None:
    rollout.deploy()
    rollout.ticks(0, 3)
    query = "SELECT (SELECT count(*) FROM rollout.entries), (SELECT count(*) FROM rollout.samples)"
    before = rollout.database.execute(query)
    assert not rollout.info(verify_chain=True)["changed"]
    assert rollout.database.execute(query) == before
