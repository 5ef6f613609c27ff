# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration's watch asks the server: who is there, who holds what, who waits for whom.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

from ansible_collections.phased.rollout.plugins.module_utils._psql import literal

#: Sessions of a migration have this application name, with a token of the run behind it.
APPLICATION = "phased.rollout.migrate"
#: So is the session that watches called; the host's name follows.
WATCHER = "phased.rollout.watch"
# The advisory lock that a migration holds in its database: "phas" and "migr" in ASCII.
_LOCK = (0x70686173, 0x6D696772)

_SESSION = """
jsonb_build_object('pid', {pid}, 'user', a.usename, 'application', nullif(a.application_name, ''),
  'client', host(a.client_addr), 'state', a.state,
  'since', to_char(coalesce(a.xact_start, a.backend_start), 'YYYY-MM-DD HH24:MI:SS TZ'))"""
# An index's lock is in the way of whoever wants its table.
_TABLE = """
(SELECT format('%I.%I', n.nspname, c.relname)
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = l.relation), l.relation)
   AND c.relkind IN ('r', 'p', 'm', 'f', 'v') AND n.nspname !~ '^pg_'
   AND n.nspname <> 'information_schema')"""
_HERE = "(SELECT oid FROM pg_database WHERE datname = current_database())"

TAKE_LOCK = f"SELECT pg_try_advisory_lock({_LOCK[0]}, {_LOCK[1]}) AS taken"
WHO_HAS_LOCK = f"""
SELECT {_SESSION.format(pid="l.pid")} AS session
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.database = {_HERE}
  AND (l.classid, l.objid, l.objsubid) = ({_LOCK[0]}, {_LOCK[1]}, 2)
"""
WHO_MIGRATES = f"""
SELECT {_SESSION.format(pid="a.pid")} AS session FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.application_name LIKE {literal(APPLICATION + " %")}
"""
INVALID_INDEXES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname <> 'pg_toast'
"""
# Without the right to read what others do, xact_start is null. Vacuum gives way by itself, unless
# it must prevent a wraparound; what a parallel worker holds, its leader holds too.
TRANSACTIONS = f"""
WITH held AS MATERIALIZED (
  SELECT l.pid, l.virtualtransaction AS transaction,
         jsonb_agg(jsonb_build_object('table', l.name, 'mode', l.mode)) AS tables
  FROM (SELECT pid, virtualtransaction, mode, {_TABLE} AS name FROM pg_locks l
        WHERE locktype = 'relation' AND granted AND database = {_HERE}) AS l
  WHERE l.name IS NOT NULL
  GROUP BY l.pid, l.virtualtransaction
)
SELECT extract(epoch FROM clock_timestamp()) AS at,
       coalesce(held.transaction, a.pid || '/' || a.xact_start) AS transaction,
       extract(epoch FROM clock_timestamp() - a.xact_start) AS seconds, held.tables,
       {_SESSION.format(pid="a.pid")} AS session
FROM pg_stat_activity a LEFT JOIN held ON held.pid = a.pid
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND (held.pid IS NOT NULL OR a.state LIKE 'idle in transaction%')
  AND (a.usesysid IS NOT NULL OR a.query LIKE '%to prevent wraparound%')
  AND to_jsonb(a) ->> 'leader_pid' IS NULL
UNION ALL
SELECT extract(epoch FROM clock_timestamp()), 'prepared ' || p.gid,
       extract(epoch FROM clock_timestamp() - p.prepared),
       (SELECT held.tables FROM held
        WHERE held.pid IS NULL AND held.transaction = (
          SELECT l.virtualtransaction FROM pg_locks l
          WHERE l.locktype = 'transactionid' AND l.pid IS NULL
            AND l.transactionid = p.transaction)),
       jsonb_build_object('prepared', p.gid, 'user', p.owner,
                          'since', to_char(p.prepared, 'YYYY-MM-DD HH24:MI:SS TZ'))
FROM pg_prepared_xacts p WHERE p.database = current_database()
"""
_LOOK = f"""
WITH mine AS MATERIALIZED (
  SELECT a.pid, a.application_name = {{mark}} AS marked,
         CASE WHEN a.state = 'active'
              THEN extract(epoch FROM clock_timestamp() - a.query_start) END AS seconds
  FROM pg_stat_activity a
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND (a.application_name = {{mark}} OR {{alike}})
), held AS MATERIALIZED (
  SELECT l.pid, {_TABLE} AS "table", l.mode, l.granted,
         CASE WHEN NOT l.granted THEN (
           SELECT jsonb_agg({_SESSION.format(pid="b.pid")})
           FROM unnest(pg_blocking_pids(l.pid)) AS b(pid)
           LEFT JOIN pg_stat_activity a ON a.pid = b.pid) END AS blockers
  FROM pg_locks l JOIN mine ON mine.pid = l.pid
  WHERE l.locktype = 'relation' OR NOT l.granted
)
SELECT extract(epoch FROM clock_timestamp()) AS at,
       (SELECT coalesce(jsonb_agg(to_jsonb(mine)), '[]') FROM mine) AS sessions,
       (SELECT coalesce(jsonb_agg(to_jsonb(held)), '[]') FROM held
        WHERE NOT granted OR "table" IS NOT NULL) AS locks,
       (SELECT min(datname) FROM pg_stat_activity
        WHERE application_name = {{mark}} AND datname <> current_database()) AS elsewhere
"""
_ALIKE = """(a.usename = current_user AND a.client_addr IS NOT DISTINCT FROM inet_client_addr()
         AND a.backend_start >= {since} AND a.application_name NOT LIKE 'phased.rollout%')"""


def look(mark: str, since: str | None) -> str:
    """Return the query for a migration's sessions, their locks, and who is waited for.

    mark: their application name. since: when the command was started, for a tool that names its
    sessions itself: then those of its role, from this host, that are younger are its own.
    """
    alike = "false" if since is None else _ALIKE.format(since=f"{literal(since)}::timestamptz")
    return _LOOK.format(mark=literal(mark), alike=alike)
