# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staging serves the tree, and production what it served before."""

from __future__ import annotations

import json
from typing import Any, Callable

testinfra_hosts = ["ansible://rollout_staging"]
CURL = "curl --silent --show-error --fail"
UNIT = "tower-anime-production"


def ask(host: Any, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(host.check_output(f"{CURL} http://127.0.0.1:8000{path}"))
    return answer


def show(host: Any, name: str) -> str:
    return str(host.check_output(f"systemctl show --value --property={name} {UNIT}"))


def test_the_service_runs_and_starts_at_boot(host: Any) -> None:
    service = host.service(UNIT)
    assert service.is_running
    assert service.is_enabled


def test_the_service_serves_the_tree_and_is_ready(host: Any, tree: str) -> None:
    health = ask(host, "/health")
    assert (health["status"], health["release"]) == ("ok", tree)
    assert ask(host, "/ready")


def test_the_process_runs_in_the_release(host: Any, tree: str) -> None:
    with host.sudo("tower"):
        running = host.check_output(f"readlink /proc/{show(host, 'MainPID')}/cwd")
    assert running == f"/opt/tower/releases/{tree}"


def test_systemd_knows_the_unit_that_is_installed(host: Any) -> None:
    assert show(host, "NeedDaemonReload") == "no"
    assert show(host, "NRestarts") == "0"


def test_no_drop_in_is_left(host: Any) -> None:
    assert show(host, "DropInPaths") == ""


def test_production_serves_what_it_served(
    on: Callable[[str], Any], git: Callable[[str], str]
) -> None:
    before = git("rev-parse main^{tree}")
    assert {ask(on(name), "/health")["release"] for name in ("prod1", "prod2")} == {before}
