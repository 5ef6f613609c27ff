# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._plan_kinds import (
    Key,
    Kind,
    Listed,
    Named,
    Table,
    anything,
    choice,
    flag,
    matching,
    text,
    whole,
    written,
)


def read(kind: Kind, raw: Any) -> tuple[Any, list[tuple[str, str]]]:
    found: list[Finding] = []
    value = kind.read("at", raw, found.append)
    return value, [(one.path, f"{one.problem} | {one.suggestion}") for one in found]


def number(raw: Any) -> int:
    return int(raw)


POINT = Table({
    "x": Key(whole(0), "Across.", example="1"),
    "y": Key(whole(0), "Down.", default=7),
    "tags": Key(Listed(text("a")), "Its tags.", default=["b"]),
})  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        pytest.param(text("a"), "word", "word", id="a text"),
        pytest.param(choice("a", "b"), "b", "b", id="one of some words"),
        pytest.param(whole(), 3, 3, id="a whole number"),
        pytest.param(flag("so"), False, False, id="false"),
        pytest.param(written(number, r"\d+"), "12", 12, id="a text with a form, parsed"),
        pytest.param(matching(r"\d+%?", "x"), "50%", "50%", id="a text with a form, kept"),
        pytest.param(matching(r"\d+%?", "x"), 50, 50, id="a number with a form, kept"),
        pytest.param(anything(), {"a": [1]}, {"a": [1]}, id="what somebody else checks"),
        pytest.param(Listed(whole()), [1, 2], [1, 2], id="a list"),
        pytest.param(Named(whole()), {"a": 1}, {"a": 1}, id="things by names"),
        pytest.param(
            POINT, {"x": 1, "tags": []}, {"x": 1, "y": 7, "tags": []}, id="a table, completed"
        ),
        pytest.param(
            POINT, {"x": 1, "y": None}, {"x": 1, "y": 7, "tags": ["b"]}, id="null is not there"
        ),
    ],
)
def test_what_is_right_is_read(kind, raw, value):
    assert read(kind, raw) == (value, [])


@pytest.mark.parametrize(
    ("kind", "raw", "value", "said"),
    [
        pytest.param(
            text("a"), " ", None, [("at", "found ' ' | set it, for example a")], id="blank"
        ),
        pytest.param(
            text("a"), 1.0, None, [("at", "found 1.0 | set it, for example a")], id="float"
        ),
        pytest.param(
            choice("red", "blue"),
            "rde",
            None,
            [("at", "found 'rde' | did you mean red?")],
            id="word",
        ),
        pytest.param(
            choice("red", "blue"),
            {},
            None,
            [("at", "found {} | use one of blue, red")],
            id="no word",
        ),
        pytest.param(
            whole(), True, None, [("at", "found True | write a whole number, 1 or more")], id="true"
        ),
        pytest.param(
            whole(), "2", None, [("at", "found '2' | write a whole number, 1 or more")], id="quoted"
        ),
        pytest.param(
            flag("so"), "yes", None, [("at", "found 'yes' | set true if so, or false")], id="yes"
        ),
        pytest.param(matching("a", "an a"), "ab", None, [("at", "found 'ab' | an a")], id="form"),
        pytest.param(
            Listed(whole()),
            [1, "x", 3],
            [1, None, 3],
            [("at[1]", "found 'x' | write a whole number, 1 or more")],
            id="a wrong entry keeps its place",
        ),
        pytest.param(
            Listed(whole(), least=1, example="[1]"),
            [],
            [],
            [("at", "found [] | set it, for example [1]")],
            id="an empty list",
        ),
        pytest.param(
            Listed(whole()),
            "1",
            [],
            [("at", "found '1' | set it, for example a list")],
            id="no list",
        ),
        pytest.param(
            Named(whole()),
            [1],
            {},
            [("at", "found [1] | write NAME: and what belongs to it")],
            id="no names",
        ),
        pytest.param(
            Named(whole()),
            {"a": 0},
            {"a": None},
            [("at.a", "found 0 | write a whole number, 1 or more")],
            id="a wrong one by its name",
        ),
        pytest.param(
            POINT,
            {"y": 1},
            {"x": None, "y": 1, "tags": ["b"]},
            [("at.x", "found None | set it, for example 1")],
            id="a key that must be there",
        ),
        pytest.param(
            POINT,
            {"x": 1, "tgas": []},
            {"x": 1, "y": 7, "tags": ["b"]},
            [("at.tgas", "there is no such key | did you mean tags?")],
            id="a key that there is not",
        ),
        pytest.param(
            POINT, [], None, [("at", "found [] | write a mapping of x, y, tags")], id="no table"
        ),
    ],
)
def test_what_is_wrong_is_none_and_is_told(kind, raw, value, said):
    assert read(kind, raw) == (value, said)


def test_a_default_belongs_to_nobody():
    first, second = (read(POINT, {"x": 1})[0]["tags"] for _turn in range(2))
    first.append("c")
    assert second == ["b"]


def test_a_table_describes_itself_to_editors():
    assert POINT.schema() == {
        "type": "object",
        "additionalProperties": False,
        "required": ["x"],
        "properties": {
            "x": {
                "description": "Across.",
                "anyOf": [
                    {"type": "integer", "minimum": 0},
                    {"type": "string", "pattern": r"\{\{"},
                ],
            },
            "y": {
                "description": "Down.",
                "anyOf": [
                    {"type": "integer", "minimum": 0},
                    {"type": "string", "pattern": r"\{\{"},
                ],
            },
            "tags": {
                "description": "Its tags.",
                "anyOf": [
                    {"type": "array", "items": {"type": "string", "minLength": 1}},
                    {"type": "string", "pattern": r"\{\{"},
                ],
            },
        },
    }


def test_a_text_may_be_a_template_anyhow():
    table = Table({"name": Key(text("a"), "Name.")})
    assert table.schema()["properties"]["name"] == {
        "description": "Name.",
        "type": "string",
        "minLength": 1,
    }


def test_a_form_is_described_as_a_whole():
    assert written(number, "a|b", "number").schema() == {
        "type": ["string", "number"],
        "pattern": "^(?:a|b)$",
    }
