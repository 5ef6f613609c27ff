# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several sessions that see a database as of the same moment, whatever is done to it meanwhile.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import tables_of
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

#: How long a table may be locked by somebody else before the dump gives up, in seconds.
LOCK_SECONDS = 10
_ATTEMPTS = 3
#: Each session that sums locks every table once more, in memory that is limited.
_MOST_LOCKS = 2000
_UNDEFINED_TABLE, _LOCK_NOT_AVAILABLE = "(SQLSTATE 42P01)", "(SQLSTATE 55P03)"
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_MOMENT = """
SELECT pg_export_snapshot() AS id, pg_current_snapshot()::text AS snapshot,
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') AS taken_at
"""
_HOLDERS = """
SELECT DISTINCT format('%s of %s (process %s, since %s)', l.mode, coalesce(nullif(
         a.application_name, ''), a.usename), l.pid, a.xact_start) AS name
FROM pg_locks l
JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.relation >= 16384 AND l.pid <> pg_backend_pid()
ORDER BY name
"""


@contextmanager
def one_moment(
    server: Server, database: str, *, jobs: int
) -> Iterator[Tuple[List[Session], Dict[str, Any]]]:
    """Yield sessions that all see one snapshot of a database while the block runs, and what it is.

    All tables are locked as for reading. Raises PgError, naming who keeps that from being done.
    """
    with ExitStack() as stack:
        first = stack.enter_context(Session(server, database))
        tables = first.row("SELECT count(*) FROM pg_class WHERE relkind = 'r'")["count"]
        count = max(1, min(jobs, _MOST_LOCKS // tables))
        sessions = [first]
        sessions += [stack.enter_context(Session(server, database)) for _turn in range(count - 1)]
        yield sessions, _share_moment(sessions)


def _share_moment(sessions: Sequence[Session]) -> Dict[str, Any]:
    """Return the snapshot that all sessions see from now on, every table of it locked by each.

    Locked, because a table that is emptied or rewritten by somebody else between here and the dump
    would look different to each of those who see the same snapshot.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _try_moment(sessions)
        except PgError as exc:
            if attempt == _ATTEMPTS or _UNDEFINED_TABLE not in str(exc):
                raise _explained(sessions[0], exc) from exc
            for session in sessions:
                session.execute("ROLLBACK")
    raise AssertionError("the last attempt returns or raises")


def _try_moment(sessions: Sequence[Session]) -> Dict[str, Any]:
    first = sessions[0]
    first.execute(_BEGIN)
    moment = first.row(_MOMENT)
    for session in sessions[1:]:
        session.execute(_BEGIN, f"SET TRANSACTION SNAPSHOT '{moment['id']}'")
    first.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    tables = [f"ONLY {table.name}" for table in tables_of(first)]
    for session in sessions:
        session.execute(
            f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'",
            *(
                f"LOCK TABLE {', '.join(some)} IN ACCESS SHARE MODE"
                for some in (tables[start : start + 500] for start in range(0, len(tables), 500))
            ),
            "SET LOCAL lock_timeout = 0",
            # The dump has its own processes; these here must not take all that the machine has.
            "SET LOCAL max_parallel_workers_per_gather = 0",
        )
    return moment


def _explained(session: Session, exc: PgError) -> PgError:
    """Return an error that says who holds the lock that was waited for."""
    if _LOCK_NOT_AVAILABLE not in str(exc):
        return exc
    session.execute("ROLLBACK")
    holders = [row["name"] for row in session.rows(_HOLDERS)]
    return PgError(
        f"{exc}; it is held by {listed(holders) or 'somebody who is gone now'}: wait until that has"
        " ended, or end it, and run again"
    )
