# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's entries on a real PostgreSQL: written once, in one chain, and never changed."""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _ledger_session
from ansible_collections.phased.rollout.plugins.module_utils._chain import Head, link, stamp
from ansible_collections.phased.rollout.plugins.module_utils._entry import (
    STATUSES,
    Draft,
    Entry,
    sealed,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    KeyTakenError,
    LedgerError,
    LedgerGoneError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_export import export
from ansible_collections.phased.rollout.plugins.module_utils._ledger_sql import INSERT
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql, free_port
from ansible_collections.phased.rollout.tests.integration.ledgers import (
    LedgerDatabase,
    at_once,
    cut_at_commit,
    ledger_database,
    until,
)
from ansible_collections.phased.rollout.tests.ledger_chains import draft, with_body

VERIFIER = Path(__file__).parents[2] / "playbooks" / "files" / "verify_ledger.py"
MODULE = "ansible_collections.phased.rollout.plugins.modules.ledger"
Write = Callable[..., dict[str, Any]]


@pytest.fixture
def database(postgresql: Postgresql) -> Iterator[LedgerDatabase]:
    """A database without a ledger."""
    with ledger_database(postgresql) as made:
        yield made


@pytest.fixture
def five(database: LedgerDatabase) -> LedgerDatabase:
    """A database with a ledger of five entries."""
    with database.open() as ledger:
        for number in range(1, 6):
            ledger.append(free(key=f"key-{number}"))
    return database


@pytest.fixture
def write(database: LedgerDatabase, run_module: Write) -> Write:
    """Return a function that writes an entry by the module, and what holds for every result."""

    def run(check_mode: bool = False, **args: Any) -> dict[str, Any]:
        given = {**options(free()), **database.options(), **args}
        told = run_module("ledger", as_entries(given), check_mode=check_mode)
        told["entry"] = (told.get("entries") or [None])[0]
        assert str(database.owner.password) not in json.dumps(told)
        assert "Traceback" not in json.dumps(told)
        return told

    return run


@pytest.fixture
def write_all(database: LedgerDatabase, run_module: Write) -> Write:
    """Return a function that writes several entries by one run of the module."""

    def run(entries: list[dict[str, Any]], check_mode: bool = False) -> dict[str, Any]:
        common = {"rollout": "tower", "actor": "ada@control", "run": "77"}
        args = {**common, **database.options(), "entries": entries}
        return run_module("ledger", args, check_mode=check_mode)

    return run


def free(**changes: Any) -> Draft:
    """Return a draft that needs no lease."""
    return draft(**{"fence": None, **changes})


def options(one: Draft) -> dict[str, Any]:
    """Return the draft as options of the module."""
    return {name: value for name, value in vars(one).items() if value is not None}


def as_entries(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the module for one entry, whose own options stand among them."""
    own = {name: given[name] for name in ("kind", "key", "phase", "data") if name in given}
    return {**{name: given[name] for name in given if name not in own}, "entries": [own]}


def count(database: LedgerDatabase) -> int:
    """Return how many entries there are."""
    found: int = database.execute("SELECT count(*) FROM rollout.entries")[0][0]
    return found


def columns(entry: Entry, **changes: Any) -> dict[str, Any]:
    """Return an entry as parameters of an INSERT, with changes."""
    return {**vars(entry), "step": entry.step, "body": entry.body, "data": None, **changes}


def test_the_first_entry_makes_the_ledger(write: Write, database: LedgerDatabase) -> None:
    first = write()
    assert first["changed"]
    assert first["masked"] == []
    entry = first["entry"]
    assert (entry["sequence"], entry["previous"]) == (1, "0" * 64)
    assert {**options(free()), "phase": "phase-1"}.items() <= entry.items()
    second = write(key="another")
    assert (second["entry"]["sequence"], second["entry"]["previous"]) == (2, entry["hash"])
    with database.open() as ledger:
        assert ledger.verify("tower").head == Head(2, second["entry"]["hash"])
        assert [one.as_dict() for one in ledger.entries("tower")] == [entry, second["entry"]]


def test_the_same_fact_is_written_once(write: Write, database: LedgerDatabase) -> None:
    first = write()
    again = write(run="78", actor="bob@control")
    assert not again["changed"]
    assert again["entry"] == first["entry"]
    assert count(database) == 1


def test_another_fact_under_the_same_key_is_refused(write: Write, database: LedgerDatabase) -> None:
    write()
    told = write(data={"step": "backup", "status": "failed"})
    assert told["failed"]
    assert told["msg"] == (
        "Cannot write into the ledger of tower: key phase-1/backup/passed is taken in"
        " rollout tower: entry 1, written by ada@control in run 77, is something else:"
        ' data.evidence is in the ledger only; data.status is "passed" in the ledger, "failed" here'
    )
    assert count(database) == 1


def test_every_rollout_has_a_chain_of_its_own(write: Write, database: LedgerDatabase) -> None:
    assert write()["entry"]["sequence"] == 1
    assert write(rollout="apex")["entry"]["sequence"] == 1


def test_check_mode_makes_no_ledger(write: Write, database: LedgerDatabase) -> None:
    told = write(check_mode=True)
    assert told["changed"]
    assert (told["entry"]["sequence"], told["diff"]["before"]) == (1, [])
    assert database.execute("SELECT to_regnamespace('rollout')") == [(None,)]


def test_check_mode_writes_nothing(write: Write, five: LedgerDatabase) -> None:
    told = write(check_mode=True, fence=9)
    assert told["changed"]
    assert told["entry"]["sequence"] == 6
    assert not write(check_mode=True, key="key-3")["changed"]
    assert write(check_mode=True, key="key-3", kind="gate")["failed"]
    assert count(five) == 5


def several(*keys: str) -> list[dict[str, Any]]:
    """Return entries of the module, with these keys."""
    own = {"kind": "gate", "phase": "phase-1", "data": {"gate": "entry"}}
    return [{**own, "key": key} for key in keys]


def test_several_entries_are_written_in_their_order(write_all: Write, five: LedgerDatabase) -> None:
    planned = write_all(several("a", "key-3", "b", "a"), check_mode=True)
    assert planned["failed"]
    planned = write_all(several("a", "b", "a"), check_mode=True)
    told = write_all(several("a", "b", "a"))
    assert [one["sequence"] for one in told["entries"]] == [6, 7, 6]
    assert [one["sequence"] for one in planned["entries"]] == [6, 7, 6]
    assert not write_all(several("b", "a"))["changed"]
    more = write_all(several("b", "c"))
    assert (more["changed"], [one["sequence"] for one in more["entries"]]) == (True, [7, 8])
    assert [one["key"] for one in more["diff"]["before"]] == ["b"]
    with five.open() as ledger:
        assert ledger.verify("tower").entries == 8


def test_of_several_entries_all_are_written_or_none(write_all: Write, five: LedgerDatabase) -> None:
    told = write_all(several("a", "key-3"))
    assert "key key-3 is taken" in told["msg"]
    assert "phase is ''" in write_all([*several("a"), {**several("b")[0], "phase": ""}])["msg"]
    assert write_all([])["entries"] == []
    assert count(five) == 5


def test_check_mode_numbers_the_first_entries(write_all: Write) -> None:
    told = write_all(several("a", "b"), check_mode=True)
    assert [one["sequence"] for one in told["entries"]] == [1, 2]
    assert told["entries"][1]["previous"] == told["entries"][0]["hash"]


def test_no_secret_gets_into_the_ledger(write: Write, database: LedgerDatabase) -> None:
    secret = "s3cret-of-the-application"
    data = {
        "step": "backup",
        "status": "failed",
        "reason": f"no login as app with {secret}",
        "evidence": {"url": "postgresql://app:hunter2@db/x", "api_key": "k-1", "n": [secret]},
    }
    told = write(data=data, secrets=[secret])
    assert told["masked"] == [
        "data.reason", "data.evidence.url", "data.evidence.api_key", "data.evidence.n[0]",
    ]  # fmt: skip
    rows = json.dumps(database.execute("SELECT entries::text FROM rollout.entries"))
    for word in (secret, "hunter2", "k-1"):
        assert word not in rows
    assert not write(data=data, secrets=[secret])["changed"]
    assert write(key=f"of {secret}", secrets=[secret])["failed"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param({"kind": "approvall"}, "value of kind must be one of", id="kind"),
        pytest.param({"phase": ""}, "phase is ''", id="an empty phase"),
        pytest.param(
            {"data": {"step": "backup", "status": "ok"}}, "data.status is 'ok'", id="data"
        ),
        pytest.param({"login_user": None}, "cannot connect to the ledger", id="no user"),
        pytest.param({"login_password": "wrong"}, "password authentication failed", id="password"),
        pytest.param({"login_db": "nowhere"}, 'database "nowhere" does not exist', id="database"),
        pytest.param({"login_port": free_port()}, "Connection refused", id="the server is gone"),
        pytest.param({"login_host": "host.invalid"}, "could not translate host name", id="host"),
    ],
)
def test_what_cannot_be_written_is_said(write: Write, args: Any, message: str) -> None:
    told = write(**args)
    assert told["failed"]
    assert message in told["msg"]
    assert "exception" not in told


def test_writers_at_once_form_one_chain(database: LedgerDatabase) -> None:
    def act(number: int) -> list[int]:
        with database.open() as ledger:
            return [ledger.append(free(key=f"{number}/{n}"))[0].sequence for n in range(15)]

    results = at_once(4, act)
    assert sorted(itertools.chain(*results)) == list(range(1, 61))
    with database.open() as ledger:
        assert ledger.verify("tower").entries == 60


def test_of_writers_of_one_fact_one_writes_it(five: LedgerDatabase) -> None:
    def act(_number: int) -> tuple[int, bool]:
        with five.open() as ledger:
            entry, is_new = ledger.append(free())
            return entry.sequence, is_new

    assert sorted(at_once(6, act)) == [*[(6, False)] * 5, (6, True)]


def test_modules_at_once(five: LedgerDatabase, write: Write) -> None:
    told = at_once(3, lambda number: write(key=f"at once {number}"))
    assert sorted(one["entry"]["sequence"] for one in told) == [6, 7, 8]
    with five.open() as ledger:
        assert ledger.verify("tower").ok


@pytest.fixture
def chain_is_locked(five: LedgerDatabase) -> Iterator[Any]:
    """A session in the middle of an append; whoever appends waits for it."""
    with five.connected() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rollout.lock_chain('tower')")
        yield connection


def test_a_connection_cut_in_the_middle(five: LedgerDatabase, chain_is_locked: Any) -> None:
    def act(number: int) -> Any:
        if number == 0:
            with five.open() as ledger:
                return ledger.append(free())
        until(five.waiting)
        return five.execute(f"SELECT pg_terminate_backend({five.waiting()[0]})")

    error, _killed = at_once(2, act)
    chain_is_locked.rollback()
    assert isinstance(error, LedgerGoneError)
    assert "lost the connection to the ledger" in str(error)
    assert "run the same again" in str(error)
    with five.open() as ledger:
        assert ledger.verify("tower").entries == 5
        assert ledger.append(free())[1]


def test_a_process_killed_in_the_middle(five: LedgerDatabase, chain_is_locked: Any) -> None:
    args = as_entries({**options(free()), **five.options()})
    with subprocess.Popen(
        [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode())
        process.stdin.close()
        until(five.waiting)
        process.send_signal(signal.SIGKILL)
    chain_is_locked.rollback()
    until(lambda: not five.waiting())
    with five.open() as ledger:
        assert ledger.append(free())[0].sequence == 6
        assert ledger.verify("tower").entries == 6


@pytest.mark.parametrize("arrives", [False, True], ids=["before it arrives", "after it arrived"])
def test_a_line_cut_at_the_commit(five: LedgerDatabase, arrives: bool) -> None:
    """The first commit is that of looking at the schema's version."""
    with (
        cut_at_commit(five.owner, 2, commit_arrives=arrives) as login,
        five.open(login) as ledger,
        pytest.raises(LedgerGoneError, match="whether entry phase-1/backup/passed was written"),
    ):
        ledger.append(free())
    assert count(five) == 5 + arrives
    with five.open() as ledger:
        entry, is_new = ledger.append(free())
        assert (entry.sequence, is_new) == (6, not arrives)
        assert ledger.verify("tower").ok


def test_who_blocks_for_too_long_is_told(
    five: LedgerDatabase, chain_is_locked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_ledger_session._SETTINGS, "lock_timeout", "200ms")
    with five.open() as ledger, pytest.raises(LedgerError, match="has kept the ledger locked"):
        ledger.append(free())


def test_a_ledger_is_used_again_after_an_error(five: LedgerDatabase) -> None:
    with five.open() as ledger:
        with pytest.raises(KeyTakenError):
            ledger.append(free(key="key-1", kind="gate"))
        assert ledger.append(free())[0].sequence == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"sequence": 7}, "entry 7 does not follow entry 5", id="a gap"),
        pytest.param({"sequence": 5}, "entry 5 does not follow entry 5", id="a number again"),
        pytest.param({"previous": "0" * 64}, "but the one before is", id="another predecessor"),
        pytest.param({"hash": "f" * 64}, "a hash that its content does not give", id="hash"),
        pytest.param({"body": "{}"}, "a hash that its content does not give", id="body"),
        pytest.param({"actor": "eve@control"}, "columns that differ from its body", id="actor"),
        pytest.param({"key": "else"}, "columns that differ from its body", id="key"),
        pytest.param({"fence": 1}, "columns that differ from its body", id="fence"),
        pytest.param({"phase": None, "step": None}, "columns that differ", id="phase and step"),
        pytest.param({"step": "deploy"}, "columns that differ from its body", id="step"),
        pytest.param({"kind": "gate", "step": None}, "columns that differ from its", id="kind"),
        pytest.param({"run": "78"}, "columns that differ from its body", id="run"),
    ],
)
def test_the_database_refuses_what_does_not_continue_the_chain(
    five: LedgerDatabase, changes: dict[str, Any], message: str
) -> None:
    with five.open() as ledger:
        last = ledger.entries("tower")[-1]
        entry = sealed(free(), last.head, ledger.now())
    with five.connected() as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error, match=message) as raised:
            cursor.execute(INSERT, columns(entry, **changes))
        assert raised.value.pgcode == "RL001"
        connection.rollback()
        cursor.execute(INSERT, columns(entry))


@pytest.mark.parametrize("seconds", [-1, 60], ids=["before the last one", "in the future"])
def test_the_database_refuses_the_wrong_time(five: LedgerDatabase, seconds: int) -> None:
    with five.open() as ledger:
        last = ledger.entries("tower")[-1]
    entry = sealed(free(), last.head, last.at + timedelta(seconds=seconds))
    with (
        five.connected() as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.Error, match=r"entry 6 is of .* but must be from"),
    ):
        cursor.execute(INSERT, columns(entry))


def test_time_never_goes_back_in_a_chain(five: LedgerDatabase) -> None:
    """As if the server's clock had been an hour ahead, and was set right."""
    with five.open() as ledger:
        last = ledger.entries("tower")[-1]
        ahead = sealed(free(key="ahead"), last.head, last.at + timedelta(hours=1))
        with five.connected() as connection, connection.cursor() as cursor:
            values = cursor.mogrify(INSERT, columns(ahead)).decode()
        five.tamper(values)
        entry, _is_new = ledger.append(free())
        assert entry.at == ahead.at > ledger.now()
        assert ledger.verify("tower").entries == 7


CHANGES = [
    "UPDATE rollout.entries SET actor = 'eve'",
    "UPDATE rollout.entries SET actor = actor WHERE false",
    "DELETE FROM rollout.entries WHERE sequence = 5",
    "DELETE FROM rollout.entries WHERE false",
    "TRUNCATE rollout.entries",
    "TRUNCATE rollout.entries CASCADE",
    "INSERT INTO rollout.entries SELECT * FROM rollout.entries WHERE sequence = 5"
    " ON CONFLICT (rollout, key) DO UPDATE SET actor = 'eve'",
    "UPDATE rollout.samples SET verdict = 'pass'",
    "UPDATE rollout.samples_2026_01 SET verdict = 'pass'",
    "DELETE FROM rollout.samples",
    "TRUNCATE rollout.samples",
    "TRUNCATE rollout.samples_2026_01",
    "DELETE FROM rollout.leases",
    "TRUNCATE rollout.leases",
    "UPDATE rollout.leases SET fence = fence - 1",
    "UPDATE rollout.leases SET rollout = 'apex'",
]


@pytest.fixture(scope="module")
def filled(postgresql: Postgresql) -> Iterator[LedgerDatabase]:
    """A ledger with something in every table, which all attempts to change it have in common."""
    with ledger_database(postgresql) as made:
        with made.open() as ledger:
            for number in range(1, 6):
                ledger.append(free(key=f"key-{number}"))
            ledger.take_lease("tower", "ada@control", "77", 900)
        made.execute(
            "SELECT rollout.make_month('2026-01-31 12:00+00');"
            "INSERT INTO rollout.samples VALUES"
            " ('tower', 'phase-1', 'latency', '2026-01-31 12:00+00', 3, 's', 'fail', 'slow')"
        )
        yield made


@pytest.mark.parametrize("statement", CHANGES)
def test_not_even_the_owner_changes_the_ledger(filled: LedgerDatabase, statement: str) -> None:
    with filled.connected() as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error, match="is refused: it only grows") as raised:
            cursor.execute(statement)
        assert raised.value.pgcode == "RL004"


def test_a_session_that_plays_a_replica_does_not_either(filled: LedgerDatabase) -> None:
    with pytest.raises(psycopg2.Error, match="is refused: it only grows"):
        filled.execute(f"SET session_replication_role = replica; {CHANGES[0]}")


SWAP = """
CREATE TEMP TABLE kept AS SELECT * FROM rollout.entries WHERE sequence IN (2, 3);
UPDATE rollout.entries e SET body = kept.body, hash = kept.hash, previous = kept.previous,
  at = kept.at FROM kept WHERE e.sequence IN (2, 3) AND kept.sequence = 5 - e.sequence
"""
TAMPERED = {
    "a body": ("UPDATE rollout.entries SET body = replace(body, 'ada', 'eve') WHERE sequence = 3",
               "hash", 3),
    "a column": ("UPDATE rollout.entries SET phase = 'phase-2' WHERE sequence = 3", "column", 3),
    "the time": ("UPDATE rollout.entries SET at = at + interval '1 us' WHERE sequence = 3",
                 "column", 3),
    "a hash": ("UPDATE rollout.entries SET hash = repeat('f', 64) WHERE sequence = 3", "hash", 3),
    "a deleted entry": ("DELETE FROM rollout.entries WHERE sequence = 3", "gap", 3),
    "the first one deleted": ("DELETE FROM rollout.entries WHERE sequence = 1", "gap", 1),
    "two swapped": (SWAP, "previous", 2),
    "a deleted tail": ("DELETE FROM rollout.entries WHERE sequence > 3", "head", 4),
    "all deleted": ("DELETE FROM rollout.entries", "head", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_is_named(five: LedgerDatabase, name: str, tmp_path: Path) -> None:
    statements, problem, sequence = TAMPERED[name]
    with five.open() as ledger:
        head = ledger.verify("tower").head
        assert head
        heads = [head._replace(tag="v1.0.0")]
        five.tamper(statements)
        broken = ledger.verify("tower", heads).broken
        assert broken
        assert (broken.problem, broken.sequence) == (problem, sequence)
        assert export(ledger, "tower", tmp_path / "ledger.jsonl", heads).broken == broken
    done = offline(tmp_path / "ledger.jsonl", f"{head.sequence}:{head.hash}")
    assert done.startswith("OK" if problem == "column" else "BROKEN: line ")


def offline(path: Path, *heads: str) -> str:
    """Return what the program says that verifies an export."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", VERIFIER, path, *heads],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == (not done.stdout.startswith("OK"))
    return done.stdout


def test_a_chain_written_again_as_a_whole_is_betrayed_by_the_tag(five: LedgerDatabase) -> None:
    with five.open() as ledger, ledger.stored("tower") as stored:
        rows, previous, statements = list(stored), "0" * 64, []
    old_head = Head(5, rows[-1].hash, "v1.0.0")
    for row in rows:
        body = with_body(row, actor="eve").body
        digest = link(previous, body)
        statements.append(
            f"UPDATE rollout.entries SET actor = 'eve', body = '{body}', previous = '{previous}',"
            f" hash = '{digest}' WHERE sequence = {row.sequence}"
        )
        previous = digest
    five.tamper(";".join(statements))
    with five.open() as ledger:
        assert ledger.verify("tower").ok
        broken = ledger.verify("tower", [old_head]).broken
        assert broken
        assert "tag v1.0.0 vouches for entry 5" in broken.message


def test_an_entry_that_cannot_be_read_is_said(write: Write, five: LedgerDatabase) -> None:
    five.tamper("UPDATE rollout.entries SET body = 'x' WHERE sequence = 3")
    assert "an entry cannot be read" in write(key="key-3")["msg"]
    assert write()["changed"]


def test_an_export_is_verified_offline(five: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text("old")
    with five.open() as ledger:
        ledger.append(free(kind="gate", phase=None, data={"text": 'ü\n\u2028 \\ "', "n": -0.5}))
        result = export(ledger, "tower", path)
    assert result.ok
    assert result.head
    head = f"{result.head.sequence}:{result.head.hash}"
    assert offline(path, head) == f"OK: 6 entries of tower, head {head}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_fails_leaves_the_old_one(five: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text("old")
    with five.open() as ledger:
        five.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{five.name}' AND usename = '{five.owner.user}'"
        )
        with pytest.raises(LedgerGoneError):
            export(ledger, "tower", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_entries_are_found_by_kind_and_phase(database: LedgerDatabase) -> None:
    dice = random.Random(6)
    with database.open() as ledger:
        written = [
            ledger.append(
                free(
                    key=f"key-{number}",
                    kind=dice.choice(["step", "step", "gate", "deployed"]),
                    phase=dice.choice(["phase-1", "phase-2", "phase-10"]),
                    data={
                        "step": dice.choice(["backup", "stage", "deploy"]),
                        "status": dice.choice(STATUSES),
                    },
                    rollout=dice.choice(["tower", "tower", "tower", "apex"]),
                )
            )[0]
            for number in range(80)
        ]
        own = [entry for entry in written if entry.rollout == "tower"]
        assert ledger.entries("tower") == own
        assert ledger.entries("tower", ["gate", "deployed"]) == [
            entry for entry in own if entry.kind in ("gate", "deployed")
        ]
        assert ledger.entries("tower", phase="phase-1") == [
            entry for entry in own if entry.phase == "phase-1"
        ]
        assert ledger.entries("tower", ["gate"], "phase-2") == [
            entry for entry in own if (entry.kind, entry.phase) == ("gate", "phase-2")
        ]
        assert ledger.entries("tower", []) == []
        newest = {(entry.phase, entry.step): entry for entry in own if entry.kind == "step"}
        assert ledger.latest_steps("tower") == sorted(
            newest.values(), key=lambda entry: entry.sequence
        )
        assert ledger.latest_steps("nowhere") == []
        assert ledger.find("tower", own[3].key) == own[3]
        assert ledger.find("tower", "nothing") is None


def test_what_the_role_or_the_database_has_set_changes_nothing(five: LedgerDatabase) -> None:
    for setting in (
        "TimeZone = 'Asia/Tokyo'",
        "DateStyle = 'German, DMY'",
        "search_path = 'public'",
        "default_transaction_isolation = 'serializable'",
        "client_encoding = 'LATIN1'",
        "synchronous_commit = 'off'",
    ):
        five.execute(f"ALTER ROLE {five.owner.user} SET {setting}")
    with five.open() as ledger:
        entry, _is_new = ledger.append(free(data={"step": "ü", "status": "passed"}))
        assert ledger.entries("tower")[-1] == entry
        assert abs(ledger.now() - entry.at) < timedelta(minutes=1)
        assert ledger.verify("tower").entries == 6
        with ledger.stored("tower") as stored:
            assert list(stored)[-1].at == stamp(entry.at)

    def act(number: int) -> bool:
        with five.open() as ledger:
            return ledger.append(free(key=str(number)))[1]

    assert at_once(4, act) == [True] * 4


def test_a_role_that_may_only_read_is_told(five: LedgerDatabase) -> None:
    five.execute(f"ALTER ROLE {five.owner.user} SET default_transaction_read_only = on")
    with five.open() as ledger:
        assert len(ledger.entries("tower")) == 5
        with pytest.raises(LedgerError, match="the ledger needs the primary server"):
            ledger.append(free())


def test_the_login_names_no_password_in_errors(five: LedgerDatabase) -> None:
    login = replace(five.owner, database=f"x{five.owner.password}")
    with pytest.raises(LedgerGoneError) as raised:
        five.open(login)
    assert 'database "x***"' in str(raised.value)
