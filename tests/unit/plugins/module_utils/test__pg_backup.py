# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_backup
from ansible_collections.phased.rollout.plugins.module_utils._pg_backup import (
    Backup,
    BackupError,
    check_label,
)


class Programs:
    """PostgreSQL's programs, as far as a backup sees them."""

    def __init__(self) -> None:
        self.fails: str | None = None
        self.size = 100

    def __call__(self, argv: list[str]) -> tuple[int, str, str]:
        name = Path(argv[0]).name
        if name == self.fails:
            return 1, "", f"{name}: error: no"
        if name == "pg_dump":
            dump = Path(argv[argv.index("-f") + 1])
            dump.mkdir()
            (dump / "toc.dat").write_text("table of contents")
        if "--list" in argv:
            return 0, "215; 0 16390 TABLE DATA public generations tower_owner\n", ""
        return 0, f"{self.size}\n", ""


@pytest.fixture
def programs(monkeypatch):
    monkeypatch.setattr(_pg_backup, "find_program", lambda name: f"/usr/bin/{name}")
    return Programs()


@pytest.fixture
def backup(programs, tmp_path):
    return Backup(programs, database="app", label="pre-phase-1", directory=str(tmp_path), jobs=2)


@pytest.mark.parametrize("label", ["", "../x", "a/b", ".hidden", "-rf", "a b", "x\n", "x" * 101])
def test_a_label_cannot_leave_the_directory(label):
    with pytest.raises(BackupError, match="label"):
        check_label(label)


def test_a_backup_is_found_again_with_the_same_manifest(backup):
    assert backup.find() is None
    taken = backup.take()
    assert backup.find() == taken
    assert taken["tables"] == 1


def test_a_backup_is_private(backup):
    backup.take()
    modes = {path.name: path.stat().st_mode & 0o777 for path in backup.folder.rglob("*.*")}
    assert modes == {"manifest.json": 0o600, "toc.dat": 0o600}


@pytest.mark.parametrize("program", ["psql", "pg_dump", "pg_restore"])
def test_a_program_that_fails_leaves_nothing_behind(backup, programs, program, tmp_path):
    programs.fails = program
    with pytest.raises(BackupError, match=program):
        backup.take()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_no_backup_and_is_removed(backup, tmp_path):
    (tmp_path / ".pre-phase-1.partial-1").mkdir()
    assert backup.find() is None
    backup.take()
    assert [path.name for path in tmp_path.iterdir()] == ["pre-phase-1"]


def test_a_database_larger_than_the_free_space_is_refused(backup, programs):
    programs.size = 1 << 60
    with pytest.raises(BackupError, match="bytes free"):
        backup.take()


def test_the_label_of_another_database_is_refused(backup, programs, tmp_path):
    backup.take()
    other = Backup(programs, database="b", label="pre-phase-1", directory=str(tmp_path), jobs=2)
    with pytest.raises(BackupError, match="of database app, not of b"):
        other.find()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(
            lambda folder: (folder / "dump/toc.dat").write_text("x"), "damaged", id="a changed file"
        ),
        pytest.param(
            lambda folder: (folder / "dump/toc.dat").unlink(), "toc.dat", id="a missing file"
        ),
        pytest.param(
            lambda folder: (folder / "extra").write_text(""), "extra", id="a file too many"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").unlink(), "no backup", id="no manifest"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("[]"),
            "no backup",
            id="a manifest that is none",
        ),
    ],
)
def test_a_damaged_backup_is_refused(backup, damage, says):
    backup.take()
    damage(backup.folder)
    with pytest.raises(BackupError, match=says):
        backup.find()
