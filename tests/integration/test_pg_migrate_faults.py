# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_migrate when it is killed, when there are two of it, and when the server goes away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.migrations import (
    HELD,
    MIGRATING,
    OWNER,
    WATCHING,
    Application,
    OwnServer,
    create_application,
    own_server,
)


@pytest.fixture
def app(
    postgresql: Postgresql, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> Application:
    application = create_application(postgresql, tmp_path, run_module)
    application.step("0001", "CREATE TABLE items (id int)")
    application.step("0002", f"CREATE TABLE slow (id int); {HELD}")
    assert application.migrate(to="0001")["after"] == "0001"
    application.hold()
    return application


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with own_server() as started:
        yield started


def test_the_second_of_two_is_told_who_runs_the_first(app: Application) -> None:
    first = app.start(to="0002")
    app.wait_until_held()
    ((pid,),) = app.execute(WATCHING)
    told = app.migrate(to="0002")
    assert f"another migration of database {app.database} is running" in told["msg"]
    assert f"pid {pid} (user {OWNER}, application phased.rollout.watch@" in told["msg"]
    assert told["attempts"] == 0
    app.let_go()
    output, _errors = first.communicate()
    assert json.loads(output)["after"] == "0002"
    assert app.execute("SELECT count(*) FROM schema_version") == [(1,)]


def test_many_at_once_migrate_once(app: Application) -> None:
    processes = [app.start(to="0002") for _turn in range(4)]
    ended: list[dict[str, Any]] = []
    while len(ended) < 3:
        for process in [process for process in processes if process.poll() is not None]:
            processes.remove(process)
            ended.append(json.loads(process.communicate()[0]))
        time.sleep(0.05)
        assert len(app.execute(MIGRATING)) < 2
    assert all("another migration" in told["msg"] for told in ended), ended
    app.let_go()
    assert json.loads(processes[0].communicate()[0])["after"] == "0002"


def test_a_run_that_was_killed_is_finished_by_the_next(app: Application) -> None:
    first = app.start(to="0002")
    app.wait_until_held()
    first.kill()
    first.communicate()
    # The command died with the module, but the server goes on with what it was asked.
    ((pid,),) = app.execute(MIGRATING)
    second = app.start(to="0002")
    app.wait_for(WATCHING)
    for _turn in range(40):
        time.sleep(0.05)
        assert app.execute(MIGRATING) == [(pid,)]
    app.let_go()
    told = json.loads(second.communicate()[0])
    assert told.get("after") == "0002", told
    assert f"pid {pid} (user {OWNER}, application phased.rollout.migrate " in told["resumed"]
    assert app.execute("SELECT count(*) FROM slow") == [(0,)]


def test_a_run_that_was_killed_is_waited_for_only_so_long(app: Application) -> None:
    first = app.start(to="0002")
    app.wait_until_held()
    first.kill()
    first.communicate()
    told = app.migrate(to="0002", timeout=1)
    assert "the migration of an earlier run goes on: pid" in told["msg"]
    assert told["attempts"] == 0
    app.let_go()


def test_a_run_that_was_killed_again_and_again_comes_to_an_end(app: Application) -> None:
    app.step("0002", "CREATE TABLE often (id int); SELECT pg_sleep(0.5)")
    for delay in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9):
        process = app.start(to="0002")
        time.sleep(delay)
        process.kill()
        process.communicate()
        assert app.version() in ("0001", "0002")
    told = app.migrate(to="0002", retries=5)
    assert told["after"] == "0002", told
    assert app.execute("SELECT count(*) FROM often") == [(0,)]


def test_a_watch_that_is_cut_off_is_taken_up_again(app: Application) -> None:
    process = app.start(to="0002")
    app.wait_until_held()
    ((pid,),) = app.execute(WATCHING)
    app.execute(f"SELECT pg_terminate_backend({pid})")
    app.wait_for(f"{WATCHING} AND pid <> {pid}")
    app.let_go()
    told = json.loads(process.communicate()[0])
    assert told.get("after") == "0002", told
    assert [lock["mode"] for lock in told["locks"] if lock["table"] == "public.held"]


def test_a_connection_that_is_cut_off_is_a_failure(app: Application) -> None:
    process = app.start(to="0002")
    app.wait_until_held()
    app.execute(f"SELECT pg_terminate_backend(pid) FROM ({MIGRATING}) AS migrating")
    told = json.loads(process.communicate()[0])
    assert "the command failed (exit code 1)" in told["msg"]
    assert (told["attempts"], app.version()) == (1, "0001")
    app.let_go()
    assert app.migrate(to="0002")["after"] == "0002"


def test_a_server_that_goes_away_and_comes_back(
    server: OwnServer, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> None:
    app = create_application(server.postgresql, tmp_path, run_module)
    app.hold()
    app.step("0001", f"CREATE TABLE slow (id int); {HELD}")
    process = app.start(to="0001")
    app.wait_until_held()
    server.stop()
    told = json.loads(process.communicate()[0])
    assert "the database was lost while the command ran" in told["msg"]
    assert "run this again when the server answers" in told["msg"]
    assert (told["before"], told["after"]) == ("0000", None)
    assert "Connection refused" in app.migrate(to="0001")["msg"]
    server.start()
    app.step("0001", "CREATE TABLE slow (id int)")
    assert app.migrate(to="0001")["after"] == "0001"


def test_a_server_that_is_restarted_meanwhile(
    server: OwnServer, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> None:
    app = create_application(server.postgresql, tmp_path, run_module)
    app.hold()
    app.step("0001", f"CREATE TABLE slow (id int); {HELD}")
    process = app.start(to="0001")
    app.wait_until_held()
    server.stop()
    server.start()
    told = json.loads(process.communicate()[0])
    assert "the command failed (exit code 1)" in told["msg"]
    assert app.execute("SELECT to_regclass('slow')") == [(None,)]


def test_a_prepared_transaction_is_named(
    server: OwnServer, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> None:
    app = create_application(server.postgresql, tmp_path, run_module)
    app.step("0001", "CREATE TABLE items (id int)")
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    assert app.migrate(to="0001")["after"] == "0001"
    with app.transaction("LOCK TABLE items", "PREPARE TRANSACTION 'forgotten'", user=OWNER):
        pass
    time.sleep(0.3)
    told = app.migrate(to="0002", longest_transaction=0.2)
    assert f"prepared transaction forgotten of {OWNER}, since " in told["msg"]
    assert "holds public.items (ACCESS EXCLUSIVE)" in told["msg"]
    told = app.migrate(to="0002", retries=0)
    assert "a prepared transaction (SELECT * FROM pg_prepared_xacts names it)" in told["msg"]
    app.execute("ROLLBACK PREPARED 'forgotten'")
    assert app.migrate(to="0002")["after"] == "0002"
