# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before a backup starts: versions, privileges, a directory to write to.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

OLDEST_MAJOR = 14
_SERVER = """
SELECT current_setting('server_version_num')::int AS version_num,
       current_setting('server_version') AS version,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       pg_database_size(current_database()) AS bytes,
       pg_is_in_recovery() AS in_recovery,
       pg_get_userbyid(10) AS bootstrap_user, current_user AS "user",
       rolsuper AS superuser, rolcreatedb AS may_create,
       (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory
FROM pg_roles
WHERE rolname = current_user
"""
_OWN_TABLES = """
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY ('{kinds}') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""
_UNREADABLE = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name {_OWN_TABLES.format(kinds="{r,p,S}")}
  AND NOT (has_schema_privilege(n.oid, 'USAGE')
           AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
                              ELSE has_table_privilege(c.oid, 'SELECT') END)
ORDER BY name
"""
_HIDDEN_ROWS = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name {_OWN_TABLES.format(kinds="{r,p}")}
  AND row_security_active(c.oid)
ORDER BY name
"""
_FOREIGN_OWNERS = """
SELECT DISTINCT pg_get_userbyid(refobjid) AS name
FROM pg_shdepend s
JOIN pg_database d ON d.datname = current_database()
WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
  AND (dbid = d.oid OR (classid = 'pg_database'::regclass AND objid = d.oid))
  AND NOT pg_has_role(refobjid, 'MEMBER')
ORDER BY name
"""


@dataclass(frozen=True)
class Facts:
    """What a server says of itself, of one of its databases, and of who asks."""

    version_num: int
    version: str
    system_identifier: str
    bytes: int
    in_recovery: bool
    bootstrap_user: str
    user: str
    superuser: bool
    may_create: bool
    data_directory: Optional[str]

    @classmethod
    def of(cls, session: Session) -> Facts:
        """Return what the session's server says."""
        return cls(**session.row(_SERVER))

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.version_num // 10000


def require_version(facts: Facts, database: str) -> None:
    """Raise PgError if the server is older than what this is made for."""
    if facts.major < OLDEST_MAJOR:
        raise PgError(
            f"database {database} is on PostgreSQL {facts.version}; {OLDEST_MAJOR} or newer is"
            " needed: upgrade the server, or back it up by other means"
        )


def require_programs(server: Server, facts: Facts, names: Sequence[str]) -> None:
    """Raise PgError if a program is missing, or older than the server that it is to work with."""
    for name in names:
        require_program(name, server.run(name, "--version"), facts)


def require_program(name: str, said: str, facts: Facts) -> None:
    """Raise PgError if a program is older than the server. said: its answer to --version."""
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if not found:
        raise PgError(f"{name} does not say which version it is: {said!r}")
    if int(found[1]) < facts.major:
        package = "postgresql" if name in ("initdb", "postgres") else "postgresql-client"
        raise PgError(
            f"{name} is of version {found[1]}, the server of {facts.version}: an older program"
            f" cannot be used; install {package}-{facts.major} on this host"
        )


def require_reading(session: Session, facts: Facts) -> None:
    """Raise PgError unless the role may read all of the database, down to the last row."""
    unreadable = [row["name"] for row in session.rows(_UNREADABLE)]
    if unreadable:
        raise PgError(
            f"role {facts.user} may not read {listed(unreadable)} of database {session.database};"
            f" grant it pg_read_all_data, or connect as a superuser"
        )
    hidden = [row["name"] for row in session.rows(_HIDDEN_ROWS)]
    if hidden:
        raise PgError(
            f"row-level security hides rows of {listed(hidden)} from role {facts.user}: a backup"
            " by it would be incomplete; give it BYPASSRLS, or connect as a superuser"
        )
    if not facts.superuser and _large_objects_unreadable(session):
        raise PgError(
            f"database {session.database} has large objects, which role {facts.user} may not read;"
            " grant it pg_read_all_data, or connect as a superuser"
        )


def require_restoring(session: Session, facts: Facts) -> None:
    """Raise PgError unless the role can restore the database beside itself, owners included."""
    other = "use proof: cluster"
    if facts.in_recovery:
        raise PgError(
            f"the server of {session.database} is a standby, where nothing can be restored; {other}"
        )
    if facts.superuser:
        return
    if not facts.may_create:
        raise PgError(
            f"role {facts.user} may not create the database in which the backup is proven; give it"
            f" CREATEDB, or {other}"
        )
    owners = [row["name"] for row in session.rows(_FOREIGN_OWNERS)]
    if owners:
        raise PgError(
            f"role {facts.user} cannot restore what belongs to {listed(owners)}: make it a member"
            f" of each, connect as a superuser, or {other}"
        )


def require_writable(directory: Path) -> None:
    """Raise PgError unless this user can make folders in an existing directory."""
    if not directory.is_dir():
        raise PgError(f"directory {directory} does not exist on this host; create it")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PgError(f"user {os.geteuid()} cannot write to {directory}; make it the owner")


def _large_objects_unreadable(session: Session) -> bool:
    found: bool = session.row(
        "SELECT EXISTS (SELECT FROM pg_largeobject_metadata)"
        " AND NOT has_table_privilege('pg_largeobject', 'SELECT') AS any"
    )["any"]
    return found
