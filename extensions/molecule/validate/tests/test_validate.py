# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passed has left its evidence, once; what failed has left its output and no evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_validation"]


@pytest.fixture
def evidence(home: Path) -> Path:
    return home / "phase-1"


def records(folder: Path, stage: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in folder.glob(f"{stage}-*.json")]


def test_the_scripts_ran_in_a_checkout_of_the_tree(root: Any, tree: str) -> None:
    checkout = root.file(f"/var/lib/validator/{tree}")
    assert checkout.is_directory
    assert checkout.user == "validator"
    script = root.file(f"{checkout.path}/tests/security/scan.sh")
    assert script.user == "validator"
    assert script.mode & 0o100


def test_the_output_of_the_script_is_kept(evidence: Path) -> None:
    log = evidence / "integration-security-scan.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.read_text().strip()


def test_the_evidence_vouches_for_the_tree(evidence: Path, tree: str) -> None:
    (record,) = records(evidence, "integration")
    assert record["subject"] == {"tree": tree}
    assert [item["name"] for item in record["items"]] == ["security scan"]


def test_the_request_was_sent_once_and_not_again(sql: Callable[[str, str], str]) -> None:
    sent = "SELECT count(*) FROM generations WHERE project_id = 'molecule-traced'"
    assert sql("tower_staging", sent) == "1"


def test_what_failed_is_no_evidence(home: Path) -> None:
    assert records(home / "molecule" / "validate", "") == []


def test_what_failed_ran_as_the_unprivileged_user_in_the_checkout(home: Path, tree: str) -> None:
    said = (home / "molecule" / "validate" / "staging-failing.log").read_text()
    assert said.split("\n")[:2] == ["validator", f"/var/lib/validator/{tree}"]


def test_nothing_of_it_still_runs(root: Any) -> None:
    assert root.run("pgrep --euid validator").stdout == ""
