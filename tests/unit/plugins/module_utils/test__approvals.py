# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._approval import (
    BOUND,
    Requirement,
    Subject,
    bound_of,
    drift,
    drifted,
)
from ansible_collections.phased.rollout.plugins.module_utils._approvals import Tally, tally
from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._person import identity
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.tests.ledger_histories import ROLLOUT, Book, hours

NOW, BEFORE = hours(10), hours(1)
PRESENT: dict[str, Any] = {
    "plan_hash": "p1",
    "changes": {"bridge": "c1", "docs": "c2"},
    "tree": "t1",
    "gate": "g1",
    "backup": "b1",
}
SUBJECT = Subject(ROLLOUT, "phase-1", PRESENT, ("Ada <ada@x>",), ("eve",))
CTO = Requirement("cto")


def approve(book: Book, person: str = "bob", at: datetime = BEFORE, **other: Any) -> Entry:
    phase = other.pop("phase", "phase-1")
    data = {"role": "cto", "reason": "seen it", "expires_at": None, "bound": PRESENT, **other}
    return book.write("approval", at, phase, person=person, **data)


def counted(book: Book, requirement: Requirement = CTO, **other: Any) -> Tally:
    return tally(requirement, replace(SUBJECT, **other), book.entries, NOW, None)


def test_an_approval_of_what_is_there_counts() -> None:
    book = Book()
    approve(book)
    found = counted(book)
    assert (found.persons, found.missing, found.refused) == (["bob"], 0, [])


@pytest.mark.parametrize(
    ("approval", "requirement", "why"),
    [
        pytest.param({"reason": " "}, CTO, "it states no reason", id="no reason"),
        pytest.param({"person": ""}, CTO, "it names no person", id="nobody"),
        pytest.param(
            {"expires_at": "2026-01-12T19:00:00Z"}, CTO,
            "it expired on Mon 2026-01-12 19:00 UTC", id="expired by its own word",
        ),
        pytest.param(
            {}, Requirement("cto", expires_seconds=9 * 3600),
            "it expired on Mon 2026-01-12 19:00 UTC", id="expired by the plan",
        ),
        pytest.param(
            {"expires_at": "2026-02-01T00:00:00Z"}, Requirement("cto", expires_seconds=3600),
            "it expired on Mon 2026-01-12 11:00 UTC", id="the earlier of the two",
        ),
        pytest.param(
            {"expires_at": "2026-02-01"}, CTO,
            "expires_at is '2026-02-01': it must be a time with its offset from UTC, such as"
            " 2026-01-31T12:00:00Z", id="until nobody knows when",
        ),
        pytest.param(
            {"person": "ADA"}, CTO, "ADA is an author of the changes (Ada <ada@x>)", id="an author",
        ),
        pytest.param(
            {"person": "eve"}, Requirement("cto", exclude_runner=True),
            "eve runs the phase (eve)", id="who runs it",
        ),
        pytest.param(
            {"person": "eve@example.com"}, Requirement("cto", exclude_runner=True),
            "eve@example.com runs the phase (eve)", id="who runs it, by their address",
        ),
        pytest.param(
            {"person": "bob"}, Requirement("cto", persons=("carl",)),
            "bob may not approve as cto", id="not one of those named",
        ),
        pytest.param(
            {"person": "bob"}, Requirement("cto", persons=()),
            "bob may not approve as cto", id="nobody is named",
        ),
        pytest.param(
            {"person": "ada", "reason": ""}, Requirement("cto", persons=()),
            "it states no reason; ada may not approve as cto; ada is an author of the changes"
            " (Ada <ada@x>)", id="every reason, not the first",
        ),
    ],
)  # fmt: skip
def test_an_approval_that_does_not_count(
    approval: dict[str, Any], requirement: Requirement, why: str
) -> None:
    book = Book()
    approve(book, **approval)
    found = counted(book, requirement)
    assert [one.why for one in found.refused] == [why]
    assert (found.persons, found.missing) == ([], 1)


def test_who_runs_it_is_known_by_the_name_before_the_host() -> None:
    book = Book()
    approve(book, "bob@example.com")
    only = Requirement("cto", exclude_runner=True)
    [refusal] = counted(book, only, runners=("bob@control",)).refused
    assert refusal.why == "bob@example.com runs the phase (bob@control)"


def test_who_runs_it_may_approve_where_the_plan_lets_them() -> None:
    book = Book()
    approve(book, "eve")
    assert counted(book).persons == ["eve"]


@pytest.mark.parametrize("field", list(BOUND))
def test_any_drift_voids_an_approval_and_is_named(field: str) -> None:
    book = Book()
    approve(book)
    other: Any = {"bridge": "c9", "docs": "c2"} if field == "changes" else "other"
    [refusal] = counted(book, bound={**PRESENT, field: other}).refused
    assert refusal.drifted == [field]
    said = {"changes": "change bridge was c1, is c9"}.get(
        field, f"{BOUND[field]} was {field[0]}1, is other"
    )
    assert refusal.why == f"void: {said}"


@pytest.mark.parametrize("field", list(BOUND))
def test_an_approval_of_less_than_there_is_counts_for_nothing(field: str) -> None:
    book = Book()
    approve(book, bound={key: value for key, value in PRESENT.items() if key != field})
    [refusal] = counted(book).refused
    assert refusal.drifted == [field]


@pytest.mark.parametrize("bound", [None, "all of it", [], {"changes": "all"}])
def test_what_is_bound_to_nothing_that_can_be_read_counts_for_nothing(bound: Any) -> None:
    book = Book()
    approve(book, bound=bound)
    assert counted(book).persons == []


def test_each_change_that_moved_came_or_went_is_named() -> None:
    book = Book()
    approve(book)
    [refusal] = counted(book, bound={**PRESENT, "changes": {"bridge": "c1", "new": "c3"}}).refused
    assert (
        refusal.why
        == "void: change docs was c2, is not there; void: change new was not there, is c3"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"bridge": None, "docs": "c2"}, "bridge was c1, is no commit", id="gone"),
        pytest.param(
            {**PRESENT["changes"], "new": None}, "new was not there, is no commit", id="none yet"
        ),
    ],
)
def test_a_change_without_a_commit_is_another_one(changes: dict[str, Any], said: str) -> None:
    book = Book()
    approve(book)
    [refusal] = counted(book, bound={**PRESENT, "changes": changes}).refused
    assert (refusal.drifted, refusal.why) == (["changes"], f"void: change {said}")


def test_an_approval_of_another_phase_rollout_or_role_is_none() -> None:
    book = Book()
    approve(book, phase="phase-2")
    approve(book, role="reviewer")
    assert (counted(book).persons, counted(book).refused) == ([], [])
    approve(book)
    found = tally(CTO, replace(SUBJECT, rollout="apex"), book.entries, NOW, None)
    assert (counted(book).persons, found.persons, found.refused) == (["bob"], [], [])


def test_a_count_is_of_persons() -> None:
    book = Book()
    for person in ("bob", "Bob", "bob@x", "carl"):
        approve(book, person)
    found = counted(book, Requirement("cto", 3))
    assert (found.persons, found.missing) == (["bob@x", "carl"], 1)


def test_what_is_withdrawn_does_not_count_nor_does_a_copy_of_it() -> None:
    book = Book()
    first = approve(book)
    book.write("withdrawal", hours(2), None, approval=first.key, person="carl", reason="a doubt")
    approve(book, at=hours(3))
    assert [one.why for one in counted(book).refused] == [
        "withdrawn by carl: a doubt",
        "its like was withdrawn; to approve again, state another reason",
    ]
    approve(book, at=hours(4), reason="the doubt is gone")
    assert counted(book).persons == ["bob"]


def test_with_signatures_only_what_was_checked_and_holds_counts() -> None:
    book = Book()
    good, bad, unchecked = (approve(book, person) for person in ("bob", "carl", "dora"))
    checked = {good.key: None, bad.key: "it is not signed"}
    found = tally(CTO, SUBJECT, book.entries, NOW, checked)
    assert (found.persons, found.signed) == (["bob"], True)
    assert {one.approval: one.why for one in found.refused} == {
        bad.key: "it is not signed",
        unchecked.key: "its signature was not checked",
    }


def test_who_may_still_approve() -> None:
    book = Book()
    approve(book, "bob")
    named = Requirement("cto", 3, ("bob", "ada", "carl", "eve"), exclude_runner=True)
    found = counted(book, named)
    assert (found.may, found.missing, found.possible) == (["carl"], 2, False)
    assert counted(book).may is None


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param({}, "approvals[0].role", id="no role"),
        pytest.param({"role": "cto", "count": 0}, "approvals[0].count", id="none needed"),
        pytest.param({"role": "cto", "persons": [1]}, "approvals[0].persons", id="a number"),
        pytest.param(
            {"role": "cto", "expires_seconds": -1}, "approvals[0].expires_seconds", id="before"
        ),
        pytest.param(
            {"role": "cto", "exclude_runner": "si"}, "approvals[0].exclude_runner", id="no flag"
        ),
    ],
)  # fmt: skip
def test_a_requirement_that_makes_no_sense_is_refused(raw: dict[str, Any], path: str) -> None:
    with pytest.raises(ShapeError) as raised:
        Requirement.of(raw, "approvals[0]")
    assert raised.value.path == path


# Random histories against a model that asks of each approval everything, and counts at the end.

PERSONS = ["ada", "ADA@x", "bob", "bob@x", "carl", "eve", ""]
DRAFTS = st.fixed_dictionaries(
    {
        "person": st.sampled_from(PERSONS),
        "role": st.sampled_from(["cto", "cto", "cto", "reviewer"]),
        "phase": st.sampled_from(["phase-1", "phase-1", "phase-1", "phase-2"]),
        "reason": st.sampled_from(["seen it", "seen it", "again", ""]),
        "expires_at": st.sampled_from([None, None, "2026-01-12T15:00:00Z", "2026-02-01T00:00:00Z"]),
        "bound": st.sampled_from([PRESENT, PRESENT, PRESENT, {**PRESENT, "tree": "t2"}, {}]),
        "at": st.integers(0, 9).map(hours),
    }
)
WITHDRAWN = st.sets(st.integers(0, 7), max_size=2)
CHECKED = st.none() | st.lists(st.sampled_from([None, None, "forged", "absent"]), min_size=8)
REQUIREMENTS = st.builds(
    Requirement,
    st.just("cto"),
    st.integers(1, 3),
    st.none() | st.lists(st.sampled_from(PERSONS), max_size=5).map(tuple),
    st.none() | st.integers(1, 12).map(lambda count: count * 3600.0),
    st.booleans(),
)


def model(
    approvals: Sequence[Entry],
    withdrawn: set[str],
    requirement: Requirement,
    checked: dict[str, str | None] | None,
) -> set[str]:
    """Return the keys of the approvals that count by themselves."""
    good = set()
    for entry in approvals:
        data = entry.data
        person = identity(data["person"])
        like = [
            other
            for other in approvals
            if other.key in withdrawn
            and other.phase == entry.phase
            and all(
                other.data[name] == data[name]
                for name in ("role", "person", "reason", "bound", "expires_at")
            )
        ]
        life = requirement.expires_seconds
        expired_by_plan = life is not None and (NOW - entry.at).total_seconds() >= life
        named = requirement.persons
        if (
            entry.phase == "phase-1"
            and data["role"] == "cto"
            and data["reason"]
            and data["expires_at"] != "2026-01-12T15:00:00Z"
            and not expired_by_plan
            and data["bound"] == PRESENT
            and person not in ("", "ada", "ada@x")
            and (named is None or person in [identity(one) for one in named])
            and not (requirement.exclude_runner and person == "eve")
            and not like
            and (checked is None or checked.get(entry.key, "absent") is None)
        ):
            good.add(entry.key)
    return good


@given(st.lists(DRAFTS, max_size=8), WITHDRAWN, REQUIREMENTS, CHECKED)
def test_random_histories_count_as_a_slow_model_counts_them(
    drafts: list[dict[str, Any]],
    withdrawn: set[int],
    requirement: Requirement,
    checked: list[str | None] | None,
) -> None:
    book = Book()
    for draft in sorted(drafts, key=lambda draft: draft["at"]):
        approve(book, **draft)
    approvals = list(book.entries)
    keys = {approvals[index].key for index in withdrawn if index < len(approvals)}
    for key in sorted(keys):
        book.write("withdrawal", NOW, None, approval=key, person="carl", reason="a doubt")
    signatures = None
    if checked is not None:
        every = zip(approvals, checked, strict=False)
        signatures = {entry.key: why for entry, why in every if why != "absent"}
    found = tally(requirement, SUBJECT, book.entries, NOW, signatures)
    good = model(approvals, keys, requirement, signatures)
    names = {identity(entry.data["person"]) for entry in approvals if entry.key in good}
    people = names - ({"bob"} if "bob@x" in names else set())
    assert {identity(one) for one in found.persons} == people
    assert found.missing == max(0, requirement.count - len(people))
    asked = {
        entry.key for entry in approvals if (entry.phase, entry.data["role"]) == ("phase-1", "cto")
    }
    assert {one.approval for one in found.refused} == asked - good
    assert all(one.why for one in found.refused)


CHANGES = st.dictionaries(
    st.sampled_from("ab"), st.sampled_from(["c1", "c2", "no commit", "not there", None])
)


@given(CHANGES, CHANGES, st.sampled_from([None, "none", "t1"]), st.sampled_from([None, "t1"]))
def test_whatever_differs_is_said(before: Any, after: Any, tree: Any, other: Any) -> None:
    then, now = (
        bound_of({"changes": before, "tree": tree}),
        bound_of({"changes": after, "tree": other}),
    )
    assert bool(drifted(then, now)) is bool(list(drift(then, now)))


@given(DRAFTS)
def test_what_an_approval_is_bound_to_has_one_form(draft: dict[str, Any]) -> None:
    bound = bound_of(draft["bound"])
    assert list(bound) == list(BOUND)
    assert bound_of(bound) == bound
