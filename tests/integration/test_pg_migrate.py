# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_migrate against a real PostgreSQL: what it does, what it measures, and what it refuses."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.migrations import (
    HELD,
    MIGRATOR,
    OWNER,
    PASSWORD,
    Application,
    create_application,
)

TOOL = [sys.executable, MIGRATOR, "{version}"]
WAITING = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database" \
    " WHERE datname = current_database() AND NOT granted"  # fmt: skip


@pytest.fixture
def app(
    postgresql: Postgresql, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> Application:
    """An application at version 0001."""
    application = create_application(postgresql, tmp_path, run_module)
    application.step(
        "0001",
        "CREATE TABLE items (id int, name text); INSERT INTO items VALUES (1, 'a'), (2, NULL)",
        "DROP TABLE items",
    )
    assert application.migrate(to="0001")["after"] == "0001"
    return application


def lock_of(told: dict[str, Any], table: str | None = "public.items") -> dict[str, Any]:
    found = [lock for lock in told["locks"] if lock["table"] == table]
    assert len(found) == 1, told
    return dict(found[0])


def test_the_schema_goes_forth_and_back(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN more int", "ALTER TABLE items DROP COLUMN more")
    told = app.migrate(to="0002")
    assert told["changed"], told
    assert (told["before"], told["after"], told["attempts"]) == ("0001", "0002", 1)
    assert told["seconds"] > 0
    assert "running 0002.up.sql" in told["output"]
    again = app.migrate(to="0002")
    assert (again["changed"], again["attempts"]) == (False, 0)
    back = app.migrate(to="0001")
    assert (back["changed"], back["after"]) == (True, "0001")
    assert app.migrate(to="0000")["after"] == "0000"
    assert app.version() == "0000"


def test_without_a_wanted_version_the_tool_decides(app: Application) -> None:
    command = [sys.executable, MIGRATOR, "0001"]
    told = app.migrate(*command)
    assert not told["changed"], told
    assert (told["after"], told["attempts"]) == ("0001", 1)


def test_a_schema_without_the_version_table(app: Application) -> None:
    app.execute("DROP TABLE schema_version; DROP TABLE items")
    told = app.migrate(to="0001")
    assert (told["before"], told["after"]) == ("0000", "0001")


def test_libpq_variables_name_the_database_as_well(app: Application) -> None:
    server = app.server
    app.set_environment(
        PGHOST=server.host, PGPORT=str(server.port), PGUSER=OWNER, PGDATABASE=app.database,
        PGPASSWORD=f"'{PASSWORD}'",
    )  # fmt: skip
    sql = "CREATE TABLE others (id int); UPDATE schema_version SET version = '0002'"
    told = app.migrate("psql", "-X", "-v", "ON_ERROR_STOP=1", "-1", "-c", sql, to="0002")
    assert told["after"] == "0002", told


def test_the_options_of_the_url_do_not_take_the_guards_away(app: Application) -> None:
    app.step("0002", "CREATE TABLE told AS SELECT current_setting('lock_timeout') AS lock,"
             " current_setting('work_mem') AS mine")  # fmt: skip
    options = "options=-c%20lock_timeout%3D0%20-c%20work_mem%3D5MB&application_name=tower"
    app.set_environment(DATABASE_URL=f"{app.url()}?{options}")
    assert app.migrate(to="0002")["after"] == "0002"
    assert app.execute("SELECT lock, mine FROM told") == [("300ms", "5MB")]


@pytest.mark.parametrize(
    ("up", "mode"),
    [
        pytest.param("ALTER TABLE items ADD COLUMN c int", "ACCESS EXCLUSIVE", id="alter table"),
        pytest.param("CREATE INDEX ON items (id)", "SHARE", id="create index"),
        pytest.param("UPDATE items SET name = 'b'", "ROW EXCLUSIVE", id="update"),
        pytest.param("SELECT count(*) FROM items", "ACCESS SHARE", id="select"),
        pytest.param(
            "ALTER TABLE items VALIDATE CONSTRAINT positive", "SHARE UPDATE EXCLUSIVE",
            id="validate a constraint",
        ),
        pytest.param(
            "CREATE TABLE parts (id int REFERENCES keys)", "SHARE ROW EXCLUSIVE",
            id="reference a table",
        ),
    ],
)  # fmt: skip
def test_the_strongest_lock_of_a_table_is_measured(app: Application, up: str, mode: str) -> None:
    app.execute(
        f"ALTER TABLE items ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;"
        f"CREATE TABLE keys (id int PRIMARY KEY); ALTER TABLE keys OWNER TO {OWNER}"
    )
    app.step("0002", f"{up}; SELECT pg_sleep(0.8)")
    told = app.migrate(to="0002", lock_timeout=3)
    lock = lock_of(told, "public.keys" if "keys" in up else "public.items")
    assert lock["mode"] == mode
    assert lock["milliseconds"] >= 700
    assert (lock["waited_milliseconds"], lock["blocked_by"]) == (0, [])


def test_an_index_that_is_built_concurrently_lets_writers_in(app: Application) -> None:
    app.execute("INSERT INTO items SELECT n, repeat('x', 50) FROM generate_series(1, 200000) n")
    app.step("0002", "-- outside\nCREATE INDEX CONCURRENTLY items_name ON items (name, id)")
    told = app.migrate(to="0002")
    assert lock_of(told)["mode"] == "SHARE UPDATE EXCLUSIVE"


def test_a_lock_is_waited_for_and_its_holder_named(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with app.transaction("SELECT * FROM items", user=OWNER) as holder:
        with app.released(holder, when=WAITING):
            told = app.migrate(to="0002", lock_timeout=30)
        pid = holder.info.backend_pid
    assert told["after"] == "0002", told
    lock = lock_of(told)
    assert lock["waited_milliseconds"] > 0
    assert [name for name in lock["blocked_by"] if f"pid {pid}" in name and "a web worker" in name]


def test_a_lock_that_is_not_granted_is_tried_for_again(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with app.transaction("LOCK TABLE items", user=OWNER) as holder:
        told = app.migrate(to="0002", retries=2)
        pid = holder.info.backend_pid
    assert told["failed"]
    assert "given up after 3 attempts" in told["msg"]
    assert f"held by pid {pid} (user {OWNER}, application a web worker" in told["msg"]
    assert "canceling statement due to lock timeout" in told["msg"]
    assert (told["attempts"], told["before"], told["after"]) == (3, "0001", None)
    lock = lock_of(told)
    assert (lock["mode"], lock["milliseconds"]) == ("ACCESS EXCLUSIVE", 0)
    assert app.version() == "0001"


def test_a_retry_succeeds_when_the_lock_is_free(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with (
        app.transaction("LOCK TABLE items", user=OWNER) as holder,
        app.released(holder, when=WAITING, seconds=0.5),
    ):
        told = app.migrate(to="0002", retries=50)
    assert told["after"] == "0002", told
    assert told["attempts"] > 1


def test_a_long_transaction_is_named_and_nothing_is_run(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with app.transaction("SELECT * FROM items", "SELECT pg_sleep(0.3)", user=OWNER) as holder:
        told = app.migrate(to="0002", longest_transaction=0.2, lock_timeout=30)
        pid = holder.info.backend_pid
    assert f"pid {pid} (user {OWNER}, application a web worker, client 127.0.0.1" in told["msg"]
    assert "holds public.items (ACCESS SHARE)" in told["msg"]
    assert f"SELECT pg_terminate_backend({pid})" in told["msg"]
    assert (told["attempts"], told["seconds"], told["output"]) == (2, None, "")
    assert app.migrate(to="0002", longest_transaction=0.2)["after"] == "0002"


def test_a_long_transaction_may_end_while_it_is_waited_for(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with app.transaction("SELECT * FROM items", "SELECT pg_sleep(0.2)", user=OWNER) as holder:
        ended = threading.Timer(1.5, holder.rollback)
        ended.start()
        told = app.migrate(to="0002", longest_transaction=0.1, retries=200, longest_backoff=0.1)
        ended.join()
    assert told["after"] == "0002", told


def test_a_short_transaction_is_no_hindrance_to_start(app: Application) -> None:
    app.step("0002", "CREATE TABLE others (id int)")
    with app.transaction("SELECT * FROM items", user=OWNER):
        assert app.migrate(to="0002")["after"] == "0002"


def test_an_idle_transaction_holds_a_snapshot(app: Application) -> None:
    app.step("0002", "CREATE TABLE others (id int)")
    with app.transaction("SELECT pg_sleep(0.3)", user=OWNER):
        told = app.migrate(to="0002", longest_transaction=0.2)
    assert "holds no table, but a snapshot that others must wait for" in told["msg"]


def test_a_transaction_whose_age_is_hidden_counts_as_too_old(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with app.transaction("SELECT * FROM items") as holder:
        told = app.migrate(to="0002")
        pid = holder.info.backend_pid
        assert f"pid {pid} (user {app.server.user}, application a web worker)" in told["msg"]
        assert f"GRANT pg_read_all_stats TO {OWNER}" in told["msg"]
        app.execute(f"GRANT pg_read_all_stats TO {OWNER}")
        try:
            told = app.migrate(to="0002", retries=0)
            assert "a lock was not granted" in told["msg"]
        finally:
            app.execute(f"REVOKE pg_read_all_stats FROM {OWNER}")
    assert app.migrate(to="0002")["after"] == "0002"


def test_hidden_transactions_that_come_and_go_are_no_hindrance(app: Application) -> None:
    app.step("0002", "CREATE TABLE others (id int)")
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            with app.transaction("SELECT * FROM items", "SELECT pg_sleep(0.02)"):
                pass

    workers = [threading.Thread(target=work) for _turn in range(3)]
    for worker in workers:
        worker.start()
    told = app.migrate(to="0002", retries=5)
    done.set()
    for worker in workers:
        worker.join()
    assert told.get("after") == "0002", told


def test_a_statement_that_takes_too_long_is_not_tried_again(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int; SELECT pg_sleep(20)")
    told = app.migrate(to="0002", statement_timeout=1.5)
    assert "a statement took longer than statement_timeout allows" in told["msg"]
    assert (told["attempts"], app.version()) == (1, "0001")
    assert lock_of(told)["mode"] == "ACCESS EXCLUSIVE"


@pytest.mark.parametrize(
    "stripped",
    [
        pytest.param(["PGOPTIONS"], id="a tool that sets its own options"),
        pytest.param(["PGOPTIONS", "PGAPPNAME"], id="a tool that does not know libpq's variables"),
    ],
)
def test_limits_are_kept_by_tools_that_do_not_take_them_over(
    app: Application, stripped: list[str]
) -> None:
    tool = ["env", *(f"--unset={name}" for name in stripped), *TOOL]
    app.step("0002", "ALTER TABLE items ADD COLUMN c int")
    with app.transaction("LOCK TABLE items", user=OWNER):
        told = app.migrate(*tool, to="0002")
    assert "canceling statement due to user request" in told["msg"]
    assert told["attempts"] == 2
    app.step("0002", "SELECT pg_sleep(20)")
    told = app.migrate(*tool, to="0002", statement_timeout=0.3)
    assert "a statement took longer than statement_timeout allows" in told["msg"]
    assert told["attempts"] == 1


def test_a_migration_that_fails_says_why_and_leaves_the_schema(app: Application) -> None:
    app.step("0002", "ALTER TABLE items ADD COLUMN c int; SELECT 1 / 0")
    told = app.migrate(to="0002")
    assert "the command failed (exit code 1)" in told["msg"]
    assert "division by zero" in told["msg"]
    assert "division by zero" in told["output"]
    assert (told["attempts"], told["before"], app.version()) == (1, "0001", "0001")


def test_a_way_back_that_fails(app: Application) -> None:
    app.step("0002", "CREATE TABLE others (id int)", "DROP TABLE other")
    assert app.migrate(to="0002")["changed"]
    told = app.migrate(to="0001")
    assert 'table "other" does not exist' in told["msg"]
    assert app.version() == "0002"


def test_a_tool_that_succeeds_and_does_nothing_is_found_out(app: Application) -> None:
    told = app.migrate("true", to="0002")
    assert "the command succeeded, but the version is 0001 and not 0002" in told["msg"]
    told = app.migrate("true", version_query="SELECT version FROM no_such_table")
    assert "version_query finds no version" in told["msg"]


def test_an_index_that_was_left_invalid_is_named(app: Application) -> None:
    app.execute("INSERT INTO items VALUES (1, 'twice')")
    app.step("0002", "-- outside\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON items (id)")
    assert "could not create unique index" in app.migrate(to="0002")["msg"]
    # The tool would now pass over the index that is there, and call it a success.
    app.execute("DROP INDEX u; DELETE FROM items WHERE name = 'twice'")
    with app.transaction("UPDATE items SET name = 'c'", user=OWNER):
        told = app.migrate(to="0002", retries=5)
    assert "the command left invalid indexes: public.u" in told["msg"]
    assert told["attempts"] == 1


def test_the_command_is_stopped_when_the_time_is_up(app: Application) -> None:
    told = app.migrate("sh", "-c", "echo begun; sleep 61.7; echo ended", timeout=1)
    assert "the time given for all of it is up" in told["msg"]
    assert "begun" in told["msg"]
    assert not running("sleep 61.7")


def test_the_password_is_in_no_argv(app: Application) -> None:
    app.hold()
    app.step("0002", f"CREATE TABLE others (id int); {HELD}")
    process = app.start(to="0002")
    app.wait_until_held()
    words = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words.append(path.read_bytes())
    app.let_go()
    output, _errors = process.communicate()
    assert '"after": "0002"' in output
    secrets = (PASSWORD.encode(), app.url().split(":")[2].split("@")[0].encode())
    assert [line for line in words if b"migrator.py" in line]
    assert not [line for line in words for secret in secrets if secret in line]


def test_the_output_shows_no_secret(app: Application) -> None:
    app.set_environment(DATABASE_URL=app.url(), API_TOKEN="t0ken-of-the-owner")
    told = app.migrate("sh", "-c", "env; exit 3", to="0002")
    assert "DATABASE_URL=postgresql://app_owner:********@" in told["output"]
    assert "API_TOKEN=********" in told["output"]
    assert "t0ken" not in told["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_the_command_runs_as_its_user_in_the_release(app: Application) -> None:
    told = app.migrate("sh", "-c", "id -un; pwd; cat 0001.up.sql; exit 1", user="nobody")
    assert told["output"].splitlines()[:2] == ["nobody", str(app.release)]


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        pytest.param({}, {"DATABASE_URL": {"password": "wrong"}},
                     "password authentication failed", id="a wrong password"),
        pytest.param({}, {"DATABASE_URL": {"database": "no_such"}},
                     'database "no_such" does not exist', id="no such database"),
        pytest.param({}, {}, "neither DATABASE_URL nor PGDATABASE is set", id="no database at all"),
        pytest.param({}, {"DATABASE_URL": "mysql://a:b@c/d"}, "is no URL of a PostgreSQL database",
                     id="another kind of database"),
        pytest.param({"environment_file": "/nonexistent/app.env"}, None, "/nonexistent/app.env",
                     id="no environment file"),
        pytest.param({"directory": "/nonexistent/release"}, None,
                     "directory /nonexistent/release is missing", id="no release"),
        pytest.param({"user": "no_such_user"}, None, "there is no user no_such_user",
                     id="no such user"),
        pytest.param({"command": ["no-such-tool"]}, None, "there is no program no-such-tool",
                     id="no such program"),
        pytest.param({"version_query": "SELECT version FROM"}, None, "syntax error",
                     id="a version query that is no SQL"),
        pytest.param({"lock_timeout": 0}, None, "lock_timeout is 0; it must be above 0",
                     id="a guard that is to be taken away"),
        pytest.param({"retries": -1}, None, "retries is -1", id="fewer than no retries"),
        pytest.param({"to": None}, None, "needs the option to",
                     id="no version to go to"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    app: Application, options: dict[str, Any], environment: dict[str, Any] | None, says: str
) -> None:
    if environment is not None:
        app.set_environment(
            **{name: app.url(**value) if isinstance(value, dict) else value
               for name, value in environment.items()}
        )  # fmt: skip
    told = app.migrate(**{"to": "0002", **options})
    assert told["failed"]
    assert says in told["msg"]
    assert app.version() == "0001"


def test_odd_names(
    postgresql: Postgresql, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> None:
    odd = create_application(postgresql, tmp_path, run_module, name="""an "odd" n'me=%s://ü""")
    odd.step("0001", 'CREATE SCHEMA "S p"; CREATE TABLE "S p"."t ""1""; x" (id int)')
    odd.step("0002", 'ALTER TABLE "S p"."t ""1""; x" ADD COLUMN "ü" int; SELECT pg_sleep(0.8)')
    assert odd.migrate(to="0001").get("after") == "0001"
    told = odd.migrate(to="0002")
    assert told["database"] == odd.database
    assert lock_of(told, '"S p"."t ""1""; x"')["mode"] == "ACCESS EXCLUSIVE"


def test_check_mode_tells_and_touches_nothing(app: Application) -> None:
    pending = ["sh", "-c", 'echo "from {version} as $PGOPTIONS"; echo noise >&2']
    told = app.migrate(to="0002", check=True, pending_command=pending)
    assert (told["changed"], told["before"], told["after"]) == (True, "0001", "0002")
    assert told["pending"].startswith("from 0001 as ")
    assert "default_transaction_read_only=on" in told["pending"]
    assert "noise" not in told["pending"]
    assert (told["attempts"], app.version()) == (0, "0001")
    assert not app.migrate(to="0001", check=True)["changed"]
    unpacked_later = app.migrate(
        to="0002", check=True, pending_command=pending, directory="/nonexistent"
    )
    assert (unpacked_later["before"], unpacked_later["pending"]) == ("0001", None)
    told = app.migrate(to="0002", check=True, pending_command=["sh", "-c", "echo no >&2; exit 4"])
    assert "exit code 4" in told["msg"]


def running(command: str) -> list[Path]:
    """Return the processes whose command line is this."""
    wanted = b"\0".join(word.encode() for word in command.split()) + b"\0"
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += [path] if path.read_bytes() == wanted else []
    return found
