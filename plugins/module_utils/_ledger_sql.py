# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger is asked, in SQL.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

_ENTRY = "SELECT body, previous, hash FROM rollout.entries"

LOCK = "SELECT rollout.lock_chain(%(rollout)s)"
FIND = f"{_ENTRY} WHERE rollout = %(rollout)s AND key = %(key)s"
#: The moment of the next entry never lies before that of the last one: clocks are set back.
HEAD = """
SELECT sequence, hash, greatest(at, clock_timestamp())
FROM (SELECT) AS one LEFT JOIN LATERAL (
  SELECT sequence, hash, at FROM rollout.entries
  WHERE rollout = %(rollout)s ORDER BY sequence DESC LIMIT 1) AS head ON true
"""
INSERT = """
INSERT INTO rollout.entries
  (rollout, sequence, key, kind, phase, step, at, actor, run, fence, previous, hash, body)
VALUES (%(rollout)s, %(sequence)s, %(key)s, %(kind)s, %(phase)s, %(step)s, %(at)s, %(actor)s,
  %(run)s, %(fence)s, %(previous)s, %(hash)s, %(body)s)
"""
ENTRIES = f"""
{_ENTRY} WHERE rollout = %(rollout)s
  AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
  AND (%(phase)s::text IS NULL OR phase = %(phase)s::text)
ORDER BY sequence
"""
# From one phase and step to the next by the index: reading all of a long history takes seconds.
STEPS = """
WITH RECURSIVE known AS (
  (SELECT phase, step FROM rollout.entries
   WHERE rollout = %(rollout)s AND step IS NOT NULL ORDER BY phase, step LIMIT 1)
  UNION ALL
  SELECT following.phase, following.step FROM known, LATERAL (
    SELECT phase, step FROM rollout.entries
    WHERE rollout = %(rollout)s AND step IS NOT NULL
      AND (phase, step) > (known.phase, known.step)
    ORDER BY phase, step LIMIT 1) AS following)
SELECT body, previous, hash FROM known, LATERAL (
  SELECT sequence, body, previous, hash FROM rollout.entries
  WHERE rollout = %(rollout)s AND step IS NOT NULL
    AND phase = known.phase AND step = known.step
  ORDER BY sequence DESC LIMIT 1) AS newest
ORDER BY sequence
"""
#: The columns of Stored, in its order.
STORED = """
SELECT actor, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), fence, key, kind,
  phase, rollout, run, sequence, step, previous, hash, body
FROM rollout.entries WHERE rollout = %(rollout)s ORDER BY sequence
"""
NOW = "SELECT clock_timestamp()"
LEASE = "SELECT to_jsonb(leases) FROM rollout.leases WHERE rollout = %(rollout)s"
TAKE_LEASE = """
SELECT outcome, lease, before FROM rollout.take_lease(%(rollout)s, %(holder)s, %(run)s,
  %(host_id)s, %(pid)s, %(pid_started)s, %(seconds)s, %(dead)s)
"""
RENEW_LEASE = "SELECT rollout.renew_lease(%(rollout)s, %(run)s, %(fence)s, %(seconds)s)"
RELEASE_LEASE = "SELECT rollout.release_lease(%(rollout)s, %(run)s, %(fence)s)"
MAKE_MONTH = "SELECT rollout.make_month(%(at)s)"
ADD_SAMPLES = """
INSERT INTO rollout.samples (rollout, phase, objective, at, value, unit, verdict, reason)
VALUES %s ON CONFLICT DO NOTHING RETURNING 1
"""
SAMPLE = (
    "(%(rollout)s, %(phase)s, %(objective)s, %(at)s, %(value)s, %(unit)s, %(verdict)s, %(reason)s)"
)
SAMPLES = """
SELECT phase, objective, at, value, unit, verdict, reason FROM rollout.samples
WHERE rollout = %(rollout)s AND phase = %(phase)s AND at >= %(since)s ORDER BY at, objective
"""
