# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_rows import (
    only_in_one,
    written_since,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import TableLoss
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.mark.parametrize(
    ("left", "right", "counts"),
    [
        pytest.param([], [], (0, 0), id="nothing on either side"),
        pytest.param([1, 2], [1, 2], (0, 0), id="the same"),
        pytest.param([1, 2, 3], [2], (2, 0), id="more on the left"),
        pytest.param([], [-5, 2], (0, 2), id="more on the right"),
        pytest.param([-1, 2], [-1, 3], (1, 1), id="a row that was changed"),
        pytest.param([1, 1, 1], [1], (2, 0), id="rows that are alike count each"),
        pytest.param([5], [1, 2, 5, 9], (0, 3), id="on both ends"),
    ],
)
def test_rows_that_only_one_side_has(
    left: List[int], right: List[int], counts: Tuple[int, int]
) -> None:
    assert only_in_one(left, right) == counts
    assert only_in_one(*[right, left]) == counts[::-1]


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        pytest.param({"a": 5}, {"a": 5}, {}, id="nothing"),
        pytest.param({"a": 5, "b": 0}, {"a": 7, "b": 0}, {"a (just now)": 2}, id="some rows"),
        pytest.param({}, {"a": 3}, {"a (just now)": 3}, id="a database that is new"),
    ],
)
def test_what_was_written_since(
    before: Dict[str, int], after: Dict[str, int], more: Dict[str, int]
) -> None:
    found = written_since(before, after)
    assert found == {name: TableLoss(rows, exact=False) for name, rows in more.items()}


def test_a_counter_that_went_back_tells_nothing() -> None:
    with pytest.raises(PgError, match="what was written to a cannot be told"):
        written_since({"a": 5}, {"a": 4})
