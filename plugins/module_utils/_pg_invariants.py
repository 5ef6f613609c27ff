# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a database, in the words of whoever knows it: SQL that gives true.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session, literal


def search_path_of(session: Session) -> str:
    """Return where names without a schema are looked for, for who connects as the session did."""
    session.execute("BEGIN", "RESET search_path")
    path: str = session.row("SELECT current_setting('search_path') AS path")["path"]
    session.execute("ROLLBACK")
    return path


def require_invariants(
    server: Server, database: str, invariants: Mapping[str, str], search_path: str
) -> None:
    """Raise PgError, naming all of them, unless every invariant gives true and nothing else.

    A restored database has no settings yet, so it is told the search_path of the original.
    """
    broken = []
    with Session(server, database) as session:
        session.execute(f"SELECT set_config('search_path', {literal(search_path)}, false)")
        for name, query in invariants.items():
            session.execute("BEGIN READ ONLY")
            reason = _reason(session, query)
            session.execute("ROLLBACK")
            if reason:
                broken.append(f"{name} ({reason})")
    if broken:
        raise PgError(f"{database} breaks what must hold: {listed(broken)}")


def _reason(session: Session, query: str) -> str:
    """Return why a query does not give true; "" if it does."""
    try:
        rows = session.rows(query.strip().rstrip(";"))
    except PgError as exc:
        return str(exc)
    values = [value for row in rows for value in row.values()]
    if values == [True] and values[0] is True:
        return ""
    found = f"{len(values)} values" if len(values) != 1 else repr(values[0])
    return f"it gives {found} instead of true"
