# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _source_http
from ansible_collections.phased.rollout.plugins.module_utils._http import Answer, NoAnswerError
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, SourceError
from ansible_collections.phased.rollout.plugins.module_utils._source_http import (
    HttpSource,
    percentile,
)


def read(check_mode: bool = False, **raw: Any) -> HttpSource:
    fields = Fields({"type": "http", "url": "http://h/", **raw}, "source")
    return HttpSource.read(fields, Context(login=Login(), check_mode=check_mode))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets what the server answers, one entry for each request."""

    def answers(*outcomes: Any) -> None:
        left = iter(outcomes)

        def fetch(url: str, **_: Any) -> Answer:
            outcome = next(left)
            if isinstance(outcome, Exception):
                raise outcome
            assert isinstance(outcome, Answer)
            return outcome

        monkeypatch.setattr(_source_http, "fetch", fetch)

    return answers


def ok(seconds: float = 0.01, status: int = 200) -> Answer:
    return Answer(status, b"", seconds)


REFUSED = NoAnswerError("refused")


@pytest.mark.parametrize(
    ("outcomes", "options", "good", "note"),
    [
        pytest.param([ok()], {}, 1, None, id="one good answer"),
        pytest.param([ok(), ok()], {"requests": 2}, 2, None, id="all answers are good"),
        pytest.param(
            [ok(), ok(status=500), ok()],
            {"requests": 3},
            2,
            "got 200 2 times, 500 1 times",
            id="a wrong status is not good",
        ),
        pytest.param(
            [ok(), REFUSED],
            {"requests": 2},
            1,
            "got 200 1 times, no answer 1 times",
            id="no answer is not good",
        ),
        pytest.param([ok(status=302)], {"status": 302}, 1, None, id="another status is wanted"),
        pytest.param([ok(status=302)], {}, 0, "got 302 1 times", id="a redirect is not followed"),
    ],
)
def test_success(
    server: Callable[..., None],
    outcomes: list[Any],
    options: dict[str, Any],
    good: Any,
    note: Optional[str],
) -> None:
    server(*outcomes)
    measurement = read(**options).measure()
    assert (measurement.good, measurement.total) == (good, len(outcomes))
    assert (measurement.samples, measurement.note) == (len(outcomes), note)


def test_latency_is_the_95th_percentile_in_seconds(server: Callable[..., None]) -> None:
    server(*(ok(number / 100) for number in range(1, 21)))
    measurement = read(requests=20, measure="latency").measure()
    assert (measurement.value, measurement.unit, measurement.samples) == (0.19, "s", 20)


def test_the_time_of_a_wrong_answer_is_not_taken(server: Callable[..., None]) -> None:
    server(ok(), ok(status=500))
    with pytest.raises(SourceError, match=r"only answers with status 200 .*500 1 times"):
        read(requests=2, measure="latency").measure()


def test_a_server_that_never_answers_is_an_error(server: Callable[..., None]) -> None:
    server(REFUSED, REFUSED)
    with pytest.raises(SourceError, match="refused"):
        read(requests=2).measure()


def test_requests_that_do_not_fit_in_the_time_are_an_error(
    server: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0.0, 0.6)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    server(ok(), ok(), ok())
    with pytest.raises(SourceError, match="only 1 of 3 requests were done within 1 s"):
        read(requests=3, timeout=1).measure()


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        pytest.param("GET", True, id="reading is sent"),
        pytest.param("POST", False, id="what may change something is not"),
        pytest.param("DELETE", False, id="least of all a deletion"),
    ],
)
def test_check_mode(server: Callable[..., None], method: str, sent: Any) -> None:
    server(ok())
    measurement = read(check_mode=True, method=method).measure()
    assert (measurement.total is not None) == sent
    assert ("not sent in check mode" in (measurement.note or "")) != sent


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        pytest.param({"kind": "image"}, '{"kind": "image"}', "application/json", id="a mapping"),
        pytest.param("a=b", "a=b", None, id="a text"),
        pytest.param(None, None, None, id="no body"),
    ],
)
def test_body(body: Any, sent: Any, content_type: Optional[str]) -> None:
    source = read(method="POST", body=body)
    assert (source.body, source.content_type) == (sent, content_type)


def test_what_was_asked_holds_no_password() -> None:
    source = read(url="https://u:p@h/x", requests=20)
    assert source.asked == "GET https://h/x, 20 times"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"url": None}, r"source\.url is missing", id="no URL"),
        pytest.param({"url": "h/x"}, "must start with http", id="no scheme"),
        pytest.param({"url": "file:///etc/passwd"}, "must start with http", id="a file"),
        pytest.param({"method": "BREW"}, "one of GET", id="an unknown method"),
        pytest.param({"requests": 0}, "above 0", id="no request would be sent"),
        pytest.param({"status": "ok"}, "must be a number", id="no status"),
        pytest.param({"measure": "speed"}, "success, latency", id="an unknown measure"),
        pytest.param({"retries": 3}, "no such option", id="an unknown option"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [
        pytest.param([3, 1, 2], 0.5, 2, id="the median"),
        pytest.param([1], 0.95, 1, id="of one value it is this"),
        pytest.param(list(range(1, 20)), 0.95, 19, id="of fewer than 20 it is the largest"),
        pytest.param(list(range(1, 101)), 0.95, 95, id="of a hundred the 95th"),
        pytest.param([1, 2], 0.0, 1, id="the smallest"),
    ],
)
def test_percentile(values: list[int], part: float, expected: Any) -> None:
    assert percentile(values, part) == expected
