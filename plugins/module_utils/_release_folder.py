# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release folders of a host: which one a link leads to, what they share, which may go.

This module util is PRIVATE to the collection. It runs on managed hosts: standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Set

from ansible_collections.phased.rollout.plugins.module_utils._unit_files import (
    UNITS,
    read_text,
    write_text,
)

REVISION = "REVISION"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ReleaseError(Exception):
    """A release cannot be switched to. The message says which, why, and what to do."""


@dataclass(frozen=True)
class Shared:
    """What releases have in common: path within a release, and what stands there instead."""

    path: Path
    target: Path
    folder: bool


class Releases:
    """The folders below one root: releases/HASH, shared, and links that lead to a release."""

    def __init__(self, root: str) -> None:
        """Use the root. Nothing is read yet."""
        self.root = Path(root)
        self.folder = self.root / "releases"

    def complete(self, release: str) -> Path:
        """Return the folder of a release. Raises ReleaseError unless it is there as a whole."""
        path = self.folder / release
        found = read_text(path / REVISION) if _NAME.fullmatch(release) else None
        if found is None or found.strip() != release:
            raise ReleaseError(
                f"release {release} is not there as a whole: {path / REVISION} "
                + ("is missing" if found is None else f"names {found.strip()!r}")
                + "; bring the tree to the host again"
            )
        return path

    def linked(self, link: str) -> str:
        """Return the release that a link leads to, an empty string if there is no such link."""
        path = self.root / link
        return path.resolve().name if path.is_symlink() and path.exists() else ""

    def switch(self, link: str, release: str) -> None:
        """Lead a link to a release in one atomic step: there is no moment without a release."""
        path = self.root / link
        if path.exists() and not path.is_symlink():
            raise ReleaseError(f"{path} is no link, so it is not replaced; move it away")
        partial = self.root / f".{link}.partial-{os.getpid()}"
        partial.unlink(missing_ok=True)
        partial.symlink_to(Path("releases") / release)
        partial.replace(path)
        # What was switched to last is what the clean-up keeps longest.
        os.utime(self.folder / release / REVISION)

    def shared(self, release: Path, paths: Sequence[str]) -> List[Shared]:
        """Return what a release has to share and does not yet.

        Raises ReleaseError if the release brings it itself, or if there is nothing to share.
        """
        wanted = [self._shared(release, path) for path in paths]
        return [one for one in wanted if not one.path.is_symlink()]

    def _shared(self, release: Path, given: str) -> Shared:
        inside = Path(given.rstrip("/"))
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise ReleaseError(f"shared {given!r} must be a path below the release, such as media/")
        one = Shared(release / inside, self.root / "shared" / inside, given.endswith("/"))
        if one.path.exists() and not one.path.is_symlink():
            raise ReleaseError(
                f"release {release.name} brings {inside} itself, so it cannot be shared: take it"
                " out of the tree, or out of what is shared"
            )
        if not one.folder and not one.target.is_file():
            raise ReleaseError(
                f"{one.target} is not there to be shared: put it there, or end its name with / if"
                " it is a folder"
            )
        return one

    def link_shared(self, shared: Sequence[Shared], *, uid: int, gid: int) -> None:
        """Link what is shared into a release; a folder that is not there belongs to the service."""
        for one in shared:
            if one.folder and not one.target.is_dir():
                one.target.mkdir(mode=0o750, parents=True)
                os.chown(one.target, uid, gid)
            one.path.parent.mkdir(parents=True, exist_ok=True)
            one.path.symlink_to(os.path.relpath(one.target, one.path.parent))

    def removable(self, keep: int, needed: Set[str]) -> List[str]:
        """Return the releases that may go: all but those needed and the newest keep of the others.

        What a killed run left half unpacked is never kept.
        """
        others = [
            path for path in self.folder.iterdir() if path.is_dir() and path.name not in needed
        ]
        whole = [path for path in others if (path / REVISION).is_file()]
        whole.sort(key=lambda path: (path / REVISION).stat().st_mtime, reverse=True)
        return sorted(path.name for path in others if path not in whole[:keep])

    def remove(self, names: Sequence[str]) -> None:
        """Remove releases. REVISION goes first, so a killed run leaves none that looks whole."""
        for name in names:
            (self.folder / name / REVISION).unlink(missing_ok=True)
            shutil.rmtree(self.folder / name)

    def needed(self, proc: Path = Path("/proc")) -> Set[str]:
        """Return the releases that a link leads to or that a process runs in."""
        links = {self.linked(path.name) for path in self.root.iterdir() if path.is_symlink()}
        return (links | set(_running(self.folder, proc))) - {""}


def changed_units(release: Path, units: Mapping[str, str], folder: Path = UNITS) -> Dict[Path, str]:
    """Return the unit files that a release brings and that are not installed as they are there.

    units: name of the unit to the path within the release. Raises ReleaseError if one is missing.
    """
    changed: Dict[Path, str] = {}
    for unit, inside in units.items():
        text = read_text(release / inside)
        if text is None:
            raise ReleaseError(f"release {release.name} brings no {inside} for unit {unit}")
        if read_text(folder / f"{unit}.service") != text:
            changed[folder / f"{unit}.service"] = text
    return changed


def install_units(changed: Mapping[Path, str]) -> None:
    """Install unit files. systemd reads them at the next daemon-reload."""
    for path, text in changed.items():
        write_text(path, text)


def _running(folder: Path, proc: Path) -> List[str]:
    found = []
    real = folder.resolve()
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                where = Path(os.readlink(entry / "cwd"))  # noqa: PTH115
            except OSError:
                continue  # it has ended, or has no working directory
            if real in where.parents:
                found.append(where.relative_to(real).parts[0])
    return found
