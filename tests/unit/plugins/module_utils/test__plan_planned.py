# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_planned import (
    read_hours,
    read_planned_days,
)
from ansible_collections.phased.rollout.tests.plans import GONE, findings, only


@pytest.mark.parametrize(
    ("raw", "least", "most", "text"),
    [
        (12, 12, 12, "12"),
        (0.25, 0.25, 0.25, "0.25"),
        ("16-20", 16, 20, "16-20"),
        ("16 - 20", 16, 20, "16-20"),
    ],
)
def test_hours_are_read(raw, least, most, text):
    assert read_hours(raw) == (least, most)
    assert str(read_hours(raw)) == text


@pytest.mark.parametrize("raw", ["", "20-16", 0, -1, "2h", True, None, [1], "1-2-3"])
def test_what_are_no_hours(raw):
    with pytest.raises(ValueError, match="write a number of hours"):
        read_hours(raw)


@pytest.mark.parametrize(
    ("raw", "days"),
    [(3, [3]), ("7-9", [7, 8, 9]), ("1,3", [1, 3]), ("5, 1-2", [1, 2, 5]), ("2,1-2", [1, 2])],
)
def test_planned_days_are_read(raw, days):
    assert read_planned_days(raw) == days


@pytest.mark.parametrize("raw", ["", 0, "0-2", "9-7", "mon", True, None, 1.5, "1-99999"])
def test_what_are_no_days(raw):
    with pytest.raises(ValueError, match="as 3, 7-9 or 1,3"):
        read_planned_days(raw)


def planned(where: str, **steps: Any) -> dict[str, Any]:
    return {f"phases/{where}/planned": steps}


@pytest.mark.parametrize(
    ("changes", "rule", "where", "says"),
    [
        pytest.param(
            planned(
                "0/changes/0",
                total={"hours": 2},
                validate={"hours": 0.5},
                merge={"hours": 0.25},
                prove={"hours": 0.5},
            ),
            "planned_hours",
            "[0].changes[0].planned.total.hours",
            "2 hours are planned, and its parts come to 1.25",
            id="steps that do not come to their total",
        ),
        pytest.param(
            planned("0", total={"hours": "16-20"}, merge={"hours": "12-14"}, prove={"hours": 8}),
            None,
            "",
            "",
            id="ranges that meet",
        ),
        pytest.param(
            {
                "phases/1/planned": {"total": {"hours": 16}},
                "phases/1/changes/0/planned": {"total": {"hours": 14}},
                "phases/1/changes/1/planned": {"analysis": {"hours": 4}, "resolve": {"hours": 12}},
            },
            "planned_hours",
            "[1].planned",
            "16 hours are planned, and its parts come to 30",
            id="changes that need more than their phase has",
        ),
        pytest.param(
            {
                "phases/1/planned": {"total": {"hours": 40}},
                "phases/1/changes/1/planned": {"total": {"hours": 16}},
            },
            None,
            "",
            "",
            id="a phase that has more to do than its changes",
        ),
        pytest.param(
            planned("0", total={"hours": 9}, merge={"hours": 1}, prove={"days": 1}),
            None,
            "",
            "",
            id="a step of which nobody knows how long it takes",
        ),
        pytest.param(
            planned("0", total={"days": "1-2"}, merge={"days": 3}),
            "planned_days",
            "[0].planned.total.days",
            "merge is planned for day 3",
            id="a step outside of the days",
        ),
        pytest.param(
            {"phases/1/changes/1/planned": {"deploy": {"days": 11}}},
            "planned_days",
            "[1].planned",
            "change c is planned for day 11",
            id="a change outside of the days of its phase",
        ),
        pytest.param(
            planned("0", total={"days": "1-3"}),
            "planned_order",
            "[1].planned",
            "planned from day 4, but phase 1, which must have been stable for 2 days, is planned"
            " until day 3",
            id="a phase before what it requires can be stable",
        ),
        pytest.param(planned("0", deploy={"days": "1-2"}), None, "", "", id="just in time"),
        pytest.param(
            {**planned("0", total={"days": "1-9"}), "phases/1/planned": GONE,
             "phases/1/changes/0/planned": GONE},
            None,
            "",
            "",
            id="nothing is planned",
        ),
    ],
)  # fmt: skip
def test_planned_hours_and_days_fit_together(changes, rule, where, says):
    if rule is None:
        assert findings(changes) == []
    else:
        assert only(changes, rule, f"rollout_phases{where}", says).severity == "warning"
