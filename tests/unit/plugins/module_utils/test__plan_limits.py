# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.tests.plans import GONE, findings, only

LATENCY = "rollout_objectives.latency"


@pytest.mark.parametrize(
    ("changes", "rule", "where", "says"),
    [
        pytest.param(
            {"pass": GONE, "warn": GONE},
            "shape",
            f"{LATENCY}.pass",
            "nothing to judge by",
            id="none",
        ),
        pytest.param(
            {"unit": "%", "pass": ">= 101%", "warn": GONE},
            "percentage",
            LATENCY,
            "between 0% and 100%",
            id="a percentage that is none",
        ),
        pytest.param(
            {"pass": "< 100", "warn": GONE},
            "unit",
            LATENCY,
            "has no unit, but the measurement is in s",
            id="a limit without its unit",
        ),
        pytest.param(
            {"pass": "< 10%", "warn": GONE},
            "unit",
            LATENCY,
            "is in %",
            id="a limit of another unit",
        ),
        pytest.param(
            {"pass": ["< 100ms", "> 200ms"], "warn": GONE},
            "no_value",
            f"{LATENCY}.pass",
            "nothing can meet '< 100ms' and '> 200ms'",
            id="limits that exclude each other",
        ),
        pytest.param(
            {"pass": "< 0s", "warn": GONE},
            "no_value",
            f"{LATENCY}.pass",
            "nothing can meet '< 0s'",
            id="less than no time",
        ),
        pytest.param(
            {"unit": "%", "pass": "> 100%", "warn": GONE},
            "no_value",
            f"{LATENCY}.pass",
            "nothing can meet '> 100%'",
            id="more than all",
        ),
        pytest.param(
            {"pass": "< 75ms", "warn": "> 100ms"},
            "dead_band",
            f"{LATENCY}.warn",
            "between '> 100ms' and '< 75ms' lies what fails",
            id="a warning on the wrong side",
        ),
    ],
)
def test_limits_that_make_no_sense_are_errors(changes, rule, where, says):
    everything = {f"objectives/latency/{key}": value for key, value in changes.items()}
    assert only({"baselines": {}, **everything}, rule, where, says).severity == "error"


@pytest.mark.parametrize(
    ("changes", "rule", "where", "says"),
    [
        pytest.param(
            {"pass": ">= 0s", "warn": GONE},
            "never_fails",
            "pass",
            "nothing can miss '>= 0s'",
            id="a limit that is always met",
        ),
        pytest.param(
            {"pass": "< 100ms", "warn": ">= 100ms"},
            "never_fails",
            "warn",
            "what misses '< 100ms' meets '>= 100ms'",
            id="a warning instead of any failure",
        ),
        pytest.param(
            {"pass": "< 100ms", "warn": "< 50ms"},
            "idle_warn",
            "warn",
            "what meets '< 50ms' meets '< 100ms' already",
            id="a warning that never comes",
        ),
    ],
)
def test_limits_that_say_nothing_are_doubtful(changes, rule, where, says):
    everything = {f"objectives/latency/{key}": value for key, value in changes.items()}
    found = only({"baselines": {}, **everything}, rule, f"{LATENCY}.{where}", says)
    assert found.severity == "warning"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pass": "< 100ms", "warn": "< 150ms"}, id="a warning beside what passes"),
        pytest.param({"pass": "< 100ms", "warn": [">= 100ms", "< 150ms"]}, id="a band of warnings"),
        pytest.param({"pass": {"any": ["< 1ms", "> 9s"]}, "warn": GONE}, id="alternatives"),
        pytest.param({"pass": ["< 2s", "<= +10% of baseline"], "warn": "< 3s"}, id="two scales"),
        pytest.param({"pass": "<= +5ms of baseline", "warn": GONE}, id="relative, with a unit"),
        pytest.param({"pass": ">= -0% of baseline", "warn": GONE}, id="no worse than before"),
        pytest.param({"pass": "== 0", "warn": GONE}, id="zero, which needs no unit"),
        pytest.param({"pass": GONE, "warn": GONE, "compare": {"tolerance": "10%"}}, id="compared"),
    ],
)
def test_limits_that_make_sense(changes):
    everything = {f"objectives/latency/{key}": value for key, value in changes.items()}
    assert findings({"baselines": {}, **everything}) == []


def test_a_limit_that_is_missed_today_needs_a_ratchet():
    finding = only(
        {"baselines/latency": 0.2},
        "missed_today",
        f"{LATENCY}.pass",
        "it is 0.2 s today, which does not meet '< 100ms'",
    )
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"objectives/latency/ratchet": {"until": "2026-12-31"}}, id="with a ratchet"),
        pytest.param({"baselines/latency": None}, id="nobody knows today"),
        pytest.param({"baselines": {"latency": {"value": float("nan")}}}, id="no number"),
        pytest.param({"baselines": {"errors": 5}}, id="no unit is stated"),
        pytest.param(
            {"objectives/latency/pass": "< +0% of baseline", "objectives/latency/warn": GONE},
            id="it is relative",
        ),
    ],
)
def test_no_ratchet_is_needed(changes):
    assert findings({"baselines/latency": 0.2, **changes}) == []


def test_an_exact_limit_is_met_exactly():
    changes = {"objectives/latency/pass": "<= 80ms", "objectives/latency/warn": GONE}
    assert findings(changes) == []
