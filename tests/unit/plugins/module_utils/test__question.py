# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan import phase_record, read_plan
from ansible_collections.phased.rollout.plugins.module_utils._question import (
    Question,
    opener,
    read_freezes,
    read_window,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.tests.ledger_histories import hours

RECORD = {"id": 1, "key": "phase-1", "changes": [], "plan_hash": "p1"}
PARAMS: dict[str, Any] = {
    "rollout": "tower",
    "phases": [RECORD],
    "freezes": [],
    "present": {},
    "run": None,
    "allowed_signers": None,
}
WINDOW = {"days": "mon-thu", "from": "09:00", "to": "16:00", "timezone": "Europe/Berlin"}
FREEZE = {"from": "2026-01-13", "to": "2026-01-14", "reason": "stock-taking"}


@pytest.mark.parametrize(
    ("window", "freezes", "hour", "expected"),
    [
        pytest.param(None, [], 8, (True, 8), id="always"),
        pytest.param(WINDOW, [], 1, (True, 1), id="inside of the window"),
        pytest.param(WINDOW, [], 8, (False, 23), id="outside of it, in its time zone"),
        pytest.param({**WINDOW, "days": None}, [], 8, (False, 23), id="on every day"),
        pytest.param(None, [FREEZE], 16, (False, 63), id="frozen"),
        pytest.param(WINDOW, [FREEZE], 16, (False, 71), id="frozen, then outside of the window"),
    ],
)
def test_when_a_phase_may_run(
    window: Any, freezes: list[dict[str, str]], hour: float, expected: tuple[bool, float]
) -> None:
    found = opener(read_freezes(freezes))({**RECORD, "window": window}, hours(hour))
    assert (found.open, found.opens_at) == (expected[0], hours(expected[1]))


def test_a_window_is_read_as_the_plan_writes_it_into_a_record() -> None:
    phase = {"id": 1, "name": "a", "tag": "v1", "changes": [{"id": "c", "branch": "b"}]}
    plan = read_plan([{**phase, "window": {**WINDOW, "to": "24:00"}}], {})
    assert str(read_window(phase_record(plan, 1))) == "mon-thu 09:00-24:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param(
            {"phases": [{"id": 1, "changes": [], "plan_hash": "p"}]}, "phases[0].key is missing",
            id="no record",
        ),
        pytest.param({"phases": [{**RECORD, "plan_hash": None}]}, "phases[0].plan_hash is missing",
                     id="a record of before the ledger"),
        pytest.param({"phases": []}, "phases is []", id="no phases"),
        pytest.param({"present": {"phase-2": {}}}, "known are phase-1", id="of another phase"),
        pytest.param({"present": {"phase-1": {"tre": "t"}}}, "did you mean tree?", id="misspelt"),
        pytest.param({"present": {"phase-1": "t"}}, "present.phase-1 is 't'", id="no mapping"),
        pytest.param({"freezes": [{"from": "2026-13-01", "to": "2026-12-24", "reason": "x"}]},
                     "rollout_freezes[0].from", id="no day"),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError) as raised:
        Question.of({**PARAMS, **params})
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"days": "never"}, id="days"),
        pytest.param({"from": 9}, id="from"),
        pytest.param({"to": None}, id="to"),
        pytest.param({"timezone": "Mars/Olympus"}, id="timezone"),
    ],
)
def test_a_window_that_cannot_be_read_is_never_open(part: dict[str, Any]) -> None:
    with pytest.raises(ShapeError, match=r"^phase-1\.window is "):
        read_window({**RECORD, "window": {**WINDOW, **part}})
