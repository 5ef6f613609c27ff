# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a labelled backup of a whole cluster with pgBackRest, and prove it by a restore.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import (
    Live,
    require_space,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_proof import Proof
from ansible_collections.phased.rollout.plugins.module_utils._pg_dump import migration_version
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import (
    BusyError,
    locked,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import check_label
from ansible_collections.phased.rollout.plugins.module_utils._pg_retention import Retention
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest import (
    PgBackRest,
    PgBackRestError,
)
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_retention import (
    expendable,
)
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import (
    BackupSet,
    labelled,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

#: How long to wait while somebody else takes a backup of the same cluster.
_LOCK_SECONDS = 600.0
_LOCK_POLL_SECONDS = 0.5
_ARCHIVER = """
SELECT failed_count, last_failed_wal,
       last_failed_time > coalesce(last_archived_time, '-infinity') AS failing
FROM pg_stat_archiver
"""


@dataclass(frozen=True)
class Wanted:
    """A backup as it should be in the end, and what should become of others."""

    label: str
    database: str
    kind: str
    proof: Optional[Proof]
    archive_seconds: float
    keep: bool = False
    git_tree: Optional[str] = None
    version_query: Optional[str] = None
    retention: Optional[Retention] = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Wanted:
        """Return what a module's parameters state. Raises PgError if they make no sense."""
        for name in ("jobs", "archive_timeout"):
            if not params[name] > 0:
                raise PgError(f"{name} is {params[name]}: it must be above 0")
        proof = Proof(
            Path(params["scratch_directory"]),
            params["jobs"],
            params["login_db"],
            params["invariants"],
            params["login_user"],
        )
        return cls(
            label=check_label(params["label"]),
            database=params["login_db"],
            kind=params["type"],
            proof=proof if params["proof"] == "restore" else None,
            archive_seconds=params["archive_timeout"],
            keep=params["keep"],
            git_tree=params["git_tree"] or None,
            version_query=params["version_query"] or None,
            retention=Retention.of(params["retention"]) if params["retention"] else None,
        )

    def require_same(self, found: BackupSet, live: Live) -> None:
        """Raise PgError, naming the difference, unless a backup is the one that is wanted."""
        reason = None
        if found.damaged:
            reason = "has pages that do not match their checksums"
        elif found.system_identifier != live.system_identifier:
            reason = (
                f"comes from the cluster {found.system_identifier}, not from this one,"
                f" {live.system_identifier}"
            )
        elif self.git_tree and found.annotations.get("git_tree") != self.git_tree:
            there = found.annotations.get("git_tree", "(none stated)")
            reason = f"was taken with the tree {there} in production, not {self.git_tree}"
        if reason:
            raise PgError(
                f"label {self.label} is taken: backup set {found.name} {reason}; choose another"
                " label"
            )


def back_up(
    tool: PgBackRest, server: Server, wanted: Wanted, *, check_mode: bool
) -> Dict[str, Any]:
    """Return what a module hands back of the backup that is wanted, which is there after that.

    In check mode nothing is done, not even a WAL file archived. Raises PgError.
    """
    with nullcontext() if check_mode else _alone(tool):
        return _back_up(tool, server, wanted, check_mode=check_mode)


@contextmanager
def _alone(tool: PgBackRest) -> Iterator[None]:
    """Wait until no other run backs up the cluster, so that two do not take one label."""
    tool.lock_directory.mkdir(mode=0o770, parents=True, exist_ok=True)
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            with locked(tool.lock_directory, f"{tool.stanza}~label"):
                yield
            return
        except BusyError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_LOCK_POLL_SECONDS)


def _back_up(
    tool: PgBackRest, server: Server, wanted: Wanted, *, check_mode: bool
) -> Dict[str, Any]:
    live = Live.ask(server, tool.data_directory)
    found = labelled(tool.sets(), wanted.label)
    if found:
        wanted.require_same(found, live)
        tool.tablespaces_of(found)  # reads its manifest, which must be intact
    todo = _todo(wanted, found)
    if wanted.proof and "prove" in todo:
        needed = found.bytes if found else int(live.facts["bytes"])
        require_space(wanted.proof.scratch, needed, f"a copy of the cluster in {live.data}")
    if not check_mode:
        found = found or _take(tool, live, wanted)
        if "keep" in todo:
            tool.annotate(found, {"keep": "true"})
        rows = _prove(tool, live, wanted.proof, found) if "prove" in todo and wanted.proof else {}
        found = _find(tool, wanted.label)
    else:
        rows = {}
    gone = _expire(tool, live, wanted, check_mode=check_mode)
    backup = found.describe(tool.stanza) if found else _planned(tool, wanted)
    return {
        "changed": bool(todo or gone),
        "backup": {**backup, "database": wanted.database, "rows": rows},
        "expired": gone,
    }


def _todo(wanted: Wanted, found: Optional[BackupSet]) -> List[str]:
    """Return what is to be done, in order."""
    proof = ["prove"] if wanted.proof and not (found and found.proven) else []
    if found is None:
        return ["take", *proof]
    return (["keep"] if wanted.keep and not found.keep else []) + proof


def _planned(tool: PgBackRest, wanted: Wanted) -> Dict[str, Any]:
    known = {"label": wanted.label, "method": "pgbackrest", "stanza": tool.stanza}
    return {**known, "type": wanted.kind, "proven": False, "restore_seconds": None}


def _take(tool: PgBackRest, live: Live, wanted: Wanted) -> BackupSet:
    if live.facts["archive_mode"] == "off":
        raise PgError(
            "the server does not archive its WAL: set archive_mode = on and archive_command ="
            f" 'pgbackrest --stanza={tool.stanza} archive-push %p', and restart it"
        )
    annotations = {
        "label": wanted.label,
        "server_version": live.facts["server_version"],
        "keep": "true" if wanted.keep else None,
        "git_tree": wanted.git_tree,
        "migration_version": _version(live.server, wanted),
    }
    try:
        tool.check(wanted.archive_seconds)
        tool.backup(
            wanted.kind,
            {name: value for name, value in annotations.items() if value},
            archive_seconds=wanted.archive_seconds,
            lock_seconds=_LOCK_SECONDS,
            done=lambda: labelled(tool.sets(), wanted.label) is not None,
        )
    except PgBackRestError as exc:
        raise PgError(f"{exc}{_archiver(live.server)}") from exc
    return _find(tool, wanted.label)


def _find(tool: PgBackRest, label: str) -> BackupSet:
    found = labelled(tool.sets(), label)
    if found is None:
        raise PgError(f"the repository has no backup {label} although one was just taken")
    return found


def _version(server: Server, wanted: Wanted) -> Optional[str]:
    with Session(server, wanted.database) as session:
        session.execute("BEGIN READ ONLY")
        return migration_version(session, wanted.version_query)


def _archiver(server: Server) -> str:
    """Return what the server knows of WAL that it cannot get rid of."""
    with Session(server, "postgres") as session:
        known = session.row(_ARCHIVER)
    if not known["failing"]:
        return ""
    return (
        f". The server's archive_command has failed {known['failed_count']} times, last for"
        f" {known['last_failed_wal']}; its log says why"
    )


def _prove(tool: PgBackRest, live: Live, proof: Proof, found: BackupSet) -> Dict[str, Any]:
    """Return the rows by table of the copy that a backup was restored to, after noting it."""
    proven = proof.run(tool, live, found)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    tool.annotate(found, {"proven": at, "restore_seconds": f"{proven.seconds:.3f}"})
    return dict(proven.rows)


def _expire(tool: PgBackRest, live: Live, wanted: Wanted, *, check_mode: bool) -> List[str]:
    """Return the labels of the backups that retention has removed, or would in check mode."""
    if not wanted.retention:
        return []
    own = [found for found in tool.sets() if found.system_identifier == live.system_identifier]
    now = datetime.fromtimestamp(time.time(), timezone.utc)
    going = expendable(own, wanted.retention, label=wanted.label, now=now)
    if not check_mode:
        for found in going:
            tool.expire(found)
    return [found.label or found.name for found in going]
