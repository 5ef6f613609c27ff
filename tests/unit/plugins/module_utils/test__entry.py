# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._chain import GENESIS, Head, link
from ansible_collections.phased.rollout.plugins.module_utils._entry import (
    Entry,
    differences,
    sealed,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import LedgerError
from ansible_collections.phased.rollout.tests.ledger_chains import BEGAN, draft

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)  # fmt: skip


def test_the_first_entry_of_a_chain() -> None:
    entry = sealed(draft(), None, BEGAN)
    assert entry.body == (
        '{"actor":"ada@control","at":"2026-01-31T12:00:00.000005Z","data":{"evidence":{"bytes":42,'
        '"ü":[1.5,null]},"status":"passed","step":"backup"},"fence":3,"key":"phase-1/backup/passed"'
        ',"kind":"step","phase":"phase-1","rollout":"tower","run":"77","sequence":1}'
    )
    assert (entry.previous, entry.hash) == (GENESIS, link(GENESIS, entry.body))
    assert entry.step == "backup"


def test_an_entry_follows_the_head() -> None:
    entry = sealed(draft(kind="gate", phase=None), Head(7, "a" * 64), BEGAN)
    assert (entry.sequence, entry.previous) == (8, "a" * 64)
    assert entry.head == Head(8, entry.hash)
    assert entry.step is None


def test_an_entry_as_a_module_returns_it_is_json() -> None:
    entry = sealed(draft(), None, BEGAN)
    told = json.loads(json.dumps(entry.as_dict()))
    assert told["at"] == "2026-01-31T12:00:00.000005Z"
    assert told["hash"] == entry.hash


@given(data=st.dictionaries(st.text(), PLAIN, max_size=4))
def test_what_is_read_back_is_what_was_written(data: dict[str, Any]) -> None:
    entry = sealed(draft(kind="gate", data=data), Head(7, "a" * 64), BEGAN)
    again = Entry.of(entry.body, entry.previous, entry.hash)
    assert again == entry
    assert again.body == entry.body
    assert differences(again, draft(kind="gate", data=data)) == []


BODY = sealed(draft(), None, BEGAN).body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("7", id="a number"),
        pytest.param("[]", id="a list"),
        pytest.param('{"at": 1}', id="no time"),
        pytest.param(BODY.replace("2026-01-31T", "2026-01-31 "), id="another form of time"),
        pytest.param(BODY.replace('"run"', '"ran"'), id="another key"),
        pytest.param(BODY.replace('"fence":3,', ""), id="a key less"),
        pytest.param('{"data":[],' + BODY.replace('"data"', '"x"')[1:], id="another key and data"),
        pytest.param("[" * 100_000, id="no end"),
    ],
)
def test_what_is_no_entry_cannot_be_read(body: str) -> None:
    with pytest.raises(LedgerError, match="an entry cannot be read"):
        Entry.of(body, GENESIS, "a" * 64)


def test_an_entry_without_a_mapping_of_data_cannot_be_read() -> None:
    content = {**json.loads(BODY), "data": [1]}
    with pytest.raises(LedgerError, match="an entry cannot be read"):
        Entry.of(json.dumps(content), GENESIS, "a" * 64)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"run": "78"}, id="another run"),
        pytest.param({"actor": "bob@control"}, id="another person"),
        pytest.param({"fence": 4}, id="another lease"),
        pytest.param({"data": dict(reversed([*draft().data.items()]))}, id="another order of keys"),
    ],
)
def test_this_makes_no_difference(changes: Any) -> None:
    assert differences(sealed(draft(), None, BEGAN + timedelta(1)), draft(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"kind": "gate"}, ['kind is "step" in the ledger, "gate" here'], id="kind"),
        pytest.param({"phase": None}, ['phase is "phase-1" in the ledger, null here'], id="phase"),
        pytest.param(
            {"data": {"step": "backup", "status": "failed", "evidence": draft().data["evidence"]}},
            ['data.status is "passed" in the ledger, "failed" here'],
            id="a value",
        ),
        pytest.param(
            {"data": {"step": "backup", "status": "passed", "reason": "x"}},
            ["data.evidence is in the ledger only", "data.reason is here only"],
            id="keys",
        ),
        pytest.param(
            {"data": {"a": 1, "b": 2, "c": 3, "d": 4}},
            ["data.a is here only", "data.b is here only", "data.c is here only", "4 more"],
            id="the first few of many",
        ),
    ],
)
def test_what_makes_a_difference_is_named(changes: Any, found: list[str]) -> None:
    assert differences(sealed(draft(), None, BEGAN), draft(**changes)) == found


@pytest.mark.parametrize("value", [1.0, True, "1"], ids=["1.0", "true", "a text"])
def test_one_is_no_other_thing_that_equals_it(value: Any) -> None:
    entry = sealed(draft(kind="gate", data={"x": 1}), None, BEGAN)
    assert len(differences(entry, draft(kind="gate", data={"x": value}))) == 1


def test_a_long_value_is_shown_in_part() -> None:
    entry = sealed(draft(kind="gate", data={"x": "a" * 500}), None, BEGAN)
    (found,) = differences(entry, draft(kind="gate", data={"x": None}))
    assert len(found) < 120
