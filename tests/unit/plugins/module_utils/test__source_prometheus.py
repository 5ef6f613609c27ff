# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _source_prometheus
from ansible_collections.phased.rollout.plugins.module_utils._http import Answer, NoAnswerError
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, SourceError
from ansible_collections.phased.rollout.plugins.module_utils._source_prometheus import (
    PrometheusSource,
    read_answer,
)

NO_SERIES = "the query found no series"


def read(context_url: Optional[str] = "http://prometheus:9090/", **raw: Any) -> PrometheusSource:
    fields = Fields({"type": "prometheus", **raw}, "source")
    return PrometheusSource.read(fields, Context(login=Login(), prometheus_url=context_url))


def success(kind: Any, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def series(value: Any, **labels: Any) -> dict[str, Any]:
    return {"metric": labels, "value": [1700000000.0, value]}


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        pytest.param(success("scalar", [1.0, "0.25"]), 0.25, id="a scalar"),
        pytest.param(success("vector", [series("12")]), 12.0, id="one series"),
        pytest.param(success("vector", [series("+Inf")]), float("inf"), id="infinity is handed on"),
        pytest.param(success("vector", []), None, id="no series is no data"),
    ],
)
def test_read_answer(payload: dict[str, Any], value: Any) -> None:
    assert read_answer(payload).value == value


def test_nan_is_handed_on_to_the_judge() -> None:
    value = read_answer(success("vector", [series("NaN")])).value
    assert value is not None
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("result", "note"),
    [
        pytest.param([series("1")], "Prometheus warns: partial", id="with a value"),
        pytest.param([], f"{NO_SERIES}: check", id="with no series"),
    ],
)
def test_warnings_are_kept(result: Any, note: str) -> None:
    measurement = read_answer(success("vector", result, warnings=["partial"]))
    assert measurement.note is not None
    assert measurement.note.startswith(note)
    assert measurement.note.endswith("Prometheus warns: partial")


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
        pytest.param(success("vector", [7]), "cannot be read", id="no series in it"),
    ],
)
def test_what_is_no_single_value_is_an_error(payload: dict[str, Any], problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read_answer(payload)


def test_the_query_is_asked_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, *, timeout_seconds: Any) -> Answer:
        assert timeout_seconds == 3
        assert url == "http://prometheus:9090/api/v1/query?query=a%2Bb&timeout=3s"
        return Answer(200, json.dumps(success("scalar", [1, "5"])).encode(), 0.01)

    monkeypatch.setattr(_source_prometheus, "fetch", fetch)
    source = read(query="a+b", timeout=3)
    assert source.asked == "a+b"
    assert source.measure().value == 5.0


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"<html>", "answered 502 with no JSON", id="a proxy's error page"),
        pytest.param(b"[]", "answered 502 with no JSON object", id="some other JSON"),
        pytest.param(b"", "is this a Prometheus server", id="an empty body"),
        pytest.param(b"\xff", "is this a Prometheus server", id="no text"),
    ],
)
def test_what_is_no_prometheus_is_an_error(
    monkeypatch: pytest.MonkeyPatch, body: Any, problem: str
) -> None:
    monkeypatch.setattr(_source_prometheus, "fetch", lambda url, **_: Answer(502, body, 0.01))
    with pytest.raises(SourceError, match=problem):
        read(query="up", url="http://u:p@h").measure()


def test_no_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, **_: Any) -> Answer:
        raise NoAnswerError("refused")

    monkeypatch.setattr(_source_prometheus, "fetch", fetch)
    with pytest.raises(SourceError, match="Prometheus cannot be asked: refused"):
        read(query="up").measure()


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({}, r"source\.query is missing", id="no query"),
        pytest.param({"query": "up", "context_url": None}, r"source\.url is missing", id="no URL"),
        pytest.param({"query": "up", "window": "1h"}, "no such option", id="an unknown option"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)
