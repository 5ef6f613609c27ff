# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a rollout on a real PostgreSQL, held by real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _ledger_leases
from ansible_collections.phased.rollout.plugins.module_utils._lease import Process, Taken
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LeaseError,
    LeaseLostError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_sql import TAKE_LEASE
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.ledgers import (
    LedgerDatabase,
    at_once,
    ledger_database,
    until,
)
from ansible_collections.phased.rollout.tests.ledger_chains import draft

HELD = "No lease of tower: rollout tower is held by ada@control (run 77"
# It does what a playbook does: it runs a module, and goes on.
PLAYBOOK = """
import subprocess, sys
done = subprocess.run(
    [sys.executable, "-m", "ansible_collections.phased.rollout.plugins.modules.ledger_lease"],
    stdin=sys.stdin, stdout=subprocess.PIPE, check=False)
sys.stdout.buffer.write(done.stdout.strip() + b"\\n")
sys.stdout.flush()
__import__("time").sleep(600)
"""
Settle = Callable[..., dict[str, Any]]


@pytest.fixture
def database(postgresql: Postgresql) -> Iterator[LedgerDatabase]:
    """A database without a ledger."""
    with ledger_database(postgresql) as made:
        yield made


@pytest.fixture
def settle(database: LedgerDatabase, run_module: Settle) -> Settle:
    """Return a function that runs the module, as ada in run 77 unless said otherwise."""

    def run(check_mode: bool = False, **args: Any) -> dict[str, Any]:
        told = run_module("ledger_lease", given(database, **args), check_mode=check_mode)
        assert str(database.owner.password) not in json.dumps(told)
        return told

    return run


def given(database: LedgerDatabase, **args: Any) -> dict[str, Any]:
    """Return options of the module, as ada in run 77 unless said otherwise."""
    own = {"rollout": "tower", "run": "77", "actor": "ada@control"}
    return {**own, **database.options(), **args}


def expire(database: LedgerDatabase) -> None:
    """Let the time of all leases be over."""
    database.execute("UPDATE rollout.leases SET expires_at = clock_timestamp()")


BOB = {"run": "78", "actor": "bob@control"}


def test_a_lease_is_taken_renewed_and_given_back(settle: Settle, database: LedgerDatabase) -> None:
    first = settle()
    assert (first["changed"], first["outcome"], first["fence"]) == (True, "taken", 1)
    assert first["taken_from"] is None
    assert (first["lease"]["holder"], first["lease"]["run"]) == ("ada@control", "77")
    again = settle(ttl=3600)
    assert (again["changed"], again["outcome"], again["fence"]) == (False, "renewed", 1)
    assert again["lease"]["since"] == first["lease"]["since"]
    assert again["lease"]["expires_at"] > first["lease"]["expires_at"]
    back = settle(state="absent", fence=1)
    assert (back["changed"], back["outcome"], back["lease"]) == (True, "released", None)
    assert not settle(state="absent", fence=1)["changed"]
    second = settle(**BOB)
    assert (second["outcome"], second["fence"], second["taken_from"]) == ("taken", 2, None)


def test_a_second_run_is_told_who_holds_it(settle: Settle) -> None:
    lease = settle()["lease"]
    told = settle(**BOB)
    assert told["failed"]
    assert told["msg"].startswith(HELD)
    since, until_then = (lease[key][:19].replace("T", " ") for key in ("since", "expires_at"))
    assert f"since {since} UTC until {until_then} UTC: wait until that run has ended" in told["msg"]
    assert not settle(state="absent", run="78")["changed"]
    assert settle()["outcome"] == "renewed"


def test_the_same_name_of_a_run_is_not_the_same_run(settle: Settle) -> None:
    settle()
    assert settle(actor="bob@control")["msg"].startswith(HELD)


def test_rollouts_do_not_share_a_lease(settle: Settle) -> None:
    assert settle()["fence"] == 1
    assert settle(rollout="apex", **BOB)["fence"] == 1


def test_a_lease_whose_time_is_over_is_taken(settle: Settle, database: LedgerDatabase) -> None:
    settle()
    expire(database)
    told = settle(**BOB)
    assert (told["outcome"], told["fence"]) == ("taken", 2)
    assert told["taken_from"] == {"holder": "ada@control", "run": "77", "why": "expired"}
    lost = settle(fence=1)
    assert lost["failed"]
    assert "the lease of rollout tower with fence 1 is lost, it is held by bob@" in lost["msg"]
    assert settle()["msg"].startswith("No lease of tower: rollout tower is held by bob@control")


def test_a_lease_whose_time_is_over_is_renewed_if_nobody_took_it(
    settle: Settle, database: LedgerDatabase
) -> None:
    settle()
    expire(database)
    told = settle(fence=1)
    assert (told["changed"], told["outcome"], told["fence"]) == (False, "renewed", 1)
    expire(database)
    assert settle()["fence"] == 1
    assert settle(**BOB)["failed"]


def test_a_lease_that_was_given_back_is_lost(settle: Settle) -> None:
    settle()
    settle(state="absent")
    assert "with fence 1 is lost, nobody holds it now" in settle(fence=1)["msg"]


@pytest.mark.parametrize("ttl", [0, -1, 86401])
def test_a_time_that_makes_no_sense_is_refused(settle: Settle, ttl: int) -> None:
    assert f"ttl is {ttl}: it must be from 1 to 86400 seconds" in settle(ttl=ttl)["msg"]


def test_check_mode_makes_no_ledger(settle: Settle, database: LedgerDatabase) -> None:
    told = settle(check_mode=True)
    assert (told["changed"], told["outcome"], told["fence"]) == (True, "taken", 1)
    assert not settle(check_mode=True, state="absent")["changed"]
    assert settle(check_mode=True, fence=1)["fence"] == 1
    assert database.execute("SELECT to_regnamespace('rollout')") == [(None,)]


def test_check_mode_takes_nothing(settle: Settle, database: LedgerDatabase) -> None:
    lease = settle()["lease"]
    expire(database)
    told = settle(check_mode=True, **BOB)
    assert (told["changed"], told["fence"], told["taken_from"]["why"]) == (True, 2, "expired")
    assert settle(check_mode=True, fence=2, **BOB)["outcome"] == "renewed"
    assert settle(check_mode=True, fence=1, **BOB)["failed"]
    assert settle(check_mode=True, state="absent")["changed"]
    with database.open() as ledger:
        kept = ledger.lease("tower")
        assert kept
        assert (kept.fence, kept.run) == (lease["fence"], "77")


def test_of_runs_at_once_one_gets_the_lease(database: LedgerDatabase) -> None:
    def act(number: int) -> Taken:
        with database.open() as ledger:
            return ledger.take_lease("tower", f"{number}@control", str(number), 900)

    results = at_once(6, act)
    (taken,) = [one for one in results if isinstance(one, Taken)]
    assert (taken.outcome, taken.lease.fence) == ("taken", 1)
    refused = [one for one in results if isinstance(one, LeaseError)]
    assert len(refused) == 5
    assert all(f"held by {taken.lease.holder}" in str(one) for one in refused)


def test_who_comes_while_the_lease_is_being_taken_does_not_get_it(leased: LedgerDatabase) -> None:
    with leased.open() as ledger:
        ledger.release_lease("tower", "77", 1)

    def act(number: int) -> Any:
        if number == 0:
            with leased.open() as ledger:
                return ledger.take_lease("tower", "bob@control", "78", 900)
        until(leased.waiting)
        return taking.commit()

    ada = {"rollout": "tower", "holder": "ada@control", "run": "79", "seconds": 900}
    unknown = dict.fromkeys(("host_id", "pid", "pid_started", "dead"))
    with leased.connected() as taking, taking.cursor() as cursor:
        cursor.execute(TAKE_LEASE, {**ada, **unknown})
        error, _committed = at_once(2, act)
    assert isinstance(error, LeaseError)
    assert "held by ada@control (run 79)" in str(error)


def test_fences_grow_with_every_take_over(database: LedgerDatabase) -> None:
    with database.open() as ledger:
        for number in range(1, 5):
            taken = ledger.take_lease("tower", "ada@control", str(number), 900)
            assert taken.lease.fence == number
            if number % 2:
                assert ledger.release_lease("tower", str(number), number)
            else:
                expire(database)


@contextmanager
def playbook(database: LedgerDatabase, folder: Path, **args: Any) -> Iterator[Any]:
    """Run a playbook that takes the lease and goes on, and give it with what it was told."""
    script = folder / "ansible-playbook"
    script.write_text(PLAYBOOK)
    options = json.dumps({"ANSIBLE_MODULE_ARGS": given(database, **args)})
    (folder / "args").write_text(options)
    with (
        (folder / "args").open("rb") as stdin,
        subprocess.Popen([sys.executable, script], stdin=stdin, stdout=subprocess.PIPE) as process,
    ):
        assert process.stdout
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_the_lease_of_a_killed_run_is_taken_at_once(
    settle: Settle, database: LedgerDatabase, tmp_path: Path
) -> None:
    with playbook(database, tmp_path) as (process, told):
        assert (told["outcome"], told["lease"]["pid"]) == ("taken", process.pid)
        refused = settle(**BOB)
        assert refused["msg"].startswith(f"{HELD}, process {process.pid})")
        process.kill()
        process.wait()
        taken = settle(**BOB)
        assert (taken["outcome"], taken["fence"]) == ("taken", 2)
        assert taken["taken_from"] == {"holder": "ada@control", "run": "77", "why": "dead"}


def test_a_run_that_was_killed_can_be_started_again(
    database: LedgerDatabase, tmp_path: Path
) -> None:
    with playbook(database, tmp_path):
        pass
    with playbook(database, tmp_path) as (_process, told):
        assert (told["outcome"], told["fence"], told["taken_from"]["why"]) == ("taken", 2, "dead")


def test_a_run_with_the_same_name_in_another_process_has_to_wait(
    settle: Settle, database: LedgerDatabase, tmp_path: Path
) -> None:
    with playbook(database, tmp_path):
        assert settle()["msg"].startswith(HELD)


def test_the_lease_of_a_run_elsewhere_is_not_taken(database: LedgerDatabase) -> None:
    """A process of that number cannot exist here, but it was never asked for here."""
    with database.open() as ledger:
        ledger.take_lease("tower", "ada@else", "77", 900, Process("another boot", 2**30, 1))
        with pytest.raises(LeaseError, match="is held by ada@else"):
            ledger.take_lease("tower", "bob@control", "78", 900)


@pytest.fixture
def leased(database: LedgerDatabase) -> LedgerDatabase:
    """A database in which ada's run 77 holds the lease with fence 1."""
    with database.open() as ledger:
        ledger.take_lease("tower", "ada@control", "77", 900)
    return database


def test_an_entry_is_written_under_the_lease(leased: LedgerDatabase) -> None:
    with leased.open() as ledger:
        assert ledger.append(draft(fence=1))[0].fence == 1


def test_an_entry_with_a_stale_fence_is_refused(leased: LedgerDatabase) -> None:
    with leased.open() as ledger:
        expire(leased)
        ledger.take_lease("tower", "bob@control", "78", 900)
        with pytest.raises(LeaseLostError, match="fence 1 is lost, it is held by bob@control"):
            ledger.append(draft(fence=1))
        with pytest.raises(LeaseLostError, match="with fence 3 is lost"):
            ledger.append(draft(fence=3))
        assert ledger.append(draft(fence=2))[1]


def test_an_entry_with_the_fence_of_another_rollout_is_refused(leased: LedgerDatabase) -> None:
    with leased.open() as ledger, pytest.raises(LeaseLostError, match="nobody holds it now"):
        ledger.append(draft(fence=1, rollout="apex"))


def test_an_entry_with_a_fence_that_was_given_back_is_refused(leased: LedgerDatabase) -> None:
    with leased.open() as ledger:
        ledger.release_lease("tower", "77", 1)
        with pytest.raises(LeaseLostError, match="fence 1 is lost, nobody holds it now"):
            ledger.append(draft(fence=1))


def test_an_entry_is_refused_when_the_time_is_over(leased: LedgerDatabase) -> None:
    expire(leased)
    with leased.open() as ledger:
        with pytest.raises(LeaseError, match="fence 1 has run out; nothing was written; renew it"):
            ledger.append(draft(fence=1))
        ledger.renew_lease("tower", "77", 1, 900)
        assert ledger.append(draft(fence=1))[1]


def left(database: LedgerDatabase) -> timedelta:
    """Return how long the lease is still good for."""
    with database.open() as ledger:
        lease = ledger.lease("tower")
        assert lease
        return lease.expires_at - ledger.now()


def test_writing_an_entry_renews_the_lease_first_if_asked_to(
    leased: LedgerDatabase, run_module: Settle
) -> None:
    args = given(leased, actor="ada@control", fence=1, ttl=900)
    args["entries"] = [{"kind": "gate", "key": "a", "data": {}}]
    expire(leased)
    assert run_module("ledger", args, check_mode=True)["changed"]
    assert "has run out" in run_module("ledger", {**args, "ttl": None})["msg"]
    assert run_module("ledger", args)["changed"]
    assert left(leased) > timedelta(0)
    assert "with fence 2 is lost" in run_module("ledger", {**args, "fence": 2})["msg"]


def test_what_stands_in_the_ledger_needs_no_lease_to_be_found(leased: LedgerDatabase) -> None:
    with leased.open() as ledger:
        ledger.append(draft(fence=1))
        expire(leased)
        assert not ledger.append(draft(fence=1))[1]


def test_a_take_over_waits_for_an_entry_that_is_being_written(
    leased: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ledger_leases, "has_died", lambda process: True)
    own = Process("here", 1, 1)
    with leased.open() as ledger:
        ledger.release_lease("tower", "77", 1)
        ledger.take_lease("tower", "ada@control", "77", 900, own)

    def act(number: int) -> Any:
        if number == 0:
            with leased.open() as ledger:
                return ledger.take_lease("tower", "bob@control", "78", 900, own)
        until(leased.waiting)
        with writing.cursor() as cursor:
            cursor.execute("SELECT fence FROM rollout.leases")
            fence = cursor.fetchone()
        writing.commit()
        return fence

    with leased.connected() as writing, writing.cursor() as cursor:
        cursor.execute("SELECT rollout.check_fence('tower', 2)")
        taken, fence = at_once(2, act)
    assert fence == (2,)
    assert (taken.lease.fence, taken.dead) == (3, True)


def test_a_lease_counts_by_the_clock_of_the_server(leased: LedgerDatabase) -> None:
    assert timedelta(0) < left(leased) <= timedelta(seconds=900)
