# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
import time
from typing import Any, Optional
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _prometheus
from ansible_collections.phased.rollout.plugins.module_utils._http import Answer, NoAnswerError
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    Measurement,
    SourceError,
    UnreachableError,
    Window,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_prometheus import (
    PrometheusSource,
)

NOW = 1_700_000_000.0
NO_SERIES = "the query found no series"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def read(context_url: Optional[str] = "http://prometheus:9090/", **raw: Any) -> PrometheusSource:
    fields = Fields({"type": "prometheus", **raw}, "source")
    return PrometheusSource.read(fields, Context(login=Login(), prometheus_url=context_url))


def success(kind: Any, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def series(value: Any, at: float = NOW, **labels: Any) -> dict[str, Any]:
    return {"metric": labels, "value": [at, value]}


class Server:
    """Answers every query by its text, the time of the server if that is asked."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, **_: Any) -> Answer:
        parts = urlsplit(url)
        arguments = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, arguments))
        if arguments["query"] == "time()" and "time()" not in self.answers:
            return Answer(200, json.dumps(success("scalar", [NOW, str(NOW)])).encode(), 0.01)
        return Answer(200, json.dumps(self.answers[arguments["query"]]).encode(), 0.01)


def measure(monkeypatch: pytest.MonkeyPatch, payload: Any, **raw: Any) -> Measurement:
    monkeypatch.setattr(_prometheus, "fetch", Server({"q": payload}))
    return read(query="q", **raw).measure()


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        pytest.param(success("scalar", [NOW, "0.25"]), 0.25, id="a scalar"),
        pytest.param(success("vector", [series("12")]), 12.0, id="one series"),
        pytest.param(success("vector", [series("+Inf")]), math.inf, id="infinity is handed on"),
        pytest.param(success("vector", [series("1", NOW - 59)]), 1.0, id="a clock a bit behind"),
    ],
)
def test_one_value(monkeypatch: pytest.MonkeyPatch, payload: Any, value: Any) -> None:
    measurement = measure(monkeypatch, payload)
    assert (measurement.value, measurement.samples, measurement.note) == (value, 1, None)


def test_nan_is_handed_on_to_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    value = measure(monkeypatch, success("vector", [series("NaN")])).value
    assert value is not None
    assert math.isnan(value)


def test_a_remark_leaves_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    measurement = measure(monkeypatch, success("vector", [series("1")], infos=["no counter"]))
    assert (measurement.value, measurement.note) == (1.0, "Prometheus says: no counter")


@pytest.mark.parametrize(
    ("payload", "note"),
    [
        pytest.param(success("vector", []), NO_SERIES, id="no series"),
        pytest.param(
            success("vector", [series("1")], warnings=["store 2 did not answer"]),
            "may be partial, for Prometheus warns: store 2 did not answer",
            id="a warning",
        ),
        pytest.param(
            success("vector", [series("1", NOW - 3600)]),
            "the answer is of 3600 s in the past",
            id="an answer out of a cache",
        ),
        pytest.param(
            success("scalar", [NOW + 90, "1"]),
            "the answer is of 90 s in the future: check the clocks",
            id="a clock in the future",
        ),
    ],
)
def test_a_doubtful_answer_has_no_value(
    monkeypatch: pytest.MonkeyPatch, payload: Any, note: str
) -> None:
    measurement = measure(monkeypatch, payload)
    assert measurement.value is None
    assert note in (measurement.note or "")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        pytest.param(
            {"status": "error", "errorType": "bad_data", "error": "parse error"},
            "refused the query: bad_data: parse error",
            id="a query with a mistake",
        ),
        pytest.param({}, "refused the query", id="an empty object"),
        pytest.param(
            success("vector", [series("1", kind="image"), series("2", kind="video")]),
            r'2 series where one is needed: {"kind": "image"}, {"kind": "video"}; aggregate',
            id="several series",
        ),
        pytest.param(
            success("vector", [series("1", n=str(number)) for number in range(9)]),
            r'9 series where one is needed: .*"2"}, …; aggregate',
            id="many series",
        ),
        pytest.param(success("matrix", []), "gives a matrix", id="a range"),
        pytest.param(success("string", [1, "x"]), "gives a string", id="a string"),
        pytest.param({"status": "success"}, "cannot be read", id="no data in it"),
        pytest.param(success("scalar", [1]), "cannot be read", id="no value in it"),
        pytest.param(success("scalar", [1, "many"]), "cannot be read", id="no number in it"),
        pytest.param(success("vector", [{}]), "cannot be read", id="a series without a value"),
        pytest.param(
            success("vector", [{"metric": {}, "histogram": [NOW, {}]}]),
            "cannot be read",
            id="a histogram",
        ),
        pytest.param(success("vector", [7]), "cannot be read", id="no series in it"),
    ],
)
def test_what_is_no_single_value_is_an_error(
    monkeypatch: pytest.MonkeyPatch, payload: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SourceError, match=problem):
        measure(monkeypatch, payload)


def test_the_query_is_asked_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({"a+b": success("scalar", [NOW, "5"])})
    monkeypatch.setattr(_prometheus, "fetch", server)
    source = read(query="a+b", timeout=3)
    assert (source.asked, source.measure().value) == ("a+b", 5.0)
    assert server.asked == [("/api/v1/query", {"query": "a+b", "timeout": "3s"})]


@pytest.mark.parametrize(
    ("age", "note"),
    [
        pytest.param("30", None, id="young enough"),
        pytest.param("61", 'up{job="a"} was last scraped 61 s ago, and may be 60 s', id="too old"),
        pytest.param("-61", "was last scraped -61 s ago", id="from the future"),
        pytest.param("NaN", "was last scraped nan s ago", id="of no age"),
    ],
)
def test_age(monkeypatch: pytest.MonkeyPatch, age: str, note: Optional[str]) -> None:
    question = 'time() - min(timestamp(up{job="a"}))'
    answers = {question: success("scalar", [NOW, age]), "q": success("scalar", [NOW, "5"])}
    monkeypatch.setattr(_prometheus, "fetch", Server(answers))
    measurement = read(query="q", max_age="1m", max_age_of='up{job="a"}').measure()
    assert measurement.value == (5.0 if note is None else None)
    assert (note or "") in (measurement.note or "")


RANGE = {"duration": "10m", "step": "1m"}


def matrix(values: dict[int, Any], **more: Any) -> dict[str, Any]:
    """Return an answer with the values by how many minutes ago they were."""
    points = [[NOW - 60 * ago, str(value)] for ago, value in sorted(values.items(), reverse=True)]
    return success("matrix", [{"metric": {}, "values": points}], **more)


FULL = {ago: float(ago) for ago in range(11)}


@pytest.mark.parametrize(
    ("reduce", "value"),
    [("last", 0.0), ("mean", 5.0), ("min", 0.0), ("max", 10.0), ("p95", 10.0), ("p50", 5.0)],
)
def test_a_range_gives_samples(monkeypatch: pytest.MonkeyPatch, reduce: str, value: float) -> None:
    server = Server({"q": matrix(FULL)})
    monkeypatch.setattr(_prometheus, "fetch", server)
    source = read(query="q", range=RANGE, reduce=reduce)
    measurement = source.measure()
    assert source.asked == f"{reduce} of q over 600 s"
    assert (measurement.value, measurement.samples, measurement.note) == (value, 11, None)
    assert measurement.values == tuple(float(ago) for ago in range(10, -1, -1))
    path, arguments = server.asked[-1]
    assert path == "/api/v1/query_range"
    assert (arguments["start"], arguments["end"]) == (f"{NOW - 600:.3f}", f"{NOW:.3f}")
    assert arguments["step"] == "60"


@pytest.mark.parametrize(
    ("payload", "value", "note"),
    [
        pytest.param(
            matrix({**FULL, 10: "NaN"}), 9.0, "1 of 11 points are missing", id="a small gap"
        ),
        pytest.param(
            matrix(dict.fromkeys(range(8), 1)),
            None,
            "3 of 11 points in the last 600 s are missing or no number, and 1 may be",
            id="a large gap",
        ),
        pytest.param(
            matrix({**FULL, 5: "NaN", 6: "+Inf"}), None, "2 of 11 points", id="no numbers"
        ),
        pytest.param(matrix(dict.fromkeys(FULL, "NaN")), None, "11 of 11", id="no number at all"),
        pytest.param(
            matrix(dict.fromkeys(range(3, 14), 1)), None, "series ends 180 s ago", id="stale"
        ),
        pytest.param(matrix(FULL, warnings=["partial"]), None, "warns: partial", id="a warning"),
        pytest.param(success("matrix", []), None, NO_SERIES, id="no series"),
    ],
)
def test_a_range_with_gaps(
    monkeypatch: pytest.MonkeyPatch, payload: Any, value: Any, note: str
) -> None:
    measurement = measure(monkeypatch, payload, range=RANGE, reduce="max")
    assert measurement.value == value
    assert note in (measurement.note or "")


def test_several_series_in_a_range_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"metric": {}, "values": [[NOW, "1"]]}
    with pytest.raises(SourceError, match="2 series where one is needed"):
        measure(monkeypatch, success("matrix", [one, one]), range=RANGE, reduce="max")


def vector(value: Any) -> dict[str, Any]:
    return success("vector", [series(str(value))])


EVENTS: dict[str, Any] = {
    "good[5m]": vector(99),
    "total[5m]": vector(100),
    "good[1h]": vector(990),
    "total[1h]": vector(1000),
}
WINDOWED: dict[str, Any] = {
    "good": "good[$window]",
    "total": "total[$window]",
    "windows": ["1h", "5m"],
}


@pytest.mark.parametrize(
    ("changes", "windows", "note"),
    [
        pytest.param({}, ((99.0, 100.0), (990.0, 1000.0)), None, id="all is known"),
        pytest.param(
            {"good[1h]": success("vector", [])},
            ((99.0, 100.0), (None, 1000.0)),
            "good found no series or no number in 1h",
            id="no series",
        ),
        pytest.param(
            {"total[5m]": vector("NaN")},
            ((99.0, None), (990.0, 1000.0)),
            "total found no series or no number in 5m",
            id="NaN",
        ),
        pytest.param(
            {"good[5m]": success("vector", [series("99")], warnings=["partial"])},
            (),
            "the answer may be partial, for Prometheus warns: partial",
            id="a warning",
        ),
        pytest.param(
            {"time()": success("scalar", [NOW - 300, "1"])},
            (),
            "the answer is of 300 s in the past: check the clocks of Prometheus and of this host,"
            " and whether a cache answers",
            id="a wrong clock",
        ),
    ],
)
def test_windows(
    monkeypatch: pytest.MonkeyPatch, changes: Any, windows: Any, note: Optional[str]
) -> None:
    server = Server({**EVENTS, **changes})
    monkeypatch.setattr(_prometheus, "fetch", server)
    measurement = read(**WINDOWED).measure()
    expected = [Window(name, *counts) for name, counts in zip(("5m", "1h"), windows)]
    assert measurement.windows == tuple(expected)
    assert measurement.note == note
    # All of one moment: an event between two questions must not be good and not counted.
    assert {arguments.get("time") for _path, arguments in server.asked[1:]} <= {f"{NOW:.3f}"}


def test_good_and_total_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prometheus, "fetch", Server({"a": vector(9), "b": vector(10)}))
    source = read(good="a", total="b")
    measurement = source.measure()
    assert (measurement.good, measurement.total, measurement.windows) == (9.0, 10.0, ())
    assert source.asked == "(a) of (b)"


@pytest.mark.parametrize(
    ("status", "body", "error", "problem"),
    [
        pytest.param(502, b"<html>", UnreachableError, "502 with no JSON", id="a proxy's page"),
        pytest.param(200, b"[]", SourceError, "200 with no JSON object", id="some other JSON"),
        pytest.param(200, b"", SourceError, "is this a Prometheus server", id="an empty body"),
        pytest.param(200, b"\xff", SourceError, "is this a Prometheus server", id="no text"),
        pytest.param(
            503,
            b'{"status": "error", "errorType": "timeout", "error": "too slow"}',
            UnreachableError,
            "refused the query: timeout: too slow",
            id="a query that takes too long",
        ),
    ],
)
def test_what_is_no_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, error: Any, problem: str
) -> None:
    monkeypatch.setattr(_prometheus, "fetch", lambda url, **_: Answer(status, body, 0.01))
    with pytest.raises(SourceError, match=problem) as raised:
        read(query="up", url="http://u:p@h").measure()
    assert raised.type is error
    assert "u:p" not in str(raised.value)


def test_no_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, **_: Any) -> Answer:
        raise NoAnswerError("refused")

    monkeypatch.setattr(_prometheus, "fetch", fetch)
    with pytest.raises(UnreachableError, match="Prometheus cannot be asked: refused"):
        read(query="up").measure()


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({}, r"source\.query is missing", id="no query"),
        pytest.param({"query": "up", "context_url": None}, r"source\.url is missing", id="no URL"),
        pytest.param({"query": "up", "windw": "1h"}, "no such option", id="an unknown option"),
        pytest.param({"good": "a"}, r"source\.total is missing", id="half of the events"),
        pytest.param({"query": "q", "good": "a", "total": "b"}, "replace it", id="all three"),
        pytest.param({"query": "up", "windows": ["1h"]}, "needs good and total", id="windows"),
        pytest.param(
            {"good": "a", "total": "b[$window]", "windows": ["1h"]}, "must stand", id="no place"
        ),
        pytest.param({"good": "a[$window]", "total": "b[$window]"}, "must stand", id="no windows"),
        pytest.param(
            {**WINDOWED, "windows": ["an hour"]}, "such as 5m", id="a window that is none"
        ),
        pytest.param({"query": "q", "reduce": "max"}, "needs a range", id="nothing to reduce"),
        pytest.param({"query": "q", "range": RANGE}, r"reduce is missing", id="no reduce"),
        pytest.param({**WINDOWED, "range": RANGE, "reduce": "max"}, "a query", id="both"),
        pytest.param(
            {"query": "q", "reduce": "max", "range": {"duration": "1m", "step": "2m"}},
            "2 to 11000 points, not 1",
            id="one point",
        ),
        pytest.param(
            {"query": "q", "reduce": "max", "range": {"duration": "1w", "step": "1s"}},
            "2 to 11000 points, not 604801",
            id="too many points",
        ),
        pytest.param(
            {"query": "q", "reduce": "max", "range": {**RANGE, "may_miss": 90}},
            "up to 50",
            id="next to nothing is enough",
        ),
        pytest.param(
            {"query": "sum(up)", "max_age": "1m"}, "must be a plain series", id="age of a sum"
        ),
        pytest.param({**WINDOWED, "max_age": "1m"}, "max_age_of is missing", id="age of what"),
        pytest.param({"query": "q", "max_age_of": "q"}, "max_age is missing", id="no limit"),
        pytest.param({"query": "q", "max_age": "soon"}, "a duration above 0", id="no age"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)
