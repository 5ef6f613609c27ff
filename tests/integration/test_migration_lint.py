# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_lint_info with the real squawk, on tables of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql

READER, PASSWORD, DATABASE = "lint_reader", "s3cret-of-the-reader", "lint"
TABLES = """
    CREATE TABLE big (id int, name text);
    INSERT INTO big SELECT n, 'x' FROM generate_series(1, 2000) n;
    CREATE TABLE small (id int, name text); INSERT INTO small VALUES (1, 'a');
    CREATE TABLE empty (id int);
    CREATE TABLE filled (id int, name text);
    CREATE SCHEMA "S p"; CREATE TABLE "S p"."T ""1"" x" AS SELECT * FROM big;
    CREATE TABLE parts (id int) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (5000);
    INSERT INTO parts SELECT id FROM big;
    CREATE INDEX big_name ON big (name);
    CREATE TABLE hidden AS SELECT 1 AS id;
    CREATE TABLE guarded AS SELECT 1 AS id; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    CREATE MATERIALIZED VIEW shown AS SELECT * FROM big;
    ANALYZE;
    CREATE TABLE fresh AS SELECT 1 AS id; CREATE TABLE fresh_big AS SELECT * FROM big;
    INSERT INTO filled SELECT n, 'x' FROM generate_series(1, 2000) n
"""
RETYPE = "ALTER TABLE {} ALTER COLUMN id TYPE bigint"
Lint = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def tower(postgresql: Postgresql) -> Postgresql:
    """The server with a database whose tables a role may read, but for a few."""
    postgresql.execute(
        f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE {DATABASE}"
    )
    postgresql.execute(TABLES, DATABASE)
    postgresql.execute(
        "CREATE TABLE fresh_hidden AS SELECT 1 AS id;"
        f"GRANT USAGE ON SCHEMA \"S p\" TO {READER};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};"
        f"REVOKE SELECT ON hidden, fresh_hidden FROM {READER}",
        DATABASE,
    )  # fmt: skip
    return postgresql


@pytest.fixture
def lint(tower: Postgresql, run_module: Lint) -> Lint:
    """Return a function that judges SQL; up to 1000 rows are few."""

    def run(sql: str | None, **options: Any) -> dict[str, Any]:
        login = tower.login(READER, PASSWORD, DATABASE)
        args = {"sql": sql, "small_rows": 1000, **login, **options}
        given = {name: value for name, value in args.items() if value is not None}
        told = run_module("migration_lint_info", given)
        if "findings" in told:
            assert told["stops"] + told["notes"] == len(told["findings"])
            assert not told["changed"]
        return told

    return run


def finding(told: dict[str, Any], rule: str) -> dict[str, Any]:
    assert "findings" in told, told["msg"]
    (found,) = [one for one in told["findings"] if one["rule"] == rule]
    return dict(found)


@pytest.mark.parametrize(
    ("table", "rows", "severity", "says"),
    [
        pytest.param("big", 2000, "stop", "2,000 rows", id="large"),
        pytest.param("small", 1, "note", "1 rows", id="small"),
        pytest.param("empty", 0, "note", "0 rows", id="empty"),
        pytest.param('"S p"."T ""1"" x"', 2000, "stop", "2,000 rows", id="an odd name"),
        pytest.param("parts", 2000, "stop", "2,000 rows", id="partitions count together"),
        pytest.param("fresh", 1, "note", "1 rows", id="never analysed, and counted"),
        pytest.param("fresh_big", 1001, "stop", "1,001 rows", id="counted no further than needed"),
        pytest.param("filled", 1001, "stop", "1,001 rows", id="filled since it was analysed"),
        pytest.param("hidden", 1, "note", "1 rows", id="an estimate needs no right to read"),
        pytest.param("fresh_hidden", None, "stop", "may not be read", id="not to be counted"),
        pytest.param("no_such", None, "stop", "no such table", id="no such table"),
    ],
)
def test_a_rewrite_is_weighed_with_the_live_table(
    lint: Lint, table: str, rows: int | None, severity: str, says: str
) -> None:
    found = finding(lint(RETYPE.format(table)), "changing-column-type")
    assert (found["severity"], found["rows"]) == (severity, rows)
    assert says in found["message"]
    if rows:
        assert found["bytes"] > 0


def test_bytes_count_as_well_as_rows(lint: Lint) -> None:
    sql = RETYPE.format("big")
    assert finding(lint(sql, small_rows=9999), "changing-column-type")["severity"] == "note"
    told = lint(sql, small_rows=9999, small_bytes=8192)
    assert finding(told, "changing-column-type")["severity"] == "stop"
    told = lint(RETYPE.format("fresh_big"), small_rows=9999, small_bytes=8192)
    assert "never analysed, and is too large to be counted" in told["findings"][-1]["message"]
    assert told["stops"] == 1


def test_the_index_of_a_table_and_a_materialised_view(lint: Lint) -> None:
    told = lint("DROP INDEX big_name")
    assert finding(told, "require-concurrent-index-deletion")["rows"] == 2000
    assert finding(lint("REFRESH MATERIALIZED VIEW shown"), "rewriting-table")["rows"] == 2000


def test_what_the_sql_makes_itself_is_new(lint: Lint) -> None:
    told = lint("CREATE TABLE n (id int); CREATE INDEX i ON n (id);" + RETYPE.format("n"))
    assert told["stops"] == 0
    assert finding(told, "changing-column-type")["severity"] == "note"
    told = lint("CREATE TABLE IF NOT EXISTS big (id int);" + RETYPE.format("big"))
    assert finding(told, "changing-column-type")["severity"] == "stop"
    told = lint("CREATE TABLE IF NOT EXISTS n (id int);" + RETYPE.format("n"))
    assert told["stops"] == 0


def test_schemas_without_a_name_are_those_that_are_given(lint: Lint) -> None:
    told = lint(RETYPE.format('"T ""1"" x"'))
    assert "no such table" in finding(told, "changing-column-type")["message"]
    told = lint(RETYPE.format('"T ""1"" x"'), search_path=["nowhere", "S p"])
    assert finding(told, "changing-column-type")["rows"] == 2000


def test_without_a_database_no_size_is_known(lint: Lint) -> None:
    told = lint(RETYPE.format("small"), login_db=None)
    assert "it was not looked up" in finding(told, "changing-column-type")["message"]
    assert told["stops"] == 1


def test_expand_and_contract(lint: Lint) -> None:
    sql = "ALTER TABLE big DROP COLUMN name"
    assert finding(lint(sql), "ban-drop-column")["severity"] == "stop"
    assert finding(lint(sql, migration="contract"), "ban-drop-column")["severity"] == "note"


def test_a_harmless_migration_stops_nothing(lint: Lint) -> None:
    told = lint("BEGIN; ALTER TABLE big ADD COLUMN more text; COMMIT;")
    assert (told["stops"], told["statements"]) == (0, 1)


def test_nothing_due_is_told_apart_from_nothing_given(lint: Lint) -> None:
    told = lint("BEGIN;\n\nCOMMIT;\n")
    assert (told["findings"], told["statements"]) == ([], 0)
    for nothing in (" \n", "-- nothing\n"):
        assert "there is no SQL" in lint(nothing)["msg"]


def test_a_comment_silences_nothing(lint: Lint, tmp_path: Path) -> None:
    sql = RETYPE.format("big")
    for comment in ("-- squawk-ignore-file", "-- squawk-ignore changing-column-type"):
        assert finding(lint(f"{comment}\n{sql}"), "changing-column-type")["severity"] == "stop"


def test_a_configuration_that_lies_around_silences_nothing(
    lint: Lint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["changing-column-type"]\n')
    # squawk looks for one in the folder of the SQL and in all above it.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    path = tmp_path / "migration.sql"
    path.write_text(RETYPE.format("big"))
    assert lint(None, path=str(path))["stops"] == 1


def test_the_transaction_of_the_tool(lint: Lint) -> None:
    sql = "CREATE INDEX CONCURRENTLY i ON big (id); SELECT 1"
    rule = "ban-concurrent-index-creation-in-transaction"
    assert lint(sql)["stops"] == 0
    assert lint("BEGIN; SELECT 1; COMMIT", assume_in_transaction=True)["stops"] == 0
    assert finding(lint(sql, assume_in_transaction=True), rule)["severity"] == "stop"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"sql": "ALTER TABEL big"}, "squawk cannot read line 1", id="no SQL"),
        pytest.param({"sql": "SELECT 'open"}, "squawk cannot read line 1", id="half a string"),
        pytest.param({"squawk": "/nonexistent/squawk"}, "comes with pip install squawk-cli",
                     id="squawk is missing"),
        pytest.param({"squawk": "/bin/false"}, "no report that can be read (exit code 1)",
                     id="squawk fails"),
        pytest.param({"squawk": "/bin/true"}, "no report that can be read (exit code 0)",
                     id="squawk says nothing"),
        pytest.param({"squawk": "/bin/echo"}, "no report that can be read", id="no report"),
        pytest.param({"login_password": "wrong"}, "password authentication failed",
                     id="a wrong password"),
        pytest.param({"login_db": "no_such"}, "does not exist", id="no such database"),
        pytest.param({"sql": None, "path": "/nonexistent.sql"}, "/nonexistent.sql",
                     id="no such file"),
        pytest.param({"sql": RETYPE.format("guarded.t")}, "", id="no such schema"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_never_clean(
    lint: Lint, options: dict[str, Any], says: str
) -> None:
    told = lint(**{"sql": RETYPE.format("small"), **options})
    assert told.get("failed") or told["stops"] > 0
    assert says in told.get("msg", "")


def test_every_statement_of_a_real_migration_is_seen(lint: Lint) -> None:
    folder = Path(__file__).parents[1] / "lab/tower/history/4-phase3/migrations/versions"
    (path,) = folder.glob("0004_*.py")
    sql = [part for part in path.read_text().split('"""') if "CREATE TABLE" in part]
    told = lint(";".join(sql))
    assert (told["stops"], told["statements"]) == (0, 2)


def test_rows_of_a_guarded_table_are_not_miscounted(tower: Postgresql, lint: Lint) -> None:
    tower.execute(
        "CREATE TABLE fresh_guarded AS SELECT 1 AS id;"
        "ALTER TABLE fresh_guarded ENABLE ROW LEVEL SECURITY;"
        f"GRANT SELECT ON fresh_guarded TO {READER}",
        DATABASE,
    )
    found = finding(lint(RETYPE.format("fresh_guarded")), "changing-column-type")
    assert (found["rows"], found["severity"]) == (None, "stop")
