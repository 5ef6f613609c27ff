# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in all databases of a cluster, and what a live one has that a restored copy has not.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import MAINTENANCE
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import Loss, TableLoss
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    conninfo,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    LARGE_OBJECTS,
    Table,
    has_large_objects,
    tables_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import (
    _SETTINGS,
    Session,
    literal,
)

_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
_HASHES = "SELECT hash_record_extended(ROW({columns}), 0) AS hash FROM ONLY {name} ORDER BY 1"
_WRITTEN = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS rows,
       current_setting('track_counts')::bool AS counting
FROM pg_stat_all_tables
WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' OR relname = 'pg_largeobject'
"""


def databases_of(server: Server) -> List[str]:
    """Return the databases that can be connected to, without templates."""
    with Session(server, MAINTENANCE) as session:
        return [row["datname"] for row in session.rows(_DATABASES)]


def count_rows(server: Server) -> Dict[str, Dict[str, int]]:
    """Return the rows of every table by database, after reading each of them."""
    counts: Dict[str, Dict[str, int]] = {}
    for database in databases_of(server):
        with Session(server, database) as session:
            tables = _tables(session)
            counts[database] = {name: _count(session, table) for name, table in tables.items()}
    return counts


def written_rows(server: Server) -> Dict[str, int]:
    """Return how many rows were ever written in each database: it grows with every one.

    Raises PgError if a database does not count them.
    """
    written = {}
    for database in databases_of(server):
        with Session(server, database) as session:
            found = session.row(_WRITTEN)
        if not found["counting"]:
            raise PgError(
                f"database {database} does not count what is written to it: track_counts is off;"
                " switch it on, so that no write is lost unnoticed"
            )
        written[database] = int(found["rows"])
    return written


def written_since(before: Mapping[str, int], after: Mapping[str, int]) -> Dict[str, TableLoss]:
    """Return by database what was written between two calls of written_rows().

    Raises PgError if that cannot be told, since a counter went back.
    """
    more = {name: rows - before.get(name, 0) for name, rows in after.items()}
    gone = [name for name, rows in more.items() if rows < 0]
    if gone:
        raise PgError(
            f"what was written to {listed(gone)} cannot be told: its statistics were reset, or a"
            " table was dropped; run this again"
        )
    return {
        f"{name} (just now)": TableLoss(rows, exact=False) for name, rows in more.items() if rows
    }


def loss_between(live: Server, copy: Server) -> Loss:
    """Return what would be lost if the copy took the place of the live cluster, by table.

    A row that was updated since is lost as it is, and returns as it was. Every row is compared, by
    its hash, in memory that does not grow with their number. Raises PgError.
    """
    there, found = set(databases_of(copy)), {}
    for database in databases_of(live):
        with Session(live, database) as session:
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if database in there:
                with Session(copy, database) as restored:
                    tables = _compare(live, copy, session, restored)
            else:
                mine = _tables(session)
                tables = {name: _only(session, table) for name, table in mine.items()}
        found.update({f"{database} {name}": table for name, table in tables.items()})
    return Loss({name: table for name, table in found.items() if table.lost or table.returning})


def _compare(
    live: Server, copy: Server, session: Session, restored: Session
) -> Dict[str, TableLoss]:
    snapshot = session.row("SELECT pg_export_snapshot() AS id")["id"]
    mine = _tables(session)
    theirs = _tables(restored)
    found = {}
    for name, table in mine.items():
        other = theirs.pop(name, None)
        if other is None:
            found[name] = _only(session, table)
        elif session.row(table.query) != restored.row(other.query):
            left = _hashes(live, session.database, table, snapshot)
            right = _hashes(copy, session.database, other, None)
            with left as ours, right as its:
                found[name] = TableLoss(*only_in_one(ours, its))
    for name, table in theirs.items():
        found[name] = TableLoss(0, returning=_count(restored, table))
    return found


def _only(session: Session, table: Table) -> TableLoss:
    """Return the loss of a table that the copy does not have, or has without rows."""
    return TableLoss(_count(session, table), in_backup=False)


def _count(session: Session, table: Table) -> int:
    return int(session.row(f"SELECT count(*) AS rows FROM ONLY {table.name}")["rows"])


def _tables(session: Session) -> Dict[str, Table]:
    """Return the tables by name, large objects among them as one if there are any."""
    tables = {table.name: table for table in tables_of(session)}
    if has_large_objects(session):
        tables[LARGE_OBJECTS] = Table(0, "pg_catalog.pg_largeobject", 0, "loid, pageno, data", [])
    return tables


@contextmanager
def _hashes(
    server: Server, database: str, table: Table, snapshot: Optional[str]
) -> Iterator[Iterator[int]]:
    """Give the hashes of all rows of a table in ascending order, as the server sends them."""
    columns = table.columns or "1"
    statements = [*_SETTINGS, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
    statements += [f"SET TRANSACTION SNAPSHOT {literal(snapshot)}"] if snapshot else []
    statements.append(f"COPY ({_HASHES.format(columns=columns, name=table.name)}) TO STDOUT")
    commands = [part for statement in statements for part in ("-c", statement)]
    stop_at_errors = ("-v", "ON_ERROR_STOP=1")
    process = server.start(
        "psql", "-X", "-q", *stop_at_errors, "-d", conninfo(database), *commands,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stdout = process.stdout
    if stdout is None:
        raise PgError("psql has no pipes")
    try:
        yield map(int, stdout)
        if process.wait() != 0:
            raise PgError(f"the rows of {table.name} in database {database} could not be compared")
    finally:
        process.kill()
        process.wait()
        stdout.close()


def only_in_one(left: Iterable[int], right: Iterable[int]) -> Tuple[int, int]:
    """Return how many numbers only the left and only the right has. Both are in ascending order."""
    lefts, rights = iter(left), iter(right)
    mine, theirs = next(lefts, None), next(rights, None)
    only_left = only_right = 0
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine < theirs):
            only_left, mine = only_left + 1, next(lefts, None)
        elif mine is None or theirs < mine:
            only_right, theirs = only_right + 1, next(rights, None)
        else:
            mine, theirs = next(lefts, None), next(rights, None)
    return only_left, only_right
