# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import (
    parse_changes,
)


def change(name: str, *depends_on: str, branch: str = "b") -> dict[str, Any]:
    return {"id": name, "branch": branch, "owner": None, "depends_on": list(depends_on)}


@pytest.mark.parametrize(
    ("raw", "order"),
    [
        pytest.param([change("a"), change("b")], ["a", "b"], id="the plan's order is kept"),
        pytest.param(
            [change("a", "c"), change("b"), change("c")],
            ["b", "c", "a"],
            id="a change waits for what it depends on, and nothing else moves",
        ),
        pytest.param([change("a", "phase-1")], ["a"], id="what landed earlier holds nothing up"),
    ],
)
def test_changes_come_after_what_they_depend_on(
    raw: list[dict[str, Any]], order: list[str]
) -> None:
    assert [item.id for item in parse_changes(raw)] == order


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param([], "changes is empty", id="none"),
        pytest.param([change("a"), change("a")], "Two changes have the id a", id="twins"),
        pytest.param([change("a", "a")], "circle: a", id="a change that waits for itself"),
        pytest.param([change("a", "b"), change("b", "a")], "circle: a, b", id="a circle"),
        pytest.param([change("a", branch="-x")], "branch of change a, '-x'", id="an option"),
    ],
)
def test_changes_that_make_no_sense_are_refused(raw: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(GitError, match=said):
        parse_changes(raw)
