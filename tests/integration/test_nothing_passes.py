# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing passes by mistake: every source is damaged in every way known, and none may pass.

A source that is added without an objective that works, and ways to damage it, fails here.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError
from ansible_collections.phased.rollout.plugins.module_utils._sources import SOURCES
from ansible_collections.phased.rollout.plugins.modules.slo_check import ARGUMENT_SPEC, check
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql, free_port
from ansible_collections.phased.rollout.tests.integration.servers import (
    Authority,
    answers,
    event_server,
    hangs_up,
    prometheus_server,
    raw_server,
    says_nothing,
    stops_halfway,
    talks_nonsense,
    web_site,
)

DATABASE = "nothing_passes"
TABLES = """
    CREATE TABLE events (good int, total int);
    INSERT INTO events VALUES (999, 1000);
    CREATE TABLE nothing (good int, total int);
    CREATE TABLE secrets (good int, total int);
    INSERT INTO secrets VALUES (999, 1000);
    CREATE TABLE generations (generation_id int, kind text, at timestamptz);
    CREATE TABLE decisions (generation_id int, kind text, at timestamptz);
    INSERT INTO generations SELECT n, 'image', now() - n * interval '1 min'
      FROM generate_series(1, 50) n;
    INSERT INTO decisions SELECT * FROM generations;
    CREATE TABLE no_decisions (LIKE decisions);
    CREATE TABLE late_decisions (LIKE decisions);
    INSERT INTO late_decisions SELECT generation_id, kind, at + interval '1 day' FROM decisions;
    CREATE ROLE nothing_reader LOGIN PASSWORD 'reader';
    GRANT SELECT ON events, nothing, generations, decisions, no_decisions, late_decisions
      TO nothing_reader
"""
CASE = '<testcase classname="tests.test_a" name="test_one"/>'
REPORT = f'<testsuite tests="1">{CASE}</testsuite>'


class World:
    """The servers and files that work, and ways to make others that do not."""

    def __init__(self, stack: ExitStack, folder: Path, postgresql: Postgresql) -> None:
        self._stack, self.folder, self.postgresql = stack, folder, postgresql
        self.ours = Authority.create(folder / "ours")
        self.stranger = Authority.create(folder / "stranger")
        self.https = stack.enter_context(web_site(self.ours))
        self.wss = stack.enter_context(event_server(self.ours))
        minute_ago = int(1000 * (time.time() - 60))
        metrics = answers(f"tower_seconds 0.042\ntower_old 0.05 {minute_ago}\n")
        self.prometheus = stack.enter_context(prometheus_server(self.port(metrics), "tower_old"))
        self.page("report.xml", REPORT)
        self.page("tests/test_a.py", "def test_one(): ...\n")
        self.script("check.sh", "echo 7")

    def port(self, behaviour: Callable[[Any], None]) -> int:
        return self._stack.enter_context(raw_server(behaviour))

    def page(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def script(self, name: str, text: str, mode: int = 0o755) -> str:
        path = self.page(name, f"#!/bin/sh\n{text}\n")
        Path(path).chmod(mode)
        return path

    def aged(self, seconds: float) -> str:
        path = self.page(f"aged{seconds}.xml", REPORT)
        os.utime(path, (time.time() - seconds, time.time() - seconds))
        return path


#: Returns changed options of the source, or of the objective or module under a key of that name.
Damage = Callable[[World], dict[str, Any]]


class Working(NamedTuple):
    """An objective that passes. optional: options without which it passes as well."""

    source: Callable[[World], dict[str, Any]]
    objective: dict[str, Any]
    damages: dict[str, Damage]
    optional: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


def at_port(scheme: str, behaviour: Callable[[Any], None]) -> Damage:
    return lambda world: {"url": f"{scheme}://127.0.0.1:{world.port(behaviour)}/"}


def servers(scheme: str) -> dict[str, Damage]:
    """Return the damages to whatever is reached over a socket."""
    return {
        "a server that is down": lambda world: {"url": f"{scheme}://127.0.0.1:{free_port()}/"},
        "a host that does not exist": lambda world: {"url": f"{scheme}://no-such-host.invalid/"},
        "a server that says nothing": at_port(scheme, says_nothing),
        "a server that hangs up": at_port(scheme, hangs_up),
        "a server that stops halfway": at_port(scheme, stops_halfway),
        "a server that talks nonsense": at_port(scheme, talks_nonsense),
        "an empty answer": at_port(scheme, answers("")),
        "an error page": at_port(scheme, answers("<html>down</html>", 503)),
    }


TLS: dict[str, Damage] = {
    "a stranger's authority": lambda world: {"ca_cert": str(world.stranger.ca_cert)},
    "no authority": lambda world: {"ca_cert": None},
    "an authority that is missing": lambda world: {"ca_cert": "/no/such/ca.pem"},
    "an authority that is no certificate": lambda world: {"ca_cert": __file__},
}
LOGIN = {"name": "log in", "url": "/login", "method": "POST", "take": {"token": "token"}}
ITEM = {"name": "read", "url": "/items/7", "headers": {"Authorization": "Bearer {token}"}}


def journey(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**LOGIN, "body": {"user": "ada"}, **first}, {**ITEM, **second}]


def query(text: str) -> Damage:
    return lambda world: {"query": text}


def says(value: Any, shift: float = 0, **more: Any) -> Damage:
    """Return the damage of a Prometheus that gives a value, at a time that is shifted."""

    def damage(world: World) -> dict[str, Any]:
        data = {"resultType": "scalar", "result": [time.time() + shift, value]}
        return {
            "url": f"http://127.0.0.1:"
            f"{world.port(answers({'status': 'success', 'data': data, **more}))}"
        }

    return damage


SEVERAL = 'vector(0) or label_replace(vector(0), "a", "b", "", "")'
PROMETHEUS: dict[str, Damage] = {
    "no series": query("no_such_metric"),
    "several series": query(SEVERAL),
    "NaN": query("vector(0) / 0"),
    "infinity": query("-1 / vector(0)"),
    "a mistake in the query": query("sum("),
    "a string": query('"0"'),
}
READER = {"login_user": "nothing_reader", "login_password": "reader"}


def params(**changes: Any) -> Damage:
    return lambda world: {"params": changes}


SERVER_OF_SQL: dict[str, Damage] = {
    "a server that is down": params(login_port=1),
    "a host that does not exist": params(login_host="no-such-host.invalid"),
    "a wrong password": params(login_password="wrong"),
    "no such database": lambda world: {"database": "no_such_database"},
    "a server that says nothing": lambda world: {
        "params": {"login_port": world.port(says_nothing)}
    },
    "a server that hangs up": lambda world: {"params": {"login_port": world.port(hangs_up)}},
    "no encryption where it is required": params(ssl_mode="require"),
}
TRACKER: dict[str, Any] = {
    "table": "decisions",
    "time": "at",
    "key": "generation_id",
    "type": "kind",
    "subject": {"table": "generations", "time": "at", "type": "kind", "types": ["image"]},
}


def tracker(subject: dict[str, Any] | None = None, **changes: Any) -> Damage:
    described = {**TRACKER, **changes, "subject": {**TRACKER["subject"], **(subject or {})}}
    return params(trackers={"it": described})


def argv(name: str, text: str, mode: int = 0o755) -> Damage:
    return lambda world: {"argv": [world.script(name, text, mode)]}


def report(text: str) -> Damage:
    return lambda world: {"path": world.page(f"damaged{hash(text)}.xml", text)}


REPORTS: dict[str, Damage] = {
    "no report": lambda world: {"path": f"{world.folder}/no_such_report*.xml"},
    "a folder for a report": lambda world: {"path": str(world.folder / "tests")},
    "an empty report": report(""),
    "a report that is cut off": report(REPORT[:-5]),
    "some other XML": report("<html/>"),
    "no tests in it": report("<testsuite/>"),
    "more tests stated than listed": report(REPORT.replace('tests="1"', 'tests="9"')),
    "an old report": lambda world: {"path": world.aged(3600), "max_age": "10m"},
    "a report from the future": lambda world: {"path": world.aged(-3600)},
    "entities": report(f'<!DOCTYPE x [<!ENTITY a "b">]>{REPORT}'),
}
SKIPPED = f"<testsuite>{CASE.replace('/>', '><skipped/></testcase>')}</testsuite>"
FAILED = f"<testsuite>{CASE.replace('/>', '><failure/></testcase>')}</testsuite>"

WORKING: dict[str, Working] = {
    "http": Working(
        lambda world: {
            "url": world.https,
            "ca_cert": str(world.ours.ca_cert),
            "contains": "ready",
        },
        {"pass": ">= 100%"},
        {
            **servers("http"),
            **TLS,
            "a broken page": lambda world: {"url": f"{world.https}/broken"},
            "a page that hangs": lambda world: {"url": f"{world.https}/hang"},
            "half a page": lambda world: {"url": f"{world.https}/half"},
            "another status": lambda world: {"status": 204},
            "a text that is missing": lambda world: {"contains": "no such text"},
            "a JSON check that fails": lambda world: {"json": "state == 'gone'"},
            "a JSON path for a check": lambda world: {"json": "state"},
            "too many requests for the time": lambda world: {
                "url": f"{world.https}/slow",
                "requests": 1000,
            },
        },
        optional=("contains",),
    ),
    "http latency": Working(
        lambda world: {
            "url": world.https,
            "ca_cert": str(world.ours.ca_cert),
            "measure": "latency",
            "json": "state == 'ready'",
        },
        {"pass": "< 10s", "unit": "s"},
        {
            **servers("http"),
            **TLS,
            "a quick error page": lambda world: {"url": f"{world.https}/broken"},
            "a quick page that is wrong": lambda world: {"json": "state == 'gone'"},
        },
        optional=("measure", "json"),
        libraries=("jmespath",),
    ),
    "http journey": Working(
        lambda world: {
            "url": world.https,
            "ca_cert": str(world.ours.ca_cert),
            "journey": journey({}, {}),
        },
        {"pass": ">= 100%"},
        {
            **servers("http"),
            **TLS,
            "no steps": lambda world: {"journey": []},
            "a login that fails": lambda world: {"journey": journey({"body": {}}, {})},
            "nothing to take": lambda world: {"journey": journey({"take": {"token": "x"}}, {})},
            "the wrong thing taken": lambda world: {
                "journey": journey({"take": {"token": "id"}}, {})
            },
            "a last step that fails": lambda world: {"journey": journey({}, {"url": "/broken"})},
            "a last step that hangs": lambda world: {"journey": journey({}, {"url": "/hang"})},
        },
        optional=("journey",),
        libraries=("jmespath",),
    ),
    "websocket": Working(
        lambda world: {
            "url": world.wss,
            "ca_cert": str(world.ours.ca_cert),
            "until": {"json": "type == 'completed'"},
        },
        {"pass": ">= 100%"},
        {
            **servers("ws"),
            **TLS,
            "no event": lambda world: {"url": f"{world.wss}/silent"},
            "a connection that drops": lambda world: {"url": f"{world.wss}/drops"},
            "an end before the last event": lambda world: {"url": f"{world.wss}/ends"},
            "an event that never comes": lambda world: {"until": {"contains": "no such event"}},
            "a web site": lambda world: {"url": world.https.replace("https", "wss")},
        },
        optional=("until",),
        libraries=("websockets.sync.client", "jmespath"),
    ),
    "websocket first event": Working(
        lambda world: {
            "url": world.wss,
            "ca_cert": str(world.ours.ca_cert),
            "measure": "first_event",
        },
        {"pass": "< 10s", "unit": "s"},
        {
            **servers("ws"),
            **TLS,
            "no event": lambda world: {"url": f"{world.wss}/silent"},
            "a connection that drops": lambda world: {"url": f"{world.wss}/drops"},
        },
        optional=("measure",),
        libraries=("websockets.sync.client",),
    ),
    "prometheus": Working(
        lambda world: {"url": world.prometheus, "query": "tower_seconds"},
        {"pass": "< 100ms", "unit": "s"},
        {
            **servers("http"),
            **PROMETHEUS,
            "a negative time": query("tower_seconds - 1"),
            "a range for a value": query("tower_seconds[1m]"),
            "a scrape that is too old": lambda world: {"query": "tower_old", "max_age": "30s"},
            "a server that is no Prometheus": lambda world: {"url": world.https},
            "a partial answer": says("0", warnings=["a store did not answer"]),
            "an answer of the past": says("0", -3600),
            "a clock in the future": says("0", 3600),
            "an empty value": says(""),
            "no value": says(None),
            "a list for an answer": at_port("http", answers([])),
            "an error": at_port("http", answers({"status": "error", "error": "no"}, 422)),
            "an answer without data": at_port("http", answers({"status": "success"})),
        },
    ),
    "prometheus range": Working(
        lambda world: {
            "url": world.prometheus,
            "query": "vector(0.05)",
            "range": {"duration": "10m", "step": "30s"},
            "reduce": "max",
        },
        {"pass": "< 100ms", "unit": "s"},
        {
            **servers("http"),
            **PROMETHEUS,
            "gaps": query("tower_seconds"),
            "a series that has ended": lambda world: {
                "query": f"vector(0) and on() (vector(time()) < {time.time() - 45:.0f})",
                "range": {"duration": "10m", "step": "10s"},
            },
            "now and then no number": query("vector(0) / (vector(time() % 60 < bool 30))"),
            "one point only": lambda world: {"range": {"duration": "1s", "step": "1m"}},
            "a partial answer": says("0", warnings=["a store did not answer"]),
            "a clock in the future": says("0", 3600),
        },
        optional=("range",),
    ),
    "prometheus events": Working(
        lambda world: {"url": world.prometheus, "good": "vector(999)", "total": "vector(1000)"},
        {"pass": ">= 99.5%"},
        {
            **servers("http"),
            "no good series": lambda world: {"good": "no_such_metric"},
            "no series in total": lambda world: {"total": "no_such_metric"},
            "nothing happened": lambda world: {"good": "vector(0)", "total": "vector(0)"},
            "more good than all": lambda world: {"good": "vector(1001)"},
            "NaN": lambda world: {"good": "vector(0) / 0"},
            "negative counters": lambda world: {"good": "vector(-1)", "total": "vector(-1)"},
            "several series": lambda world: {"good": SEVERAL},
            "a partial answer": says("9", warnings=["a store did not answer"]),
        },
    ),
    "sql": Working(
        lambda world: {"query": "SELECT good, total FROM events"},
        {"pass": ">= 99.5%"},
        {
            **SERVER_OF_SQL,
            "no such table": query("SELECT good, total FROM no_such_table"),
            "an empty table": query("SELECT good, total FROM nothing"),
            "a sum over an empty table": query(
                "SELECT sum(good) AS good, sum(total) AS total FROM nothing"
            ),
            "no privilege": query("SELECT good, total FROM secrets"),
            "several rows": query("SELECT 1 AS good, 1 AS total FROM generate_series(1, 2)"),
            "other columns": query("SELECT good, total AS all FROM events"),
            "NaN": query("SELECT 'NaN'::float AS good, 1 AS total"),
            "a negative count": query("SELECT -1 AS good, -1 AS total"),
            "a text": query("SELECT '1' AS good, '1' AS total"),
            "a query that takes too long": query("SELECT pg_sleep(9), 1 AS good, 1 AS total"),
            "a mistake in the query": query("SELEC"),
            "an empty query": query(" "),
        },
        libraries=("psycopg2",),
    ),
    "sql samples": Working(
        lambda world: {"query": "SELECT 5 AS value FROM events", "measure": "samples"},
        {"pass": "< 10"},
        {
            **SERVER_OF_SQL,
            "no rows": query("SELECT good AS value FROM nothing"),
            "a NULL among them": query("SELECT n AS value FROM (VALUES (1), (NULL)) AS v (n)"),
            "NaN among them": query("SELECT n::float AS value FROM (VALUES (1), ('NaN')) AS v (n)"),
        },
        optional=("measure",),
        libraries=("psycopg2",),
    ),
    "decisions": Working(
        lambda world: {"tracker": "it", "metric": "lowest_capture_ratio", "window": "1h"},
        {"pass": ">= 99.5%"},
        {
            **SERVER_OF_SQL,
            "no such table": tracker(table="no_such_table"),
            "no such column": tracker(time="no_such_column"),
            "no privilege": tracker(table="secrets"),
            "no decisions": tracker(table="no_decisions"),
            "no subjects": tracker({"table": "no_decisions"}),
            "a type that never came": tracker({"types": ["image", "video"]}),
            "a clock in the future": tracker(table="late_decisions"),
            "an unknown tracker": lambda world: {"tracker": "that"},
        },
        optional=("window",),
        libraries=("psycopg2",),
    ),
    "command": Working(
        lambda world: {"argv": [str(world.folder / "check.sh")]},
        {"pass": ">= 100%"},
        {
            "a script that is missing": lambda world: {"argv": ["/no/such/script"]},
            "a script that is not executable": argv("plain.sh", "exit 0", 0o644),
            "a folder for a script": lambda world: {"argv": [str(world.folder)]},
            "a folder that is missing": lambda world: {"chdir": "/no/such/folder"},
            "a script that fails": argv("fails.sh", "exit 1"),
            "a script that is killed": argv("killed.sh", "kill -9 $$"),
            "a script that hangs": argv("hangs.sh", "sleep 30"),
            "a script that does not stop printing": argv("prints.sh", "yes"),
            "check mode": lambda world: {"check_mode": True},
            "a line for a shell": lambda world: {"argv": "true"},
        },
    ),
    "command number": Working(
        lambda world: {"argv": [str(world.folder / "check.sh")], "measure": "number"},
        {"pass": "< 10s", "unit": "s"},
        {
            "no output": argv("silent.sh", "exit 0"),
            "output without a number": argv("words.sh", "echo fine"),
            "a number of a script that fails": argv("failed.sh", "echo 7; exit 1"),
            "NaN": argv("nan.sh", "echo nan"),
            "infinity": argv("inf.sh", "echo -inf"),
            "a negative time": argv("negative.sh", "echo -7"),
            "no UTF-8": argv("bytes.sh", "printf '\\377'"),
            "no match": lambda world: {"pattern": r"took (\d+)"},
            "no JSON": lambda world: {"json": "seconds"},
            "a script that hangs after its number": argv("late.sh", "echo 7; sleep 30"),
        },
        optional=("measure",),
    ),
    "junit": Working(
        lambda world: {"path": str(world.folder / "report.xml")},
        {"pass": ">= 100%"},
        {**REPORTS, "a skipped test": report(SKIPPED), "a failed test": report(FAILED)},
        libraries=("defusedxml.ElementTree",),
    ),
    "junit failures": Working(
        lambda world: {"path": str(world.folder / "report.xml"), "measure": "failures"},
        {"pass": "== 0"},
        {**REPORTS, "only skipped tests": report(SKIPPED), "a failed test": report(FAILED)},
        optional=("measure",),
    ),
    "junit discovery": Working(
        lambda world: {
            "path": str(world.folder / "report.xml"),
            "measure": "discovery",
            "tests": str(world.folder / "tests"),
        },
        {"pass": ">= 50%"},
        {
            **REPORTS,
            "no tests on disk": lambda world: {"tests": "/no/such/tests"},
            "no test functions": lambda world: {"tests": str(world.folder / "ours")},
            "a test file with a mistake": lambda world: {
                "tests": world.page("broken/test_b.py", "def test_(")
            },
            "tests that are not in the report": lambda world: {
                "tests": world.page("other/test_b.py", "def test_two(): ...")
            },
        },
    ),
    "value": Working(
        lambda world: {"value": 0.05},
        {"pass": "< 100ms", "unit": "s"},
        {
            "no value": lambda world: {"value": None},
            "NaN": lambda world: {"value": "nan"},
            "infinity": lambda world: {"value": "-inf"},
            "a text": lambda world: {"value": "fast"},
            "a boolean": lambda world: {"value": False},
            "a negative time": lambda world: {"value": -1},
            "an empty text": lambda world: {"value": ""},
        },
    ),
}
#: Damages to the objective, which no source can make good.
OBJECTIVES: dict[str, Damage] = {
    "no criterion": lambda world: {"objective": {"pass": None, "warn": None}},
    "an empty list of criteria": lambda world: {"objective": {"pass": [], "warn": []}},
    "a limit in a unit that does not fit": lambda world: {
        "objective": {"pass": "< 5GB", "warn": "< 5GB"}
    },
    "a baseline that is missing": lambda world: {
        "objective": {"pass": "<= +10% of baseline", "warn": None}
    },
    "a criterion that is none": lambda world: {"objective": {"pass": "good", "warn": None}},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgresql: Postgresql) -> Iterator[World]:
    postgresql.execute(f"CREATE DATABASE {DATABASE}")
    postgresql.execute(TABLES, DATABASE)
    with ExitStack() as stack:
        yield World(stack, tmp_path_factory.mktemp("world"), postgresql)


def kind(name: str) -> str:
    """Return the type of the source, with which every name here begins."""
    return name.partition(" ")[0]


def verdict(world: World, working: Working, name: str, changes: dict[str, Any]) -> str:
    """Return the verdict on the objective with the changes; a refusal is one too."""
    source = {"type": kind(name), **working.source(world), **changes}
    check_mode = source.pop("check_mode", False)
    objective = {
        **working.objective,
        "warn": working.objective["pass"],
        "source": {key: value for key, value in source.items() if key not in PARTS},
        **changes.get("objective", {}),
    }
    given = {
        **{option: spec.get("default") for option, spec in ARGUMENT_SPEC.items()},
        **world.postgresql.login(READER["login_user"], READER["login_password"], DATABASE),
        "objectives": {"it": {key: value for key, value in objective.items() if value is not None}},
        "trackers": {"it": TRACKER},
        "timeout": 1.0,
        **changes.get("params", {}),
    }
    try:
        return str(check(deepcopy(given), check_mode=check_mode)["verdict"])
    except (ShapeError, MissingLibraryError):
        return "refused"


PARTS = ("objective", "params")
NOTHING: tuple[Any, ...] = (None, "", [], {})
DAMAGES = [
    pytest.param(name, damage, id=f"{name}: {what}")
    for name, working in WORKING.items()
    for what, damage in {**working.damages, **OBJECTIVES}.items()
]
LIBRARIES = [
    pytest.param(name, needed, id=f"{name} without {needed}")
    for name, working in WORKING.items()
    for needed in working.libraries
]


def test_every_source_is_here_with_its_damages() -> None:
    assert {kind(name) for name in WORKING} == set(SOURCES)
    assert min(len(working.damages) for working in WORKING.values()) >= 5


@pytest.mark.parametrize("name", WORKING)
def test_what_works_passes(world: World, name: str) -> None:
    assert verdict(world, WORKING[name], name, {}) == "pass"


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_what_is_damaged_does_not_pass(world: World, name: str, damage: Damage) -> None:
    assert verdict(world, WORKING[name], name, damage(world)) in {
        *("fail", "error", "inconclusive", "refused"),
    }


@pytest.mark.parametrize("name", WORKING)
def test_no_option_can_be_left_out(world: World, name: str) -> None:
    working = WORKING[name]
    given = working.source(world)
    assert set(working.optional) <= set(given)
    for option in given.keys() - set(working.optional):
        for nothing in NOTHING:
            if option == "ca_cert" and nothing is None:
                continue  # the system's authorities, which is a damage of its own above
            found = verdict(world, working, name, {option: nothing})
            assert found not in ("pass", "warn"), f"{option}: {nothing!r}"


@pytest.mark.parametrize(("name", "needed"), LIBRARIES)
def test_a_missing_library_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, needed: str
) -> None:
    load = importlib.import_module

    def missing(wanted: str) -> Any:
        if wanted == needed:
            raise ImportError(wanted)
        return load(wanted)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert verdict(world, WORKING[name], name, {}) == "refused"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"objectives": {}}, id="no objectives at all"),
        pytest.param({"objectives": {"it": {}}}, id="an empty objective"),
        pytest.param({"objectives": {"it": {"source": {}, "pass": "== 0"}}}, id="an empty source"),
    ],
)
def test_nothing_to_measure_does_not_pass(world: World, changes: dict[str, Any]) -> None:
    found = verdict(world, WORKING["value"], "value", {"params": changes})
    assert found in ("inconclusive", "refused")
