# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._footprint import Footprint


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(["M a/f"], ["M a/g"], False, id="files beside each other"),
        pytest.param(["M a/f"], ["D a/f"], True, id="the same file"),
        pytest.param(["A a"], ["A a/f"], True, id="a file of one is a folder of the other"),
        pytest.param(["A a/b/c"], ["T a"], True, id="and the other way round"),
        pytest.param(["A a"], ["A ab/f"], False, id="a name that only begins the same"),
        pytest.param(["D a/f", "A b/f"], ["A a/g"], True, id="into a folder that may have moved"),
        pytest.param(["D a/f", "A b/f"], ["A a/x/g"], True, id="or deeper into it"),
        pytest.param(["D a/x/f", "A b/x/f"], ["A a/g"], True, id="or above, if all of it moved"),
        pytest.param(["A a/x/g"], ["D a/f"], True, id="and the other way round again"),
        pytest.param(["D a/f"], ["M a/g"], False, id="a file that was there stays there"),
        pytest.param(["D f", "A a/f"], ["A g"], False, id="the root does not move"),
        pytest.param([], ["M f"], False, id="a change of nothing"),
    ],
)
def test_may_conflict(one: list[str], other: list[str], expected: bool) -> None:
    ours, theirs = Footprint.of(["1"], one), Footprint.of(["2"], other)
    assert ours.may_conflict_with(theirs) == theirs.may_conflict_with(ours) == expected


def test_changes_that_share_a_commit_may_conflict_wherever_they_differ() -> None:
    ours, theirs = Footprint.of(["1", "2"], ["M f"]), Footprint.of(["2", "3"], ["M g"])
    assert ours.may_conflict_with(theirs)
