# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a database was written to since its loss was counted, without reading all of it.

The server's statistics tell which tables were written to. They may be late, but are complete once
the writers are gone. Only these tables are counted again.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import time
from typing import Container, Dict, List, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import (
    Loss,
    TableLoss,
    count_tables,
    require_accepted,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    IN_A_DUMP,
    LARGE_OBJECTS,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session, literal

_COUNTERS = f"""
SELECT c.oid::bigint AS oid,
       CASE WHEN n.nspname = 'pg_catalog' THEN {literal(LARGE_OBJECTS)}
            ELSE format('%I.%I', n.nspname, c.relname) END AS name,
       pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
         + pg_stat_get_tuples_deleted(c.oid) AS written,
       pg_relation_filenode(c.oid)::bigint AS file
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {IN_A_DUMP} OR c.oid IN ('pg_largeobject'::regclass, 'pg_largeobject_metadata'::regclass)
"""
_STATISTICS = """
SELECT pg_stat_get_db_stat_reset_time(oid)::text AS reset,
       current_setting('track_counts')::boolean AS counting,
       current_setting('server_version_num')::int AS version
FROM pg_database WHERE datname = current_database()
"""
# How long tables may be counted again while nobody can use the database.
_MOST_SECONDS = 2.0
# Before version 15 a process of its own collected the statistics, at most this late.
_COLLECTOR_SECONDS, _NO_COLLECTOR = 0.6, 150000
_CANCELED = "(SQLSTATE 57014)"


class Counter(NamedTuple):
    """How many rows of a table were written ever, and in which file they are."""

    name: str
    written: int
    file: int


class Writes:
    """What is written to a database from now on."""

    def __init__(self, session: Session, manifest: Manifest) -> None:
        """Read the counters; the loss has to be counted after that. Raises PgError."""
        self._manifest = manifest
        self._reset = _reset_time(session)
        self._counters = _read(session)
        self._moved: List[str] = []

    def recount(self, session: Session, loss: Loss) -> Loss:
        """Return the loss with what was written until now. Raises PgError."""
        before, self._counters = self._counters, _read(session)
        moved = list(written(before, self._counters))
        self._require_statistics(session)
        return loss.updated(count_tables(session, moved, self._manifest))

    def require_accepted(self, session: Session, loss: Loss, accepted: int) -> None:
        """Check the loss when nobody is left who could write, quickly.

        Raises LossError if more would be lost than was accepted, PgError if that cannot be told.
        """
        if session.row(_STATISTICS)["version"] < _NO_COLLECTOR:
            time.sleep(_COLLECTOR_SECONDS)
        more = written(self._counters, _read(session))
        self._require_statistics(session)
        self._moved = list(more)
        known = {name: rows for name, rows in more.items() if rows is not None}
        bound = loss.updated({name: _plus(loss, name, rows) for name, rows in known.items()})
        if bound.total > accepted or len(known) < len(more):
            require_accepted(self._count(session, bound, known), accepted, self._manifest["label"])

    def settle(self, session: Session, loss: Loss) -> Loss:
        """Return the loss with what require_accepted() found. session: of the same database."""
        return loss.updated(count_tables(session, self._moved, self._manifest))

    def _count(self, session: Session, bound: Loss, known: Container[str]) -> Loss:
        """Return the loss with the tables counted that were written to, as far as time allows."""
        session.execute("SET max_parallel_workers_per_gather = 0")
        deadline = time.monotonic() + _MOST_SECONDS
        for name in self._moved:
            left = max(1, int(1000 * (deadline - time.monotonic())))
            session.execute(f"SET statement_timeout = {left}")
            try:
                bound = bound.updated(count_tables(session, [name], self._manifest))
            except PgError as exc:
                if name not in known or _CANCELED not in str(exc):
                    raise
        return bound

    def _require_statistics(self, session: Session) -> None:
        if _reset_time(session) != self._reset:
            raise PgError(
                f"the statistics of database {session.database} were reset, so that it cannot be"
                " told what was written to it; run it again"
            )


def written(before: Dict[int, Counter], after: Dict[int, Counter]) -> Dict[str, Optional[int]]:
    """Return how many rows at most were written to each table that was touched, by its name.

    None: that cannot be told, since the table is in another file.
    """
    found: Dict[str, Optional[int]] = {}
    for oid, counter in after.items():
        known = before.get(oid, Counter("", 0, counter.file))
        if counter == known:
            continue
        rows, others = counter.written - known.written, found.get(counter.name, 0)
        told = counter.file == known.file and rows >= 0 and others is not None
        found[counter.name] = rows + others if told and others is not None else None
    return found


def _plus(loss: Loss, name: str, rows: int) -> TableLoss:
    """Return what a table would lose if every row that was written is one more."""
    before = loss.tables.get(name, TableLoss(0))
    return before._replace(lost=before.lost + rows, exact=False)


def _read(session: Session) -> Dict[int, Counter]:
    return {
        row["oid"]: Counter(row["name"], row["written"], row["file"])
        for row in session.rows(_COUNTERS)
    }


def _reset_time(session: Session) -> str:
    found = session.row(_STATISTICS)
    if not found["counting"]:
        raise PgError(
            f"database {session.database} does not count what is written to it: track_counts is"
            " off; switch it on, so that no write is lost unnoticed"
        )
    return str(found["reset"])
