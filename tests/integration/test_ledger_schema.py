# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's schema on a real PostgreSQL: made once, brought up to date, open to a writer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _ledger_schema
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LedgerAbsentError,
    LedgerError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_migrations import MIGRATIONS
from ansible_collections.phased.rollout.plugins.module_utils._ledger_rights import grant_writer
from ansible_collections.phased.rollout.plugins.module_utils._ledger_session import LedgerSession
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger, Sample
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.ledgers import (
    LedgerDatabase,
    at_once,
    ledger_database,
)
from ansible_collections.phased.rollout.tests.ledger_chains import draft

NEXT = "ALTER TABLE rollout.leases ADD note text"
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def database(postgresql: Postgresql) -> Iterator[LedgerDatabase]:
    """A database without a ledger."""
    with ledger_database(postgresql) as made:
        yield made


@pytest.fixture
def make(database: LedgerDatabase, run_module: Make) -> Make:
    """Return a function that runs the module."""

    def run(check_mode: bool = False, **args: Any) -> dict[str, Any]:
        told = run_module("ledger_schema", {**database.options(), **args}, check_mode=check_mode)
        assert str(database.owner.password) not in json.dumps(told)
        return told

    return run


@pytest.fixture
def written(database: LedgerDatabase, make: Make) -> LedgerDatabase:
    """A database with a ledger that the writer may write."""
    assert make(writer=database.writer.user)["changed"]
    return database


def versions(database: LedgerDatabase) -> list[int]:
    query = "SELECT version FROM rollout.schema_version ORDER BY version"
    return [row[0] for row in database.execute(query)]


def test_it_is_made_once(make: Make, database: LedgerDatabase) -> None:
    planned = make(check_mode=True, writer=database.writer.user)
    assert planned["changed"]
    assert database.execute("SELECT to_regnamespace('rollout')") == [(None,)]
    first = make()
    assert (first["changed"], first["version"], first["version_before"]) == (True, 1, 0)
    again = make()
    assert (again["changed"], again["version_before"]) == (False, 1)
    assert not make(check_mode=True)["changed"]


def test_first_runs_at_once_do_not_collide(database: LedgerDatabase) -> None:
    def act(number: int) -> int:
        with database.open() as ledger:
            return ledger.append(draft(key=str(number), fence=None))[0].sequence

    assert sorted(at_once(5, act)) == [1, 2, 3, 4, 5]
    assert versions(database) == [1]


def test_an_older_program_refuses_a_newer_schema(make: Make, database: LedgerDatabase) -> None:
    make()
    database.execute("INSERT INTO rollout.schema_version (version) VALUES (2)")
    with pytest.raises(LedgerError, match="has version 2, this program knows 1 at most"):
        database.open()
    assert "install the version of the collection that the others use" in make()["msg"]


def test_an_older_schema_is_brought_up_to_date(
    database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.open() as ledger:
        ledger.append(draft(fence=None))
    monkeypatch.setattr(_ledger_schema, "MIGRATIONS", (*MIGRATIONS, NEXT))
    monkeypatch.setattr(_ledger_schema, "NEWEST", 2)
    with pytest.raises(LedgerError, match="has version 1, this program needs 2; run the module"):
        Ledger.connect(database.owner, make=False)
    with database.open() as ledger:
        assert ledger.verify("tower").entries == 1
    assert versions(database) == [1, 2]


def test_a_migration_that_fails_leaves_what_was_there(
    database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ledger_schema, "MIGRATIONS", (*MIGRATIONS, NEXT, "SELECT 1 / 0"))
    monkeypatch.setattr(_ledger_schema, "NEWEST", 3)
    with pytest.raises(LedgerError, match="division by zero"):
        database.open()
    assert database.execute("SELECT to_regnamespace('rollout')") == [(None,)]


def test_without_leave_to_make_it_an_absent_ledger_is_told(database: LedgerDatabase) -> None:
    with pytest.raises(LedgerAbsentError, match="there is no ledger yet; the first run"):
        Ledger.connect(database.owner, make=False)
    with pytest.raises(LedgerError, match="this role may not make it; run the module"):
        database.open(database.writer)


def test_a_database_with_another_encoding_is_refused(database: LedgerDatabase) -> None:
    name = f"{database.name}_latin1"
    database.execute(
        f"CREATE DATABASE {name} OWNER {database.owner.user} ENCODING 'LATIN1' TEMPLATE template0"
    )
    try:
        with pytest.raises(LedgerError, match="has encoding LATIN1, the ledger needs UTF8"):
            database.open(replace(database.owner, database=name))
    finally:
        database.execute(f"DROP DATABASE {name}")


def test_an_old_server_is_refused(
    database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ledger_schema, "OLDEST_SERVER", 990000)
    with pytest.raises(LedgerError, match=r"the server is PostgreSQL \d+, the ledger needs 99 or"):
        database.open()


def test_a_writer_writes(written: LedgerDatabase) -> None:
    with written.open(written.writer) as ledger:
        taken = ledger.take_lease("tower", "ada@control", "77", 900)
        assert ledger.append(draft(fence=taken.lease.fence))[1]
        assert ledger.renew_lease("tower", "77", 1, 900).fence == 1
        assert ledger.release_lease("tower", "77", 1)
        assert ledger.verify("tower").entries == 1
        assert len(ledger.latest_steps("tower")) == 1
        sample = Sample("phase-1", "latency", ledger.now(), 1.5, "s", "pass", "fast")
        assert ledger.add_samples("tower", [sample]) == 1
        assert ledger.samples("tower", "phase-1", sample.at) == [sample]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rollout.entries SET actor = 'eve'",
        "DELETE FROM rollout.entries",
        "TRUNCATE rollout.entries",
        "ALTER TABLE rollout.entries DISABLE TRIGGER ALL",
        "DROP TABLE rollout.entries CASCADE",
        "UPDATE rollout.leases SET fence = 9",
        "INSERT INTO rollout.leases (rollout, fence) VALUES ('tower', 9)",
        "INSERT INTO rollout.schema_version (version) VALUES (9)",
        "UPDATE rollout.samples SET verdict = 'pass'",
        "CREATE TABLE rollout.mine ()",
        "CREATE FUNCTION rollout.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT rollout.check_fence('tower', 1)",
    ],
)
def test_a_writer_does_nothing_else(writer_of_all: LedgerDatabase, statement: str) -> None:
    with (
        writer_of_all.connected(writer_of_all.writer) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.Error, match=r"permission denied|must be owner") as raised,
    ):
        cursor.execute(statement)
    assert raised.value.pgcode == "42501"


@pytest.fixture(scope="module")
def writer_of_all(postgresql: Postgresql) -> Iterator[LedgerDatabase]:
    """A ledger that the writer may write, which all its attempts to do more have in common."""
    with ledger_database(postgresql) as made:
        session = LedgerSession(made.owner)
        _ledger_schema.upgrade(session)
        grant_writer(session, str(made.writer.user))
        session.close()
        yield made


def test_a_role_without_rights_is_told_what_to_do(make: Make, database: LedgerDatabase) -> None:
    make()
    with pytest.raises(LedgerError) as raised:
        database.open(database.writer)
    assert "permission denied for" in str(raised.value)
    assert "let the ledger's owner run the module phased.rollout.ledger_schema" in str(raised.value)


def test_the_rights_of_a_writer_are_given_once(make: Make, written: LedgerDatabase) -> None:
    writer = written.writer.user
    assert not make(writer=writer)["changed"]
    assert not make(check_mode=True, writer=writer)["changed"]
    written.execute(f"REVOKE INSERT ON rollout.samples FROM {writer}")
    assert make(check_mode=True, writer=writer)["changed"]
    assert make(writer=writer)["changed"]
    assert not make(writer=writer)["changed"]


@pytest.mark.parametrize(
    "surplus",
    [
        "UPDATE ON rollout.entries",
        "UPDATE (actor) ON rollout.entries",
        "TRUNCATE ON rollout.samples",
        "CREATE ON SCHEMA rollout",
        "EXECUTE ON FUNCTION rollout.check_fence",
    ],
)
def test_what_a_writer_has_too_much_is_taken(
    make: Make, written: LedgerDatabase, surplus: str
) -> None:
    written.execute(f"GRANT {surplus} TO {written.writer.user}")
    assert make(writer=written.writer.user)["changed"]
    assert not make(writer=written.writer.user)["changed"]


def test_what_a_writer_has_through_everybody_is_named(make: Make, written: LedgerDatabase) -> None:
    written.execute("GRANT DELETE ON rollout.entries TO PUBLIC")
    told = make(writer=written.writer.user)
    assert "would still have DELETE of entries; take that from PUBLIC" in told["msg"]


@pytest.mark.parametrize(
    ("writer", "message"),
    [
        pytest.param("{owner}", "owns the ledger, so no right can be kept from it", id="the owner"),
        pytest.param("{superuser}", "owns the ledger", id="the superuser"),
        pytest.param("nobody; DROP", "there is no role nobody; DROP; make it first", id="nobody"),
    ],
)
def test_who_cannot_be_a_writer(
    make: Make, written: LedgerDatabase, writer: str, message: str
) -> None:
    name = writer.format(owner=written.owner.user, superuser=written.server.user)
    assert message in make(writer=name)["msg"]


def test_a_writer_with_an_odd_name(make: Make, written: LedgerDatabase) -> None:
    name = f'{written.name} "wri\'ter"'
    quoted = '"' + name.replace('"', '""') + '"'
    written.execute(f"CREATE ROLE {quoted}")
    try:
        assert make(writer=name)["changed"]
        assert not make(writer=name)["changed"]
    finally:
        written.execute(f"DROP OWNED BY {quoted}; DROP ROLE {quoted}")
