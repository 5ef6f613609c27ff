# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before a backup is restored, and room on the disk for as long as that takes.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import Facts
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_space import in_words
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session, literal

_EXTENSION = re.compile(r"^\d+; \d+ \d+ EXTENSION - (.+?) *$", re.MULTILINE)
_SUBSCRIPTION = re.compile(r"^\d+; \d+ \d+ SUBSCRIPTION - (.+) \S+$", re.MULTILINE)
#: What keeps a database from being renamed without harm, and what to do about it.
_BLOCKERS = {
    "SELECT gid AS name FROM pg_prepared_xacts WHERE database = {name}": (
        "prepared transactions",
        "COMMIT PREPARED or ROLLBACK PREPARED them, in that database",
    ),
    "SELECT slot_name::text AS name FROM pg_replication_slots WHERE database = {name}": (
        "logical replication slots",
        "whoever follows them needs a new copy after a restore: drop them with"
        " pg_drop_replication_slot, and create them again afterwards",
    ),
    "SELECT subname::text AS name FROM pg_subscription WHERE subdbid ="
    " (SELECT oid FROM pg_database WHERE datname = {name})": (
        "subscriptions",
        "they would go on in the database that is kept: disable them, set their slot_name to NONE"
        " and drop them, and create them again afterwards",
    ),
    "SELECT 'ALLOW_CONNECTIONS false' AS name FROM pg_database"
    " WHERE datname = {name} AND NOT datallowconn": (
        "the property",
        "what would be lost cannot be counted: set ALLOW_CONNECTIONS true",
    ),
}
_MISSING_RIGHTS = """
SELECT name
FROM pg_roles CROSS JOIN LATERAL (VALUES
  ('CREATEDB', rolcreatedb),
  ('pg_signal_backend', pg_has_role(oid, 'pg_signal_backend', 'USAGE')),
  ('pg_read_all_data', pg_has_role(oid, 'pg_read_all_data', 'USAGE'))
) AS needed (name, there)
WHERE rolname = current_user AND NOT there
UNION ALL
SELECT 'membership in ' || rolname FROM pg_roles
WHERE rolname IN ({roles}) AND NOT pg_has_role(oid, 'MEMBER')
"""
_LOCATION = """
SELECT pg_tablespace_location(oid) AS path FROM pg_tablespace
WHERE spcname = {name} AND pg_tablespace_location(oid) <> ''
"""
# The server stops when it cannot write its log, so some room must stay, whatever is restored.
_MOST_RESERVE_BYTES, _RESERVE_PART = 1 << 30, 20


def require_server(facts: Facts, manifest: Manifest) -> None:
    """Raise PgError if the server cannot take what the backup's server had."""
    if facts.in_recovery:
        raise PgError("the server is a standby, where nothing can be restored; use the primary")
    major = manifest["server_version_num"] // 10000
    if facts.major < major:
        raise PgError(
            f"the backup {manifest['label']} is of PostgreSQL {manifest['server_version']}, which"
            f" {facts.version} cannot restore; use a server of version {major} or newer"
        )


def require_rights(session: Session, facts: Facts, roles: Sequence[str]) -> None:
    """Raise PgError unless the role may replace a database whose parts belong to these roles."""
    if facts.superuser:
        return
    names = ", ".join(literal(role) for role in roles) or "NULL"
    missing = [row["name"] for row in session.rows(_MISSING_RIGHTS.format(roles=names))]
    if missing:
        raise PgError(
            f"role {facts.user} may not restore: it lacks {listed(missing)}; grant it these, or"
            " connect as a superuser"
        )


def require_extensions(session: Session, contents: str) -> None:
    """Raise PgError unless the server has all extensions. contents: what pg_restore --list says."""
    there = {row["name"] for row in session.rows("SELECT name FROM pg_available_extensions")}
    missing = [name for name in _EXTENSION.findall(contents) if name not in there]
    if missing:
        raise PgError(
            f"the server does not have the extension {listed(missing)}, which the backup needs;"
            " install the package that brings it"
        )


def subscriptions_in(contents: str) -> List[str]:
    """Return the subscriptions in a backup. contents: what pg_restore --list says."""
    return _SUBSCRIPTION.findall(contents)


def require_unblocked(session: Session, database: str) -> None:
    """Raise PgError if something binds a database that would not follow it to another name."""
    for query, (what, remedy) in _BLOCKERS.items():
        names = [row["name"] for row in session.rows(query.format(name=literal(database)))]
        if names:
            raise PgError(f"database {database} has {what} {listed(names)}: {remedy}")


class Room:
    """Where a server writes when a database is restored, as far as that can be seen here."""

    def __init__(
        self, server: Server, session: Session, facts: Facts, tablespace: Optional[str]
    ) -> None:
        """Find out. tablespace: where the database goes if there is such a one."""
        self._target: Optional[Path] = None
        self._directories: List[Path] = []
        data = Path(facts.data_directory or "")
        if facts.data_directory and (server.is_local or _is_here(data, facts)):
            found = session.rows(_LOCATION.format(name=literal(tablespace or "")))
            self._target = Path(found[0]["path"]) if found else data
            self._directories = [self._target, data, data / "pg_wal"]

    def require(self, needed: int) -> None:
        """Raise PgError if a database of so many bytes does not fit."""
        for directory in self._directories[:1]:
            self._require(directory, needed, f"the restored database needs {in_words(needed)}")

    def watch(self) -> None:
        """Raise PgError as soon as the server itself comes to need what is free."""
        for directory in self._directories:
            self._require(directory, 0, "the restore was stopped")

    @staticmethod
    def _require(directory: Path, needed: int, what: str) -> None:
        try:
            usage = shutil.disk_usage(directory)
        except OSError:  # not for this user to see, so that the server has to notice it
            return
        reserve = min(_MOST_RESERVE_BYTES, usage.total // _RESERVE_PART)
        if usage.free < needed + reserve:
            raise PgError(
                f"{directory} has {in_words(usage.free)} free: {what}, and"
                f" {in_words(reserve)} must stay free for the server itself; free some space there"
            )


def _is_here(data: Path, facts: Facts) -> bool:
    """Return whether a data directory is on this host, however its server is reached."""
    try:
        with (data / "global" / "pg_control").open("rb") as stream:
            return int.from_bytes(stream.read(8), sys.byteorder) == int(facts.system_identifier)
    except OSError:
        return False
