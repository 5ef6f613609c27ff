# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a labelled backup of a database, prove it, copy it, and let older ones go.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_dump import dump
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import (
    hidden_folder,
    locked,
    sweep,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_invariants import search_path_of
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    MANIFEST,
    Manifest,
    fsync,
    read_manifest,
    sha256_of,
    write_file,
    write_manifest,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import (
    Facts,
    require_programs,
    require_reading,
    require_restoring,
    require_version,
    require_writable,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_retention import (
    expendable,
    take_away,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_scratch import (
    drop_leftovers,
    leftovers,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import Kept, shelf
from ansible_collections.phased.rollout.plugins.module_utils._pg_space import (
    Need,
    dump_bytes,
    proof_needs,
    require_space,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_wanted import Wanted
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

_UNPROVEN = {"kind": "list", "proven": False, "seconds": None, "at": None, "invariants": []}
_NOT_RETURNED = ("files", "properties")


class Backup:
    """One run of the module: what is there, what is wanted, and what has to be done."""

    def __init__(self, server: Server, wanted: Wanted) -> None:
        """Look at the server and at the directory. Raises PgError if a backup cannot succeed."""
        self._wanted = wanted
        require_writable(wanted.directory)
        self._there = read_manifest(wanted.folder)
        with Session(server, wanted.database) as session:
            self._facts = Facts.of(session)
            require_version(self._facts, wanted.database)
            self._server = replace(server, major=self._facts.major)
            self._search_path = search_path_of(session)
            self._leftovers = leftovers(session, wanted.database)
            if self._there is not None:
                wanted.require_same(self._there, self._facts)
            self._own = self._shelf()
            self._preflight(session)

    def foresee(self) -> Dict[str, Any]:
        """Return the result as it would be, with nothing touched."""
        wanted, there = self._wanted, self._there
        missing = [copy.is_missing(wanted.folder) for copy in wanted.copies]
        proven = wanted.proof.kind != "list"
        manifest = there or {
            **{"label": wanted.label, "database": wanted.database, "keep": wanted.keep},
            "taken_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "proof": {**_UNPROVEN, "proven": proven},
        }
        coming = [*self._own, *([] if there else [Kept(wanted.folder, manifest)])]
        going = self._expendable(coming)
        changed = bool(there is None or self._to_prove or self._to_keep or any(missing) or going)
        result = self._result(there, changed, [kept.label for kept in going])
        for copy, is_missing in zip(result["backup"]["copies"], missing):
            copy["verified"] = not is_missing
        return result

    def bring_about(self) -> Dict[str, Any]:
        """Return the result, after doing what has to be done. Raises PgError."""
        wanted = self._wanted
        changed = self._there is None or self._to_prove or self._to_keep
        if self._leftovers:
            drop_leftovers(self._server, self._leftovers)
        manifest = self._take() if self._there is None else self._complete(self._there)
        copied = [copy.bring(wanted.folder) for copy in wanted.copies]
        gone = take_away(wanted.directory, self._expendable(self._shelf()))
        return self._result(manifest, bool(changed or any(copied) or gone), gone)

    @property
    def _to_prove(self) -> bool:
        return self._there is not None and not self._wanted.proof.is_in(self._there)

    @property
    def _to_keep(self) -> bool:
        return self._there is not None and self._wanted.keep and not self._there["keep"]

    def _shelf(self) -> List[Kept]:
        """Return the intact backups of this database, the oldest first."""
        identifier = self._facts.system_identifier
        kept = shelf(self._wanted.directory)
        return [one for one in kept if one.is_of(self._wanted.database, identifier)]

    def _preflight(self, session: Session) -> None:
        """Raise PgError if what has to be done cannot succeed."""
        wanted, kind, needs = self._wanted, self._wanted.proof.kind, []
        if self._there is None:
            require_reading(session, self._facts)
            require_programs(self._server, self._facts, ("pg_dump", "pg_restore"))
            size = dump_bytes(self._facts, self._own)
            # A file and its encrypted form are there together for a while.
            needs.append(Need(wanted.directory, size * (2 if wanted.encryption else 1), "the dump"))
        if self._there is None or self._to_prove:
            if self._there and self._there["encryption"] and kind != "list":
                raise PgError(
                    f"{wanted.folder} is encrypted, so it cannot be proven any more: take another"
                    " backup, under another label, which is proven before it is encrypted"
                )
            if kind == "database":
                require_restoring(session, self._facts)
            if kind == "cluster":
                require_writable(wanted.proof.scratch)
                require_programs(self._server, self._facts, ("initdb", "postgres"))
            needs += proof_needs(self._server, self._facts, kind, wanted.proof.scratch)
        require_space(needs)

    def _take(self) -> Manifest:
        """Return the manifest of a new backup, which gets its name when it is complete."""
        wanted, started = self._wanted, time.monotonic()
        for copy in wanted.copies:
            copy.is_missing(wanted.folder)
        with hidden_folder(wanted.directory, wanted.label, "partial") as partial:
            if wanted.encryption:
                wanted.encryption.try_out(partial)
            query, jobs = wanted.version_query, wanted.jobs
            found = dump(self._server, wanted.database, partial, jobs=jobs, version_query=query)
            seconds = round(time.monotonic() - started, 3)
            manifest = {**self._origin(), **found, "seconds": seconds}
            proof = wanted.proof.of(self._server, manifest, partial, self._search_path)
            manifest = {**manifest, "proof": proof}
            if wanted.encryption:
                manifest = wanted.encryption.apply(partial, manifest)
            manifest = write_manifest(partial, manifest)
            partial.rename(wanted.folder)
            fsync(wanted.directory)
        return manifest

    def _origin(self) -> Manifest:
        """Return what the manifest says of where the backup comes from, and why."""
        facts, wanted = self._facts, self._wanted
        return {
            "label": wanted.label,
            "database": wanted.database,
            "database_bytes": facts.bytes,
            "server_version": facts.version,
            "server_version_num": facts.version_num,
            "system_identifier": facts.system_identifier,
            "superuser": facts.bootstrap_user,
            "git_tree": wanted.git_tree,
            "keep": wanted.keep,
            "encryption": None,
        }

    def _complete(self, manifest: Manifest) -> Manifest:
        """Return the manifest of the backup that is there, proven and kept as is wanted."""
        wanted = self._wanted
        if not (self._to_prove or self._to_keep):
            return manifest
        if self._to_prove:
            proof = wanted.proof.of(self._server, manifest, wanted.folder, self._search_path)
            manifest = {**manifest, "proof": proof}
        manifest = {**manifest, "keep": manifest["keep"] or wanted.keep}
        with hidden_folder(wanted.directory, wanted.label, "manifest") as beside:
            write_file(beside / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
            (beside / MANIFEST).replace(wanted.folder / MANIFEST)
            fsync(wanted.folder)
        return manifest

    def _expendable(self, backups: List[Kept]) -> List[Kept]:
        retention, now = self._wanted.retention, datetime.now(timezone.utc)
        if retention is None:
            return []
        return expendable(backups, retention, label=self._wanted.label, now=now)

    def _result(
        self, manifest: Optional[Manifest], changed: bool, expired: List[str]
    ) -> Dict[str, Any]:
        """Return what the module returns; manifest: None if there is no backup yet."""
        wanted = self._wanted
        known = manifest or {"label": wanted.label, "database": wanted.database}
        proof = known.get("proof", _UNPROVEN)
        backup = {
            **{name: value for name, value in known.items() if name not in _NOT_RETURNED},
            "tables": {
                name: {"rows": found["rows"], "sum": found["sum"]}
                for name, found in known.get("tables", {}).items()
            },
            "path": str(wanted.folder),
            "readable": manifest is not None,
            "proven": proof["proven"],
            "restore_seconds": proof["seconds"],
            "copies": [copy.summary(wanted.label, verified=True) for copy in wanted.copies],
        }
        if manifest:
            backup["hash"] = sha256_of(wanted.folder / MANIFEST)
        backups = [kept.summary() for kept in shelf(wanted.directory)]
        return {"changed": changed, "backup": backup, "backups": backups, "expired": expired}


def back_up(server: Server, wanted: Wanted, *, check_mode: bool) -> Dict[str, Any]:
    """Return what the module returns: backup, backups, expired and changed. Raises PgError."""
    if check_mode:
        return Backup(server, wanted).foresee()
    require_writable(wanted.directory)
    with locked(wanted.directory, wanted.label):
        sweep(wanted.directory)
        if wanted.proof.scratch != wanted.directory and wanted.proof.kind == "cluster":
            require_writable(wanted.proof.scratch)
            sweep(wanted.proof.scratch)
        return Backup(server, wanted).bring_about()
