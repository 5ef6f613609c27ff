# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""The attributes of a commit, laid out so that git merges by them in a repository without a tree.

Git reads .gitattributes from a work tree only (2.39). So a merge gets one that holds nothing else:
the .gitattributes of the commit that is merged into, which is what `git merge` would see.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ansible_collections.phased.rollout.plugins.module_utils._git_parse import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ansible_collections.phased.rollout.plugins.module_utils._git import Repository

_NAME = ".gitattributes"
# By the length of an object id: SHA-1 and SHA-256.
_EMPTY_TREE = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_DRIVER = re.compile(rb"(?:^|[\s,])merge=([^\s]+)", re.M)
_BUILT_IN = {"text", "binary", "union"}
#: What people configure as the driver `ours`, see gitattributes(5): keep our side.
_KNOWN = {"ours": "true"}
#: A driver that only the author's configuration has: its files conflict, whoever changed what.
_UNKNOWN = "false"


@dataclass(frozen=True)
class Attributes:
    """A work tree that holds nothing but attributes, and the merge drivers that these name."""

    folder: Path
    drivers: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> list[str]:
        """The drivers that are not known here."""
        return sorted(name for name, command in self.drivers.items() if command == _UNKNOWN)

    def environment(self, repository: Repository) -> dict[str, str]:
        """Return the environment of a git command that merges by the attributes in the folder."""
        settings = {f"merge.{name}.driver": command for name, command in self.drivers.items()}
        env = {
            "GIT_DIR": str(repository.git_dir),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        # Not `-c name=value`: a name with an equals sign would set something else.
        for number, (key, value) in enumerate(settings.items()):
            env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"] = key, value
        return env


class AttributeFolders:
    """The attributes of commits, each laid out once; removed with the object."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._home = tempfile.TemporaryDirectory(prefix="phased-rollout-")
        self._made: dict[frozenset[tuple[bytes, str]], Attributes] = {}
        self._of: dict[str, Attributes] = {}

    def of(self, commit: str) -> Attributes:
        """Return the attributes of the commit."""
        if commit not in self._of:
            self._of[commit] = self._laid_out(self._files(commit))
        return self._of[commit]

    @property
    def none(self) -> Attributes:
        """No attributes at all."""
        return self._laid_out(frozenset())

    def any_for(self, commit: str, paths: Iterable[bytes]) -> bool:
        """Return whether the commit has attributes in a folder of the paths, or above it."""
        folders = {path[: slash + 1] for path in paths for slash in _slashes(path)}
        if not folders:
            return False
        asked = b"".join(b"%s:%s%s\0" % (commit.encode(), f, _NAME.encode()) for f in folders)
        done = self._repository.git(
            "cat-file", "--batch-check=%(objecttype)", "-z", data=asked, doing="look for attributes"
        )
        return b"blob" in done.stdout.split()

    def same(self, commit: str, other: str) -> None:
        """Take the attributes of a commit as those of another, which differs in other files."""
        self._of[commit] = self.of(other)

    def _files(self, commit: str) -> frozenset[tuple[bytes, str]]:
        done = self._repository.git(
            "diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev",
            _EMPTY_TREE[len(commit)], commit, "--", f":(glob)**/{_NAME}", doing="read attributes",
        )  # fmt: skip
        words = done.stdout.split(b"\0")[:-1]
        found = []
        for entry, path in zip(words[::2], words[1::2]):
            _old_mode, mode, _old, blob, _status = entry.lstrip(b":").split(b" ")
            # Git does not follow a link of this name. A tree made by hand may hold any path.
            parts = PurePosixPath(os.fsdecode(path)).parts
            if mode.startswith(b"100") and not {"..", "/", ".git"}.intersection(parts):
                found.append((path, text(blob)))
        return frozenset(found)

    def _laid_out(self, files: frozenset[tuple[bytes, str]]) -> Attributes:
        if files not in self._made:
            folder = Path(self._home.name, str(len(self._made)))
            folder.mkdir()
            drivers: dict[str, str] = {}
            for path, blob in sorted(files):
                content = self._repository.blob(blob)
                place = folder / os.fsdecode(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
                names = {text(name) for name in _DRIVER.findall(content)} - _BUILT_IN
                drivers.update({name: _KNOWN.get(name, _UNKNOWN) for name in names})
            self._made[files] = Attributes(folder, drivers)
        return self._made[files]


def _slashes(path: bytes) -> Iterator[int]:
    """Yield where each folder of a path ends, first the root, which ends before it."""
    slash = -1
    while True:
        yield slash
        slash = path.find(b"/", slash + 1)
        if slash < 0:
            return
