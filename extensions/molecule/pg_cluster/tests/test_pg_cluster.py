# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster was backed up to another host, and taken back to the moment before a mistake."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List

import pytest

testinfra_hosts = ["ansible://rollout_db"]
CLUSTERS = "/var/lib/postgresql/15"


@pytest.fixture
def postgres(host: Any) -> Any:
    with host.sudo("postgres"):
        yield host


@pytest.fixture
def backups(postgres: Any) -> List[Dict[str, Any]]:
    told = postgres.check_output("pgbackrest --stanza=main --output=json info")
    found: List[Dict[str, Any]] = json.loads(told)[0]["backup"]
    return found


def test_only_what_was_backed_up_is_in_the_repository(backups: List[Dict[str, Any]]) -> None:
    assert [backup["annotation"]["label"] for backup in backups] == ["molecule-cluster"]
    assert {"proven", "restore_seconds", "server_version"} <= set(backups[0]["annotation"])
    assert backups[0]["annotation"]["migration_version"] == "0001"


def test_the_rows_from_before_the_mistake_are_there(sql: Callable[[str, str], str]) -> None:
    assert sql("tower_staging", "SELECT count(*), max(id) FROM molecule_probe") == "15|15"


def test_the_cluster_that_was_replaced_is_kept(root: Any) -> None:
    names = set(root.file(CLUSTERS).listdir()) - {"main", "main.image"}
    assert len(names) == 1
    (kept,) = names
    assert kept.startswith("main_before_")
    assert root.check_output("stat -c '%%a %%U' %s", f"{CLUSTERS}/{kept}") == "700 postgres"


def test_systemd_runs_the_restored_cluster(postgres: Any) -> None:
    assert postgres.check_output("systemctl is-active postgresql@15-main") == "active"
    pid = postgres.check_output("systemctl show --property=MainPID --value postgresql@15-main")
    assert postgres.check_output("readlink /proc/%s/cwd", pid) == f"{CLUSTERS}/main"


def test_its_new_timeline_is_archived(postgres: Any, sql: Callable[[str, str], str]) -> None:
    postgres.check_output("pgbackrest --stanza=main check")
    assert sql("postgres", "SELECT timeline_id FROM pg_control_checkpoint()") != "1"
    assert sql("postgres", "SELECT pg_is_in_recovery()") == "f"


def test_nothing_is_left_of_proofs_and_of_what_was_refused(root: Any) -> None:
    assert root.file("/var/lib/postgresql/scratch").listdir() == []
    assert root.file("/mnt").listdir() == []
