# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _source_http
from ansible_collections.phased.rollout.plugins.module_utils._http import Answer, NoAnswerError
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement, Window
from ansible_collections.phased.rollout.plugins.module_utils._steady import CLOCK, Clock
from ansible_collections.phased.rollout.plugins.modules import slo_check
from ansible_collections.phased.rollout.plugins.modules.slo_check import check

PARAMS: dict[str, Any] = {
    "objectives": {},
    "indicators": {},
    "baselines": {},
    "total": None,
    "replay": None,
    "trackers": {},
    "prometheus_url": None,
    "timeout": 10.0,
    "login_host": None,
    "login_port": 5432,
    "login_user": None,
    "login_password": None,
    "login_db": None,
    "ssl_mode": "prefer",
    "ca_cert": None,
}


def value(number: Any, **objective: Any) -> dict[str, Any]:
    return {"source": {"type": "value", "value": number}, **objective}


def run(objectives: dict[str, Any], clock: Clock = CLOCK, **params: Any) -> dict[str, Any]:
    return check({**PARAMS, "objectives": objectives, **params}, check_mode=False, clock=clock)


def ticking() -> Clock:
    """Return a clock on which time passes only in sleep."""
    slept: list[float] = []
    return Clock(lambda: sum(slept), slept.append)


def test_objectives_that_hold_pass() -> None:
    outcome = run({"a": value(5, **{"pass": "< 10"}), "b": value(5, **{"pass": "== 5"})})
    assert (outcome["verdict"], outcome["score"]) == ("pass", 100)
    assert [result["name"] for result in outcome["results"]] == ["a", "b"]


def test_no_objectives_at_all_are_inconclusive() -> None:
    outcome = run({})
    assert (outcome["verdict"], outcome["score"], outcome["results"]) == ("inconclusive", None, [])


@pytest.mark.parametrize(
    ("objective", "params", "verdict"),
    [
        pytest.param(value(50, **{"pass": "< 10"}), {}, "fail", id="a limit that is missed"),
        pytest.param(value(None, **{"pass": "< 10"}), {}, "inconclusive", id="no value"),
        pytest.param(value("nan", **{"pass": "< 10"}), {}, "inconclusive", id="NaN as a text"),
        pytest.param(value(5), {}, "inconclusive", id="no criterion"),
        pytest.param(value(5, **{"pass": []}), {}, "inconclusive", id="no criterion in the list"),
        pytest.param(value(5, **{"pass": "< 10s"}), {}, "error", id="a unit that does not fit"),
        pytest.param(
            value(5, **{"pass": "<= +10% of baseline"}), {}, "inconclusive", id="no baseline"
        ),
        pytest.param(
            value(5, **{"pass": "<= +10% of baseline"}),
            {"baselines": {"b": 5}},
            "inconclusive",
            id="another objective's baseline",
        ),
        pytest.param(
            value(5, **{"pass": "<= +10% of baseline"}),
            {"baselines": {"a": "5"}},
            "pass",
            id="its baseline, as a text",
        ),
    ],
)
def test_verdict(objective: dict[str, Any], params: dict[str, Any], verdict: str) -> None:
    outcome = run({"a": objective, "good": value(1, **{"pass": "== 1"})}, **params)
    assert (outcome["verdict"], outcome["results"][0]["verdict"]) == (verdict, verdict)
    assert outcome["results"][0]["reason"]


@pytest.mark.parametrize(
    ("objectives", "params", "problem"),
    [
        pytest.param({"a": "fast"}, {}, r"objectives\.a is 'fast'", id="no mapping"),
        pytest.param({"a": {}}, {}, r"objectives\.a\.source is missing", id="no source"),
        pytest.param(
            {"a": {"source": {"type": "x"}}}, {}, r"objectives\.a\.source\.type is 'x'", id="type"
        ),
        pytest.param(
            {"a": value(1, **{"pass": "1"})}, {}, r"objectives\.a\.pass is '1'", id="pass"
        ),
        pytest.param({}, {"baselines": {"a": "x"}}, r"baselines\.a is 'x'", id="a baseline"),
        pytest.param({}, {"timeout": 0}, r"timeout is 0: .* above 0", id="no time at all"),
    ],
)
def test_what_cannot_be_understood_is_named(
    objectives: dict[str, Any], params: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ShapeError, match=problem):
        run(objectives, **params)


@pytest.mark.parametrize(
    ("answers", "settle", "verdict", "asked"),
    [
        pytest.param([None, None, 5], 60, "pass", 3, id="a value that comes is waited for"),
        pytest.param([None, None, 50], 60, "fail", 3, id="a fail ends the wait"),
        pytest.param([50, 5], 60, "fail", 1, id="a fail is not measured away"),
        pytest.param([None, 5], 0, "inconclusive", 1, id="without settling nothing is waited for"),
    ],
)
def test_what_has_no_value_yet_is_measured_again(monkeypatch, answers, settle, verdict, asked):
    left = list(answers)
    monkeypatch.setattr(
        slo_check, "measure_all", lambda _sources: {"a": Measurement(value=left.pop(0))}
    )
    outcome = run({"a": value(0, **{"pass": "< 10"})}, clock=ticking(), settle=settle)
    assert (outcome["verdict"], outcome["steady"]) == (verdict, None)
    assert len(answers) - len(left) == asked


def test_what_no_waiting_can_change_is_not_waited_for():
    objective = value(5, **{"pass": "<= +10% of baseline"})
    assert run({"a": objective}, settle=3600)["verdict"] == "inconclusive"


def test_the_score_decides_where_a_total_is_stated():
    objectives = {"a": value(5, **{"pass": "< 10"}), "b": value(50, **{"pass": "< 10"})}
    assert run(objectives)["verdict"] == "fail"
    assert run(objectives, total={"pass": "90%", "warn": "50%"})["verdict"] == "warn"
    untold = {**objectives, "c": value(None, **{"pass": "< 10"}, weight=0.001)}
    assert run(untold, total={"pass": "40%"})["verdict"] == "inconclusive"


KEPTN = {
    "spec_version": "1.0",
    "comparison": {"compare_with": "single_result", "include_result_with_score": "pass"},
    "objectives": [
        {"sli": "p95", "pass": [{"criteria": ["<=+10%", "<600"]}], "key_sli": True},
        {"sli": "throughput"},
    ],
    "total_score": {"pass": "90%", "warning": "75%"},
}


@pytest.mark.parametrize(
    ("baseline", "verdict"),
    [
        pytest.param(500, "pass", id="a value"),
        pytest.param({"value": 500, "verdict": "pass"}, "pass", id="a baseline that passed"),
        pytest.param({"value": 500, "verdict": "warn"}, "inconclusive", id="one that only warned"),
        pytest.param({"value": 500, "verdict": "fail"}, "inconclusive", id="one that failed"),
        pytest.param(None, "inconclusive", id="none, where Keptn would pass"),
        pytest.param(400, "fail", id="one that was much better"),
    ],
)
def test_a_keptn_file_is_judged_as_it_is(baseline, verdict):
    sources = {"p95": {"type": "value", "value": 510}, "throughput": {"type": "value", "value": 7}}
    outcome = run(KEPTN, indicators=sources, baselines={"p95": baseline})
    assert outcome["verdict"] == verdict
    assert outcome["score"] == (100 if verdict == "pass" else 0)


def test_a_replay_gives_the_same_and_other_objectives_another_verdict(monkeypatch):
    new, old = [100.0 + n for n in range(30)], [100.5 + n for n in range(30)]
    objectives = {
        "slow": value(50, **{"pass": "<= +10% of baseline"}),
        "none": value("nan", **{"pass": "< 10"}),
        "ranked": value(None, unit="ms", compare={"tolerance": "20%"}),
        "burnt": value(None, burn={"objective": "99%", "windows": [["1h", "5m", 2]]}),
        "red": value(50, **{"pass": "< 10"}, ratchet={"until": "2999-01-01"}),
    }
    answers = {
        "slow": Measurement(value=50.0),
        "none": Measurement(value=float("nan"), note="odd"),
        "ranked": Measurement(unit="ms", values=tuple(new)),
        "burnt": Measurement(windows=(Window("1h", 95, 100), Window("5m", 9, 10))),
        "red": Measurement(value=50.0),
    }
    monkeypatch.setattr(slo_check, "measure_all", lambda _sources: answers)
    baselines = {"slow": 49, "red": 51, "ranked": {"samples": old, "verdict": "pass"}}
    outcome = run(objectives, baselines=baselines)
    verdicts = {one["name"]: one["verdict"] for one in outcome["results"]}
    assert verdicts == {
        "burnt": "fail", "none": "inconclusive", "red": "warn", "slow": "pass", "ranked": "pass",
    }  # fmt: skip
    saved = json.loads(json.dumps(outcome, allow_nan=False))
    monkeypatch.setattr(slo_check, "measure_all", None)
    assert run(objectives, replay=saved) == outcome
    stricter = {"slow": {"pass": "< 49"}, "new": {"pass": "< 1"}}
    assert [(r["name"], r["verdict"]) for r in run(stricter, replay=saved)["results"]] == [
        ("slow", "fail"), ("new", "error"),
    ]  # fmt: skip


def test_a_replay_takes_no_other_baselines():
    saved = run({"a": value(1, **{"pass": "< 2"})})
    with pytest.raises(ShapeError, match="the baselines it has saved"):
        run({"a": {"pass": "< 2"}}, replay=saved, baselines={"a": 1})


STEADY = {"every": 10, "steady_for": 20, "timeout": 60}
OK, BROKEN = Answer(200, b"", 0.01), Answer(500, b"", 0.01)


def watched(
    monkeypatch: pytest.MonkeyPatch, *answers: Any, params: Any = None, **objective: Any
) -> dict[str, Any]:
    """Return the outcome where the server gives these answers, the last one for ever."""
    left = list(answers)

    def fetch(url: str, **_: Any) -> Answer:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer

    monkeypatch.setattr(_source_http, "fetch", fetch)
    source = {"type": "http", "url": "http://h/"}
    objectives = {
        "health": {"source": source, "pass": ">= 100%", **objective},
        "b": value(1, **{"pass": "== 1"}),
    }
    return run(objectives, clock=ticking(), **{"steady": STEADY, **(params or {})})


@pytest.mark.parametrize(
    ("answers", "options", "verdict", "came"),
    [
        pytest.param([OK], {}, "pass", (3, {}), id="steady"),
        pytest.param([OK, BROKEN, OK], {}, "fail", (2, {"health": "failure_limit"}),
                     id="a failure"),
        pytest.param([OK, BROKEN, OK], {"failure_limit": 1}, "warn", (5, {}),
                     id="a failure within the objective's own limit"),
        pytest.param([NoAnswerError("down"), OK], {}, "warn", (4, {}), id="an error that is borne"),
        pytest.param([NoAnswerError("down")], {}, "error",
                     (5, {"health": "consecutive_error_limit"}),
                     id="errors in a row"),
        pytest.param([OK, OK, BROKEN, OK, OK, BROKEN], {"failure_limit": -1}, "fail", (7, {}),
                     id="never steady"),
        pytest.param([OK, OK, BROKEN] + 2 * [OK, BROKEN, OK], {"failure_limit": -1}, "inconclusive",
                     (7, {}), id="good in the end, but not for long enough"),
        pytest.param([BROKEN], {"dry_run": True}, "pass", (3, {}), id="what does not count"),
    ],
)  # fmt: skip
def test_measuring_again_and_again(monkeypatch, answers, options, verdict, came):
    outcome = watched(monkeypatch, *answers, **options)
    steady = outcome["steady"]
    assert (outcome["verdict"], steady["verdict"]) == (verdict, verdict)
    assert (steady["measurements"], steady["limits"]) == came
    assert sum(steady["counts"]["health"].values()) == came[0]
    saved = json.loads(json.dumps(outcome, allow_nan=False))
    objectives = {"health": {"pass": ">= 100%", **options}, "b": {"pass": "== 1"}}
    assert run(objectives, replay=saved) == outcome
    milder = run({"b": {"pass": "== 1"}}, replay=saved)
    open_then = verdict in ("pass", "warn")
    assert milder["verdict"] == (verdict if open_then else "inconclusive")


def test_what_failed_while_the_score_was_good_stays_failed(monkeypatch):
    total = {"pass": "90%", "warn": "50%"}
    outcome = watched(monkeypatch, BROKEN, OK, params={"total": total})
    assert (outcome["verdict"], outcome["score"]) == ("warn", 50)
    assert outcome["results"][0]["verdict"] == "fail"
    assert outcome["steady"]["limits"] == {"health": "failure_limit"}
    saved = json.loads(json.dumps(outcome))
    objectives = {"health": {"pass": ">= 100%"}, "b": {"pass": "== 1"}}
    assert run(objectives, replay=saved, total=total) == outcome


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        pytest.param({"settle": 45}, "settle is 45.0: it must be 0", id="with settle"),
        pytest.param({"steady": {"steady_for": 5}}, r"steady\.timeout is missing", id="no timeout"),
        pytest.param({"replay": {"measurements": {}}}, "a replay measures nothing", id="a replay"),
    ],
)
def test_steady_options_that_do_not_fit_are_refused(monkeypatch, params, problem):
    with pytest.raises(ShapeError, match=problem):
        watched(monkeypatch, OK, params=params)


def test_a_limit_that_cannot_be_read_is_named(monkeypatch):
    with pytest.raises(ShapeError, match=r"objectives\.health\.failure_limit is 'few'"):
        watched(monkeypatch, OK, failure_limit="few")
