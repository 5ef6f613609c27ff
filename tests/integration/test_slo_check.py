# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""slo_check against a real PostgreSQL, a real Prometheus and a real web server."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import (
    Postgresql,
    free_port,
    hand_over,
    scratch_folder,
    started,
)

READER, PASSWORD = "rollout_reader", "s3cret-of-the-reader"
TIMEOUT = 2.0
KEYS = {
    "name", "verdict", "value", "unit", "criterion", "baseline", "samples", "good", "total",
    "seconds", "asked", "reason", "description", "key", "weight",
    "interval", "shift", "effect", "needed", "dry_run",
}  # fmt: skip
METRICS = """
tower_generations_total{kind="image",outcome="ok"} 995
tower_generations_total{kind="image",outcome="error"} 5
tower_idle_total 0
tower_seconds 0.042
"""
Check = Callable[..., dict[str, Any]]


class Web(BaseHTTPRequestHandler):
    """A web server whose path says what it does."""

    seen: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    count: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, dict(self.headers), body))
        number = self.count[self.path] = self.count.get(self.path, 0) + 1
        page = self.path.split("/")[1]
        if page == "metrics":
            self._answer(200, METRICS)
        elif page == "slow":
            time.sleep(0.2)
            self._answer(200)
        elif page == "hang":
            time.sleep(30)
        elif page == "flaky":
            self._answer(500 if number % 4 == 0 else 200)
        elif page == "login":
            self._answer(302, location="/ok")
        else:
            self._answer(500 if page == "broken" else 200)

    do_POST = do_GET

    def _answer(self, status: int, text: str = "ok", location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(context: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """The URL of the web server."""
    server = serve()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def prometheus(web: str) -> Iterator[str]:
    """The URL of a Prometheus that has scraped the web server."""
    port = free_port()
    with scratch_folder() as folder:
        config = folder / "prometheus.yml"
        target = web.removeprefix("http://")
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
                    "scrape_configs": [
                        {"job_name": "tower", "static_configs": [{"targets": [target]}]}
                    ],
                }
            )
        )
        hand_over(config)
        argv = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        url = f"http://127.0.0.1:{port}"
        with started(argv, log=folder / "log", ready=lambda: scraped(url)):
            yield url


def scraped(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query?query=tower_seconds") as response:
            return bool(json.load(response)["data"]["result"])
    except OSError:
        return False


@pytest.fixture(scope="module")
def tower(postgresql: Postgresql) -> Postgresql:
    """The server with a database to ask, and a role that may only read some of it."""
    postgresql.execute(
        f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE tower_staging"
    )
    postgresql.execute(
        f"""
        CREATE TABLE generations (generation_id int PRIMARY KEY, kind text);
        CREATE TABLE generation_decisions (generation_id int);
        CREATE TABLE nothing_yet (good int, total int);
        CREATE TABLE secrets (value int);
        CREATE SEQUENCE numbers;
        INSERT INTO generations SELECT n, 'image' FROM generate_series(1, 1000) n;
        INSERT INTO generation_decisions SELECT n FROM generate_series(1, 998) n;
        GRANT SELECT ON generations, generation_decisions, nothing_yet TO {READER};
        GRANT ALL ON SEQUENCE numbers TO {READER};
        GRANT INSERT, DELETE ON generation_decisions TO {READER}
        """,
        "tower_staging",
    )
    return postgresql


@pytest.fixture
def check(tower: Postgresql, prometheus: str, run_module: Check) -> Check:
    """Return a function that checks objectives, and what holds for every result."""

    def run(
        objectives: dict[str, Any], *, check_mode: bool = False, **options: Any
    ) -> dict[str, Any]:
        args = {
            "objectives": objectives,
            "prometheus_url": prometheus,
            "timeout": TIMEOUT,
            **tower.login(READER, PASSWORD, "tower_staging"),
            **options,
        }
        outcome = run_module("slo_check", args, check_mode=check_mode)
        assert PASSWORD not in json.dumps(outcome)
        assert not outcome.get("changed")
        for result in outcome.get("results", []):
            assert result.keys() == KEYS
            assert result["reason"]
        return outcome

    return run


@pytest.fixture
def check_one(check: Check) -> Check:
    """Return a function that checks one objective and returns its result."""

    def run(source: dict[str, Any], criterion: str, **options: Any) -> dict[str, Any]:
        objective = {"source": source, "pass": criterion, **options.pop("objective", {})}
        outcome = check({"it": objective}, **options)
        result: dict[str, Any] = outcome["results"][0]
        assert outcome["verdict"] == result["verdict"]
        return result

    return run


CAPTURE = """
    SELECT count(d.generation_id) AS good, count(*) AS total
    FROM generations g LEFT JOIN generation_decisions d USING (generation_id)
    WHERE kind = %(kind)s
"""


@pytest.mark.parametrize(
    ("source", "criterion", "expected"),
    [
        pytest.param(
            {"query": CAPTURE, "params": {"kind": "image"}},
            ">= 99.5%",
            ("pass", 99.8, "%"),
            id="a share that is high enough",
        ),
        pytest.param(
            {"query": CAPTURE, "params": {"kind": "image"}},
            ">= 100%",
            ("fail", 99.8, "%"),
            id="a share that is not",
        ),
        pytest.param(
            {"query": "SELECT count(*) AS value FROM generations"},
            "== 1000",
            ("pass", 1000.0, None),
            id="a count",
        ),
        pytest.param(
            {"query": "SELECT avg(generation_id) AS value FROM generations"},
            "== 500.5",
            ("pass", 500.5, None),
            id="a numeric",
        ),
        pytest.param(
            {"query": "SELECT current_database() = 'postgres' AS it, 1 AS value",
             "database": "postgres"},
            "== 1",
            ("pass", 1.0, None),
            id="another database",
        ),
    ],
)  # fmt: skip
def test_sql(check_one: Check, source: dict[str, Any], criterion: str, expected: Any) -> None:
    result = check_one({"type": "sql", **source}, criterion)
    assert (result["verdict"], result["value"], result["unit"]) == expected


def test_the_time_of_a_query_is_measured(check_one: Check) -> None:
    sleep = {"type": "sql", "query": "SELECT pg_sleep(0.15)", "measure": "seconds"}
    slow = check_one(sleep, "< 100ms", objective={"unit": "ms"})
    assert (slow["verdict"], slow["unit"]) == ("fail", "ms")
    assert 150 <= slow["value"] < 1000
    quick = check_one({**sleep, "query": "SELECT count(*) FROM generations"}, "< 1s")
    assert (quick["verdict"], quick["unit"], quick["samples"]) == ("pass", "s", 1)


@pytest.mark.parametrize(
    ("query", "verdict", "reason"),
    [
        pytest.param(
            "SELECT 1 AS value WHERE false", "inconclusive", "the query gave no row", id="no row"
        ),
        pytest.param(
            "SELECT max(good) AS value FROM nothing_yet",
            "inconclusive",
            "value is NULL",
            id="NULL",
        ),
        pytest.param(
            "SELECT sum(good) AS good, count(*) AS total FROM nothing_yet",
            "inconclusive",
            "only one of good and total is known",
            id="an empty table",
        ),
        pytest.param(
            "SELECT 0 AS good, 0 AS total", "inconclusive", "0 of 0: nothing happened", id="0 of 0"
        ),
        pytest.param(
            "SELECT 'NaN'::float AS value", "inconclusive", "the answer is nan", id="NaN"
        ),
        pytest.param(
            "SELECT 'Infinity'::float AS value", "inconclusive", "the answer is inf", id="infinity"
        ),
        pytest.param(
            "SELECT 2 AS good, 1 AS total", "error", "2 good of 1 in total", id="more than all"
        ),
        pytest.param(
            "SELECT generation_id AS value FROM generations LIMIT 2",
            "error",
            "gave 2 rows, but one is needed",
            id="several rows",
        ),
        pytest.param("SELECT 1 AS n", "error", "gives the columns n; name one value", id="no name"),
        pytest.param(
            "SELECT 'many' AS value", "error", "value is 'many' (str)", id="no number"
        ),
        pytest.param(
            "SELECT 1 AS value FROM no_such_table",
            "error",
            'relation "no_such_table" does not exist',
            id="no such table",
        ),
        pytest.param(
            "SELECT no_such AS value FROM generations",
            "error",
            'column "no_such" does not exist',
            id="no such column",
        ),
        pytest.param(
            "SELECT value FROM secrets",
            "error",
            "permission denied for table secrets",
            id="no privilege",
        ),
        pytest.param("SELEC 1", "error", 'syntax error at or near "SELEC"', id="a typo"),
        pytest.param("SET lock_timeout = 1", "error", "gives no rows", id="no query"),
        pytest.param(
            "SELECT pg_sleep(30)",
            "error",
            "canceling statement due to statement timeout",
            id="a query that takes too long",
        ),
        pytest.param(
            "SELECT %(no_such)s AS value",
            "error",
            "the query and its params do not go together: KeyError('no_such')",
            id="a parameter that was not given",
        ),
        pytest.param(
            "DELETE FROM generation_decisions RETURNING 1 AS value",
            "error",
            "cannot execute DELETE in a read-only transaction",
            id="a deletion",
        ),
        pytest.param(
            "SELECT nextval('numbers') AS value",
            "error",
            "cannot execute nextval() in a read-only transaction",
            id="drawing a number",
        ),
    ],
)  # fmt: skip
def test_sql_without_a_sound_answer(
    check_one: Check, tower: Postgresql, query: str, verdict: str, reason: str
) -> None:
    source = {"type": "sql", "query": query, "params": {"kind": "image"}}
    result = check_one(source, ">= 0", timeout=1)
    assert (result["verdict"], result["value"]) == (verdict, None)
    assert reason in result["reason"]
    assert result["asked"] == query
    kept = tower.execute("SELECT count(*) FROM generation_decisions", "tower_staging")
    assert kept == [(998,)]


def test_a_quick_answer_of_no_rows_is_not_a_fast_query(check_one: Check) -> None:
    source = {"type": "sql", "query": "SELECT good FROM nothing_yet", "measure": "seconds"}
    assert check_one(source, "< 100ms")["verdict"] == "inconclusive"


def test_parameters_are_bound(check_one: Check) -> None:
    source = {
        "type": "sql",
        "query": "SELECT count(*) AS value FROM generations WHERE kind = %(kind)s",
        "params": {"kind": "x' OR 'a' = 'a"},
    }
    result = check_one(source, "== 0")
    assert (result["verdict"], result["value"]) == ("pass", 0.0)
    assert "OR" not in result["asked"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(
            {"login_password": "wrong-password"},
            'password authentication failed for user "rollout_reader"',
            id="a wrong password",
        ),
        pytest.param(
            {"login_db": "no_such_db"}, 'database "no_such_db" does not exist', id="no database"
        ),
        pytest.param({"login_port": 1}, "Connection refused", id="no server"),
        pytest.param(
            {"login_host": "no-such-host.invalid"}, "no-such-host.invalid", id="no such host"
        ),
        pytest.param(
            {"ssl_mode": "require"}, "does not support SSL", id="a server without encryption"
        ),
    ],
)
def test_a_database_that_cannot_be_reached(
    check_one: Check, options: dict[str, Any], reason: str
) -> None:
    source = {"type": "sql", "query": "SELECT 1 AS value"}
    result = check_one(source, "== 1", **options)
    assert result["verdict"] == "error"
    assert reason in result["reason"]
    assert "wrong-password" not in result["reason"]


OK, BAD = ('tower_generations_total{outcome="ok"}', 'tower_generations_total{outcome="error"}')


@pytest.mark.parametrize(
    ("query", "unit", "criterion", "expected"),
    [
        pytest.param("tower_seconds", "s", "< 100ms", ("pass", 0.042), id="one series"),
        pytest.param("tower_seconds", "s", "< 40ms", ("fail", 0.042), id="one that is too slow"),
        pytest.param("scalar(tower_seconds)", "s", "< 100ms", ("pass", 0.042), id="a scalar"),
        pytest.param(
            f"sum({OK}) / sum(tower_generations_total)",
            "ratio",
            ">= 99.5%",
            ("pass", 0.995),
            id="a ratio that is just met",
        ),
        pytest.param("no_such_metric", "s", "< 100ms", ("inconclusive", None), id="no series"),
        pytest.param(
            "no_such_metric or vector(0) == 1", None, "< 1", ("inconclusive", None), id="filtered"
        ),
        pytest.param(
            "tower_idle_total / tower_idle_total", "ratio", "< 1%", ("inconclusive", None), id="NaN"
        ),
        pytest.param("1 / 0", None, "> 0", ("inconclusive", None), id="infinity"),
        pytest.param("tower_generations_total", None, "> 0", ("error", None), id="several series"),
        pytest.param("tower_seconds[1m]", None, "> 0", ("error", None), id="a range"),
        pytest.param("sum(", None, "> 0", ("error", None), id="a mistake in the query"),
        pytest.param("tower_seconds", None, "< 100ms", ("error", 0.042), id="no unit was stated"),
        pytest.param("tower_seconds - 1", "s", "< 100ms", ("error", None), id="a negative time"),
    ],
)
def test_prometheus(
    check_one: Check, query: str, unit: str | None, criterion: str, expected: Any
) -> None:
    source = {"type": "prometheus", "query": query}
    result = check_one(source, criterion, objective={"unit": unit})
    assert (result["verdict"], result["value"]) == expected
    assert result["asked"] == query


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("/ok", "is this a Prometheus server?", id="another server"),
        pytest.param("/login", "is this a Prometheus server?", id="a login page before it"),
        pytest.param("/hang", "got no answer", id="a server that hangs"),
    ],
)
def test_what_is_no_prometheus(check_one: Check, web: str, path: str, reason: str) -> None:
    source = {"type": "prometheus", "query": "up", "url": f"{web}{path}"}
    result = check_one(source, "== 1", timeout=0.5)
    assert result["verdict"] == "error"
    assert reason in result["reason"]


@pytest.mark.parametrize(
    ("source", "criterion", "expected"),
    [
        pytest.param({"url": "/ok"}, ">= 100%", ("pass", 1, 1), id="one request"),
        pytest.param({"url": "/ok", "requests": 20}, ">= 99.5%", ("pass", 20, 20), id="twenty"),
        pytest.param({"url": "/flaky", "requests": 8}, ">= 75%", ("pass", 6, 8), id="some fail"),
        pytest.param({"url": "/flaky", "requests": 8}, "> 75%", ("fail", 6, 8), id="too many fail"),
        pytest.param({"url": "/broken"}, ">= 99%", ("fail", 0, 1), id="a broken page"),
        pytest.param(
            {"url": "/broken", "status": 500}, ">= 100%", ("pass", 1, 1), id="a wanted error"
        ),
        pytest.param({"url": "/login"}, ">= 99%", ("fail", 0, 1), id="a redirect is no success"),
    ],
)
def test_http_success(
    check_one: Check, web: str, source: dict[str, Any], criterion: str, expected: Any
) -> None:
    Web.count.clear()
    result = check_one({"type": "http", **source, "url": web + source["url"]}, criterion)
    assert (result["verdict"], result["good"], result["total"]) == expected


def test_http_latency(check_one: Check, web: str) -> None:
    source = {"type": "http", "url": f"{web}/slow", "requests": 3, "measure": "latency"}
    slow = check_one(source, "< 100ms")
    assert (slow["verdict"], slow["unit"], slow["samples"]) == ("fail", "s", 3)
    assert 0.2 <= slow["value"] < 1
    quick = check_one({**source, "url": f"{web}/ok"}, "< 150ms")
    assert quick["verdict"] == "pass"


def test_the_time_of_error_pages_is_no_latency(check_one: Check, web: str) -> None:
    source = {"type": "http", "url": f"{web}/broken", "requests": 3, "measure": "latency"}
    result = check_one(source, "< 10s")
    assert (result["verdict"], result["value"]) == ("error", None)
    assert "500 3 times" in result["reason"]


def test_a_web_server_that_is_down(check_one: Check) -> None:
    result = check_one({"type": "http", "url": f"http://127.0.0.1:{free_port()}/"}, ">= 0%")
    assert result["verdict"] == "error"
    assert "Connection refused" in result["reason"]


def test_a_web_server_that_hangs(check_one: Check, web: str) -> None:
    result = check_one({"type": "http", "url": f"{web}/hang", "timeout": 0.5}, ">= 0%")
    assert (result["verdict"], result["value"]) == ("error", None)
    assert "timed out" in result["reason"]


def test_a_request_carries_its_body_and_password(check_one: Check, web: str) -> None:
    Web.seen.clear()
    url = web.replace("http://", "http://ada:hunter2@") + "/post"
    result = check_one(
        {"type": "http", "url": url, "method": "POST", "body": {"kind": "image"}}, ">= 100%"
    )
    assert result["verdict"] == "pass"
    assert "hunter2" not in json.dumps(result)
    # Prometheus asks for /metrics all the while.
    [(headers, body)] = [(sent, body) for path, sent, body in Web.seen if path == "/post"]
    assert json.loads(body) == {"kind": "image"}
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"ada:hunter2").decode()


def test_check_mode_measures_but_sends_nothing_that_writes(check: Check, web: str) -> None:
    Web.seen.clear()
    outcome = check(
        {
            "read": {"source": {"type": "http", "url": f"{web}/read"}, "pass": ">= 100%"},
            "write": {
                "source": {"type": "http", "url": f"{web}/write", "method": "POST"},
                "pass": ">= 100%",
            },
        },
        check_mode=True,
    )
    verdicts = {result["name"]: result["verdict"] for result in outcome["results"]}
    assert verdicts == {"read": "pass", "write": "inconclusive"}
    paths = [path for path, _headers, _body in Web.seen]
    assert "/read" in paths
    assert "/write" not in paths


def test_a_certificate_that_nobody_vouches_for(check_one: Check, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = serve(context)
    result = check_one({"type": "http", "url": f"https://127.0.0.1:{server.server_port}/"}, ">= 0%")
    server.shutdown()
    assert result["verdict"] == "error"
    assert "certificate" in result["reason"]


@pytest.fixture
def black_hole() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_slow_source_holds_nobody(check: Check, web: str, black_hole: int) -> None:
    sql = {"type": "sql", "query": "SELECT 1 AS value"}
    # With the database in the black hole these would wait as long as libpq does.
    stuck = {f"stuck{number}": {"source": sql, "pass": "== 1"} for number in range(20)}
    good = {
        "prometheus": {"source": {"type": "prometheus", "query": "vector(1)"}, "pass": "== 1"},
        "http": {"source": {"type": "http", "url": f"{web}/ok"}, "pass": ">= 100%"},
        "value": {"source": {"type": "value", "value": 1}, "pass": "== 1"},
    }
    start = time.monotonic()
    outcome = check({**stuck, **good}, login_port=black_hole, timeout=1)
    assert time.monotonic() - start < 10
    verdicts = {result["name"]: result["verdict"] for result in outcome["results"]}
    assert {name: verdicts[name] for name in good} == dict.fromkeys(good, "pass")
    assert {verdicts[name] for name in stuck} == {"error"}
    assert outcome["results"][0]["reason"] == "no answer within 1 s"


def test_all_sources_together(check: Check, web: str) -> None:
    outcome = check(
        {
            "capture": {
                "description": "Every generation leaves a decision record",
                "source": {"type": "sql", "query": CAPTURE, "params": {"kind": "image"}},
                "pass": ">= 100%",
                "warn": ">= 99%",
                "key": True,
                "weight": 3,
            },
            "latency": {
                "source": {"type": "prometheus", "query": "tower_seconds"},
                "unit": "s",
                "pass": ["< 100ms", "<= +10% of baseline"],
                "baseline": "v1.0.0-ssot-phase1",
            },
            "health": {"source": {"type": "http", "url": f"{web}/ok"}, "pass": ">= 100%"},
            "seen": {"source": {"type": "value", "value": None}, "pass": "> 0"},
        },
        baselines={"latency": 0.04},
    )
    assert outcome["verdict"] == "inconclusive"
    assert [(result["name"], result["verdict"]) for result in outcome["results"]] == [
        ("seen", "inconclusive"),
        ("capture", "warn"),
        ("latency", "pass"),
        ("health", "pass"),
    ]
    assert outcome["score"] == pytest.approx(100 * (1.5 + 1 + 1) / 6)
    capture = outcome["results"][1]
    assert capture["reason"] == "99.8 % is not >= 100%, but is >= 99%"
    assert (capture["good"], capture["total"], capture["samples"]) == (998, 1000, 1000)


def test_nothing_to_check_is_inconclusive(check: Check) -> None:
    outcome = check({})
    assert (outcome["verdict"], outcome["score"], outcome["results"]) == ("inconclusive", None, [])


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        pytest.param(
            {"source": {"type": "gopher"}, "pass": "== 1"},
            "objectives.it.source.type is 'gopher': it must be one of command, decisions, http",
            id="an unknown source",
        ),
        pytest.param(
            {"source": {"type": "value", "value": 1}, "pass": ["== 1", "fast"]},
            "objectives.it.pass[1] is 'fast': it must be a comparison with a limit, such as",
            id="a criterion that cannot be read",
        ),
    ],
)
def test_what_cannot_be_understood_fails_the_module(
    check: Check, objective: dict[str, Any], message: str
) -> None:
    outcome = check({"it": objective})
    assert outcome["failed"]
    assert message in outcome["msg"]
    assert "verdict" not in outcome


def test_ansible_runs_it_with_all_its_parts(tower: Postgresql, prometheus: str, web: str) -> None:
    objectives = {
        "sql": {"source": {"type": "sql", "query": "SELECT 1 AS value"}, "pass": "== 1"},
        "prometheus": {"source": {"type": "prometheus", "query": "vector(1)"}, "pass": "== 1"},
        "http": {"source": {"type": "http", "url": f"{web}/ok"}, "pass": ">= 100%"},
    }
    args = {
        "objectives": objectives,
        "prometheus_url": prometheus,
        **tower.login(READER, PASSWORD, "tower_staging"),
    }
    collections = next(path for path in sys.path if (Path(path) / "ansible_collections").is_dir())
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ansible")), "localhost", "--connection=local"),
            *("-vvv", f"--extra-vars=ansible_python_interpreter={sys.executable}"),
            *("--module-name=phased.rollout.slo_check", f"--args={json.dumps(args)}"),
        ],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(Path(collections).absolute())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"verdict": "pass"' in done.stdout, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
