# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup is private, complete, proven, and where it should be; what is sealed stays closed."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict

import pytest

testinfra_hosts = ["ansible://rollout_db"]
DIRECTORY, COPIES = "/var/backups/rollout", "/srv/backups"
BACKUP, SEALED = f"{DIRECTORY}/molecule", f"{DIRECTORY}/sealed"

Manifest = Dict[str, Any]


def read(root: Any, folder: str) -> Manifest:
    loaded: Manifest = json.loads(root.file(f"{folder}/manifest.json").content_string)
    return loaded


@pytest.fixture
def manifest(root: Any) -> Manifest:
    return read(root, BACKUP)


@pytest.mark.parametrize("folder", [BACKUP, SEALED])
def test_only_postgres_can_read_it(root: Any, folder: str) -> None:
    found = root.check_output(r"find %s -printf '%%M %%u\n'", folder).splitlines()
    assert set(found) == {"drwx------ postgres", "-rw------- postgres"}


@pytest.mark.parametrize("folder", [BACKUP, SEALED])
def test_the_manifest_lists_every_file_with_its_sum(root: Any, folder: str) -> None:
    names = "find * -type f ! -name manifest.json ! -name SHA256SUMS"
    lines = root.check_output("sh -c %s", f"cd {folder} && {names} -exec sha256sum {{}} +")
    found = {name: digest for digest, name in map(str.split, lines.splitlines())}
    assert found == read(root, folder)["files"]
    root.check_output("sh -c %s", f"cd {folder} && sha256sum --check --strict --quiet SHA256SUMS")


def test_the_manifest_says_what_it_is(manifest: Manifest) -> None:
    known = {name: manifest[name] for name in ("label", "database", "migration_version")}
    assert known == {
        "label": "molecule",
        "database": "tower_consolidated",
        "migration_version": "0001",
    }


def test_it_is_proven(root: Any, manifest: Manifest) -> None:
    assert manifest["proof"]["proven"]
    assert manifest["proof"]["invariants"] == ["there is one version"]
    assert read(root, SEALED)["proof"]["kind"] == "cluster"


def test_every_table_is_in_it(
    root: Any, manifest: Manifest, sql: Callable[[str, str], str]
) -> None:
    listed = root.check_output("pg_restore --list %s", f"{BACKUP}/dump")
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    tables = sql("tower_consolidated", asked).split()
    assert "generations" in tables
    for table in tables:
        assert f"TABLE DATA public {table} " in listed
        rows = sql("tower_consolidated", f"SELECT count(*) FROM public.{table}")
        assert manifest["tables"][f"public.{table}"]["rows"] == int(rows)


def test_its_rows_can_be_restored(root: Any) -> None:
    restore = f"pg_restore --file=- --data-only --table=alembic_version {BACKUP}/dump"
    assert "\n0001\n" in root.check_output(restore)


def test_what_is_sealed_opens_with_its_key_alone(root: Any) -> None:
    names = root.check_output("find %s -type f", SEALED).split()
    closed = {name for name in names if not name.endswith((".age", "/manifest.json", "SHA256SUMS"))}
    assert closed == set()
    toc = f"{SEALED}/dump/toc.dat.age"
    assert "alembic_version" not in root.check_output("cat -v %s", toc)
    opened = f"age --decrypt --identity /root/molecule.key {toc} | cat -v"
    assert "alembic_version" in root.check_output("sh -c %s", opened)


def test_the_copy_is_the_same_and_private(root: Any, on: Callable[[str], Any]) -> None:
    vault = on("vault")
    with vault.sudo():
        there = f"cd {COPIES}/molecule && sha256sum --check --strict --quiet SHA256SUMS"
        vault.check_output("sh -c %s", there)
        found = vault.check_output(r"find %s/molecule -printf '%%M %%u\n'", COPIES).splitlines()
        assert set(found) == {"drwx------ backup-copy", "-rw------- backup-copy"}
        copy = vault.file(f"{COPIES}/molecule/manifest.json").sha256sum
    assert copy == root.file(f"{BACKUP}/manifest.json").sha256sum


def test_what_was_refused_or_only_needed_for_a_while_is_gone(
    root: Any, sql: Callable[[str, str], str]
) -> None:
    assert set(root.file(DIRECTORY).listdir()) == {"molecule", "sealed", "damaged"}
    scratch = "SELECT count(*) FROM pg_database WHERE datname LIKE '%scratch%'"
    assert sql("postgres", scratch) == "0"
    assert root.run("pgrep --full %s", "postgres -[D] /var/backups").rc == 1
