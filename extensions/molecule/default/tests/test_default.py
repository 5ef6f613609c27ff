# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios are complete, and the hosts that they share are up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

testinfra_hosts = ["ansible://all"]
SCENARIOS = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (SCENARIOS.parents[1] / "roles").iterdir())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("file", ["molecule.yml", "converge.yml", "tests/test_{role}.py"])
def test_every_role_has_a_scenario_with_tests(role: str, file: str) -> None:
    assert (SCENARIOS / role / file.format(role=role)).is_file()


def test_every_host_is_up(host: Any) -> None:
    if host.backend.host != "localhost":
        assert host.check_output("hostname") == host.backend.host
        assert host.check_output("systemctl is-system-running") == "running"
