# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every gate has left its evidence, the closed ones too, with the verdict that it stopped on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

testinfra_hosts = ["ansible://rollout_control"]


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "molecule" / "gate"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("open", "pass"),
        ("failing", "fail"),
        ("no-data", "inconclusive"),
        ("nothing", "inconclusive"),
        ("no-server", "error"),
    ],
)
def test_evidence_names_tree_and_verdict(host: Any, folder: Path, name: str, verdict: str) -> None:
    file = host.file(str(folder / f"gate-{name}.json"))
    assert file.mode == 0o600
    evidence = json.loads(file.content_string)
    assert evidence["gate"] == name
    assert evidence["tree"] == "a" * 40
    assert evidence["measured"]["verdict"] == verdict


def test_the_open_gate_has_judged_every_objective(host: Any, folder: Path) -> None:
    evidence = json.loads(host.file(str(folder / "gate-open.json")).content_string)
    judged = {result["name"]: result for result in evidence["measured"]["results"]}
    assert set(judged) == {"production_up", "generations", "answer_time"}
    assert judged["production_up"]["value"] == 1
    assert judged["answer_time"]["baseline"] > 0


def test_the_baseline_is_what_was_measured_first(host: Any, folder: Path) -> None:
    kept = json.loads(host.file(f"{folder}/baseline-{'b' * 12}.json").content_string)
    evidence = json.loads(host.file(str(folder / "gate-open.json")).content_string)
    (judged,) = [r for r in evidence["measured"]["results"] if r["name"] == "answer_time"]
    assert kept == {"answer_time": judged["baseline"]}


def test_evidence_holds_no_password(host: Any, folder: Path, home: Path) -> None:
    lab = home.parents[2] / "inventories" / "lab" / "group_vars" / "all" / "lab.yml"
    (line,) = [line for line in lab.read_text().splitlines() if "rollout_reader:" in line]
    password = line.split("'")[1]
    assert host.run(f"grep -r {password} {folder}").rc == 1
