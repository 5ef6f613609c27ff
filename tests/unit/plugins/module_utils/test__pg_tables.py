# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    Sums,
    differences,
    in_parallel,
    require_same,
)

WANTED: Sums = {"public.a": {"rows": 2, "sum": "17"}, "public.b": {"rows": 0, "sum": "0"}}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(WANTED, [], id="the same"),
        pytest.param({"public.a": WANTED["public.a"]}, ["public.b is missing"], id="a table less"),
        pytest.param(
            {**WANTED, "public.c": {"rows": 1, "sum": "1"}},
            ["public.c should not be there"],
            id="a table more",
        ),
        pytest.param(
            {**WANTED, "public.a": {"rows": 3, "sum": "17"}},
            ["public.a has 3 rows instead of 2"],
            id="another number of rows",
        ),
        pytest.param(
            {**WANTED, "public.a": {"rows": 2, "sum": "18"}},
            ["public.a has the right number of rows (2), but not all the same"],
            id="another row",
        ),
        pytest.param(
            {**WANTED, "public.a": {"rows": 2, "sum": "17", "columns": ["n"]}},
            [],
            id="columns that only one of them tells",
        ),
    ],
)
def test_what_differs_is_named(found: Sums, words: list[str]) -> None:
    assert differences(WANTED, found) == words


def test_other_columns_are_named_whatever_the_rows() -> None:
    wanted: Sums = {"public.a": {"rows": 0, "sum": "0", "columns": ["n"]}}
    found: Sums = {"public.a": {"rows": 0, "sum": "0", "columns": ["m", "n"]}}
    assert differences(wanted, wanted) == []
    assert differences(wanted, found) == ["public.a has the columns m, n instead of n"]


def test_nothing_restored_is_not_the_same() -> None:
    with pytest.raises(PgError, match=r"the copy does not hold what was backed up: public\.a is"):
        require_same(WANTED, {}, "the copy")


def test_all_jobs_are_done_when_it_returns() -> None:
    done: list[int] = []
    in_parallel([lambda: done.append(1), lambda: done.append(2), lambda: done.append(3)])
    assert sorted(done) == [1, 2, 3]
