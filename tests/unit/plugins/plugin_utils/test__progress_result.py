# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_result import (
    HIDDEN,
    clean_lines,
    gate_rows,
    readable,
    spoken,
    why_lines,
)

DEBUG = "ansible.builtin.debug"
ODD: list[Any] = [None, 1, "x", [], {}, [None], {"a": None}, [[1]], b"\xff", float("nan"), ...]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\r\nb\rc", ["a", "b", "c"], id="every kind of line end"),
        pytest.param("\x1b[31mred\x1b[0m", ["red"], id="no colours of a command"),
        pytest.param("\x1b[2J\x1b]0;title\x07x\x07", ["x"], id="nothing that drives a terminal"),
        pytest.param("a\tb  ", ["a   b"], id="tabs are spaces, ends are trimmed"),
        pytest.param("\u202egpj.exe", ["gpj.exe"], id="no reversed text"),
    ],
)
def test_clean_lines(text: str, expected: list[str]) -> None:
    assert clean_lines(text) == expected


@pytest.mark.parametrize(
    ("action", "result", "expected"),
    [
        pytest.param("x.y.z", {"rollout_say": "one"}, ["one"], id="a string"),
        pytest.param("x.y.z", {"rollout_say": ["a", "b\nc"]}, ["a", "b", "c"], id="a list"),
        pytest.param(
            "set_stats", {"ansible_stats": {"data": {"rollout_say": "s"}}}, ["s"], id="set_stats"
        ),
        pytest.param(DEBUG, {"msg": 'hello "you"'}, ['hello "you"'], id="debug without quotes"),
        pytest.param("debug", {"msg": ["a", "b"]}, ["a", "b"], id="debug with a list"),
        pytest.param(DEBUG, {"msg": {"a": [1]}}, ["a:", "  - 1"], id="debug with a structure"),
        pytest.param(
            DEBUG,
            {"n": {"k": "v"}, "changed": False, "_ansible_verbose_always": True},
            ["n:", "  k: v"],
            id="debug with a variable",
        ),
        pytest.param("command", {"msg": "x", "stdout": "y"}, [], id="other modules are silent"),
        pytest.param(
            DEBUG, {"censored": "no", "rollout_say": "secret"}, [], id="no_log is never said"
        ),
    ],
)
def test_spoken(action: str, result: dict[str, Any], expected: list[str]) -> None:
    assert spoken(action, result) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param({"msg": "release is wrong"}, ["release is wrong"], id="an assert's message"),
        pytest.param(
            {"msg": "Assertion failed", "assertion": "a == b"},
            ["This does not hold: a == b"],
            id="an assert without a message",
        ),
        pytest.param(
            {"msg": "non-zero return code", "rc": 3, "cmd": ["sh", "x"], "stderr": "no\n"},
            ["The command ended with 3: sh x", "stderr:", "  no"],
            id="a command",
        ),
        pytest.param(
            {"msg": "Task failed: Module failed: boom", "exception": "Traceback ..."},
            ["boom"],
            id="an exception without its traceback",
        ),
        pytest.param({"censored": "hidden", "msg": "secret"}, [HIDDEN], id="no_log"),
        pytest.param(
            {
                "argument_errors": ["a is missing", "b is no int"],
                "validate_args_context": {"name": "gate"},
                "msg": "long",
            },
            ["The arguments of role gate are not valid:", "- a is missing", "- b is no int"],
            id="a role's arguments, one a line",
        ),
        pytest.param(
            {
                "msg": "One failed",
                "results": [{"item": 1}, {"item": 2, "failed": True, "msg": "m"}],
            },
            ["item 2: m"],
            id="the items of a loop that failed",
        ),
        pytest.param(
            {"msg": "Status code was 503", "url": "http://u:p@h/x"},
            ["Status code was 503", "url: http://***@h/x"],
            id="a password in an address is not shown",
        ),
        pytest.param({"reason": "no such file"}, ["no such file"], id="a file not included"),
        pytest.param({"odd": 1, "changed": False}, ["odd: 1"], id="no message at all"),
        pytest.param({}, ["(no reason given)"], id="nothing at all"),
    ],
)
def test_why_lines(result: dict[str, Any], expected: list[str]) -> None:
    assert why_lines(result) == expected


def test_only_the_tail_of_a_long_output_is_shown() -> None:
    output = "\n".join(f"line {n}" for n in range(40))
    lines = why_lines({"msg": "bad", "stderr": output})
    assert lines[1] == "stderr, the last 15 of 40 lines:"
    assert lines[-1] == "  line 39"
    assert len(lines) == 17


def test_gate_rows_are_those_of_slo_check() -> None:
    result = {"verdict": "pass", "results": [{"name": "a"}, "nonsense"]}
    assert gate_rows("phased.rollout.slo_check", result) == [{"name": "a"}]
    assert gate_rows("ansible.builtin.command", result) == []


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize(
    "key",
    [
        "msg",
        "results",
        "argument_errors",
        "validate_args_context",
        "rollout_say",
        "ansible_stats",
        "stdout",
        "stderr",
        "cmd",
        "rc",
        "url",
        "assertion",
        "n",
    ],
)
def test_no_shape_of_a_result_raises(key: str, odd: Any) -> None:
    result = {key: odd, "argument_errors": ["e"]} if key.startswith("validate") else {key: odd}
    assert why_lines(result)
    spoken(DEBUG, result)
    gate_rows("slo_check", result)
    readable(odd)
