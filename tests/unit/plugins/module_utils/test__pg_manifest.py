# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    MANIFEST,
    SUMS,
    check_label,
    read_manifest,
    write_manifest,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pre-phase-1"
    (made / "dump").mkdir(parents=True)
    (made / "dump" / "toc.dat").write_bytes(b"table of contents")
    (made / "roles.sql").write_text("CREATE ROLE app;\n")
    write_manifest(made, {"label": made.name, "database": "tower"})
    return made


@pytest.mark.parametrize("label", ["a", "pre-phase-1-deployment", "1.2_3", "x" * 100])
def test_a_label_that_names_one_folder(label: str) -> None:
    assert check_label(label) == label


@pytest.mark.parametrize("label", ["", ".", "..", "../x", "a/b", "-x", ".x", "ä", "a b", "x" * 101])
def test_a_label_that_could_name_anything_else_is_refused(label: str) -> None:
    with pytest.raises(PgError, match="is not usable"):
        check_label(label)


def test_a_folder_that_is_not_there_is_no_backup(tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "none") is None


def test_a_manifest_lists_every_file_and_is_private(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    assert set(manifest["files"]) == {"dump/toc.dat", "roles.sql"}
    assert manifest["bytes"] == len(b"table of contents") + len("CREATE ROLE app;\n")
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_its_sums_are_what_coreutils_reads(folder: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=folder, check=True)


def _edit(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_text())
        change(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return edit


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte more": (lambda f: (f / "dump/toc.dat").open("ab").write(b"x"), "toc.dat changed"),
    "a byte less": (lambda f: (f / "dump/toc.dat").write_bytes(b"table of content"), "is damaged"),
    "a file that is gone": (lambda f: (f / "roles.sql").unlink(), "roles.sql"),
    "a file that was added": (lambda f: (f / "dump/1.dat").touch(), "dump/1.dat"),
    "a link that was added": (lambda f: (f / "link").symlink_to("/etc/passwd"), "link"),
    "no manifest": (lambda f: (f / MANIFEST).unlink(), "is no backup"),
    "an empty manifest": (lambda f: (f / MANIFEST).write_text(""), "is no backup"),
    "half a manifest": (lambda f: (f / MANIFEST).write_text('{"files": {'), "is no backup"),
    "a manifest that is a list": (lambda f: (f / MANIFEST).write_text("[]"), "is no backup"),
    "a manifest without files": (_edit(lambda m: m.pop("files")), "is no backup"),
    "a manifest without a database": (_edit(lambda m: m.pop("database")), "is no backup"),
    "the manifest of another label": (_edit(lambda m: m.update(label="x")), "was renamed"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_none(folder: Path, damage: str) -> None:
    do, says = DAMAGES[damage]
    do(folder)
    with pytest.raises(PgError, match=says):
        read_manifest(folder)
