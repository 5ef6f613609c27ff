# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import json
import time
from typing import Any, Callable, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _source_http
from ansible_collections.phased.rollout.plugins.module_utils._http import Answer, NoAnswerError
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    SourceError,
    UnreachableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_http import HttpSource


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


def page(body: str, seconds: float = 0.01) -> Answer:
    return Answer(200, body.encode(), seconds)


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
            "1 were not good: 500 1 times",
            id="a wrong status is not good",
        ),
        pytest.param(
            [ok(), REFUSED],
            {"requests": 2},
            1,
            "1 were not good: refused 1 times",
            id="no answer is not good",
        ),
        pytest.param([ok(status=302)], {"status": 302}, 1, None, id="another status is wanted"),
        pytest.param(
            [ok(status=201), ok(), ok(status=204)],
            {"status": [200, "201"], "requests": 3},
            2,
            "1 were not good: 204 1 times",
            id="one of several statuses is wanted",
        ),
        pytest.param(
            [page('{"state": "ready"}'), page('{"state": "starting"}'), page("<html>")],
            {"json": "state == 'ready'", "requests": 3},
            1,
            """2 were not good: 200 that has "state == 'ready'" = false, not true 1 times,"""
            " 200 that is no JSON 1 times",
            id="the JSON must hold",
        ),
        pytest.param(
            [page("all systems go"), page("maintenance")],
            {"contains": ["all", "go"], "requests": 2},
            1,
            "1 were not good: 200 that does not contain 'all' 1 times",
            id="the text must be there",
        ),
        pytest.param(
            [ok(status=302)], {}, 0, "1 were not good: 302 1 times", id="a redirect is not followed"
        ),
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
    assert measurement.values == tuple(number / 100 for number in range(1, 21))


@pytest.mark.parametrize(("reduce", "expected"), [("p50", 0.1), ("p99.9", 0.2), ("mean", 0.105)])
def test_latency_by_another_measure(
    server: Callable[..., None], reduce: str, expected: float
) -> None:
    server(*(ok(number / 100) for number in range(1, 21)))
    measurement = read(requests=20, measure="latency", reduce=reduce).measure()
    assert measurement.value == pytest.approx(expected)


def test_the_time_of_a_wrong_answer_is_not_taken(server: Callable[..., None]) -> None:
    server(ok(), ok(status=500))
    with pytest.raises(SourceError, match=r"only good answers can be timed, but 1 of 2.*500 1"):
        read(requests=2, measure="latency").measure()


def test_a_server_that_never_answers_is_an_error(server: Callable[..., None]) -> None:
    server(REFUSED, REFUSED)
    with pytest.raises(UnreachableError, match="refused"):
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
    filled = read(method="POST", body=body).steps[0].filled({})
    assert (filled["body"], filled["headers"].get("Content-Type")) == (sent, content_type)


def test_what_was_asked_holds_no_password() -> None:
    source = read(url="https://u:p@h/x", requests=20)
    assert source.asked == "GET https://h/x, 20 times"


def test_headers_are_sent_and_never_shown() -> None:
    source = read(headers={"Authorization": "Bearer hunter2", "X-Try": 1})
    sent = source.steps[0].filled({})["headers"]
    assert sent == {"Authorization": "Bearer hunter2", "X-Try": "1"}
    assert "hunter2" not in repr(source) + source.asked
    with pytest.raises(ShapeError) as refused:
        read(headers={"Authorization": ["hunter2"]})
    assert "hunter2" not in str(refused.value)


LOGIN = {
    "name": "log in",
    "url": "/login",
    "method": "POST",
    "body": {"user": "ada"},
    "take": {"token": "access_token", "number": "items[0].id"},
}
READ = {
    "name": "read",
    "url": "/items/{token}",
    "headers": {"Authorization": "Bearer {token}"},
    "method": "PUT",
    "body": {"id": "{number}", "text": "no {number}", "other": "{brace}"},
    "contains": "done",
}


def journey(**more: Any) -> HttpSource:
    return read(url="http://h/", journey=[LOGIN, READ], **more)


def test_a_journey_carries_values_into_later_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def fetch(url: str, **arguments: Any) -> Answer:
        sent.append((url, arguments))
        return page('{"access_token": "a/b c", "items": [{"id": 7}], "say": "done"}')

    monkeypatch.setattr(_source_http, "fetch", fetch)
    measurement = journey().measure()
    assert (measurement.good, measurement.total, measurement.note) == (1, 1, None)
    assert [url for url, _arguments in sent] == ["http://h/login", "http://h/items/a%2Fb%20c"]
    second = sent[1][1]
    assert second["headers"]["Authorization"] == "Bearer a/b c"
    assert json.loads(second["body"]) == {"id": 7, "text": "no 7", "other": "{brace}"}
    # What messages call the request holds no token.
    assert second["shown"] == "http://h/items/{token}"


@pytest.mark.parametrize(
    ("outcomes", "note"),
    [
        pytest.param([ok(status=403)], "step 'log in': 403", id="a wrong status"),
        pytest.param(
            [page("{}")],
            "step 'log in': cannot take token from 'access_token': there is no text or number",
            id="nothing to take",
        ),
        pytest.param(
            [page("<html>")],
            "step 'log in': cannot take token from 'access_token': the answer is no JSON",
            id="no JSON to take from",
        ),
        pytest.param(
            [page('{"access_token": "t", "items": [{"id": 7}]}'), page("none")],
            "step 'read': 200 that does not contain 'done'",
            id="a later step",
        ),
        pytest.param(
            [page('{"access_token": "t", "items": [{"id": 7}]}'), REFUSED],
            "step 'read': refused",
            id="no answer to a later step",
        ),
    ],
)
def test_the_step_that_failed_is_named(
    server: Callable[..., None], outcomes: list[Any], note: str
) -> None:
    server(*outcomes)
    measurement = journey().measure()
    assert (measurement.good, measurement.total) == (0, 1)
    assert note in (measurement.note or "")


def test_the_time_of_a_journey_is_that_of_all_steps(server: Callable[..., None]) -> None:
    first = page('{"access_token": "t", "items": [{"id": 7}]}', 0.25)
    server(first, page("done", 0.5))
    measurement = journey(measure="latency").measure()
    assert (measurement.value, measurement.unit) == (0.75, "s")


def test_a_journey_that_may_change_something_is_not_sent_in_check_mode() -> None:
    measurement = journey(check_mode=True).measure()
    assert (measurement.value, measurement.total) == (None, None)
    assert measurement.note == "POST may change something: not sent in check mode"


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        pytest.param([], "one at least", id="no step"),
        pytest.param([{"url": "/x"}], r"journey\[0\]\.name is missing", id="no name"),
        pytest.param(
            [{"name": "a", "url": "/x/{token}"}], "no earlier step takes this", id="not taken"
        ),
        pytest.param(
            [{"name": "a", "url": "/x", "headers": {"A": "{a}"}}], "takes this", id="in a header"
        ),
        pytest.param(
            [{"name": "a", "url": "/x"}, {"name": "a", "url": "/y"}], "this name", id="one name"
        ),
        pytest.param(
            [{"name": "a", "url": "/x", "take": {"t": "a["}}], "must be a JMESPath", id="no path"
        ),
        pytest.param(
            [{"name": "a", "url": "/x", "take": {"a-b": "a"}}], "letters, digits", id="no name"
        ),
        pytest.param([{"name": "a", "url": "/x", "requests": 2}], "no such option", id="a load"),
    ],
)
def test_a_journey_that_cannot_be_made_is_refused(steps: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(journey=steps)


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
        pytest.param({"redirects": 3}, "no such option", id="an unknown option"),
        pytest.param({"status": []}, "must be a status", id="no status is wanted"),
        pytest.param({"status": 99}, "100 to 599", id="a status that is none"),
        pytest.param({"url": "http://h/a b"}, "no spaces", id="a space in the URL"),
        pytest.param({"url": "http://h/{x}"}, "no earlier step", id="a placeholder"),
        pytest.param({"reduce": "p0"}, "a percentile such as p95", id="no percentile"),
        pytest.param({"reduce": "p101"}, "a percentile such as p95", id="above all of them"),
        pytest.param({"contains": ""}, "must not be empty", id="a text that is in every page"),
        pytest.param({"matches": "("}, "regular expression", id="no pattern"),
        pytest.param({"json": "a =="}, "JMESPath", id="no JMESPath"),
        pytest.param({"concurrency": 101}, "at most 100", id="too much at once"),
        pytest.param(
            {"requests": 100, "rate": 5}, "100 starts take 19.8 s", id="a rate that takes too long"
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)
