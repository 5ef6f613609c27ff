# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._chain import (
    GENESIS,
    Head,
    Stored,
    canonical,
    link,
    moment,
    read_heads,
    stamp,
    verify,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.tests.ledger_chains import (
    BREAKS,
    chain,
    relinked,
    renamed,
    replaced,
    with_body,
)

ROWS = chain(5)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param({"b": 1, "a": [1, 2]}, '{"a":[1,2],"b":1}', id="keys are sorted, no spaces"),
        pytest.param("ü€\n", '"ü€\\n"', id="text stays text"),
        pytest.param([True, None, 1.5, -0.0], "[true,null,1.5,-0.0]", id="plain values"),
    ],
)
def test_there_is_one_way_to_write_it(content: Any, text: str) -> None:
    assert canonical(content) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=["NaN", "infinity"])
def test_what_json_does_not_know_has_no_form(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical([value])


def test_a_hash_is_of_the_one_before_and_the_body() -> None:
    assert link(GENESIS, "{}") == hashlib.sha256(b"0" * 64 + b"{}").hexdigest()


@given(st.datetimes(datetime(1000, 1, 2), datetime(9000, 1, 1), timezones=st.timezones()))
def test_a_moment_is_stamped_in_utc_and_read_again(at: datetime) -> None:
    assert moment(stamp(at)) == at.astimezone(timezone.utc)
    assert len(stamp(at)) == len("2026-01-31T12:00:00.000005Z")


def test_a_whole_chain() -> None:
    result = verify(ROWS)
    assert (result.ok, result.entries, result.head) == (True, 5, Head(5, ROWS[-1].hash))
    assert result.as_dict() == {
        "ok": True,
        "entries": 5,
        "head": {"sequence": 5, "hash": ROWS[-1].hash},
        "broken": None,
    }


def test_an_empty_chain_has_no_head() -> None:
    assert verify([]).as_dict() == {"ok": True, "entries": 0, "head": None, "broken": None}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_a_chain_is_named(name: str) -> None:
    change, problem, sequence = BREAKS[name]
    result = verify(change(ROWS))
    assert result.broken
    assert (result.broken.problem, result.broken.sequence) == (problem, sequence)
    assert f"entry {sequence} " in result.broken.message
    assert (result.ok, result.entries) == (False, sequence - 1)
    assert result.as_dict()["broken"]["problem"] == problem


def test_an_entry_that_is_there_is_named_by_its_key() -> None:
    result = verify(replaced(ROWS, 2, lambda row: with_body(row, run="78")))
    assert result.broken
    assert result.broken.key == "key-3"
    assert result.broken.message.startswith("entry 3 (key-3) has hash ")


def test_a_column_that_differs_is_named_with_both_values() -> None:
    result = verify(replaced(ROWS, 2, lambda row: row._replace(phase="phase-2")))
    assert result.broken
    assert result.broken.message == (
        "entry 3 (key-3) has phase 'phase-2' in its column, but 'phase-1' in its body"
    )


@pytest.mark.parametrize(
    ("body", "column"),
    [
        pytest.param({"sequence": True}, {}, id="true is no sequence"),
        pytest.param({"fence": True}, {"fence": 1}, id="true is no fence"),
        pytest.param({"fence": 3.0}, {"fence": 3}, id="3.0 is no fence"),
    ],
)
def test_a_number_is_no_other_thing_that_equals_it(body: Any, column: Any) -> None:
    rows = replaced(chain(1), 0, lambda row: with_body(row, **body)._replace(**column))
    broken = verify(relinked(rows)).broken
    assert broken
    assert broken.problem == "form"


@given(st.data())
def test_whatever_is_changed_afterwards_is_found(data: st.DataObject) -> None:
    """Whoever cannot change the tag's head cannot change anything before it."""
    index = data.draw(st.integers(0, len(ROWS) - 1))
    name = data.draw(st.sampled_from(Stored._fields))
    old = getattr(ROWS[index], name)
    new: Any = data.draw(st.integers() if isinstance(old, int) else st.text())
    if new == old:
        return
    rows = replaced(ROWS, index, lambda row: row._replace(**{name: new}))
    heads = [Head(5, ROWS[-1].hash, "v1")]
    assert not verify(rows, heads).ok
    is_link = name in ("previous", "hash")
    assert verify(relinked(rows, index), heads).ok == is_link


@given(st.lists(st.integers(0, 4), max_size=8))
def test_entries_left_out_doubled_or_moved_are_found(order: list[int]) -> None:
    rows, heads = [ROWS[index] for index in order], [Head(5, ROWS[-1].hash, "v1")]
    assert verify(rows, heads).ok == (order == [0, 1, 2, 3, 4])
    relink = verify(relinked(rows), heads)
    assert relink.ok == (order == [0, 1, 2, 3, 4])


def head(sequence: int, digest: str = "", tag: str = "v1") -> Head:
    return Head(sequence, digest or ROWS[sequence - 1].hash, tag)


@pytest.mark.parametrize(
    ("heads", "sequence", "message"),
    [
        pytest.param([head(5)], None, None, id="the last entry is as the tag says"),
        pytest.param([head(2), head(4, tag="v2")], None, None, id="so are two in the middle"),
        pytest.param(
            [head(4), head(4, "f" * 64, "v2")], 4, "tag v2 vouches for entry 4", id="tags disagree"
        ),
        pytest.param([head(3, "f" * 64)], 3, "tag v1 vouches for entry 3", id="another hash"),
        pytest.param(
            [head(5), Head(9, "f" * 64, "v3"), Head(7, "f" * 64, "v2")],
            6,
            "entry 6 is missing: the chain ends at 5, but tag v2 vouches for entry 7",
            id="the tail is gone",
        ),
    ],
)
def test_a_chain_against_release_tags(heads: Any, sequence: Any, message: Any) -> None:
    broken = verify(ROWS, heads).broken
    assert (broken.sequence if broken else None) == sequence
    if broken:
        assert broken.problem == "head"
        assert message in broken.message


def test_a_chain_that_was_written_again_as_a_whole_is_betrayed_by_the_tag() -> None:
    rows = relinked([renamed(row) for row in ROWS])
    assert verify(rows).ok
    assert not verify(rows, [head(5)]).ok


def test_an_empty_chain_has_lost_what_a_tag_vouches_for() -> None:
    broken = verify([], [head(5)]).broken
    assert broken
    assert "entry 1 is missing: the chain ends at 0" in broken.message


def test_heads_are_read() -> None:
    raw = [{"tag": "v1", "sequence": "5", "hash": "AB" * 32}]
    assert read_heads(raw) == [Head(5, "ab" * 32, "v1")]


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param({"sequence": 5, "hash": "a" * 64}, "tag", id="no tag"),
        pytest.param({"tag": "v1", "hash": "a" * 64}, "sequence", id="no sequence"),
        pytest.param({"tag": "v1", "sequence": 0, "hash": "a" * 64}, "sequence", id="sequence 0"),
        pytest.param({"tag": "v1", "sequence": 5, "hash": "a" * 40}, "hash", id="a SHA-1"),
        pytest.param({"tag": "v1", "sequence": 5, "hash": "g" * 64}, "hash", id="no hex"),
        pytest.param({"tag": "v1", "sequence": 5, "hash": "a" * 64, "x": 1}, "x", id="a typo"),
    ],
)
def test_what_is_no_head_is_refused(raw: Any, path: str) -> None:
    with pytest.raises(ShapeError, match=rf"heads\[0\]\.{path} "):
        read_heads([raw])
