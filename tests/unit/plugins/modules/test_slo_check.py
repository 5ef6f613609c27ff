# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.modules import slo_check
from ansible_collections.phased.rollout.plugins.modules.slo_check import check

PARAMS: dict[str, Any] = {
    "objectives": {},
    "baselines": {},
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


def run(objectives: dict[str, Any], **params: Any) -> dict[str, Any]:
    return check({**PARAMS, "objectives": objectives, **params}, check_mode=False)


def test_objectives_that_hold_pass() -> None:
    outcome = run({"a": value(5, **{"pass": "< 10"}), "b": value(5, **{"pass": "== 5"})})
    assert (outcome["verdict"], outcome["score"]) == ("pass", 100)
    assert [result["name"] for result in outcome["results"]] == ["a", "b"]


def test_no_objectives_at_all_are_inconclusive() -> None:
    assert run({}) == {"verdict": "inconclusive", "score": None, "results": []}


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
    monkeypatch.setattr(slo_check, "SETTLE_EVERY_SECONDS", 0)
    monkeypatch.setattr(
        slo_check, "measure_all", lambda _sources: {"a": Measurement(value=left.pop(0))}
    )
    outcome = run({"a": value(0, **{"pass": "< 10"})}, settle=settle)
    assert outcome["verdict"] == verdict
    assert len(answers) - len(left) == asked


def test_what_no_waiting_can_change_is_not_waited_for():
    objective = value(5, **{"pass": "<= +10% of baseline"})
    assert run({"a": objective}, settle=3600)["verdict"] == "inconclusive"
