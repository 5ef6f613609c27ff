# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large tables are, in a live database.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query
from ansible_collections.phased.rollout.plugins.module_utils._lint import MISSING, Limits, Size
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._sql_tables import Name

# An index stands for its table, and a partitioned table for its partitions. PostgreSQL's own
# estimate counts rows for as many pages as there are now; -1 is a table that was never analysed.
_FIND = """
WITH found AS (
  SELECT coalesce(i.indrelid, c.oid) AS oid
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.oid = to_regclass({name}::text)
), parts AS (
  SELECT c.oid, c.reltuples, c.relpages, pg_relation_size(c.oid) AS heap
  FROM found, LATERAL (SELECT relid FROM pg_partition_tree(found.oid)
                       UNION SELECT found.oid) AS tree
  JOIN pg_class c ON c.oid = tree.relid
  WHERE c.relkind IN ('r', 'm')
)
SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'f' AS is_foreign,
       (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM parts) AS bytes,
       (SELECT bool_and(heap = 0 OR (reltuples >= 0 AND relpages > 0)) FROM parts) AS is_estimated,
       (SELECT coalesce(sum(CASE WHEN heap = 0 THEN 0
                            ELSE reltuples / greatest(relpages, 1)
                                 * (heap / current_setting('block_size')::int) END), 0)::bigint
        FROM parts) AS rows,
       has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AS is_readable
FROM found JOIN pg_class c ON c.oid = found.oid JOIN pg_namespace n ON n.oid = c.relnamespace
"""
_COUNT = "SELECT count(*) AS rows FROM (SELECT FROM {table} LIMIT {most}) AS counted"


def sizes_of(
    snapshot: Snapshot, names: Iterable[Name], *, search_path: Sequence[str], limits: Limits
) -> Dict[Name, Size]:
    """Return the size of every table, or of the table of an index.

    search_path: schemas in which names without one are looked for; the role's own by default.
    limits: a table is counted where no estimate is known, if that is the work of a small one.
    Raises SourceError if the database cannot be asked.
    """
    return {name: _size(snapshot, name, search_path, limits) for name in set(names)}


def _size(snapshot: Snapshot, name: Name, search_path: Sequence[str], limits: Limits) -> Size:
    schemas: List[Optional[str]] = [name.schema] if name.schema else [*search_path] or [None]
    for schema in schemas:
        quoted = ".".join(_quoted(part) for part in (schema, name.name) if part)
        rows, _seconds, _asked = snapshot.run(Query(_FIND, values={"name": quoted}))
        if rows:
            return _read(snapshot, rows[0], limits)
    return MISSING


def server_version(snapshot: Snapshot) -> str:
    """Return the server's version as squawk wants it, such as 15.8."""
    query = Query("SELECT current_setting('server_version_num')::int AS number")
    rows, _seconds, _asked = snapshot.run(query)
    number = int(rows[0]["number"])
    return f"{number // 10000}.{number % 10000}"


def _read(snapshot: Snapshot, row: Mapping[str, Any], limits: Limits) -> Size:
    """Return the size that a row of _FIND tells, with the rows counted if it does not."""
    size = int(row["bytes"])
    if row["is_foreign"]:
        return Size(why="it is a foreign table")
    if row["is_estimated"] is not False:
        return Size(int(row["rows"]), size)
    if size > limits.bytes:
        return Size(bytes=size, why="it was never analysed, and is too large to be counted")
    if not row["is_readable"]:
        return Size(bytes=size, why="it was never analysed, and its rows may not be read")
    names = {"table": (row["schema"], row["name"])}
    counted, _seconds, _asked = snapshot.run(
        Query(_COUNT, names=names, values={"most": limits.rows + 1})
    )
    return Size(int(counted[0]["rows"]), size)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
