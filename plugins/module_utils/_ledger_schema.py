# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the ledger's schema and bringing it up to date.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    LedgerAbsentError,
    LedgerError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_migrations import MIGRATIONS
from ansible_collections.phased.rollout.plugins.module_utils._ledger_session import LedgerSession

NEWEST = len(MIGRATIONS)
#: The first with triggers of rows on tables that are partitioned.
OLDEST_SERVER = 130000
_THERE = """
SELECT EXISTS (SELECT FROM pg_class
  WHERE relname = 'schema_version' AND relnamespace = to_regnamespace('rollout'))
"""
_SERVER = """
SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),
  has_database_privilege(current_database(), 'CREATE')
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('schema', 7655))"


def prepare(session: LedgerSession, *, make: bool) -> None:
    """Make the schema, or bring it up to date, unless it is.

    Raises LedgerAbsentError if there is none and make is false, LedgerError if this program cannot
    use it.
    """
    with session.transaction():
        version = version_of(session)
    if version < NEWEST:
        if not make:
            raise _missing(session, version)
        upgrade(session)


def version_of(session: LedgerSession) -> int:
    """Return the version of the schema, 0 if there is none. Raises LedgerError if it is newer."""
    if not session.row(_THERE)[0]:
        return 0
    version: int = session.row("SELECT coalesce(max(version), 0) FROM rollout.schema_version")[0]
    if version > NEWEST:
        raise LedgerError(
            f"{session.login}: the ledger's schema has version {version}, this program knows"
            f" {NEWEST} at most; install the version of the collection that the others use"
        )
    return version


def upgrade(session: LedgerSession) -> int:
    """Bring the schema to the newest version and return the version it had, 0 for none.

    All of it is one transaction, and of several first runs one does it. Raises LedgerError.
    """
    with session.transaction():
        _check_server(session)
        session.execute(_LOCK)
        version = version_of(session)
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            session.execute(statements)
            session.execute(f"INSERT INTO rollout.schema_version (version) VALUES ({number})")
    return version


def _check_server(session: LedgerSession) -> None:
    number, encoding, may_create = session.row(_SERVER)
    if number < OLDEST_SERVER:
        raise LedgerError(
            f"{session.login}: the server is PostgreSQL {number // 10000}, the ledger needs"
            f" {OLDEST_SERVER // 10000} or later"
        )
    if encoding != "UTF8":
        raise LedgerError(
            f"{session.login}: the database has encoding {encoding}, the ledger needs UTF8;"
            " make it with createdb --encoding=UTF8 --template=template0"
        )
    if not may_create:
        raise LedgerError(
            f"{session.login}: there is no ledger of version {NEWEST}, and this role may not make"
            " it; run the module phased.rollout.ledger_schema once as the owner of the database"
        )


def _missing(session: LedgerSession, version: int) -> LedgerError:
    if version == 0:
        return LedgerAbsentError(
            f"{session.login}: there is no ledger yet; the first run of a phase makes it, or the"
            " module phased.rollout.ledger_schema"
        )
    return LedgerError(
        f"{session.login}: the ledger's schema has version {version}, this program needs {NEWEST};"
        " run the module phased.rollout.ledger_schema as its owner"
    )
