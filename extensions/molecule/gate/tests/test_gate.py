# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every gate has left its evidence, the closed ones too, with the verdict that it stopped on."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
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
        ("warning", "warn"),
        ("no-baseline", "inconclusive"),
        ("red-baseline", "inconclusive"),
        ("unprintable<&>", "fail"),
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
    before = json.loads(host.file(f"{folder}/baselines/before-v1.0.0.json").content_string)
    evidence = json.loads(host.file(str(folder / "gate-open.json")).content_string)
    (judged,) = [r for r in evidence["measured"]["results"] if r["name"] == "answer_time"]
    assert kept["answer_time"]["value"] == judged["baseline"]
    assert kept["answer_time"]["verdict"] == "pass"
    assert before == kept


def test_an_open_gate_keeps_what_later_phases_compare_with(host: Any, folder: Path) -> None:
    kept = json.loads(host.file(f"{folder}/baselines/v1.0.0.json").content_string)
    evidence = json.loads(host.file(str(folder / "gate-open.json")).content_string)
    assert {name: one["value"] for name, one in kept.items()} == {
        result["name"]: result["value"] for result in evidence["measured"]["results"]
    }
    later = json.loads(host.file(str(folder / "gate-later.json")).content_string)
    judged = {result["name"]: result for result in later["measured"]["results"]}
    assert judged["since"]["baseline"] == kept["answer_time"]["value"]
    assert judged["since_before"]["baseline"] > 0


def test_a_closed_gate_keeps_nothing(host: Any, folder: Path) -> None:
    kept = host.file(str(folder / "baselines")).listdir()
    assert set(kept) == {"v1.0.0.json", "before-v1.0.0.json", "red.json"}


@pytest.mark.parametrize(
    ("name", "counts", "says"),
    [
        ("open", {"tests": 3}, None),
        ("failing", {"tests": 1, "failures": 1}, "1 is not == 2"),
        ("no-data", {"tests": 2, "failures": 1, "skipped": 1}, "the gate is closed"),
        ("nothing", {"tests": 1, "failures": 1}, "the gate is closed"),
        ("no-server", {"tests": 1, "errors": 1}, "127.0.0.1:9"),
        ("warning", {"tests": 2, "failures": 1}, "the gate is closed"),
        ("unprintable<&>", {"tests": 1, "failures": 1}, "?[31m<red> & ?"),
    ],
)
def test_the_junit_report_says_the_same(
    host: Any, folder: Path, name: str, counts: dict[str, int], says: str | None
) -> None:
    file = host.file(str(folder / f"gate-{name}.xml"))
    assert file.mode == 0o600
    (suite,) = ET.fromstring(file.content)
    assert suite.get("name") == f"gate {name}"
    assert len(suite) == int(suite.attrib["tests"]) == counts["tests"]
    for count, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[count]) == counts.get(count, 0)
        assert len(suite.findall(f"testcase/{element}")) == counts.get(count, 0)
    if says:
        found = [*suite.findall("testcase/failure"), *suite.findall("testcase/error")]
        assert says in found[0].attrib["message"]


def test_evidence_holds_no_password(host: Any, folder: Path, home: Path) -> None:
    lab = home.parents[2] / "inventories" / "lab" / "group_vars" / "all" / "lab.yml"
    (line,) = [line for line in lab.read_text().splitlines() if "rollout_reader:" in line]
    password = line.split("'")[1]
    assert host.run(f"grep -r {password} {folder}").rc == 1
