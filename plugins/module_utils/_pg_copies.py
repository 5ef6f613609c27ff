# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a backup to another host, and have that host check every file.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    MANIFEST,
    SUMS,
    sha256_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_tool import run_tool

_SSH = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=20")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9_.-]*")
# What differs is printed, where only errors are looked at.
_CHECK = f"sha256sum --check --strict --quiet {SUMS} >&2"
_ABSENT = "absent"


@dataclass(frozen=True)
class Copy:
    """Where a backup is copied to: a directory on a host that ssh knows."""

    host: str
    directory: str

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Copy:
        """Return what a module's parameter states. Raises PgError if it makes no sense."""
        host, directory = params["host"], params["directory"]
        if not _HOST.fullmatch(host):
            raise PgError(f"copies: host {host!r} is no name of a host, such as backup@vault")
        if not directory.startswith("/"):
            raise PgError(f"copies: directory {directory!r} of {host} must start with a slash")
        return cls(host, directory)

    def __str__(self) -> str:
        """Return where it is, for messages."""
        return f"{self.host}:{self.directory}"

    def is_missing(self, folder: Path) -> bool:
        """Return whether anything has to be copied so that the host has the backup in folder.

        folder may be one that is still to come. Raises PgError if the host has another one.
        """
        try:
            state = self._state(folder.name)
            if state and (not folder.exists() or state[SUMS] != sha256_of(folder / SUMS)):
                raise PgError("there is another backup of that label; move it out of the way")
        except PgError as exc:
            raise PgError(f"{folder.name} cannot be copied to {self}: {exc}") from exc
        return not state or state[MANIFEST] != sha256_of(folder / MANIFEST)

    def bring(self, folder: Path) -> bool:
        """Return whether anything was copied so that the host has the backup in folder.

        It gets its name there only after the host has read every file. Raises PgError.
        """
        if not self.is_missing(folder):
            return False
        label = folder.name
        try:
            if self._state(label):
                # It was proven, or marked to be kept, after it had been copied.
                self._send(str(folder / MANIFEST), f"{label}/")
            else:
                self._send(f"{folder}/", f".{label}~copy/")
                self._settle(label, sha256_of(folder / MANIFEST))
        except PgError as exc:
            raise PgError(
                f"{folder} is complete, but not its copy to {self}, which the next run finishes:"
                f" {exc}"
            ) from exc
        return True

    def summary(self, label: str, *, verified: bool) -> Dict[str, Any]:
        """Return where the copy is, for the result."""
        path = f"{self.directory.rstrip('/')}/{label}"
        return {"host": self.host, "path": path, "verified": verified}

    def _state(self, label: str) -> Dict[str, str]:
        """Return the sums of manifest and list of files of an intact copy, nothing if absent."""
        said = self._remote(
            f"test -e {label} || {{ echo {_ABSENT}; exit; }}; cd {label}; {_CHECK};"
            f" sha256sum {MANIFEST} {SUMS}"
        )
        if said == _ABSENT:
            return {}
        return {line.split()[1]: line.split()[0] for line in said.splitlines()}

    def _settle(self, label: str, wanted: str) -> None:
        hidden = f".{label}~copy"
        self._remote(
            f"cd {hidden}; {_CHECK}; echo '{wanted}  {MANIFEST}' | sha256sum --check --strict >&2;"
            f" cd ..; sync -f {hidden}; mv -T {hidden} {label}; sync -f ."
        )

    def _send(self, source: str, target: str) -> None:
        run_tool(
            *("rsync", "--recursive", "--times", "--perms", "--delete", "--protect-args"),
            *("--chmod=D0700,F0600", "--rsh", shlex.join(["ssh", *_SSH])),
            *("--", source, f"{self.host}:{self.directory.rstrip('/')}/{target}"),
        )

    def _remote(self, script: str) -> str:
        """Return what a shell on the host printed; it stops at the first command that fails."""
        whole = f"set -eu; export LC_ALL=C; cd -- {shlex.quote(self.directory)}; {script}"
        return run_tool("ssh", *_SSH, "--", self.host, f"exec sh -c {shlex.quote(whole)}")
