# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of pg_backup is asked for.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_copies import Copy
from ansible_collections.phased.rollout.plugins.module_utils._pg_encrypt import Encryption
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    Manifest,
    check_label,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import Facts
from ansible_collections.phased.rollout.plugins.module_utils._pg_proof import Proof
from ansible_collections.phased.rollout.plugins.module_utils._pg_retention import Retention
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed

_NEEDED = (
    *("system_identifier", "server_version_num", "taken_at", "tables", "roles", "properties"),
    *("superuser", "git_tree", "keep", "encryption", "proof", "bytes", "seconds"),
)


@dataclass(frozen=True)
class Wanted:
    """A backup as it should be in the end, and what should become of others."""

    database: str
    label: str
    directory: Path
    jobs: int
    proof: Proof
    keep: bool = False
    git_tree: Optional[str] = None
    version_query: Optional[str] = None
    encryption: Optional[Encryption] = None
    copies: Tuple[Copy, ...] = ()
    retention: Optional[Retention] = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Wanted:
        """Return what a module's parameters state. Raises PgError if they make no sense."""
        if params["jobs"] < 1:
            raise PgError(f"jobs is {params['jobs']}: at least 1 is needed")
        directory = Path(params["directory"]).absolute()
        scratch = Path(params["scratch_directory"] or directory).absolute()
        encryption, retention = params["encryption"], params["retention"]
        return cls(
            database=params["login_db"],
            label=check_label(params["label"]),
            directory=directory,
            jobs=params["jobs"],
            proof=Proof(params["proof"], scratch, params["jobs"], params["invariants"]),
            keep=params["keep"],
            git_tree=params["git_tree"] or None,
            version_query=params["version_query"] or None,
            encryption=Encryption.of(encryption) if encryption else None,
            copies=tuple(Copy.of(entry) for entry in params["copies"]),
            retention=Retention.of(retention) if retention else None,
        )

    @property
    def folder(self) -> Path:
        """Where the backup is, or will be."""
        return self.directory / self.label

    def require_same(self, manifest: Manifest, facts: Facts) -> None:
        """Raise PgError, naming the difference, unless a backup is the one that is wanted."""
        lacking = [name for name in _NEEDED if name not in manifest]
        if lacking:
            self._refuse(f"was made by something else: its manifest lacks {listed(lacking)}")
        if manifest["database"] != self.database:
            self._refuse(f"is a backup of database {manifest['database']}, not of {self.database}")
        if manifest["system_identifier"] != facts.system_identifier:
            self._refuse(
                f"comes from the server {manifest['system_identifier']}, not from this one,"
                f" {facts.system_identifier}"
            )
        if self.git_tree and manifest["git_tree"] != self.git_tree:
            self._refuse(
                f"was taken with the tree {manifest['git_tree'] or '(none stated)'} in production,"
                f" not {self.git_tree}"
            )
        encrypted = manifest["encryption"]
        if self.encryption and not encrypted:
            self._refuse("is not encrypted")
        if self.encryption and encrypted != self.encryption.in_manifest():
            self._refuse(f"is encrypted with {encrypted['method']} for {encrypted['recipients']}")

    def _refuse(self, difference: str) -> None:
        raise PgError(
            f"label {self.label} is taken: {self.folder} {difference}; choose another label, or"
            " move that backup out of the way"
        )
