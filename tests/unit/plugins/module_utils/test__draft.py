# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._draft import (
    MOST_DATA_BYTES,
    MOST_LEVELS,
    checked,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import EntryError
from ansible_collections.phased.rollout.tests.ledger_chains import draft


def nested(levels: int) -> Any:
    data: Any = 1
    for _level in range(levels):
        data = {"x": data}
    return data


def test_a_sound_draft_stays_as_it_is() -> None:
    assert checked(draft()) == draft()
    assert checked(draft(kind="approval", phase=None, fence=None, data={})).phase is None


def test_secrets_in_the_data_are_masked() -> None:
    data = {"step": "backup", "status": "failed", "reason": "no login with s3cret-of-ada"}
    assert checked(draft(data=data), ["s3cret-of-ada"]).data["reason"] == "no login with ***"


@pytest.mark.parametrize("name", ["rollout", "key", "phase", "actor", "run"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("", "it must be a text", id="nothing"),
        pytest.param(" ", "it must be a text", id="a space"),
        pytest.param(7, "it must be a text", id="a number"),
        pytest.param("a\0b", "holds the character NUL", id="NUL"),
        pytest.param("a\udcff", "bytes that are no UTF-8", id="no UTF-8"),
        pytest.param("ü" * 251, "has 502 bytes, at most 500", id="too long for an index"),
        pytest.param("of s3cret-of-ada", "holds a secret: leave it out", id="a given secret"),
        pytest.param("https://a:b@c", "holds a secret: leave it out", id="the password of a URL"),
    ],
)
def test_a_name_that_cannot_be_stored_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(EntryError, match=message) as raised:
        checked(draft(**{name: value}), ["s3cret-of-ada"])
    assert str(raised.value).startswith(name)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"kind": "stepp"}, "kind is 'stepp': it must be one of step,", id="kind"),
        pytest.param({"data": []}, "data is []: it must be a mapping", id="data is a list"),
        pytest.param({"phase": None}, "phase is missing", id="a step without a phase"),
        pytest.param({"data": {"status": "passed"}}, "data.step is None", id="no step"),
        pytest.param(
            {"data": {"step": ["backup"], "status": "passed"}}, "data.step is", id="a list of steps"
        ),
        pytest.param(
            {"data": {"step": "backup", "status": "ok"}},
            "data.status is 'ok': it must be one of started, passed, failed, skipped",
            id="status",
        ),
    ],
)
def test_a_draft_that_is_no_entry_is_refused(changes: Any, message: str) -> None:
    with pytest.raises(EntryError) as raised:
        checked(draft(**changes))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param({"a": [{"b": float("nan")}]}, "data.a[0].b is nan (float)", id="NaN"),
        pytest.param({"a": float("-inf")}, "data.a is -inf (float)", id="infinity"),
        pytest.param({"a": 2**63}, "data.a is 9223372036854775808 (int)", id="a huge number"),
        pytest.param(
            {"a": {1: 2}}, "data.a has the key 1: keys must be texts", id="a number as key"
        ),
        pytest.param({"a": b"x"}, "data.a is b'x' (bytes)", id="bytes"),
        pytest.param({"a": ["x\0"]}, "data.a[0] holds the character NUL", id="NUL"),
        pytest.param({"a\0": 1}, "a key of data holds the character NUL", id="NUL in a key"),
        pytest.param({"a": "\ud800"}, "data.a is not text", id="half a character"),
        pytest.param({"s3cret-of-ada": 1}, "a key of data holds a secret", id="a secret as key"),
        pytest.param({"a": "x" * MOST_DATA_BYTES}, "keep it in a file", id="too much"),
        pytest.param(nested(MOST_LEVELS + 1), "levels deep: flatten it", id="too deep"),
    ],
)
def test_data_that_json_would_change_is_refused(data: Any, message: str) -> None:
    with pytest.raises(EntryError) as raised:
        checked(draft(kind="gate", data=data), ["s3cret-of-ada"])
    assert message in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_data_may_be_deep() -> None:
    data = nested(MOST_LEVELS - 1)
    assert checked(draft(kind="gate", data=data)).data == data
