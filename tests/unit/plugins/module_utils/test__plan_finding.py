# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import (
    WARNING,
    Finding,
    did_you_mean,
    in_order,
    stands_in,
)


@pytest.mark.parametrize(
    ("found", "known", "suggestion"),
    [
        pytest.param("erors", ["errors", "latency"], "did you mean errors?", id="a near one"),
        pytest.param("x", ["b", "a"], "use one of a, b", id="nothing near"),
        pytest.param("x", [], "use one of (none)", id="nothing at all"),
        pytest.param(5, [1, 2], "use one of 1, 2", id="numbers"),
    ],
)
def test_a_name_is_suggested(found, known, suggestion):
    assert did_you_mean(found, known) == suggestion


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("rollout_phases[1].watch", True),
        ("rollout_phases[1].watch.duration", True),
        ("rollout_phases[1].watch[0]", True),
        ("rollout_phases[1].watched", False),
        ("rollout_phases[1]", False),
    ],
)
def test_what_stands_in_a_place(path, inside):
    assert stands_in(path, "rollout_phases[1].watch") == inside


def test_findings_come_once_errors_first_and_by_their_place():
    late, early = (Finding(f"rollout_phases[{n}].gate", "p", "s") for n in (10, 9))
    doubt = Finding("rollout_objectives.a", "p", "s", WARNING)
    assert in_order([doubt, late, early, late]) == [early, late, doubt]
