# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""decision_info and the source decisions against a real PostgreSQL."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._measure import measure_all
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    Measurement,
    SourceError,
    UnreachableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._sources import read_source
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql

READER, PASSWORD, DATABASE = "decision_reader", "s3cret-of-the-reader", "tower_decisions"
NUMBERS = itertools.count(1)
# One generation a minute for an hour; every fourth is a video. Effects get better all the time.
TABLES = """
    CREATE TABLE generations (generation_id int, kind text, project_id text, at timestamptz);
    CREATE TABLE decisions (decision_id int, generation_id int, kind text, project_id text,
      outcome text, "timestamp" timestamptz);
    CREATE TABLE effects (decision_id int, improved boolean, before float8, after float8,
      at timestamptz);
    INSERT INTO generations SELECT n, CASE WHEN n % 4 = 0 THEN 'video' ELSE 'image' END, 'p',
      now() - make_interval(mins => 60 - n, secs => 20) FROM generate_series(1, 60) n;
    INSERT INTO decisions SELECT 100 + generation_id, generation_id, kind, project_id,
      CASE WHEN generation_id % 10 = 0 THEN 'timeout' ELSE 'ok' END, at + interval '1 second'
      FROM generations;
    INSERT INTO effects SELECT decision_id, generation_id > 20, 1, 1 + generation_id / 60.0,
      "timestamp" FROM decisions
"""
TRACKER: dict[str, Any] = {
    "table": "decisions",
    "time": "timestamp",
    "key": "generation_id",
    "type": "kind",
    "subject": {
        "table": "generations",
        "time": "at",
        "type": "kind",
        "types": ["image", "video"],
        "same": ["project_id"],
    },
    "outcome": {"column": "outcome", "good": ["ok"]},
    "effectiveness": {
        "table": "effects", "key": "decision_id", "time": "at", "column": "improved",
        "good": [True],
    },
    "longest_gap": "5m",
}  # fmt: skip
KEYS = {"value", "unit", "good", "total", "samples", "note", "seconds", "asked"}
DETAILS = {"by_type", "series", "faults", "improves"}
NONE = {
    "null_time": 0, "in_the_future": 0, "null_key": 0, "null_type": 0, "duplicates": 0,
    "null_subject_time": 0, "orphans": 0, "before_subject": 0, "contradictions": 0,
    "stray_effects": 0, "gaps": 0,
}  # fmt: skip
Tell = Callable[..., dict[str, Any]]
Schema = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def tower(postgresql: Postgresql) -> Postgresql:
    """The server with a database, and a role that may read nothing of it yet."""
    postgresql.execute(
        f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE {DATABASE}"
    )
    return postgresql


@pytest.fixture
def schema(tower: Postgresql) -> Schema:
    """Return a function that makes the tables, changes them, and returns their tracker."""

    def make(changes: str = "", *, tables: str = TABLES, **options: Any) -> dict[str, Any]:
        name = f"s{next(NUMBERS)}"
        tower.execute(
            f"CREATE SCHEMA {name}; SET search_path TO {name}; {tables};"
            f"GRANT USAGE ON SCHEMA {name} TO {READER};"
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {READER};"
            + changes.replace("{schema}", name),
            DATABASE,
        )
        tracker = deepcopy(TRACKER)
        for part in (tracker, tracker["subject"], tracker["effectiveness"]):
            part["table"] = f"{name}.{part['table']}"
        return {**tracker, **options}

    return make


@pytest.fixture
def tell(tower: Postgresql, run_module: Tell) -> Tell:
    """Return a function that asks about one tracker, and what holds for every answer."""

    def run(tracker: dict[str, Any], **options: Any) -> dict[str, Any]:
        args = {
            "trackers": {"it": tracker},
            **tower.login(READER, PASSWORD, DATABASE),
            **options,
        }
        told = run_module("decision_info", args)
        assert PASSWORD not in json.dumps(told)
        assert not told.get("changed")
        for answer in told.get("trackers", {}).get("it", {}).values():
            assert KEYS <= answer.keys() <= KEYS | DETAILS
            assert answer["value"] is not None or answer["note"]
            assert answer["asked"].startswith(("SELECT", "WITH"))
        return told

    return run


def values(told: dict[str, Any]) -> dict[str, Any]:
    assert "trackers" in told, told["msg"]
    return {metric: answer["value"] for metric, answer in told["trackers"]["it"].items()}


def test_a_sound_hour(schema: Schema, tell: Tell) -> None:
    told = tell(schema())
    answers = told["trackers"]["it"]
    assert answers.pop("query_time")["value"] > 0
    assert values({"trackers": {"it": answers}}) == {
        "count": 60,
        "rate": 1.0,
        "capture_ratio": 100.0,
        "lowest_capture_ratio": 100.0,
        "success_ratio": 90.0,
        "effectiveness": pytest.approx(100 * 40 / 60),
        "effectiveness_trend": pytest.approx(100 - 100 / 495),  # 4 of 12 intervals are lower
        "integrity": 0,
    }
    assert answers["rate"]["series"] == [5] * 12
    assert answers["capture_ratio"]["by_type"] == {
        "image": {"value": 100.0, "good": 45, "total": 45},
        "video": {"value": 100.0, "good": 15, "total": 15},
    }
    assert (answers["success_ratio"]["good"], answers["success_ratio"]["total"]) == (54, 60)
    assert answers["effectiveness_trend"]["improves"] is True
    assert answers["effectiveness_trend"]["samples"] == 12
    assert answers["integrity"]["faults"] == NONE
    assert 0 < told["query_seconds"] < 5
    assert told["waited"] is None
    assert "indexes" not in told


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        pytest.param(
            "DELETE FROM decisions WHERE kind = 'video'",
            {},
            {"capture_ratio": 75.0, "lowest_capture_ratio": 0.0},
            id="a type without any decision is 0 %",
        ),
        pytest.param(
            "DELETE FROM generations WHERE kind = 'video'",
            {},
            {"capture_ratio": 100.0, "lowest_capture_ratio": None},
            id="a type without any subject is no data",
        ),
        pytest.param(
            "INSERT INTO decisions SELECT * FROM decisions WHERE kind = 'image';"
            "DELETE FROM decisions WHERE kind = 'video'",
            {},
            {"capture_ratio": 75.0},
            id="two decisions on one subject do not make up for none on another",
        ),
        pytest.param(
            "UPDATE decisions SET generation_id = NULL WHERE generation_id <= 6",
            {},
            {"capture_ratio": 90.0},
            id="a decision on nothing captures nothing",
        ),
        pytest.param(
            "INSERT INTO generations SELECT 1000 + n, 'image', 'p', now() - interval '1 second'"
            " FROM generate_series(1, 60) n",
            {},
            {"capture_ratio": 50.0},
            id="subjects of this moment count",
        ),
        pytest.param(
            "INSERT INTO generations SELECT 1000 + n, 'image', 'p', now() - interval '1 second'"
            " FROM generate_series(1, 60) n",
            {"subject": {"delay": "10s"}},
            {"capture_ratio": 100.0},
            id="unless a decision may take a while",
        ),
        pytest.param(
            "INSERT INTO generations SELECT 1000 + n, 'image', 'p', now() + interval '1 day'"
            " FROM generate_series(1, 60) n",
            {"subject": {"delay": "10s"}},
            {"capture_ratio": 50.0},
            id="subjects of tomorrow count too",
        ),
        pytest.param(
            "UPDATE generations SET project_id = 'q' WHERE generation_id > 30;"
            "DELETE FROM decisions WHERE generation_id > 30",
            {"subject": {"where": {"project_id": "p"}}},
            {"capture_ratio": 100.0},
            id="other subjects do not count",
        ),
        pytest.param(
            "",
            {"subject": {"where": {"project_id": None}}},
            {"capture_ratio": None, "lowest_capture_ratio": None},
            id="a value that is not known leaves no subject",
        ),
        pytest.param(
            "",
            {"where": {"outcome": ["timeout", "x"], "generation_id": [10, 20, 30]}},
            {"count": 3, "capture_ratio": 5.0, "success_ratio": 0.0},
            id="other decisions do not count",
        ),
        pytest.param(
            "UPDATE decisions SET outcome = NULL WHERE outcome = 'ok' AND generation_id < 10",
            {},
            {"success_ratio": 75.0},
            id="an unknown outcome is not good",
        ),
        pytest.param(
            'UPDATE decisions SET "timestamp" = now() + interval \'1 day\'',
            {},
            {"count": None, "rate": None, "success_ratio": None, "query_time": None},
            id="decisions of tomorrow are not in the last hour",
        ),
        pytest.param(
            "UPDATE effects SET improved = NULL WHERE decision_id > 130",
            {},
            {"effectiveness": pytest.approx(100 / 6)},
            id="an unknown effect is not good",
        ),
        pytest.param(
            "DELETE FROM decisions WHERE decision_id > 120",
            {},
            {"effectiveness": 0.0},
            id="an effect without a decision does not count",
        ),
        pytest.param(
            "",
            {"effectiveness": {"good": None, "column": "after", "before": "before"}},
            {"effectiveness": pytest.approx(30.5 / 60)},
            id="what a number gained",
        ),
        pytest.param(
            "UPDATE effects SET after = NULL WHERE decision_id > 130",
            {"effectiveness": {"good": None, "column": "after"}},
            {"effectiveness": pytest.approx(1 + 15.5 / 60), "effectiveness_trend": None},
            id="the mean of the numbers that are known",
        ),
        pytest.param(
            "UPDATE effects SET after = 'NaN' WHERE decision_id = 130",
            {"effectiveness": {"good": None, "column": "after"}},
            {"effectiveness": None, "effectiveness_trend": None},
            id="what is no number has no mean",
        ),
        pytest.param(
            "UPDATE effects SET improved = true",
            {},
            {"effectiveness": 100.0, "effectiveness_trend": pytest.approx(0)},
            id="what stays as it is does not rise",
        ),
        pytest.param(
            "UPDATE effects SET improved = NOT improved",
            {},
            {"effectiveness_trend": pytest.approx(0, abs=0.1)},
            id="what falls does not rise",
        ),
        pytest.param(
            "DELETE FROM effects WHERE decision_id > 135",
            {},
            {"effectiveness_trend": None},
            id="seven intervals are too few to tell",
        ),
        pytest.param(
            "DELETE FROM decisions; DELETE FROM generations; DELETE FROM effects",
            {"longest_gap": None},
            dict.fromkeys(
                ("count", "rate", "capture_ratio", "lowest_capture_ratio", "success_ratio",
                 "effectiveness", "effectiveness_trend", "integrity", "query_time")
            ),
            id="empty tables are no data",
        ),
    ],
)  # fmt: skip
def test_what_is_told(
    schema: Schema, tell: Tell, changes: str, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    tracker = schema(changes)
    for name, value in options.items():
        merged = name in ("subject", "effectiveness")
        tracker[name] = {**tracker[name], **value} if merged else value
    found = values(tell(tracker))
    assert {metric: found[metric] for metric in expected} == expected


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        pytest.param(
            'INSERT INTO decisions ("timestamp") VALUES (NULL)', {"null_time": 1}, id="no time"
        ),
        pytest.param(
            "UPDATE decisions SET generation_id = NULL WHERE generation_id < 4",
            {"null_key": 3},
            id="no key",
        ),
        pytest.param(
            "UPDATE decisions SET kind = NULL WHERE generation_id < 4",
            {"null_type": 3, "contradictions": 3},
            id="no type",
        ),
        pytest.param(
            "UPDATE decisions SET \"timestamp\" = now() + interval '1 min' WHERE decision_id < 102",
            {"in_the_future": 1},
            id="a time in the future",
        ),
        pytest.param(
            "INSERT INTO decisions SELECT * FROM decisions WHERE generation_id < 4;"
            "INSERT INTO decisions SELECT * FROM decisions WHERE generation_id = 1",
            {"duplicates": 5},
            id="duplicates",
        ),
        pytest.param(
            "INSERT INTO decisions SELECT 1, 1, 'image', 'p', 'ok', now() - interval '9 days'",
            {"duplicates": 1},
            id="a duplicate of an older one",
        ),
        pytest.param(
            "UPDATE generations SET at = NULL WHERE generation_id < 4",
            {"null_subject_time": 3},
            id="a subject without a time",
        ),
        pytest.param(
            "DELETE FROM generations WHERE generation_id < 4", {"orphans": 3}, id="orphans"
        ),
        pytest.param(
            "UPDATE generations SET at = at + interval '3 s' WHERE generation_id < 4",
            {"before_subject": 3},
            id="a decision before its subject",
        ),
        pytest.param(
            "UPDATE generations SET at = at + interval '1.9 s' WHERE generation_id < 4",
            {},
            id="within what clocks may differ",
        ),
        pytest.param(
            "UPDATE decisions SET kind = 'upscale' WHERE generation_id < 3",
            {"contradictions": 2},
            id="another type than its subject",
        ),
        pytest.param(
            "UPDATE decisions SET project_id = 'q' WHERE generation_id < 3",
            {"contradictions": 2},
            id="another project than its subject",
        ),
        pytest.param(
            "UPDATE effects SET decision_id = 1 WHERE decision_id < 104",
            {"stray_effects": 3},
            id="effects of nothing",
        ),
        pytest.param(
            "DELETE FROM effects;"
            "DELETE FROM decisions WHERE generation_id BETWEEN 20 AND 26 OR generation_id > 53",
            {"gaps": 2},
            id="two long gaps, one up to now",
        ),
        pytest.param(
            "DELETE FROM effects; DELETE FROM decisions", {"gaps": 1}, id="one gap and nothing else"
        ),
    ],
)
def test_faults_are_found(schema: Schema, tell: Tell, changes: str, faults: dict[str, int]) -> None:
    integrity = tell(schema(changes), metrics=["integrity"])["trackers"]["it"]["integrity"]
    assert integrity["faults"] == {**NONE, **faults}
    assert integrity["value"] == sum(faults.values())
    assert all(f"{count} {fault}" in integrity["note"] for fault, count in faults.items())


def test_clocks_may_differ_by_what_is_stated(schema: Schema, tell: Tell) -> None:
    ahead = "UPDATE decisions SET \"timestamp\" = now() + interval '30 s' WHERE decision_id = 101"
    tracker = schema(ahead, clock_tolerance="1m")
    faults = tell(tracker, metrics=["integrity"])["trackers"]["it"]["integrity"]["faults"]
    assert faults == NONE


def test_several_records_of_a_key_are_no_duplicates_where_they_may_be(
    schema: Schema, tell: Tell
) -> None:
    tracker = schema("INSERT INTO decisions SELECT * FROM decisions", several=True)
    found = tell(tracker, metrics=["integrity"])["trackers"]["it"]["integrity"]
    assert (found["value"], "duplicates" in found["faults"]) == (0, False)


@pytest.mark.parametrize(
    ("changes", "options", "problem"),
    [
        pytest.param(
            "DROP TABLE generations",
            {},
            r"trackers\.it\.subject\.table: there is no table or view s\d+\.generations",
            id="no table",
        ),
        pytest.param(
            "",
            {"table": "decisions"},
            r"there is no table or view decisions in this database; there is .*s\d+\.decisions.*"
            "name the schema",
            id="a table in a schema that is not searched",
        ),
        pytest.param(
            "",
            {"time": "timestmp"},
            r"trackers\.it\.time: table s\d+\.decisions has no column timestmp;"
            " did you mean timestamp",
            id="no column",
        ),
        pytest.param(
            "",
            {"time": "Timestamp"},
            "has no column Timestamp; did you mean timestamp",
            id="a name in the wrong case",
        ),
        pytest.param(
            "",
            {"key": "tableoid"},
            "has no column tableoid; it has decision_id, generation_id",
            id="a column of the system",
        ),
        pytest.param(
            "",
            {"time": "kind"},
            r"column kind of table s\d+\.decisions is of type text, but must be a timestamp",
            id="a time that is none",
        ),
        pytest.param(
            "ALTER TABLE effects ALTER improved TYPE text",
            {"effectiveness": {"good": None}},
            "column improved of table .* is of type text, but must be a number, or good",
            id="an effect that is no number",
        ),
        pytest.param(
            f"REVOKE SELECT ON decisions FROM {READER};"
            f"GRANT SELECT (generation_id, kind) ON decisions TO {READER}",
            {},
            f'role {READER} may not read table .*: GRANT SELECT ON "s\\d+"."decisions"'
            f' TO "{READER}"',
            id="no privilege on a column",
        ),
        pytest.param(
            "REVOKE USAGE ON SCHEMA {schema} FROM " + READER,
            {},
            f'GRANT USAGE ON SCHEMA "s\\d+" TO "{READER}"',
            id="no privilege on the schema",
        ),
        pytest.param(
            "ALTER TABLE decisions ENABLE ROW LEVEL SECURITY",
            {},
            "would be affected by row-level security policy for table",
            id="rows that are hidden",
        ),
        pytest.param(
            "ALTER TABLE decisions ALTER generation_id TYPE text",
            {},
            "operator does not exist: text = integer",
            id="keys of different types",
        ),
        pytest.param(
            "",
            {"timezone": "Mars/Olympus"},
            'invalid value for parameter "TimeZone": "Mars/Olympus"',
            id="no such time zone",
        ),
    ],
)
def test_what_is_missing_is_named(
    schema: Schema, tell: Tell, changes: str, options: dict[str, Any], problem: str
) -> None:
    tracker = schema(changes)
    for name, value in options.items():
        tracker[name] = {**tracker[name], **value} if name == "effectiveness" else value
    told = tell(tracker)
    assert told["failed"]
    assert_matches(problem, told["msg"])


def assert_matches(pattern: str, text: str) -> None:
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(text)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"metrics": ["success_ratio"]}, "it.outcome is missing", id="not described"),
        pytest.param({"window": "soon"}, "window is 'soon'", id="no window"),
        pytest.param({"by": "25m"}, "by is '25m'", id="a window of no whole intervals"),
        pytest.param({"trackers": {}}, "at least one table", id="no tracker"),
        pytest.param(
            {"wait_for": {"tracker": "that", "key": "1"}}, "wait_for.tracker is 'that'", id="other"
        ),
        pytest.param({"wait_for": {"tracker": "it", "key": ""}}, "wait_for.key", id="no key"),
        pytest.param({"login_db": "nowhere"}, 'database "nowhere" does not exist', id="no base"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    schema: Schema, tell: Tell, options: dict[str, Any], problem: str
) -> None:
    told = tell(schema(outcome=None), **options)
    assert told["failed"]
    assert problem in told["msg"]


ODD = 'Odd "name"; DROP TABLE x --%s {a} 100%'


def test_odd_names_and_values_are_quoted(tower: Postgresql, tell: Tell) -> None:
    quoted = '"' + ODD.replace('"', '""') + '"'
    connection = psycopg2.connect(tower.dsn_of(DATABASE))
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted}")
        cursor.execute(
            f'CREATE TABLE {quoted}.{quoted} ({quoted} timestamptz, "UPPER" text, "a b" text)'
        )
        cursor.execute(f"INSERT INTO {quoted}.{quoted} VALUES (now(), 'it''s 100%', 'ok;--')")
        cursor.execute(f"GRANT USAGE ON SCHEMA {quoted} TO {READER}")
        cursor.execute(f"GRANT SELECT ON {quoted}.{quoted} TO {READER}")
    connection.close()
    tracker = {
        "table": [ODD, ODD],
        "time": ODD,
        "key": "UPPER",
        "type": "a b",
        "where": {"UPPER": "it's 100%"},
        "outcome": {"column": "a b", "good": ["ok;--"]},
        "subject": {"table": [ODD, ODD], "time": ODD, "type": "a b", "same": [ODD]},
    }
    wait = {"tracker": "it", "key": "it's 100%"}
    told = tell(tracker, wait_for=wait, propose_indexes=True)
    found = values(told)
    assert (found["count"], found["success_ratio"], found["capture_ratio"]) == (1, 100.0, 100.0)
    assert found["integrity"] == 0
    asked = told["trackers"]["it"]["count"]["asked"]
    assert quoted in asked
    assert "it's" not in asked


def test_a_time_without_a_zone_is_of_the_zone_that_is_stated(schema: Schema, tell: Tell) -> None:
    local = "now() AT TIME ZONE 'Asia/Tokyo'"
    tracker = schema(
        'ALTER TABLE decisions ALTER "timestamp" TYPE timestamp; DELETE FROM decisions;'
        f"INSERT INTO decisions VALUES (1, 1, 'image', 'p', 'ok', {local})",
    )
    assert values(tell(tracker, metrics=["count"])) == {"count": None}
    faults = tell(tracker, metrics=["integrity"])["trackers"]["it"]["integrity"]["faults"]
    assert faults["in_the_future"] == 1
    tokyo = {**tracker, "timezone": "Asia/Tokyo"}
    assert values(tell(tokyo, metrics=["count"])) == {"count": 1}


def test_a_view_will_do(schema: Schema, tell: Tell) -> None:
    tracker = schema(
        "ALTER TABLE decisions RENAME TO hidden; CREATE VIEW decisions AS SELECT * FROM hidden;"
        f"GRANT SELECT ON decisions TO {READER}; REVOKE ALL ON hidden FROM {READER}"
    )
    assert values(tell(tracker, propose_indexes=True))["count"] == 60


def test_all_trackers_see_the_same_rows_and_their_own_zone(
    schema: Schema, tell: Tell, tower: Postgresql
) -> None:
    first, second = schema(timezone="Asia/Tokyo"), schema()
    told = tell(first, trackers={"it": first, "that": second}, metrics=["count"])
    assert told["trackers"]["that"]["count"]["value"] == 60
    assert told["as_of"].endswith("+00:00")


def test_a_snapshot_sees_what_was_there_and_changes_nothing(
    schema: Schema, tower: Postgresql
) -> None:
    table = tuple(schema()["table"].split("."))
    tower.execute(f"GRANT DELETE ON {'.'.join(table)} TO {READER}", DATABASE)
    count = Query("SELECT count(*) AS n FROM {t}", {"t": table})
    login = Login(tower.host, tower.port, READER, PASSWORD, DATABASE)
    with Snapshot(login, 5) as snapshot:
        seen = [snapshot.run(count)[0][0]["n"]]
        tower.execute(f"DELETE FROM {'.'.join(table)} WHERE generation_id = 1", DATABASE)
        seen.append(snapshot.run(count)[0][0]["n"])
        snapshot.renew()
        seen.append(snapshot.run(count)[0][0]["n"])
        assert seen == [60, 60, 59]
        with pytest.raises(SourceError, match="cannot execute DELETE in a read-only transaction"):
            snapshot.run(Query("DELETE FROM {t} RETURNING 1 AS n", {"t": table}))


def test_a_connection_that_breaks_is_worth_another_try(tower: Postgresql) -> None:
    login = Login(tower.host, tower.port, READER, PASSWORD, DATABASE)
    with Snapshot(login, 5) as snapshot:
        [found] = snapshot.run(Query("SELECT pg_backend_pid() AS pid"))[0]
        tower.execute(f"SELECT pg_terminate_backend({found['pid']}, 5000)")
        with pytest.raises(UnreachableError, match=f"as {READER}: "):
            snapshot.run(Query("SELECT 1 AS n"))


def test_a_slow_question_is_cut_off(schema: Schema, tell: Tell) -> None:
    tracker = schema(
        "ALTER TABLE decisions RENAME TO plain; CREATE VIEW decisions AS"
        " SELECT plain.* FROM plain, pg_sleep(30);"
        f"GRANT SELECT ON decisions TO {READER}"
    )
    started = time.monotonic()
    told = tell(tracker, timeout=0.5)
    assert time.monotonic() - started < 5
    assert "canceling statement due to statement timeout" in told["msg"]


@contextmanager
def later(tower: Postgresql, seconds: float, statement: str) -> Iterator[None]:
    timer = threading.Timer(seconds, tower.execute, (statement, DATABASE))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_a_record_is_waited_for(schema: Schema, tell: Tell, tower: Postgresql) -> None:
    tracker = schema()
    wait = {"tracker": "it", "key": 777, "timeout": "20s"}
    insert = f"INSERT INTO {tracker['table']} VALUES (1, 777, 'image', 'p', 'ok', now())"
    with later(tower, 1.5, insert):
        told = tell(tracker, wait_for=wait, metrics=["count"])
    waited = told["waited"]
    assert (waited["tracker"], waited["key"], waited["records"]) == ("it", "777", 1)
    assert waited["polls"] > 1
    assert 0 < waited["seconds"] < 20
    assert values(told) == {"count": 61}


def test_a_record_that_does_not_come_is_an_error(schema: Schema, tell: Tell) -> None:
    wait = {"tracker": "it", "key": "777", "timeout": "400ms"}
    told = tell(schema(), wait_for=wait, metrics=[])
    assert told["failed"]
    assert_matches(r"no record with generation_id = '777' came into s\d+\.decisions", told["msg"])


def test_a_record_of_a_key_that_cannot_be_is_an_error(schema: Schema, tell: Tell) -> None:
    told = tell(schema(), wait_for={"tracker": "it", "key": "x' OR true --"}, metrics=[])
    assert "invalid input syntax for type integer" in told["msg"]


LARGE = (
    TABLES
    + """;
    INSERT INTO decisions SELECT n, n, repeat('x', 500), 'p', 'ok', now() - interval '1 day'
      FROM generate_series(1000, 21000) n
"""
)


def test_missing_indexes_are_proposed_and_nothing_is_created(
    schema: Schema, tell: Tell, tower: Postgresql
) -> None:
    tracker = schema(tables=LARGE)
    name = tracker["table"].split(".")[0]

    def proposed() -> list[str]:
        told = tell(tracker, metrics=["count"], propose_indexes=True)
        return [index["statement"] for index in told["indexes"]]

    create = (
        'CREATE INDEX CONCURRENTLY IF NOT EXISTS "decisions_{0}_idx"'
        f' ON "{name}"."decisions" ("{{0}}")'
    )
    wanted = [create.format(c) for c in ("timestamp", "generation_id", "decision_id")]
    assert proposed() == wanted
    assert proposed() == wanted
    tower.execute(f"SET search_path TO {name}; {wanted[0]}", DATABASE)
    assert proposed() == wanted[1:]
    partial = f"CREATE INDEX half ON {name}.decisions (generation_id) WHERE kind IS NULL"
    tower.execute(partial, DATABASE)
    assert proposed() == wanted[1:]
    with pytest.raises(psycopg2.errors.UniqueViolation):
        tower.execute(
            f"INSERT INTO {name}.decisions SELECT * FROM {name}.decisions LIMIT 1;"
            f"CREATE UNIQUE INDEX CONCURRENTLY broken ON {name}.decisions (generation_id)",
            DATABASE,
        )
    drop = f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"."broken"'
    assert proposed() == [drop, *wanted[1:]]


def test_an_index_on_a_partitioned_table_is_not_built_concurrently(
    schema: Schema, tell: Tell
) -> None:
    tracker = schema(
        tables=LARGE
        + """;
        ALTER TABLE decisions RENAME TO part;
        CREATE TABLE decisions (LIKE part) PARTITION BY RANGE ("timestamp");
        ALTER TABLE decisions ATTACH PARTITION part DEFAULT
        """
    )
    index = tell(tracker, metrics=["count"], propose_indexes=True)["indexes"][0]
    assert "CONCURRENTLY" not in index["statement"]
    assert "on each partition first" in index["reason"]


def measured(tower: Postgresql, tracker: dict[str, Any], **source: Any) -> Measurement:
    login = Login(tower.host, tower.port, READER, PASSWORD, DATABASE)
    context = Context(login=login, trackers={"it": tracker})
    raw = {"type": "decisions", "tracker": "it", **source}
    return measure_all({"it": read_source(Fields(raw, "source"), context)})["it"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param({"metric": "capture_ratio"}, (100.0, "%", 60, 60), id="a share"),
        pytest.param(
            {"metric": "capture_ratio", "of_type": "video"}, (100.0, "%", 15, 15), id="of a type"
        ),
        pytest.param(
            {"metric": "capture_ratio", "of_type": "x"}, (None, "%", 0, 0), id="of no type"
        ),
        pytest.param(
            {"metric": "success_ratio", "of_type": "image", "window": "30m"},
            (pytest.approx(100 * 21 / 22), "%", 21, 22),
            id="of a type in a window",
        ),
        pytest.param({"metric": "rate"}, (1.0, "/min", None, None), id="a rate"),
        pytest.param(
            {"metric": "effectiveness", "of_type": "video"},
            (pytest.approx(100 * 10 / 15), "%", 10, 15),
            id="effectiveness of a type",
        ),
        pytest.param({"metric": "integrity"}, (0, "count", None, None), id="faults"),
    ],
)
def test_the_source(
    schema: Schema, tower: Postgresql, source: dict[str, Any], expected: Any
) -> None:
    found = measured(tower, schema(), **source)
    assert found.error is None
    assert (found.value, found.unit, found.good, found.total) == expected
    assert f"{source['metric']} of it" in str(found.asked)


def test_the_source_says_what_is_missing(schema: Schema, tower: Postgresql) -> None:
    found = measured(tower, schema(time="tim"), metric="count")
    assert found.value is None
    assert "has no column tim" in str(found.error)


def test_the_source_is_asked_again_and_sees_new_rows(schema: Schema, tower: Postgresql) -> None:
    tracker = schema()
    login = Login(tower.host, tower.port, READER, PASSWORD, DATABASE)
    fields = Fields({"type": "decisions", "tracker": "it", "metric": "count"}, "source")
    source = read_source(fields, Context(login=login, trackers={"it": tracker}))
    assert source.measure().value == 60
    tower.execute(f"DELETE FROM {tracker['table']} WHERE decision_id > 110", DATABASE)
    assert source.measure().value == 10
