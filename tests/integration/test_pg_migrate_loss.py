# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a way back destroys: found on a copy, counted in the live database, and accepted, or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.migrations import (
    MIGRATOR,
    OWNER,
    Application,
    create_application,
)

# Like plan A's phase 3, and some more ways to lose something.
UP = """
CREATE TABLE ai_consultations (id int PRIMARY KEY, advice text);
CREATE TABLE "Consultation effects" (id int REFERENCES ai_consultations, gain float);
ALTER TABLE items ADD COLUMN score int;
ALTER TABLE items ALTER COLUMN price TYPE numeric;
ALTER TABLE items RENAME COLUMN name TO title;
ALTER TABLE kept RENAME TO renamed
"""
DOWN = """
DROP TABLE "Consultation effects", ai_consultations;
ALTER TABLE items DROP COLUMN score;
ALTER TABLE items ALTER COLUMN price TYPE int;
ALTER TABLE items RENAME COLUMN title TO name;
ALTER TABLE renamed RENAME TO kept;
DELETE FROM items WHERE name = 'new';
UPDATE items SET price = NULL WHERE id = 1
"""
TABLE = {"what": "table", "column": None}
CONSULTATIONS = {**TABLE, "table": "public.ai_consultations"}
EFFECTS = {**TABLE, "table": 'public."Consultation effects"'}


@pytest.fixture
def app(
    postgresql: Postgresql, tmp_path: Path, run_module: Callable[..., dict[str, Any]]
) -> Application:
    """An application at version 0002, with rows that the way back to 0001 would destroy."""
    application = create_application(postgresql, tmp_path, run_module)
    application.step(
        "0001", "CREATE TABLE items (id int, name text, price int); CREATE TABLE kept (id int)"
    )
    application.step("0002", UP, DOWN)
    assert application.migrate(to="0002")["after"] == "0002"
    application.execute(
        "INSERT INTO ai_consultations SELECT n, 'x' FROM generate_series(1, 5) n;"
        'INSERT INTO "Consultation effects" SELECT n, n FROM generate_series(1, 2) n;'
        "INSERT INTO items VALUES (1, 'a', 1, 7), (2, 'b', 2, NULL), (3, 'new', 3, 9);"
        "INSERT INTO renamed VALUES (1)"
    )
    return application


@pytest.fixture
def copy(app: Application) -> str:
    name = f"{app.database}_rehearsal"
    app.server.execute(f"CREATE DATABASE {name} TEMPLATE {app.database} OWNER {OWNER}")
    return name


def test_the_way_back_is_rehearsed_on_a_copy(app: Application, copy: str) -> None:
    told = app.migrate(to="0001", database=copy, find_loss=True)
    assert (told.get("database"), told.get("after")) == (copy, "0001"), told
    items = {"table": "public.items"}
    assert told["loss"] == [
        {**EFFECTS, "rows": 2},
        {**CONSULTATIONS, "rows": 5},
        {**items, "what": "rows", "column": None, "rows": 1},
        {**items, "what": "type of column", "column": "price", "rows": 3},
        {**items, "what": "values of column", "column": "price", "rows": 1},
        {**items, "what": "column", "column": "score", "rows": 2},
    ]
    assert told["loss_rows"] == 14
    assert app.version() == "0002"
    assert app.execute("SELECT count(*) FROM ai_consultations") == [(5,)]
    forth = app.migrate(to="0002", database=copy, find_loss=True)
    assert (forth["after"], [loss["what"] for loss in forth["loss"]]) == (
        "0002",
        ["type of column"],
    )


def test_a_loss_that_is_not_accepted_stops_before_anything_is_done(app: Application) -> None:
    # A rehearsal found what goes when there was less of it.
    expected = [{**CONSULTATIONS, "rows": 0}, {**EFFECTS, "rows": 0}]
    shown = app.migrate(to="0001", expected_loss=expected, check=True)
    assert shown["loss"] == [{**CONSULTATIONS, "rows": 5}, {**EFFECTS, "rows": 2}]
    assert shown["loss_rows"] == 7
    for accepted in (0, 6, 8):
        told = app.migrate(to="0001", expected_loss=expected, accept_loss=accepted)
        assert "this would destroy 7 rows (table public.ai_consultations: 5 rows;" in told["msg"]
        assert f"and {accepted} were accepted" in told["msg"]
        assert (told["attempts"], app.version()) == (0, "0002")
    told = app.migrate(to="0001", expected_loss=expected, accept_loss=7)
    assert (told["after"], told["loss_rows"]) == ("0001", 7)
    # Run again, there is nothing left that could be lost.
    assert not app.migrate(to="0001", expected_loss=expected, accept_loss=7)["changed"]


def test_a_loss_that_cannot_be_counted_cannot_be_accepted(app: Application, copy: str) -> None:
    app.server.execute(
        "CREATE SCHEMA hidden; CREATE TABLE hidden.rows AS SELECT 1 AS id;"
        f"ALTER SCHEMA hidden OWNER TO {OWNER}",
        copy,
    )
    app.step("0002", "", "DROP SCHEMA hidden CASCADE")
    told = app.migrate(to="0001", database=copy, find_loss=True)
    assert told["loss"] == [{**TABLE, "table": "hidden.rows", "rows": None}]
    assert told["loss_rows"] is None
    refused = app.migrate(to="0001", expected_loss=told["loss"])
    assert "this would destroy what cannot be counted" in refused["msg"]
    assert app.version() == "0002"


def test_a_loss_of_a_table_that_is_not_there(app: Application) -> None:
    told = app.migrate(to="0001", expected_loss=[{**TABLE, "table": "public.x; DROP", "rows": 1}])
    assert app.version() == "0002"
    assert told["failed"]


def test_a_rehearsal_is_stopped_when_it_reaches_the_live_database(
    app: Application, copy: str
) -> None:
    script = app.release / "migrate.sh"
    script.write_text(f"DATABASE_URL={app.url()} exec {sys.executable} {MIGRATOR} $1\n")
    app.step("0002", UP, "SELECT pg_sleep(30); DROP TABLE ai_consultations CASCADE")
    told = app.migrate("sh", str(script), "{version}", to="0001", database=copy)
    assert (
        f"the command was stopped: it connected to database {app.database} instead" in told["msg"]
    )
    assert app.execute("SELECT count(*) FROM ai_consultations") == [(5,)]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("{database}", id="by its name"),
        pytest.param("postgresql://somebody@127.0.0.1/{database}?x=y", id="by a URL"),
    ],
)
def test_a_rehearsal_refuses_an_environment_that_names_the_live_database_twice(
    app: Application, copy: str, value: str
) -> None:
    app.set_environment(
        DATABASE_URL=app.url(), REPLICA_DB=value.format(database=app.database), DB_USER=app.database
    )
    told = app.migrate(to="0001", database=copy)
    assert f"REPLICA_DB in the environment names database {app.database} as well" in told["msg"]
    assert app.migrate(to="0002")["after"] == "0002"
