# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._person import (
    among,
    distinct,
    identity,
    may_be_same,
)


@pytest.mark.parametrize(
    ("person", "other", "same"),
    [
        pytest.param("ada", "ada", True, id="the same"),
        pytest.param(" Ada  Lovelace", "ada lovelace", True, id="without case and spare space"),
        pytest.param("ada", "Ada Lovelace <ada@example.com>", True, id="a login and an address"),
        pytest.param("ada@example.com", "Ada <ADA@Example.com>", True, id="an address in any case"),
        pytest.param("Ada Lovelace", "Ada Lovelace <a@b.c>", True, id="the name that git knows"),
        pytest.param("ada@example.com", "ada", True, id="an address and a login"),
        pytest.param("ada@example.com", "ada@example.org", False, id="two addresses"),
        pytest.param("ad", "ada", False, id="a part of a name"),
        pytest.param("ada", "Bob <bob@ada>", False, id="a name and a host"),
        pytest.param("", "Ada <>", False, id="nobody"),
        pytest.param("ada", "<ada@example.com>", True, id="an author without a name"),
        pytest.param("ada", "Bob <ada", False, id="half an author"),
    ],
)
def test_who_may_be_the_same_person(person: str, other: str, same: bool) -> None:
    assert may_be_same(person, other) is same


def test_among_takes_a_person_by_the_whole_name() -> None:
    assert among("ADA@example.com", ["bob", " ada@Example.com"])
    assert not among("ada", ["ada@example.com"])


@pytest.mark.parametrize(
    ("persons", "expected"),
    [
        pytest.param(["ada", "bob", "ADA"], ["ada", "bob"], id="each once, as first written"),
        pytest.param(["ada", "ada@x"], ["ada@x"], id="a login and its address are one"),
        pytest.param(["ada@x", "ada@y", "ada"], ["ada@x", "ada@y"], id="two addresses are two"),
        pytest.param(["", "  "], [], id="nobody is nobody"),
    ],
)
def test_distinct_persons(persons: list[str], expected: list[str]) -> None:
    assert distinct(persons) == expected


def fewest(names: frozenset[str]) -> int:
    """Return how few people these names can belong to, by trying every way to share them out."""
    if not names:
        return 0
    first, *others = sorted(names)
    return 1 + min(
        fewest(names - {first, *together})
        for size in range(len(others) + 1)
        for together in itertools.combinations(others, size)
        if all(may_be_same(a, b) for a, b in itertools.combinations([first, *together], 2))
    )


NAMES = st.sampled_from(["ada", "Ada", "bob", "ada@x", "ADA@X", "ada@y", "bob@x", " ", "eve"])


@given(st.lists(NAMES, max_size=7))
def test_no_fewer_people_can_have_these_names(persons: list[str]) -> None:
    known = frozenset(identity(one) for one in persons if one.strip())
    assert len(distinct(persons)) == fewest(known)


@given(st.lists(NAMES, max_size=7), NAMES)
def test_one_more_name_is_never_fewer_people(persons: list[str], another: str) -> None:
    assert (
        len(distinct(persons)) <= len(distinct([*persons, another])) <= len(distinct(persons)) + 1
    )
