# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources against real servers: HTTP, HTTPS, WebSocket, Prometheus and PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._measure import measure_all
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, Measurement
from ansible_collections.phased.rollout.plugins.module_utils._sources import read_source
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql, free_port
from ansible_collections.phased.rollout.tests.integration.servers import (
    SLOW_SECONDS,
    TOKEN,
    Authority,
    Site,
    event_server,
    hangs_up,
    raw_server,
    says_nothing,
    stops_halfway,
    talks_nonsense,
    web_site,
)

Measure = Callable[..., Measurement]
JOURNEY = [
    {
        "name": "log in",
        "url": "/login",
        "method": "POST",
        "body": {"user": "ada"},
        "take": {"token": "token", "id": "id"},
    },
    {
        "name": "read the item",
        "url": "/items/{id}",
        "headers": {"Authorization": "Bearer {token}"},
        "json": ["state == 'done'", "tries < `3`"],
    },
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that has signed for nobody here."""
    return Authority.create(tmp_path_factory.mktemp("tls") / "another")


@pytest.fixture(scope="module")
def urls(authority: Authority) -> Iterator[dict[str, str]]:
    """The URLs of the servers by their scheme."""
    with ExitStack() as stack:
        servers = [web_site(), web_site(authority), event_server(), event_server(authority)]
        found = [stack.enter_context(server) for server in servers]
        yield {url.partition(":")[0]: url for url in found}


@pytest.fixture
def measure(urls: dict[str, str]) -> Measure:
    """Return a function that asks one source; its URL may be a scheme and a path."""

    def run(kind: str, *, check_mode: bool = False, **raw: Any) -> Measurement:
        scheme, slash, page = str(raw.get("url", "")).partition("/")
        if scheme in urls:
            raw["url"] = urls[scheme] + slash + page
        context = Context(login=Login(), timeout_seconds=3, check_mode=check_mode)
        source = read_source(Fields({"type": kind, **raw}, "source"), context)
        return measure_all({"it": source})["it"]

    return run


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        pytest.param("http", "https/", id="HTTPS"),
        pytest.param("websocket", "wss/", id="WebSocket with TLS"),
        pytest.param("prometheus", "https", id="Prometheus with HTTPS"),
    ],
)
def test_only_the_named_authority_is_trusted(
    measure: Measure, authority: Authority, stranger: Authority, kind: str, url: str
) -> None:
    options = {"url": url, **({"query": "up"} if kind == "prometheus" else {})}
    trusted = measure(kind, **options, ca_cert=str(authority.ca_cert))
    assert "certificate" not in (trusted.error or "")
    for ca_cert in (str(stranger.ca_cert), None):
        refused = measure(kind, **options, ca_cert=ca_cert)
        assert (refused.value, refused.good) == (None, None)
        assert "certificate verify failed" in (refused.error or "")


def test_sources_that_trust_different_authorities_do_not_mix(
    urls: dict[str, str], authority: Authority, stranger: Authority
) -> None:
    def source(ca_cert: Path) -> Any:
        raw = {"type": "http", "url": urls["https"], "ca_cert": str(ca_cert), "requests": 5}
        return read_source(Fields(raw, "source"), Context(login=Login()))

    sources = {}
    for number in range(10):
        sources[f"ours{number}"] = source(authority.ca_cert)
        sources[f"another{number}"] = source(stranger.ca_cert)
    measured = measure_all(sources)
    for name, measurement in measured.items():
        assert (measurement.good == 5) == name.startswith("ours"), measurement


def test_a_journey(measure: Measure) -> None:
    Site.seen.clear()
    measurement = measure("http", url="http", journey=JOURNEY, requests=3)
    assert (measurement.good, measurement.total, measurement.note) == (3, 3, None)
    assert TOKEN not in str(measurement)
    timed = measure("http", url="http", journey=JOURNEY, requests=3, measure="latency")
    assert timed.unit == "s"
    assert len(timed.values) == 3


@pytest.mark.parametrize(
    ("step", "change", "note"),
    [
        pytest.param(0, {"body": {"user": "eve"}}, "step 'log in': 403", id="no login"),
        pytest.param(
            1, {"headers": {}}, "step 'read the item': 401", id="a step that needs the token"
        ),
        pytest.param(
            1, {"json": "state == 'gone'"}, "step 'read the item': 200 that has", id="its answer"
        ),
        pytest.param(1, {"url": "/half"}, "step 'read the item': GET http", id="half an answer"),
    ],
)
def test_a_journey_names_the_step_that_failed(
    measure: Measure, step: int, change: dict[str, Any], note: str
) -> None:
    steps = [{**one, **change} if at == step else one for at, one in enumerate(JOURNEY)]
    measurement = measure("http", url="http", journey=steps)
    assert (measurement.good, measurement.total) == (0, 1)
    assert note in (measurement.note or "")


def test_a_rate_is_kept_by_a_slow_server(measure: Measure) -> None:
    started = time.monotonic()
    options = {"url": "http/slow", "requests": 20, "rate": 40, "measure": "latency"}
    measurement = measure("http", **options)
    # One after the other they would take 4 s.
    assert time.monotonic() - started < 2
    assert measurement.value is not None
    assert measurement.value >= SLOW_SECONDS
    waiting = measure("http", **options, concurrency=2)
    # Two at a time serve 10 a second: who has to wait for that is slow, not absent.
    assert waiting.value is not None
    assert waiting.value > 3 * SLOW_SECONDS


def test_a_request_has_its_own_timeout(measure: Measure) -> None:
    raw = {"url": "http/hang", "requests": 2, "request_timeout": 0.2}
    measurement = measure("http", **raw)
    assert "timed out" in (measurement.error or "")
    assert measurement.seconds is not None
    assert measurement.seconds < 2


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(says_nothing, "timed out", id="a server that says nothing"),
        pytest.param(hangs_up, "got no answer", id="one that hangs up"),
        pytest.param(stops_halfway, "got no answer: IncompleteRead", id="one that stops halfway"),
        pytest.param(talks_nonsense, "got no answer", id="one that speaks no HTTP"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket", "prometheus"])
def test_a_server_that_does_not_behave(
    measure: Measure, behaviour: Any, error: str, kind: str
) -> None:
    with raw_server(behaviour) as port:
        scheme = "ws" if kind == "websocket" else "http"
        raw = {"url": f"{scheme}://127.0.0.1:{port}/", "timeout": 0.5}
        measurement = measure(kind, **raw, **({"query": "up"} if kind == "prometheus" else {}))
    assert (measurement.value, measurement.good) == (None, None)
    wanted = "cannot be talked to" if kind == "websocket" else error
    assert wanted in (measurement.error or "")


def test_a_server_that_comes_back_is_asked_again(measure: Measure) -> None:
    port = free_port()
    down = {"url": f"http://127.0.0.1:{port}/", "timeout": 1}
    assert "refused" in (measure("http", **down).error or "")
    calls = []

    def at_the_second_time(connection: Any) -> None:
        calls.append(connection.recv(65536))
        if len(calls) > 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with raw_server(at_the_second_time) as port:
        up = {"url": f"http://127.0.0.1:{port}/", "timeout": 1}
        assert measure("http", **up, retries=2, retry_delay=0.05).good == 1
    assert len(calls) == 2


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize(
    ("raw", "value", "unit"),
    [
        pytest.param({}, 1.0, None, id="a connection that comes through"),
        pytest.param({"until": {"json": "type == 'completed'"}}, 1.0, None, id="until an event"),
        pytest.param(
            {"until": {"contains": "completed"}, "measure": "events"}, 3.0, "count", id="events"
        ),
        pytest.param({"measure": "first_event", "connections": 3}, None, "s", id="first event"),
        pytest.param(
            {"url": "/chat", "send": {"kind": "video"}, "until": {"contains": "video"}},
            1.0,
            None,
            id="an answer to what was sent",
        ),
        pytest.param({"connections": 8, "concurrency": 8, "events": 3}, 1.0, None, id="8 at once"),
    ],
)
def test_websocket(  # noqa: PLR0917
    measure: Measure, authority: Authority, scheme: str, raw: Any, value: Any, unit: str | None
) -> None:
    url = scheme + raw.get("url", "/")
    ca_cert = str(authority.ca_cert) if scheme == "wss" else None
    measurement = measure("websocket", **{**raw, "url": url, "ca_cert": ca_cert})
    assert (measurement.error, measurement.unit) == (None, unit)
    if unit is None:
        assert measurement.good == measurement.total == raw.get("connections", 1)
    elif value is None:
        assert 0 < (measurement.value or 0) < SLOW_SECONDS
        assert len(measurement.values) == 3
    else:
        assert measurement.value == value


def test_the_first_event_may_be_slow(measure: Measure) -> None:
    measurement = measure("websocket", url="ws/slow", measure="first_event")
    assert SLOW_SECONDS <= (measurement.value or 0) < 2


@pytest.mark.parametrize(
    ("page", "raw", "problem"),
    [
        pytest.param("/silent", {}, "time was up after 0 events: nothing came", id="no event"),
        pytest.param(
            "/ends",
            {"until": {"contains": "completed"}},
            "the last one does not contain 'completed'",
            id="not the event that is awaited",
        ),
        pytest.param("/ends", {"events": 2}, "closed after 1 events", id="too few events"),
        pytest.param("/drops", {}, "closed after 0 events", id="a broken connection"),
    ],
)
def test_a_websocket_that_does_not_come_through(
    measure: Measure, page: str, raw: dict[str, Any], problem: str
) -> None:
    options = {"url": f"ws{page}", "connection_timeout": 0.3, **raw}
    success = measure("websocket", **options)
    assert (success.good, success.total) == (0, 1)
    assert problem in (success.note or "")
    events = measure("websocket", **options, measure="events")
    assert (events.value, problem in (events.error or "")) == (None, True)


def test_a_web_site_is_no_websocket(measure: Measure, urls: dict[str, str]) -> None:
    url = urls["http"].replace("http://", "ws://ada:hunter2@")
    measurement = measure("websocket", url=f"{url}/", headers={"X-Token": "s3cret"})
    assert "did not receive a valid HTTP response" in (measurement.error or "")
    assert "hunter2" not in str(measurement)
    assert "s3cret" not in str(measurement)


def test_nothing_is_sent_in_check_mode(measure: Measure) -> None:
    Site.seen.clear()
    journey = measure("http", url="http", journey=JOURNEY, check_mode=True)
    chat = measure("websocket", url="ws/chat", send="hello", check_mode=True)
    assert (Site.seen, journey.total, chat.total) == ([], None, None)
    listening = measure("websocket", url="ws/", check_mode=True)
    assert listening.good == 1


def test_a_program_that_hangs_holds_nobody(urls: dict[str, str]) -> None:
    context = Context(login=Login(), timeout_seconds=3)
    raw: dict[str, dict[str, Any]] = {
        "hangs": {"type": "command", "argv": ["sleep", "30"], "timeout": 0.5},
        "http": {"type": "http", "url": urls["http"]},
        "websocket": {"type": "websocket", "url": urls["ws"]},
    }
    sources = {name: read_source(Fields(one, "source"), context) for name, one in raw.items()}
    started = time.monotonic()
    measured = measure_all(sources)
    assert time.monotonic() - started < 2
    assert (measured["http"].good, measured["websocket"].good) == (1, 1)
    assert "did not end within 0.5 s" in (measured["hangs"].error or "")


def test_samples_from_many_rows(postgresql: Postgresql) -> None:
    raw = {
        "type": "sql",
        "query": "SELECT n AS value FROM generate_series(1, 100) n",
        "measure": "samples",
        "reduce": "p95",
    }
    login = Login.of(
        {
            **postgresql.login(postgresql.user, postgresql.password, "postgres"),
            "ssl_mode": "prefer",
            "ca_cert": None,
        }
    )
    source = read_source(Fields(raw, "source"), Context(login=login))
    measurement = measure_all({"it": source})["it"]
    assert (measurement.value, measurement.samples) == (95.0, 100)
    assert measurement.values == tuple(float(number) for number in range(1, 101))
    assert json.dumps(measurement.values)
