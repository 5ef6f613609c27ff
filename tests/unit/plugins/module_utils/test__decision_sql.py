# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import string
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils import _decision_sql as sql
from ansible_collections.phased.rollout.plugins.module_utils._decision_faults import integrity
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Span
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Tracker,
    read_trackers,
)

NOW = datetime(2026, 1, 12, 9, tzinfo=timezone.utc)
HOUR = Span(3600, 300)
WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
NAME = WORD.filter(lambda name: len(name.encode()) <= 63)


def tracker(name: str = "runs", value: Any = 1) -> Tracker:
    """Return a tracker that describes everything, with one name and one value all over."""
    where = {name: value}
    return read_trackers(
        {
            "it": {
                "table": [name, name],
                "time": name,
                "key": name,
                "type": name,
                "where": where,
                "longest_gap": "5m",
                "subject": {
                    "table": [name], "time": name, "type": name, "where": where, "same": [name],
                    "delay": "1s",
                },
                "outcome": {"column": name, "good": [value]},
                "effectiveness": {
                    "table": [name], "key": name, "time": name, "column": name, "good": [value],
                },
            }
        }
    )["it"]  # fmt: skip


def templates(found: Tracker, *, typed: bool) -> list[str]:
    assert found.subject
    assert found.effect
    return [
        sql.counted(found, typed=typed),
        sql.per_interval(found, typed=typed),
        sql.captured(found, found.subject, typed=typed),
        sql.succeeded(found, typed=typed),
        sql.effects(found, found.effect, typed=typed),
        *integrity(found).values(),
    ]


def words_of(template: str) -> set[str]:
    return {word for text, word, spec, conversion in string.Formatter().parse(template) if word}


@given(NAME, st.one_of(WORD, st.integers(), st.booleans()))
def test_no_name_and_no_value_of_the_tracker_stands_in_a_template(name: str, value: Any) -> None:
    odd = tracker(name, value)
    for typed in (False, True):
        assert templates(odd, typed=typed) == templates(tracker(), typed=typed)


@pytest.mark.parametrize("of_type", [None, "image"])
def test_every_word_of_a_template_is_in_the_vocabulary(of_type: Optional[str]) -> None:
    found = tracker()
    known = sql.vocabulary(found, HOUR, NOW, of_type)
    assert not known.names.keys() & known.values.keys()
    for template in templates(found, typed=of_type is not None):
        assert words_of(template) <= known.names.keys() | known.values.keys()


def test_a_tracker_that_describes_little_asks_little() -> None:
    little = read_trackers({"runs": {"time": "at"}})["runs"]
    assert list(integrity(little)) == ["null_time", "in_the_future"]
    known = sql.vocabulary(little, HOUR, NOW)
    assert known.names == {"table": ("runs",), "time": ("at",)}
    for template in (sql.counted(little, typed=False), *integrity(little).values()):
        assert words_of(template) <= known.names.keys() | known.values.keys()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        pytest.param("now", NOW, id="the window ends now"),
        pytest.param("since", NOW - timedelta(hours=1), id="and began an hour ago"),
        pytest.param("settled", NOW - timedelta(seconds=1), id="when a decision is due"),
        pytest.param("late", NOW + timedelta(seconds=1), id="what clocks may differ"),
        pytest.param("of_type", "image", id="the type"),
        pytest.param("where_0_is", ("1",), id="a condition"),
        pytest.param("s_where_0_is", ("1",), id="a condition on subjects"),
        pytest.param("good", ("1",), id="what is good"),
    ],
)
def test_values(word: str, value: object) -> None:
    assert sql.vocabulary(tracker(), HOUR, NOW, "image").values[word] == value
