# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of pg_restore is asked for, and the backup that this names.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import locked
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    Manifest,
    check_label,
    read_manifest,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_replaced import Retention
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import shelf

# What is read of a manifest, besides its label, database and files.
_NEEDED = {
    "server_version": str,
    "server_version_num": int,
    "system_identifier": str,
    "snapshot": str,
    "tables": dict,
    "roles": list,
    "properties": dict,
}


@dataclass(frozen=True)
class Request:
    """A backup that is to be restored: of which database, from where, and on what terms.

    into: name of a new database for it; then nothing is replaced. accept_loss: how many rows.
    identity: file with the key of an encrypted backup, which is decrypted in scratch.
    """

    database: str
    label: str
    directory: Path
    jobs: int
    scratch: Path
    accept_loss: int = 0
    into: Optional[str] = None
    identity: Optional[Path] = None
    invariants: Mapping[str, str] = field(default_factory=dict)
    retention: Retention = field(default_factory=Retention)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Request:
        """Return what a module's parameters state. Raises PgError if they make no sense."""
        for name, least in (("jobs", 1), ("accept_loss", 0)):
            if params[name] < least:
                raise PgError(f"{name} is {params[name]}: at least {least} is needed")
        if params["into"] == params["login_db"]:
            raise PgError(f"into is {params['into']}, the database itself; leave into out")
        identity = params["identity_file"]
        return cls(
            database=params["login_db"],
            label=check_label(params["label"]),
            directory=Path(params["directory"]).absolute(),
            jobs=params["jobs"],
            scratch=Path(params["scratch_directory"] or params["directory"]).absolute(),
            accept_loss=params["accept_loss"],
            into=params["into"] or None,
            identity=Path(identity).absolute() if identity else None,
            invariants=params["invariants"],
            retention=Retention.of(params["expire_replaced"]),
        )

    @property
    def target(self) -> str:
        """The database that holds the backup afterwards."""
        return self.into or self.database

    @contextmanager
    def backup(self) -> Iterator[Manifest]:
        """Yield the manifest of the backup, which nobody removes meanwhile.

        Raises PgError if it is not there, damaged, or not of this database.
        """
        folder = self.directory / self.label
        # Where nothing can be written, as in a mounted archive, nothing can be removed either.
        writable = os.access(self.directory, os.W_OK)
        lock = locked(self.directory, self.label, shared=True) if writable else nullcontext()
        with lock:
            manifest = read_manifest(folder)
            if manifest is None:
                raise PgError(f"there is no backup {folder}; {self._others()}")
            if manifest["database"] != self.database:
                raise PgError(
                    f"{folder} is a backup of database {manifest['database']}, not of"
                    f" {self.database}"
                )
            for name, kind in _NEEDED.items():
                if not isinstance(manifest.get(name), kind):
                    raise PgError(f"{folder} is no backup: its manifest lacks {name}")
            yield manifest

    def _others(self) -> str:
        try:
            labels = [kept.label for kept in shelf(self.directory) if not kept.problem]
        except OSError as exc:
            return f"{self.directory} cannot be read: {exc.strerror}"
        return f"{self.directory} has {listed(labels, most=20) or 'none'}"
