# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any gate of the plan can be judged alone; the lab is as it was before phase 1."""

from __future__ import annotations

import json
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.e2e.runs import Play, play
from ansible_collections.phased.rollout.tests.e2e.world import snapshot


def judge(home: Path, *arguments: str) -> Play:
    """Judge a gate, at once and with a home of its own."""
    given = ("-e", f"rollout_home={home}", "-e", "gate_settle_seconds=0")
    return play("gate", *given, *arguments)


def reports(home: Path, name: str) -> tuple[dict[str, Any], ET.Element]:
    """Return what the two reports on a gate say."""
    folder = home / "gates"
    evidence = json.loads((folder / f"gate-{name}.json").read_text())
    return evidence["measured"], ET.parse(folder / f"gate-{name}.xml").getroot()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_the_prerequisites_of_phase_1_hold(home):
    before = snapshot()
    ran = judge(home, "-e", "phase=1", "-e", "gate=entry")
    assert ran.rc == 0, ran.output
    measured, junit = reports(home, "phase1-entry")
    assert measured["verdict"] == "pass"
    names = {"production_up", "code_review", "generation_success"}
    assert {result["name"] for result in measured["results"]} == names
    assert {case.get("name") for case in junit.iter("testcase")} == names
    assert snapshot() == before


def test_the_gate_of_phase_1_is_closed_before_it_is_released(home):
    ran = judge(home, "-e", "phase=1")
    assert ran.rc != 0
    assert "The phase1-exit gate is closed" in ran.last_lines
    measured, junit = reports(home, "phase1-exit")
    verdicts = {result["name"]: result["verdict"] for result in measured["results"]}
    # There is no table of decisions yet, and nothing was measured before the phase.
    assert verdicts["decision_integrity"] == "error"
    assert verdicts["performance_impact"] == "inconclusive"
    assert verdicts["production_up"] == "pass"
    assert len(list(junit.iter("testcase"))) == len(verdicts)


def test_gate_2_measures_gate_1_again(home):
    ran = judge(home, "-e", "phase=2")
    assert ran.rc != 0
    measured, _junit = reports(home, "phase2-exit")
    verdicts = {result["name"]: result["verdict"] for result in measured["results"]}
    assert verdicts["production_up"] == "pass"
    assert verdicts["workflow_capture"] == "error"
    order = ["fail", "error", "inconclusive", "warn", "pass"]
    ranks = [order.index(result["verdict"]) for result in measured["results"]]
    assert ranks == sorted(ranks), "worst first"


def test_a_dry_run_judges_and_writes_nothing(home):
    ran = judge(home, "-e", "phase=1", "-e", "gate=entry", "--check")
    assert ran.rc == 0, ran.output
    assert "production_up" in ran.output
    assert not (home / "gates").exists()


def test_git_is_not_read_where_no_objective_needs_it(home):
    nowhere = {"rollout_repository": {"url": "/nowhere", "release": "main"}}
    ran = judge(home, "-e", "gate=overall_success", "-e", shlex.quote(json.dumps(nowhere)))
    assert ran.rc != 0, "the reports that it reads are not there"
    assert "/nowhere" not in ran.output
    assert (home / "gates/gate-overall_success.json").exists(), ran.output
    assert not (home / "repository.git").exists()


@pytest.mark.parametrize(
    "asked",
    [["-e", "phase=7"], ["-e", "phase=1", "-e", "gate=exi"], ["-e", "gate=nothing"], []],
    ids=["no such phase", "no such gate of a phase", "no such list", "nothing asked for"],
)
def test_what_is_no_gate_is_refused(home, asked):
    ran = judge(home, *asked)
    assert ran.rc != 0
    said = " ".join(ran.last_lines.split())
    assert "There is no gate" in said
    assert "phase1_success" in said
