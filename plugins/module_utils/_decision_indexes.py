# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which index the questions of a tracker need and do not have. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._decision_catalog import (
    Need,
    Row,
    Show,
    full_name,
    needs,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    LONGEST_NAME_BYTES,
    Name,
    Tracker,
)

#: Below this a table is read so quickly that an index is not worth its writes.
LARGE_BYTES = 8 * 1024 * 1024
INDEXES = """
SELECT c.relkind::text AS kind, i.indisvalid AS valid, x.relname AS index, a.attname AS leads,
  COALESCE(pg_relation_size(c.oid), 0) + COALESCE((SELECT sum(pg_relation_size(p.relid))::bigint
  FROM pg_partition_tree(c.oid) p WHERE p.relid <> c.oid), 0) AS bytes
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indpred IS NULL
LEFT JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
WHERE c.oid = {oid}
"""


class Proposal(NamedTuple):
    """A statement that creates, or clears the way for, an index."""

    tracker: str
    statement: str
    reason: str


def indexes_of(oid: int) -> Query:
    """Return the query for the size and the indexes of a table."""
    return Query(INDEXES, values={"oid": oid})


def missing_indexes(
    tracker: Tracker,
    tables: Mapping[Name, Row],
    indexes: Mapping[Name, Sequence[Row]],
    show: Show,
) -> List[Proposal]:
    """Return the indexes that the questions to large tables need and that are not there."""
    proposed: Dict[str, Proposal] = {}
    for need in needs(tracker):
        rows = indexes[need.table]
        large = rows and rows[0]["kind"] in "rpm" and rows[0]["bytes"] >= LARGE_BYTES
        led = [row for row in rows if row["leads"] == need.column]
        if not (need.searched and large) or any(row["valid"] for row in led):
            continue
        table = tables[need.table]
        size = f"{full_name(table)} has {rows[0]['bytes'] / 1024 / 1024:.0f} MiB"
        for row in led:
            drop = Query(
                "DROP INDEX CONCURRENTLY IF EXISTS {index}",
                {"index": (table["schema"], row["index"])},
            )
            said = f"index {row['index']} is not valid: creating it was broken off"
            proposed[show(drop)] = Proposal(tracker.name, show(drop), said)
        create, how = _create(need, table, rows[0]["kind"])
        reason = f"{size} and is searched by {need.column} ({need.path}) without an index{how}"
        proposed[show(create)] = Proposal(tracker.name, show(create), reason)
    return list(proposed.values())


def _create(need: Need, table: Row, kind: str) -> Tuple[Query, str]:
    partitioned = kind == "p"
    concurrently = "" if partitioned else "CONCURRENTLY "
    names: Dict[str, Name] = {
        "index": (index_name(table["name"], need.column),),
        "table": (table["schema"], table["name"]),
        "column": (need.column,),
    }
    how = (
        "; it is partitioned, so this locks out writers: create the index on each partition first,"
        " CONCURRENTLY"
    )
    return (
        Query(
            f"CREATE INDEX {concurrently}IF NOT EXISTS {{index}} ON {{table}} ({{column}})", names
        ),
        how if partitioned else "",
    )


def index_name(table: str, column: str) -> str:
    """Return the name that PostgreSQL itself would give, within its 63 bytes."""
    ending = "_idx"
    room = LONGEST_NAME_BYTES - len(ending) - 1
    cut_table, cut_column = table, column
    while len(f"{cut_table}{cut_column}".encode()) > room:
        if len(cut_table) >= len(cut_column):
            cut_table = cut_table[:-1]
        else:
            cut_column = cut_column[:-1]
    return f"{cut_table}_{cut_column}{ending}"
