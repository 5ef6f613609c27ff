# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import cells
from ansible_collections.phased.rollout.plugins.plugin_utils._status_report import (
    WIDTH,
    markdown,
    terminal,
)

NINE, TEN = "2026-01-12T09:00:00.000000Z", "2026-01-12T10:00:00.000000Z"
SOAKED = {
    "state": "counting",
    "complete": False,
    "stable_seconds": 75600.0,
    "needed_seconds": 172800,
    "since": None,
    "earliest": TEN,
    "interruptions": [
        {"from": NINE, "until": TEN, "why": "no sample for 1 h"},
        {"from": TEN, "until": None, "why": "errors failed: 2 %"},
    ],
    "notes": ["2 samples are later than now"],
}
STEP = {"step": "stage", "status": "failed", "reason": "disk full", "at": TEN, "seconds": 125.3}
SOAK_BLOCK = {
    "kind": "soak",
    "stops": "start",
    "text": "phase 1 has been stable for 21 h of 48 h",
    "who": ["time"],
    "earliest": TEN,
}
APPROVAL_BLOCK = {
    "kind": "approval",
    "stops": "release",
    "text": "1 of 2 approvals as cto is missing",
    "who": ["carl", "dora"],
    "earliest": None,
}
APPROVALS = [{"need": 2, "have": 3}, {"need": 1, "have": 0}]


def phase(number: Any, **other: Any) -> dict[str, Any]:
    return {
        "id": number,
        "key": f"phase-{number}",
        "name": f"name {number}",
        "state": "waiting",
        "since": None,
        "soak": None,
        "approvals": [],
        "earliest": None,
        "blocked_by": [],
        "steps": [],
        **other,
    }


def status(*phases: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "rollout": "tower",
        "now": TEN,
        "phases": {str(one["id"]): one for one in phases},
        "blocked_by": [],
        "next": "Wait.",
        "lease": None,
        "chain": {"ok": True, "entries": 412},
        "signed": True,
        **other,
    }


TOWER = status(
    phase(1, state="soaking", since=NINE, soak=SOAKED, earliest=TEN),
    phase(2, state="stopped", approvals=APPROVALS, steps=[STEP], blocked_by=[
        {**SOAK_BLOCK, "phase": "phase-2"}, {**APPROVAL_BLOCK, "phase": "phase-2"},
    ]),
    phase(3, blocked_by=[{**SOAK_BLOCK, "phase": "phase-3"}]),
    lease={"holder": "ada@control", "run": "7", "since": NINE, "expires_at": TEN},
    blocked_by=[{"phase": "phase-2"}],
    signed=False,
)  # fmt: skip


def test_a_terminal_gets_a_table_and_what_stands_behind_it() -> None:
    assert terminal(TOWER).splitlines() == [
        "Rollout tower, Mon 2026-01-12 10:00 UTC",
        "",
        "Next: Wait.",
        "",
        "#  Phase   State    Since            Stable        Approvals  Earliest",
        "1  name 1  soaking  Mon 01-12 09:00  21 h of 48 h  –          Mon 01-12 10:00",  # noqa: RUF001
        "2  name 2  stopped  –                –             2 of 3     –",  # noqa: RUF001
        "3  name 3  waiting  –                –             –          –",  # noqa: RUF001
        "",
        "At it now",
        "  ada@control, run 7, since Mon 2026-01-12 09:00 UTC, until Mon 2026-01-12 10:00 UTC",
        "",
        "What blocks phase 2",
        "  phase 1 has been stable for 21 h of 48 h. Up to: time; not before Mon 2026-01-12 10:00"
        " UTC",
        "  1 of 2 approvals as cto is missing (stops the release). Up to: carl, dora",
        "",
        "What blocks phase 3",
        "  1 of the above as well",
        "",
        "What interrupted the soak of phase 1",
        "  from Mon 2026-01-12 09:00 UTC to Mon 2026-01-12 10:00 UTC: no sample for 1 h",
        "  from Mon 2026-01-12 10:00 UTC on: errors failed: 2 %",
        "  2 samples are later than now",
        "",
        "Last steps of phase 2",
        "  Mon 2026-01-12 10:00 UTC  stage failed, took 2 min: disk full",
        "",
        "The ledger",
        "  its chain of 412 entries is whole",
        "  approvals are not signed, there is no allowed_signers: a name is all they have",
    ]


def test_markdown_says_the_same() -> None:
    lines = markdown(TOWER).splitlines()
    assert lines[:3] == ["# Rollout tower, Mon 2026-01-12 10:00 UTC", "", "**Next:** Wait."]
    assert "|   2 | `name 2` | stopped |" in lines[7]
    assert "- ada\\@control, run 7, since Mon 2026-01-12 09:00 UTC" in "\n".join(lines)
    assert "## What blocks phase 2" in lines


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        pytest.param(None, "its chain was not verified", id="not verified"),
        pytest.param(
            {"ok": False, "broken": {"message": "entry 3 is missing"}},
            "ITS CHAIN IS BROKEN: entry 3 is missing", id="broken",
        ),
    ],
)  # fmt: skip
def test_how_the_ledger_stands(chain: Any, said: str) -> None:
    assert said in terminal(status(chain=chain))


def test_a_soak_that_is_complete_says_for_how_long() -> None:
    soak = {**SOAKED, "complete": True, "stable_seconds": 180000.0, "interruptions": []}
    assert "  50 h  " in terminal(status(phase(1, state="stable", soak=soak)))


def test_only_the_latest_of_many_interruptions_are_told() -> None:
    soak = {**SOAKED, "interruptions": SOAKED["interruptions"] * 4}  # type: ignore[operator]
    text = terminal(status(phase(1, soak=soak)))
    assert "  5 earlier\n" in text
    assert text.count("no sample for 1 h") == 1


def test_the_widest_status_fits_a_terminal() -> None:
    soak = {**SOAKED, "stable_seconds": 604740, "needed_seconds": 604800}
    wide = phase(
        "fix-of-a-branch-with-a-very-long-name-1234567", name="a name " * 20, state="rolled_back",
        since=NINE, soak=soak, earliest=TEN, approvals=[{"need": 12, "have": 10}],
        steps=[{**STEP, "reason": "word " * 100}],
    )  # fmt: skip
    lines = terminal(status(wide, next="do it " * 50)).splitlines()
    assert max(cells(line) for line in lines) <= WIDTH
    assert any("10 of 12" in line and "a name" in line for line in lines)


EVIL = "\x1b[2J\n# done <img src=x> [a](b) `c` | @all \u202e"


@pytest.mark.parametrize("show", [terminal, markdown])
def test_what_others_wrote_can_do_nothing(show: Any) -> None:
    block = {**APPROVAL_BLOCK, "phase": EVIL, "text": EVIL, "who": [EVIL]}
    step = {**STEP, "step": EVIL, "reason": EVIL}
    other = {"holder": EVIL, "run": EVIL, "since": NINE, "expires_at": TEN}
    broken = {"ok": False, "broken": {"message": EVIL}}
    evil = phase(EVIL, name=EVIL, blocked_by=[block], steps=[step])
    text = show(status(evil, rollout=EVIL, next=EVIL, lease=other, chain=broken))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n# done" not in text
    if show is markdown:
        outside = re.sub(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
        assert outside.count("img") == outside.count("\\<img") > 3
        assert outside.count("[a") == outside.count("\\[a")
