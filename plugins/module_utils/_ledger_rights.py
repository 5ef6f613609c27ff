# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights of a role that writes the ledger: to add rows, to read, and nothing else.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Set

from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import LedgerError
from ansible_collections.phased.rollout.plugins.module_utils._ledger_session import LedgerSession

# What these do is done as the ledger's owner.
_FUNCTIONS = ("lock_chain", "make_month", "release_lease", "renew_lease", "take_lease")
_READS = ("entries", "leases", "samples", "schema_version")
_ADDS = ("entries", "samples")
WRITER_RIGHTS = {
    *("USAGE of schema rollout", "CONNECT of the database"),
    *(f"SELECT of {name}" for name in _READS),
    *(f"INSERT of {name}" for name in _ADDS),
    *(f"EXECUTE of {name}" for name in _FUNCTIONS),
}
_ROLE = """
SELECT pg_has_role(rolname, (SELECT relowner FROM pg_class
  WHERE relname = 'entries' AND relnamespace = to_regnamespace('rollout')), 'MEMBER')
FROM pg_roles WHERE rolname = %(role)s
"""
# A right to some columns of a table is not the right to the table, but may be one too many.
_HELD = """
WITH rights AS (
  SELECT relname AS name, pg_class.oid, privilege,
    has_table_privilege(%(role)s, pg_class.oid, privilege) AS whole
  FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
    'TRIGGER']) AS privilege
  WHERE relnamespace = to_regnamespace('rollout') AND relkind IN ('r', 'p'))
SELECT privilege || ' of ' || name FROM rights WHERE whole
UNION ALL
SELECT privilege || ' of columns of ' || name FROM rights WHERE NOT whole
  AND privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
  AND has_any_column_privilege(%(role)s, oid, privilege)
UNION ALL
SELECT 'EXECUTE of ' || proname FROM pg_proc
WHERE pronamespace = to_regnamespace('rollout') AND has_function_privilege(%(role)s, oid, 'EXECUTE')
UNION ALL
SELECT privilege || ' of schema rollout' FROM unnest(ARRAY['USAGE', 'CREATE']) AS privilege
WHERE has_schema_privilege(%(role)s, 'rollout', privilege)
UNION ALL
SELECT 'CONNECT of the database'
WHERE has_database_privilege(%(role)s, current_database(), 'CONNECT')
"""
_GRANT = """
REVOKE ALL ON ALL TABLES IN SCHEMA rollout FROM {role};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rollout FROM {role};
REVOKE ALL ON SCHEMA rollout FROM {role};
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA rollout TO {role};
GRANT SELECT ON {reads} TO {role};
GRANT INSERT ON {adds} TO {role};
GRANT EXECUTE ON FUNCTION {functions} TO {role};
"""


def held_rights(session: LedgerSession, role: str) -> Set[str]:
    """Return what a role may do with the ledger, such as 'INSERT of entries'.

    Raises LedgerError if there is no such role, or if it owns the ledger: an owner can give itself
    every right.
    """
    found = session.rows(_ROLE, {"role": role})
    if not found:
        raise LedgerError(f"{session.login}: there is no role {role}; make it first")
    if found[0][0]:
        raise LedgerError(
            f"{session.login}: {role} owns the ledger, so no right can be kept from it; name"
            " another role as the writer"
        )
    return {row[0] for row in session.rows(_HELD, {"role": role})}


def grant_writer(session: LedgerSession, role: str) -> None:
    """Give a role what writing the ledger needs, and take everything else from it.

    Raises LedgerError if it keeps more, through PUBLIC or through another role.
    """
    quoted = session.quoted(role)
    with session.transaction():
        session.execute(
            _GRANT.format(
                role=quoted,
                database=session.quoted(session.row("SELECT current_database()")[0]),
                reads=_listed(_READS),
                adds=_listed(_ADDS),
                functions=_listed(_FUNCTIONS),
            )
        )
        surplus = held_rights(session, role) - WRITER_RIGHTS
        if surplus:
            raise LedgerError(
                f"{session.login}: {role} would still have {', '.join(sorted(surplus))}; take that"
                " from PUBLIC, or from the role that it is a member of"
            )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"rollout.{name}" for name in names)
