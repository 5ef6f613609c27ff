# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup is private, complete, and can be read back."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict

import pytest

testinfra_hosts = ["ansible://rollout_db"]
DIRECTORY = "/var/backups/rollout"
BACKUP = f"{DIRECTORY}/molecule"

Manifest = Dict[str, Any]


@pytest.fixture
def manifest(root: Any) -> Manifest:
    loaded: Manifest = json.loads(root.file(f"{BACKUP}/manifest.json").content_string)
    return loaded


def test_only_postgres_can_read_it(root: Any) -> None:
    found = root.check_output(r"find %s -printf '%%M %%u\n'", BACKUP).splitlines()
    assert set(found) == {"drwx------ postgres", "-rw------- postgres"}


def test_the_manifest_lists_every_file_with_its_sum(root: Any, manifest: Manifest) -> None:
    command = f"cd {BACKUP} && find * -type f ! -name manifest.json -exec sha256sum {{}} +"
    lines = root.check_output("sh -c %s", command).splitlines()
    assert {name: digest for digest, name in map(str.split, lines)} == manifest["files"]


def test_the_manifest_names_what_was_asked_for(manifest: Manifest) -> None:
    assert manifest["label"] == "molecule"
    assert manifest["database"] == "tower_consolidated"


def test_every_table_is_in_it(root: Any, sql: Callable[[str, str], str]) -> None:
    listed = root.check_output("pg_restore --list %s", f"{BACKUP}/dump")
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    tables = sql("tower_consolidated", asked).split()
    assert "generations" in tables
    for table in tables:
        assert f"TABLE DATA public {table} " in listed


def test_its_rows_can_be_restored(root: Any) -> None:
    restore = f"pg_restore --file=- --data-only --table=alembic_version {BACKUP}/dump"
    assert "\n0001\n" in root.check_output(restore)


def test_what_was_refused_has_left_nothing(root: Any) -> None:
    assert set(root.file(DIRECTORY).listdir()) == {"molecule", "damaged"}
