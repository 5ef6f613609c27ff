# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database as a whole: what makes it up besides its contents, and another one just like it.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Dict, List

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    conninfo,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import Sums, sum_tables
from ansible_collections.phased.rollout.plugins.module_utils._psql import (
    Session,
    identifier,
    literal,
)

#: The database that databases are made and renamed from.
MAINTENANCE = "postgres"
#: Said of a database in its comment, so that only what was made here is removed here.
SCRATCH_COMMENT = "phased.rollout: scratch, may be dropped"

_DROP_SECONDS = 60

Properties = Dict[str, Any]

# Rights are kept as the server states them, so that they can be given to another name.
_PROPERTIES = """
SELECT pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding,
       d.datcollate AS collate, d.datctype AS ctype,
       to_jsonb(d) ->> 'datlocprovider' AS provider,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
       d.datconnlimit AS connection_limit, shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT spcname FROM pg_tablespace t WHERE t.oid = d.dattablespace) AS tablespace,
       (SELECT jsonb_agg(jsonb_build_object(
                 'role', CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END,
                 'privilege', a.privilege_type, 'grantable', a.is_grantable))
        FROM aclexplode(d.datacl) a) AS rights,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                 'role', CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole) END,
                 'setting', setting)), '[]')
        FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
        WHERE s.setdatabase = d.oid) AS settings
FROM pg_database d
WHERE d.datname = {name}
"""
_INCARNATION = """
SELECT format('%s/%s', oid, (SELECT timeline_id FROM pg_control_checkpoint())) AS incarnation
FROM pg_database WHERE datname = current_database()
"""
# Whoever owns something in the database or was given a right to it.
_ROLES = """
SELECT DISTINCT pg_get_userbyid(refobjid) AS role
FROM pg_shdepend s
WHERE refclassid = 'pg_authid'::regclass
  AND (dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       OR (classid = 'pg_database'::regclass
           AND objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
  AND refobjid >= 16384
ORDER BY role
"""
#: Their values are lists of names, which stand in the catalogue as they are to be written.
_LISTS = {
    *("search_path", "session_preload_libraries", "local_preload_libraries"),
    *("shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"),
}


def properties_of(session: Session) -> Properties:
    """Return what the session's database is like: owner, locale, rights, settings, comment."""
    return session.row(_PROPERTIES.format(name=literal(session.database)))


def incarnation_of(session: Session) -> str:
    """Return what makes the session's database another one after a restore or a recovery.

    Numbers of transactions can only be compared within one incarnation.
    """
    incarnation: str = session.row(_INCARNATION)["incarnation"]
    return incarnation


def roles_of(session: Session) -> List[str]:
    """Return the roles that own something in the session's database or have a right to it."""
    return [row["role"] for row in session.rows(_ROLES)]


def exists(session: Session, database: str) -> bool:
    """Return whether the server has a database of that name."""
    query = f"SELECT FROM pg_database WHERE datname = {literal(database)}"
    found: bool = session.row(f"SELECT EXISTS ({query}) AS there")["there"]
    return found


def require_roles(session: Session, roles: List[str], hint: str) -> None:
    """Raise PgError unless the server has all these roles. hint: where they come from."""
    there = {row["rolname"] for row in session.rows("SELECT rolname FROM pg_roles")}
    missing = [role for role in roles if role not in there]
    if missing:
        raise PgError(f"the server has no role {listed(missing)}; {hint}")


def create_like(session: Session, name: str, properties: Properties) -> None:
    """Make an empty database with the properties of another. session: of MAINTENANCE.

    It is marked as scratch until adopt() gives it its settings and its own comment. Until it has
    that mark nobody can connect to it, so that one without can hold nothing.
    """
    options = [
        f"OWNER {identifier(properties['owner'])}",
        "TEMPLATE template0",
        f"ENCODING {literal(properties['encoding'])}",
        f"LC_COLLATE {literal(properties['collate'])}",
        f"LC_CTYPE {literal(properties['ctype'])}",
        *("ALLOW_CONNECTIONS false", "CONNECTION LIMIT 0"),
    ]
    if properties.get("provider") == "i":
        options += ["LOCALE_PROVIDER icu", f"ICU_LOCALE {literal(properties['locale'])}"]
    if properties.get("provider") == "b":
        options += ["LOCALE_PROVIDER builtin", f"BUILTIN_LOCALE {literal(properties['locale'])}"]
    # The default one may be used by everybody, but not named by everybody.
    spaces = session.rows("SELECT spcname FROM pg_tablespace WHERE spcname <> 'pg_default'")
    if {"spcname": properties.get("tablespace")} in spaces:
        options.append(f"TABLESPACE {identifier(properties['tablespace'])}")
    quoted = identifier(name)
    session.execute(
        f"CREATE DATABASE {quoted} {' '.join(options)}",
        f"COMMENT ON DATABASE {quoted} IS {literal(SCRATCH_COMMENT)}",
        f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS true CONNECTION LIMIT -1",
        *_rights(quoted, properties),
    )


def adopt(session: Session, name: str, properties: Properties) -> None:
    """Give a database made by create_like() what it has only when it is in use.

    A setting such as default_transaction_read_only would have kept it from being filled.
    """
    comment, quoted = properties.get("comment"), identifier(name)
    session.execute(
        *(_setting(quoted, entry) for entry in properties["settings"]),
        f"ALTER DATABASE {quoted} CONNECTION LIMIT {properties['connection_limit']}",
        f"COMMENT ON DATABASE {quoted} IS {literal(comment) if comment else 'NULL'}",
    )


def drop_scratch(session: Session, name: str) -> None:
    """Remove a database that was made here and never adopted; any other is left alone."""
    query = (
        "SELECT coalesce(shobj_description(oid, 'pg_database'), '') AS comment,"
        " NOT datallowconn AND datconnlimit = 0 AS unfinished FROM pg_database"
        f" WHERE datname = {literal(name)}"
    )
    for row in session.rows(query):
        if row["comment"] != SCRATCH_COMMENT and not (row["unfinished"] and not row["comment"]):
            raise PgError(f"database {name} was not made by a backup or restore; it is left alone")
        session.execute(
            # It waits for every process of the server, also for one that never answers.
            f"SET statement_timeout = '{_DROP_SECONDS}s'",
            f"DROP DATABASE {identifier(name)} WITH (FORCE)",
            "SET statement_timeout = 0",
        )


def fill(
    server: Server,
    dump: Path,
    database: str,
    *,
    jobs: int,
    tablespaces: bool = True,
    watch: Callable[[], None] = lambda: None,
) -> None:
    """Restore a dump in directory format into an empty database.

    tablespaces: whether the server has those of the dump; if not, all goes into its default one.
    Raises PgError if that fails, and what watch raises, which is called several times a second.
    Subscriptions are left out: two databases must not share a slot of their publisher.
    """
    options = ["-j", str(jobs), "--exit-on-error", "--no-subscriptions", "--no-password"]
    options += [] if tablespaces else ["--no-tablespaces"]
    server.run("pg_restore", *options, "-d", conninfo(database), str(dump), watch=watch)


def sums_of(server: Server, database: str, *, jobs: int) -> Sums:
    """Return rows and sum of every table of a database that nobody writes to."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(server, database)) for _turn in range(max(1, jobs))]
        return sum_tables(sessions)


def _rights(quoted: str, properties: Properties) -> List[str]:
    """Return the statements that give a database its rights; null means the default ones."""
    if properties["rights"] is None:
        return []
    statements = [
        f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC",
        f"REVOKE ALL ON DATABASE {quoted} FROM {identifier(properties['owner'])}",
    ]
    for right in properties["rights"]:
        role = "PUBLIC" if right["role"] is None else identifier(right["role"])
        option = " WITH GRANT OPTION" if right["grantable"] else ""
        statements.append(f"GRANT {right['privilege']} ON DATABASE {quoted} TO {role}{option}")
    return statements


def _setting(quoted: str, entry: Dict[str, Any]) -> str:
    name, _separator, value = entry["setting"].partition("=")
    to = value if name in _LISTS else literal(value)
    target = f"DATABASE {quoted}"
    if entry["role"] is not None:
        target = f"ROLE {identifier(entry['role'])} IN {target}"
    return f"ALTER {target} SET {identifier(name)} TO {to or literal('')}"
