# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a folder must hold to be a backup: its manifest, and the files that it lists.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed

#: label, database, server_version, server_version_num, system_identifier, taken_at (ISO, UTC),
#: incarnation, snapshot, tables ({name: {rows, sum, columns}}), roles, properties, git_tree,
#: migration_version, keep, encryption, proof ({kind, proven, seconds, at}), bytes, seconds,
#: files ({path: SHA-256}).
Manifest = Dict[str, Any]

MANIFEST = "manifest.json"
#: The same sums as in the manifest, for `sha256sum --check SHA256SUMS`.
SUMS = "SHA256SUMS"
DUMP = "dump"
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_label(label: str) -> str:
    """Return label. Raises PgError if it could name anything but one folder."""
    if not _LABEL.fullmatch(label):
        raise PgError(
            f"label {label!r} is not usable: it must start with a letter or a digit and hold only"
            " letters, digits, '.', '_' and '-', for example pre-phase-1-deployment"
        )
    return label


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def load_manifest(folder: Path) -> Optional[Manifest]:
    """Return the manifest of the backup in folder as it stands there, None if there is no folder.

    Raises PgError if it cannot be read or lacks what makes it one.
    """
    if not folder.exists():
        return None
    try:
        manifest: Manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if not (isinstance(manifest["files"], dict) and isinstance(manifest["database"], str)):
            raise TypeError("files and database are not what they should be")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise PgError(f"{folder} is no backup: its {MANIFEST} cannot be read: {exc}") from exc
    return manifest


def read_manifest(folder: Path) -> Optional[Manifest]:
    """Return the manifest of the backup in folder after checking every file, None if absent.

    Raises PgError if the manifest or a file that it lists is damaged, missing or foreign.
    """
    manifest = load_manifest(folder)
    if manifest is None:
        return None
    files: Dict[str, str] = manifest["files"]
    there = {str(path.relative_to(folder)) for path in _files(folder)} - {MANIFEST, SUMS}
    if there != set(files):
        odd = listed(sorted(there ^ set(files)))
        raise PgError(f"{folder} does not hold the files that its manifest lists: {odd}")
    damaged = [name for name in sorted(files) if sha256_of(folder / name) != files[name]]
    if damaged:
        raise PgError(f"{folder} is damaged: {listed(damaged)} changed after the backup")
    if manifest.get("label") != folder.name:
        raise PgError(
            f"{folder} holds the backup {manifest.get('label')}: it was renamed; name it so again"
        )
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Return the manifest, completed by the files in folder, after writing it there for good.

    All files are made private and are on disk when this returns.
    """
    paths = [path for path in _files(folder) if path.name not in (MANIFEST, SUMS)]
    for path in paths:
        path.chmod(0o600)
        fsync(path)
    files = {str(path.relative_to(folder)): sha256_of(path) for path in paths}
    complete = {**manifest, "bytes": sum(path.stat().st_size for path in paths), "files": files}
    write_file(folder / MANIFEST, json.dumps(complete, indent=2, sort_keys=True) + "\n")
    write_file(folder / SUMS, "".join(f"{digest}  {name}\n" for name, digest in files.items()))
    for inner in [path for path in folder.rglob("*") if path.is_dir()] + [folder]:
        fsync(inner)
    return complete


def write_file(path: Path, text: str) -> None:
    """Write a private file that is on disk, whole, when this returns."""
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    beside.write_text(text, encoding="utf-8")
    fsync(beside)
    beside.replace(path)


def fsync(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> List[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
