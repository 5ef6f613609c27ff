# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository of pgBackRest holds, and which of its backups answers a question.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed

#: The codes of a stanza's status: all is well, or no backup yet; and no such stanza.
_USABLE, _MISSING = (0, 2), (1, 3)
_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
#: Where a timeline was left for the next one, as a history file says it: by timeline, an LSN.
History = Mapping[int, int]


@dataclass(frozen=True)
class BackupSet:
    """One backup of a cluster in the repository. bytes: of the cluster; LSNs are numbers."""

    name: str
    kind: str
    started_at: datetime
    stopped_at: datetime
    stop_lsn: int
    timeline: int
    bytes: int
    repository_bytes: int
    system_identifier: int
    server_major: str
    damaged: bool
    references: Tuple[str, ...]
    annotations: Mapping[str, str]

    @property
    def label(self) -> Optional[str]:
        """The label that it was taken under; None if it was taken by somebody else."""
        return self.annotations.get("label")

    @property
    def proven(self) -> bool:
        """Whether it was restored once, and found to be what it should be."""
        return "proven" in self.annotations

    @property
    def keep(self) -> bool:
        """Whether retention never removes it."""
        return self.annotations.get("keep") == "true"

    def describe(self, stanza: str) -> Dict[str, Any]:
        """Return the backup as modules hand it back."""
        seconds = self.annotations.get("restore_seconds")
        return {
            "label": self.label,
            "method": "pgbackrest",
            "stanza": stanza,
            "set": self.name,
            "type": self.kind,
            "path": f"{stanza}/{self.name}",
            "taken_at": self.stopped_at.isoformat(),
            "server_version": self.annotations.get("server_version", self.server_major),
            "system_identifier": str(self.system_identifier),
            "git_tree": self.annotations.get("git_tree"),
            "migration_version": self.annotations.get("migration_version"),
            "keep": self.keep,
            "bytes": self.repository_bytes,
            "cluster_bytes": self.bytes,
            "seconds": (self.stopped_at - self.started_at).total_seconds(),
            "proven": self.proven,
            "restore_seconds": None if seconds is None else float(seconds),
            "hash": self.digest,
        }

    @property
    def digest(self) -> str:
        """A SHA-256 of what makes this backup this one; approvals are bound to it."""
        parts = (self.system_identifier, self.name, self.timeline, self.stop_lsn, self.bytes)
        return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def stanza_of(document: Any, stanza: str) -> Dict[str, Any]:
    """Return what `info --output=json`, which never fails, says of a stanza.

    Raises PgError if the repository does not have the stanza, or cannot tell about it.
    """
    entries = [entry for entry in document if entry["name"] == stanza]
    status = entries[0]["status"] if entries else {"code": 1, "message": "missing stanza"}
    if status["code"] in _MISSING:
        raise PgError(
            f"the repository has no stanza {stanza} ({status['message']}); check the name, or make"
            f" it on the repository host with pgbackrest --stanza={stanza} stanza-create"
        )
    if status["code"] not in _USABLE:
        reasons = [repository["status"]["message"] for repository in entries[0]["repo"]]
        raise PgError(f"the repository cannot be read: {' '.join(listed(reasons).split())}")
    found: Dict[str, Any] = entries[0]
    return found


def read_sets(entry: Mapping[str, Any]) -> List[BackupSet]:
    """Return the backups of a stanza, oldest first, from what stanza_of() returns."""
    clusters = {(db["repo-key"], db["id"]): db for db in entry["db"]}
    sets = [_set(raw, clusters) for raw in entry["backup"]]
    return sorted(sets, key=lambda found: (found.stopped_at, found.name))


def _set(raw: Mapping[str, Any], clusters: Mapping[Any, Mapping[str, Any]]) -> BackupSet:
    cluster = clusters[(raw["database"]["repo-key"], raw["database"]["id"])]
    return BackupSet(
        name=raw["label"],
        kind=raw["type"],
        started_at=datetime.fromtimestamp(raw["timestamp"]["start"], timezone.utc),
        stopped_at=datetime.fromtimestamp(raw["timestamp"]["stop"], timezone.utc),
        stop_lsn=parse_lsn(raw["lsn"]["stop"]),
        timeline=int(raw["archive"]["stop"][:8], 16),
        bytes=raw["info"]["size"],
        repository_bytes=raw["info"]["repository"]["size"],
        system_identifier=cluster["system-id"],
        server_major=str(cluster["version"]),
        damaged=bool(raw["error"]),
        references=tuple(raw["reference"] or ()),
        annotations=raw.get("annotation") or {},
    )


def labelled(sets: List[BackupSet], label: str) -> Optional[BackupSet]:
    """Return the backup of that label, None if there is none. Raises PgError if two have it."""
    found = [candidate for candidate in sets if candidate.label == label]
    if len(found) > 1:
        names = listed([candidate.name for candidate in found])
        raise PgError(
            f"label {label} names more than one backup ({names}); remove the label from all but"
            " one with pgbackrest --set=SET --annotation=label= annotate"
        )
    return found[0] if found else None


def named(sets: List[BackupSet], name: str) -> BackupSet:
    """Return the backup with pgBackRest's own name for it. Raises PgError if there is none."""
    for candidate in sets:
        if candidate.name == name:
            return candidate
    raise PgError(f"the repository has no backup set {name}; it has {_names(sets)}")


def newest_before(
    sets: List[BackupSet],
    history: History,
    *,
    timeline: int,
    time: Optional[datetime] = None,
    lsn: Optional[int] = None,
) -> BackupSet:
    """Return the newest backup from which a time or an LSN on a timeline can be reached.

    Raises PgError if there is none.
    """
    reachable = [
        candidate
        for candidate in sets
        if not candidate.damaged
        and _is_ancestor(candidate, timeline, history)
        and (time is None or candidate.stopped_at <= time)
        and (lsn is None or candidate.stop_lsn <= lsn)
    ]
    if not reachable:
        wanted = time.isoformat() if time else format_lsn(lsn or 0)
        raise PgError(
            f"no backup on timeline {timeline} ended before {wanted}: the repository has"
            f" {_names(sets)}"
        )
    return reachable[-1]


def _is_ancestor(candidate: BackupSet, timeline: int, history: History) -> bool:
    """Whether a backup belongs to the past of a timeline, not to one that was abandoned."""
    if candidate.timeline == timeline:
        return True
    left_at = history.get(candidate.timeline)
    return left_at is not None and candidate.stop_lsn <= left_at


def parse_history(text: str) -> Dict[int, int]:
    """Return where each earlier timeline was left, from the text of a history file."""
    lines = [line.split() for line in text.splitlines() if not line.lstrip().startswith("#")]
    return {int(line[0]): parse_lsn(line[1]) for line in lines if len(line) >= 2}


def parse_lsn(text: str) -> int:
    """Return a WAL location as a number of bytes. Raises PgError if it is not one."""
    parts = _LSN.fullmatch(text.strip())
    if not parts:
        raise PgError(f"{text!r} is no WAL location; one is written like 0/3000148")
    return (int(parts[1], 16) << 32) + int(parts[2], 16)


def format_lsn(lsn: int) -> str:
    """Return a WAL location as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse_time(text: str) -> datetime:
    """Return a point in time. Raises PgError unless it is ISO 8601 with a time zone."""
    try:
        # Python 3.9 does not know that Z is +00:00.
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip()))
    except ValueError:
        raise PgError(
            f"{text!r} is no time; write it in ISO 8601, for example 2026-01-12T09:00:00+00:00"
        ) from None
    if moment.tzinfo is None:
        raise PgError(f"{text} could be in any time zone; add one, for example {text}+00:00")
    return moment


def _names(sets: List[BackupSet]) -> str:
    return listed([f"{s.name} ({s.label or 'no label'})" for s in reversed(sets)]) or "none"
