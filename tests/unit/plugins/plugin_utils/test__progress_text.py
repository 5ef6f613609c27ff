# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._progress import (
    Checklist,
    Failure,
    Step,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_end import (
    grouped,
    summary,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import (
    Theme,
    cells,
    clip,
    duration,
    fold,
    gate_lines,
    header,
    quantity,
    step_line,
)

PLAIN = Theme(unicode=False)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(-0.1, "0.0 s", id="never below zero"),
        pytest.param(4.14, "4.1 s", id="tenths"),
        pytest.param(59.94, "59.9 s", id="just under a minute"),
        pytest.param(59.96, "1 min 00 s", id="never 60.0 s"),
        pytest.param(125, "2 min 05 s", id="minutes"),
        pytest.param(3720, "1 h 02 min", id="hours"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        pytest.param("short", 10, "short", id="fits"),
        pytest.param("something long", 10, "something…", id="is cut"),
        pytest.param("日本語日本語", 7, "日本語…", id="wide characters take two columns"),
        pytest.param("anything", 0, "", id="no room"),
    ],
)
def test_clip(text: str, width: int, expected: str) -> None:
    assert clip(text, width) == expected
    assert cells(clip(text, width)) <= width


def test_fold_breaks_at_spaces_and_keeps_the_indent() -> None:
    text = "  one two three four five six"
    assert fold([text], 22) == ["  one two three four", "    five six"]
    assert fold([text], 0) == [text]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"value": 99.5, "unit": "%"}, "99.5%", id="percent"),
        pytest.param({"value": 312.456, "unit": "ms"}, "312.5 ms", id="four digits"),
        pytest.param({"value": 123456.7}, "123457", id="large"),
        pytest.param({"value": 0}, "0", id="zero is a value"),
        pytest.param({"value": None, "unit": "s"}, "no data", id="none"),
        pytest.param({"value": float("nan")}, "no data", id="NaN"),
        pytest.param({}, "no data", id="missing"),
    ],
)
def test_quantity(row: dict[str, Any], expected: str) -> None:
    assert quantity(row) == expected


ROWS: list[dict[str, Any]] = [
    {"name": "capture", "verdict": "pass", "value": 100.0, "unit": "%", "criterion": [">= 99.5%"]},
    {"name": "rows", "verdict": "inconclusive", "criterion": "== 0", "reason": "no row"},
    {
        "name": "latency",
        "verdict": "fail",
        "value": 2.31,
        "unit": "s",
        "baseline": 2.0,
        "criterion": ["< 2s", "<= +10% of baseline"],
        "reason": "2.31 s is not < 2 s",
    },
]


def test_gate_lines_are_aligned_and_worst_first() -> None:
    assert gate_lines(ROWS, PLAIN) == [
        "x latency   2.31 s  < 2s and <= +10% of baseline (2 s)  fail: 2.31 s is not < 2 s",
        "? rows     no data  == 0                                inconclusive: no row",
        "+ capture     100%  >= 99.5%",
    ]


def test_gate_reasons_go_below_where_the_terminal_is_narrow() -> None:
    lines = gate_lines(ROWS[1:], Theme(unicode=False, width=60))
    assert lines[0] == "x latency   2.31 s  < 2s and <= +10% of baseline (2 s)"
    assert lines[1] == "    fail: 2.31 s is not < 2 s"


@pytest.mark.parametrize("odd", [{}, {"verdict": "?"}, {"verdict": 3, "name": None, "reason": [1]}])
def test_an_odd_row_is_shown_all_the_same(odd: dict[str, Any]) -> None:
    assert len(gate_lines([odd], PLAIN)) == 1


def test_an_unknown_verdict_does_not_look_like_a_pass() -> None:
    assert gate_lines([{"name": "a", "verdict": "splendid"}], PLAIN)[0].startswith("E a")


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        pytest.param(False, "  ~ Deploy            4.1 s  changed", id="changed"),
        pytest.param(True, "  ~ Deploy            4.1 s  would change", id="in check mode"),
    ],
)
def test_step_line(check: bool, expected: str) -> None:
    step = Step("k", "Phase 1 | Deploy", seconds=4.1, worked=2, changed=1)
    assert step_line(step, Theme(unicode=False, check=check), width=10) == expected


def test_step_line_tells_batches_and_handled_failures() -> None:
    step = Step("k", "Deploy", batch=2, worked=1, failures=[Failure("h", "t", handled=True)])
    assert step_line(step, PLAIN, width=6).endswith("0.0 s  2 batches, 1 failure handled")


def test_header_says_what_the_run_is_restricted_to() -> None:
    theme = Theme(unicode=False, check=True)
    line = header("Phase 1", theme, limits=["only tags gate"])
    assert line == "Phase 1 - check mode: nothing is changed - only tags gate"


def made(*, failed: bool = False) -> Checklist:
    checklist = Checklist()
    checklist.plan(
        [("a", "Phase 1 | Back up"), ("b", "Phase 1 | Deploy"), ("c", "Phase 1 | Watch")]
    )
    one = checklist.begin("a", "Phase 1 | Back up", ["db"], 0.0)
    one.worked = one.changed = 1
    one.seconds = 2.0
    two = checklist.begin("b", "Phase 1 | Deploy", ["prod1", "prod2"], 2.0)
    two.worked, two.seconds = 2, 1.0
    if failed:
        two.failures = [
            Failure(host, "Wait", "tasks/x.yml:3", ["no answer"], ["/tmp/e.log"])
            for host in ("prod2", "prod1")
        ]
    return checklist


def test_a_good_run_ends_with_its_verdict() -> None:
    lines = summary(made(), PLAIN, title="Phase 1", seconds=3.2)
    assert lines[1:4] == [
        "Time of each step",
        "  ~ Back up        2.0 s",
        "  + Deploy         1.0 s",
    ]
    assert lines[-1] == "Phase 1 finished: 2 steps, 1 changed, in 3.2 s."


def test_a_failed_run_ends_with_what_a_person_needs() -> None:
    lines = summary(made(failed=True), PLAIN, title="Phase 1", seconds=3.2)
    assert lines[lines.index('Phase 1 FAILED in "Deploy", after 3.2 s') :] == [
        'Phase 1 FAILED in "Deploy", after 3.2 s',
        "",
        "  task       Wait  (tasks/x.yml:3)",
        "  host       prod1, prod2",
        "  why        no answer",
        "  evidence   /tmp/e.log",
        "",
        "  done       Back up (changed)",
        "  not run    Watch",
    ]


def test_a_step_that_changed_something_and_failed_says_so() -> None:
    checklist = made(failed=True)
    checklist.steps[1].changed = 1
    lines = summary(checklist, PLAIN, title="Phase 1", seconds=3.2)
    assert "  note       this step had changed something before it failed" in lines


def test_failures_that_differ_by_host_only_are_one() -> None:
    failures = [Failure("a", "t", why=["x"]), Failure("b", "t", why=["x"]), Failure("a", "u")]
    assert [[f.host for f in group] for group in grouped(failures)] == [["a", "b"], ["a"]]


def test_many_failures_are_cut() -> None:
    checklist = made()
    checklist.steps[1].failures = [Failure("h", f"task {n}") for n in range(9)]
    assert "  and 4 more failed tasks" in summary(checklist, PLAIN, title="x", seconds=1)


def test_an_empty_run_has_a_summary() -> None:
    lines = summary(Checklist(), PLAIN, title="site.yml", seconds=0)
    assert lines[-1] == "site.yml finished: 0 steps, none changed, in 0.0 s."
