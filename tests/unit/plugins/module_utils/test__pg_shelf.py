# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import write_manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import shelf

Make = Callable[..., Path]


def make(directory: Path, label: str, **facts: Any) -> Path:
    folder = directory / label
    (folder / "dump").mkdir(parents=True)
    (folder / "dump" / "toc.dat").write_text("table of contents")
    known = {
        "label": label,
        "database": "app",
        "system_identifier": "7",
        "taken_at": "2026-01-12T09:00:00+00:00",
        "keep": False,
        "proof": {"proven": True, "seconds": 2.5},
    }
    write_manifest(folder, {**known, **facts})
    return folder


def test_backups_are_listed_by_their_time_whatever_their_names(tmp_path: Path) -> None:
    make(tmp_path, "a", taken_at="2026-01-13T00:30:00+00:00")
    make(tmp_path, "b", taken_at="2026-01-13T01:00:00+02:00")
    make(tmp_path, "c", taken_at="2026-01-12T00:00:00+00:00")
    assert [kept.label for kept in shelf(tmp_path)] == ["c", "b", "a"]


def test_what_a_person_wants_to_know_of_a_backup(tmp_path: Path) -> None:
    make(tmp_path, "a", git_tree="4f2b", server_version="15.8")
    (kept,) = shelf(tmp_path)
    assert kept.summary() == {
        "label": "a",
        "path": str(tmp_path / "a"),
        "database": "app",
        "taken_at": "2026-01-12T09:00:00+00:00",
        "server_version": "15.8",
        "bytes": 17,
        "keep": False,
        "git_tree": "4f2b",
        "proven": True,
        "restore_seconds": 2.5,
        "problem": "",
    }


def test_what_is_hidden_or_no_folder_is_not_listed(tmp_path: Path) -> None:
    make(tmp_path, ".a~partial")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(make(tmp_path, "a"))
    assert [kept.label for kept in shelf(tmp_path)] == ["a"]


def change(folder: Path, **facts: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(
            lambda folder: (folder / "dump/toc.dat").write_text("table"),
            "its files have 5 bytes instead of 17",
            id="a truncated file",
        ),
        pytest.param(
            lambda folder: (folder / "dump/toc.dat").unlink(),
            "files are missing: dump/toc.dat",
            id="a missing file",
        ),
        pytest.param(
            lambda folder: folder.rename(folder.with_name("b")),
            "it was renamed: it is the backup a",
            id="another name",
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").unlink(), "is no backup", id="no manifest"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("{"),
            "is no backup",
            id="half of it",
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("[]"), "is no backup", id="a list"
        ),
        pytest.param(
            lambda folder: change(folder, taken_at="yesterday"), "makes no sense", id="no time"
        ),
        pytest.param(
            lambda folder: change(folder, taken_at="2026-01-12T09:00:00"),
            "its time has no zone",
            id="a time that could be anywhere",
        ),
        pytest.param(
            lambda folder: change(folder, proof={"proven": "yes"}),
            "it has no proof, good or bad",
            id="a proof that is none",
        ),
        pytest.param(lambda folder: change(folder, proof=None), "makes no sense", id="no proof"),
        pytest.param(
            lambda folder: change(folder, files={"a": 1}), "are missing", id="other files"
        ),
    ],
)
def test_what_is_damaged_is_named_and_comes_last(
    tmp_path: Path, damage: Callable[[Path], None], problem: str
) -> None:
    damage(make(tmp_path, "a"))
    make(tmp_path, "intact", taken_at="2027-01-01T00:00:00+00:00")
    intact, damaged = shelf(tmp_path)
    assert intact.label == "intact"
    assert problem in damaged.problem
    assert damaged.summary()["proven"] is False
    assert not damaged.is_of("app", "7")


@pytest.mark.parametrize(
    ("database", "identifier", "same"),
    [
        pytest.param("app", "7", True, id="this database of this server"),
        pytest.param("other", "7", False, id="another database"),
        pytest.param("app", "8", False, id="a database of that name elsewhere"),
    ],
)
def test_whose_backup_it_is(tmp_path: Path, database: str, identifier: str, same: bool) -> None:
    make(tmp_path, "a")
    assert shelf(tmp_path)[0].is_of(database, identifier) is same
