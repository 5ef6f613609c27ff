# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups that a directory holds, as far as that can be told without reading all of them.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    Manifest,
    load_manifest,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed


@dataclass(frozen=True)
class Kept:
    """A folder in the directory of backups. problem: why it cannot be one, empty if it can."""

    path: Path
    manifest: Manifest = field(default_factory=dict)
    problem: str = ""

    @property
    def label(self) -> str:
        """The label under which it is kept."""
        return self.path.name

    @property
    def taken_at(self) -> datetime:
        """When it was taken. Only a backup without problem has such a time."""
        return datetime.fromisoformat(self.manifest["taken_at"])

    @property
    def proven(self) -> bool:
        """Whether it was restored once, and what came of that compared."""
        return bool(self.manifest["proof"]["proven"])

    def is_of(self, database: str, system_identifier: str) -> bool:
        """Return whether it is a backup of this database of this server."""
        origin = (self.manifest.get("database"), self.manifest.get("system_identifier"))
        return not self.problem and origin == (database, system_identifier)

    def summary(self) -> Dict[str, Any]:
        """Return what a person wants to know of it. What is not known is null."""
        known = ("database", "taken_at", "server_version", "bytes", "keep", "git_tree")
        proof = self.manifest.get("proof") or {}
        return {
            "label": self.label,
            "path": str(self.path),
            **{name: self.manifest.get(name) for name in known},
            "proven": bool(proof.get("proven")) and not self.problem,
            "restore_seconds": proof.get("seconds") if proof.get("proven") else None,
            "problem": self.problem,
        }


def shelf(directory: Path) -> List[Kept]:
    """Return what a directory holds, the oldest backup first; folders with a problem come last.

    Files are looked for and their sizes added up. Only a restore, or taking the same label again,
    reads them. Raises OSError if the directory cannot be read.
    """
    folders = [
        path
        for path in directory.iterdir()
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
    ]
    found = [_look(path) for path in sorted(folders)]
    intact = sorted((kept for kept in found if not kept.problem), key=lambda kept: kept.taken_at)
    return intact + [kept for kept in found if kept.problem]


def _look(folder: Path) -> Kept:
    manifest: Manifest = {}
    try:
        manifest = load_manifest(folder) or {}
        kept = Kept(folder, manifest)
        problem = _problem(kept)
        if not problem and kept.taken_at.tzinfo is None:
            problem = "its time has no zone"
        return Kept(folder, manifest, problem)
    except PgError as exc:
        return Kept(folder, manifest, str(exc))
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as exc:
        return Kept(folder, manifest, f"its manifest makes no sense: {exc!r}")


def _problem(kept: Kept) -> str:
    """Return what is wrong with the files of a backup, or with its name."""
    manifest = kept.manifest
    if manifest["label"] != kept.label:
        return f"it was renamed: it is the backup {manifest['label']}"
    missing = [name for name in manifest["files"] if not (kept.path / name).is_file()]
    if missing:
        return f"files are missing: {listed(sorted(missing))}"
    size = sum((kept.path / name).stat().st_size for name in manifest["files"])
    if size != manifest["bytes"]:
        return f"its files have {size} bytes instead of {manifest['bytes']}"
    return "" if isinstance(manifest["proof"]["proven"], bool) else "it has no proof, good or bad"
