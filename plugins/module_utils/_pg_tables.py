# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rows each table of a database has, and one sum over what is in them.

A sum is the total of a 64-bit hash of every row: it does not depend on the order of rows, it sees
one that stands twice, and the server computes it with as many workers as it has. The hashes are
those of hash partitioning, which PostgreSQL keeps the same from version to version.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, List, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

#: By quoted and qualified name: {"rows": number, "sum": text, "columns": sorted names}.
Sums = Dict[str, Dict[str, Any]]

#: Large objects have no table that is dumped; what they hold goes by this name.
LARGE_OBJECTS = "large objects"

#: Which tables (c in schema n) are in a dump with their rows. What an extension brings is not.
IN_A_DUMP = """
      c.relkind = 'r' AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""
# Types whose hash sees every difference that matters. All others are hashed as their text, so that
# 1.0 is not 1.00 and a document keeps its spelling. What an extension brings is not in a dump, nor
# are rows of foreign tables; a materialised view is computed again when it is restored.
_TABLES = f"""
SELECT c.oid::bigint AS oid,
       format('%I.%I', n.nspname, c.relname) AS name,
       pg_relation_size(c.oid) AS bytes,
       coalesce((
         SELECT string_agg(
           CASE WHEN a.atttypid = ANY ('{{bool,bytea,char,int2,int4,int8,text,varchar,bpchar,uuid,
                                         oid,name,date,timestamp,timestamptz}}'::regtype[])
                THEN format('%I', a.attname) ELSE format('%I::text', a.attname) END,
           ', ' ORDER BY a.attname COLLATE "C")
         FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       ), '') AS columns,
       coalesce((
         SELECT jsonb_agg(a.attname ORDER BY a.attname COLLATE "C") FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       ), '[]') AS names
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {IN_A_DUMP}
ORDER BY bytes DESC, name
"""
_SUM = """
SELECT count(*) AS rows, coalesce(sum(hash_record_extended(ROW({columns}), 0)), 0)::text AS sum
FROM ONLY {name}
"""
_COUNT = "SELECT count(*) AS rows, '0' AS sum FROM ONLY {name}"
# A restore writes zeros where a large object had a hole.
_LARGE_OBJECTS = r"""
SELECT (SELECT count(*) FROM pg_largeobject_metadata) AS rows,
       coalesce(sum(hash_record_extended(ROW(loid, pageno, kept), 0)), 0)::text AS sum
FROM (SELECT loid, pageno, rtrim(data, '\x00'::bytea) AS kept FROM pg_largeobject) AS pages
WHERE kept <> ''
"""


@dataclass(frozen=True)
class Table:
    """A table whose rows are in a dump. name is quoted and qualified; columns are expressions."""

    oid: int
    name: str
    bytes: int
    columns: str
    names: List[str]

    @property
    def query(self) -> str:
        """The query for the rows and the sum of this table."""
        return (_SUM if self.columns else _COUNT).format(name=self.name, columns=self.columns)


def tables_of(session: Session) -> List[Table]:
    """Return the tables of a database whose rows are in a dump of it, the largest first."""
    return [Table(**row) for row in session.rows(_TABLES)]


def sum_tables(sessions: Sequence[Session]) -> Sums:
    """Return rows and sum of every table, each session taking the largest table that is left.

    The sessions must see the same snapshot. Raises PgError if the role may not read all of it.
    """
    tables = tables_of(sessions[0])
    questions: Dict[str, Tuple[str, List[str]]] = {}
    if has_large_objects(sessions[0]):
        questions[LARGE_OBJECTS] = (_LARGE_OBJECTS, [])
    questions.update({table.name: (table.query, table.names) for table in tables})
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in questions:
        waiting.put(name)
    found: Sums = {}
    errors: List[PgError] = []

    def work(session: Session) -> None:
        while not errors:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            query, columns = questions[name]
            try:
                found[name] = {**session.row(query), "columns": columns}
            except PgError as exc:
                errors.append(exc)

    in_parallel([partial(work, session) for session in sessions])
    if errors:
        raise errors[0]
    return dict(sorted(found.items()))


def in_parallel(jobs: Sequence[Callable[[], None]]) -> None:
    """Run jobs at the same time, the first of them in this thread, and wait for all."""
    threads = [threading.Thread(target=job, daemon=True) for job in jobs[1:]]
    for thread in threads:
        thread.start()
    jobs[0]()
    for thread in threads:
        thread.join()


def differences(wanted: Sums, found: Sums) -> List[str]:
    """Return in words what differs between the sums of two databases, by table."""
    missing = [f"{name} is missing" for name in wanted if name not in found]
    more = [f"{name} should not be there" for name in found if name not in wanted]
    both = [name for name in wanted if name in found]
    other = [_difference(name, wanted[name], found[name]) for name in both]
    return missing + more + [text for text in other if text]


def require_same(wanted: Sums, found: Sums, what: str) -> None:
    """Raise PgError, naming the tables, unless two databases hold the same rows."""
    different = differences(wanted, found)
    if different:
        raise PgError(f"{what} does not hold what was backed up: {listed(different)}")


def _difference(name: str, wanted: Dict[str, Any], found: Dict[str, Any]) -> str:
    """Return how a table differs from what it should be, in what is known of both; "" if not."""
    columns = [side["columns"] for side in (found, wanted) if side.get("columns") is not None]
    if found["rows"] != wanted["rows"]:
        return f"{name} has {found['rows']} rows instead of {wanted['rows']}"
    if len(columns) == 2 and columns[0] != columns[1]:
        return f"{name} has the columns {', '.join(columns[0])} instead of {', '.join(columns[1])}"
    if found["sum"] != wanted["sum"]:
        return f"{name} has the right number of rows ({wanted['rows']}), but not all the same"
    return ""


def has_large_objects(session: Session) -> bool:
    """Return whether the session's database has any large object."""
    found: bool = session.row("SELECT EXISTS (SELECT FROM pg_largeobject_metadata) AS any")["any"]
    return found
