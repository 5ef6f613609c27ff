# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._reviews import open_reviews
from ansible_collections.phased.rollout.tests.ledger_histories import Book, hours


def broken_glass(**other: Any) -> tuple[Book, str]:
    book = Book()
    data = {"what": "hotfix cve", "person": "ada", "reason": "exploited", **other}
    due = {"due_at": "2026-01-14T09:00:00Z", **data}
    return book, book.write("review_due", hours(0), "hotfix-cve", **due).key


@pytest.mark.parametrize(
    ("hour", "overdue"),
    [
        pytest.param(1, False, id="there is time left"),
        pytest.param(48, True, id="the time is up"),
    ],
)
def test_what_nobody_has_reviewed_is_open_before_and_after_it_is_due(
    hour: float, overdue: bool
) -> None:
    book, key = broken_glass()
    [found] = open_reviews(book.entries, hours(hour))
    assert (found.key, found.what, found.person, found.overdue) == (
        key, "hotfix cve", "ada", overdue,
    )  # fmt: skip
    assert found.as_dict()["due_at"] == "2026-01-14T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("reviewer", "done"),
    [
        pytest.param("bob", True, id="somebody else"),
        pytest.param("ada@example.com", False, id="who broke the glass"),
        pytest.param(" ", False, id="nobody"),
    ],
)
def test_who_can_review(reviewer: str, done: bool) -> None:
    book, key = broken_glass()
    book.write("review", hours(2), None, of=key, person=reviewer, reason="it is right")
    found = open_reviews(book.entries, hours(3))
    assert (not found) is done
    assert done or found[0].tried == [reviewer]


def test_a_review_of_something_else_changes_nothing() -> None:
    book, _key = broken_glass()
    book.write("review", hours(2), None, of="another", person="bob", reason="it is right")
    assert len(open_reviews(book.entries, hours(3))) == 1


@pytest.mark.parametrize("due_at", [None, "soon", 12, "2026-01-14"])
def test_a_time_that_cannot_be_read_has_passed(due_at: Any) -> None:
    book, _key = broken_glass(due_at=due_at)
    [found] = open_reviews(book.entries, hours(1))
    assert (found.due_at, found.overdue) == (None, True)
