# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._samples import (
    percentile,
    reduce_samples,
)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([3, 1, 2], "50", 2, id="the median"),
        pytest.param([1], "95", 1, id="of one value it is this"),
        pytest.param(list(range(1, 20)), "95", 19, id="of fewer than 20 it is the largest"),
        pytest.param(list(range(1, 101)), "95", 95, id="of a hundred the 95th"),
        pytest.param(list(range(1, 101)), "7", 7, id="not the 8th, though floats say so"),
        pytest.param(list(range(1, 1001)), "99.9", 999, id="with a decimal"),
        pytest.param([1, 2], "100", 2, id="the largest"),
    ],
)
def test_percentile(values: list[int], percent: str, expected: int) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(
    ("how", "expected"), [("last", 1), ("mean", 2), ("min", 1), ("max", 3), ("p50", 2)]
)
def test_reduce(how: str, expected: float) -> None:
    assert reduce_samples([3.0, 2.0, 1.0], how) == expected
