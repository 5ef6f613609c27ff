# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's tables as migrations: what each version of its schema adds to the one before.

A migration that has been released is never changed; what comes later is a further one.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

#: What the functions below raise, besides the codes of PostgreSQL itself.
NOT_IN_CHAIN, STALE_FENCE, EXPIRED_FENCE, ONLY_GROWS = "RL001", "RL002", "RL003", "RL004"

# Functions run as their owner, so that writing needs no more than INSERT and SELECT, and with a
# search_path in which nobody else can put anything before what they mean.
_TABLES = """
CREATE SCHEMA IF NOT EXISTS rollout;

CREATE TABLE rollout.schema_version (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_by text NOT NULL DEFAULT session_user
);

CREATE TABLE rollout.entries (
  rollout text NOT NULL,
  sequence bigint NOT NULL,
  key text NOT NULL,
  kind text NOT NULL,
  phase text,
  step text,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  run text NOT NULL,
  fence bigint,
  previous text NOT NULL,
  hash text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (rollout, sequence),
  UNIQUE (rollout, key),
  CHECK ((kind = 'step') = (step IS NOT NULL)),
  CHECK (step IS NULL OR phase IS NOT NULL)
);
CREATE INDEX entries_of_kind ON rollout.entries (rollout, kind, phase, sequence);
CREATE INDEX entries_of_phase ON rollout.entries (rollout, phase, sequence);
CREATE INDEX entries_of_step ON rollout.entries (rollout, phase, step, sequence)
  WHERE step IS NOT NULL;

CREATE TABLE rollout.leases (
  rollout text PRIMARY KEY,
  fence bigint NOT NULL,
  holder text,
  run text,
  since timestamptz,
  expires_at timestamptz,
  host_id text,
  pid bigint,
  pid_started bigint
);

CREATE TABLE rollout.samples (
  rollout text NOT NULL,
  phase text NOT NULL,
  objective text NOT NULL,
  at timestamptz NOT NULL,
  value double precision,
  unit text,
  verdict text NOT NULL,
  reason text,
  PRIMARY KEY (rollout, phase, at, objective)
) PARTITION BY RANGE (at);
"""

_GUARDS = """
CREATE FUNCTION rollout.only_grows() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of rollout.% is refused: it only grows', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'RL004';
END $$;

-- Of statements, so that one which finds no row is refused as well; ALWAYS, so that a session in
-- the role of a replica is no way around.
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON rollout.entries
  EXECUTE FUNCTION rollout.only_grows();
ALTER TABLE rollout.entries ENABLE ALWAYS TRIGGER only_grows;

-- Whoever removes a lease would make the numbers of its fence begin again.
CREATE TRIGGER only_grows BEFORE DELETE OR TRUNCATE ON rollout.leases
  EXECUTE FUNCTION rollout.only_grows();
CREATE TRIGGER fence_only_grows BEFORE UPDATE ON rollout.leases FOR EACH ROW
  WHEN (NEW.fence < OLD.fence OR NEW.rollout <> OLD.rollout)
  EXECUTE FUNCTION rollout.only_grows();

-- Partitions inherit the triggers of rows only.
CREATE TRIGGER rows_stay BEFORE UPDATE OR DELETE ON rollout.samples FOR EACH ROW
  EXECUTE FUNCTION rollout.only_grows();
CREATE TRIGGER only_grows BEFORE TRUNCATE ON rollout.samples
  EXECUTE FUNCTION rollout.only_grows();
"""

_CHAIN = """
CREATE FUNCTION rollout.lock_chain(the_rollout text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_advisory_xact_lock(hashtextextended(the_rollout, 7653)) $$;

CREATE FUNCTION rollout.continue_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  head record;
  content json := NEW.body;
  told text[];
BEGIN
  PERFORM rollout.lock_chain(NEW.rollout);
  SELECT sequence, hash, at INTO head FROM rollout.entries
    WHERE rollout = NEW.rollout ORDER BY sequence DESC LIMIT 1;
  IF NEW.sequence <> coalesce(head.sequence, 0) + 1 THEN
    RAISE EXCEPTION 'entry % does not follow entry %', NEW.sequence, coalesce(head.sequence, 0)
      USING ERRCODE = 'RL001';
  ELSIF NEW.previous <> coalesce(head.hash, repeat('0', 64)) THEN
    RAISE EXCEPTION 'entry % follows %, but the one before is %',
      NEW.sequence, NEW.previous, coalesce(head.hash, repeat('0', 64)) USING ERRCODE = 'RL001';
  ELSIF NEW.hash <> encode(sha256(convert_to(NEW.previous || NEW.body, 'UTF8')), 'hex') THEN
    RAISE EXCEPTION 'entry % has a hash that its content does not give', NEW.sequence
      USING ERRCODE = 'RL001';
  ELSIF NEW.at < head.at OR NEW.at > greatest(head.at, clock_timestamp()) THEN
    RAISE EXCEPTION 'entry % is of %, but must be from % on, and not later than now (%)',
      NEW.sequence, NEW.at, head.at, clock_timestamp() USING ERRCODE = 'RL001';
  END IF;
  told := ARRAY[
    content ->> 'actor', content ->> 'at', content ->> 'fence', content ->> 'key',
    content ->> 'kind', content ->> 'phase', content ->> 'rollout', content ->> 'run',
    content ->> 'sequence', CASE NEW.kind WHEN 'step' THEN content -> 'data' ->> 'step' END];
  IF told IS DISTINCT FROM ARRAY[
    NEW.actor, to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    NEW.fence::text, NEW.key, NEW.kind, NEW.phase, NEW.rollout, NEW.run, NEW.sequence::text,
    NEW.step] THEN
    RAISE EXCEPTION 'entry % has columns that differ from its body', NEW.sequence
      USING ERRCODE = 'RL001';
  END IF;
  IF NEW.fence IS NOT NULL THEN
    PERFORM rollout.check_fence(NEW.rollout, NEW.fence);
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER continue_chain BEFORE INSERT ON rollout.entries FOR EACH ROW
  EXECUTE FUNCTION rollout.continue_chain();
"""

_LEASES = """
-- The row stays locked until the entry is there: a take-over waits for it, or comes first.
CREATE FUNCTION rollout.check_fence(the_rollout text, the_fence bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE lease rollout.leases;
BEGIN
  SELECT * INTO lease FROM rollout.leases WHERE rollout = the_rollout FOR SHARE;
  IF lease.holder IS NULL OR lease.fence <> the_fence THEN
    RAISE EXCEPTION 'the lease with fence % is lost', the_fence USING ERRCODE = 'RL002';
  ELSIF lease.expires_at <= clock_timestamp() THEN
    RAISE EXCEPTION 'the lease with fence % has run out', the_fence USING ERRCODE = 'RL003';
  END IF;
END $$;

-- dead: the fence of a holder that the caller knows to be dead. Taken is by whom it was held.
CREATE FUNCTION rollout.take_lease(
  the_rollout text, the_holder text, the_run text, the_host_id text, the_pid bigint,
  the_pid_started bigint, seconds double precision, dead bigint,
  OUT outcome text, OUT lease jsonb, OUT before jsonb
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_lease rollout.leases;
  new_lease rollout.leases;
  until timestamptz;
BEGIN
  INSERT INTO rollout.leases (rollout, fence) VALUES (the_rollout, 0) ON CONFLICT DO NOTHING;
  SELECT * INTO found_lease FROM rollout.leases WHERE rollout = the_rollout FOR UPDATE;
  until := clock_timestamp() + make_interval(secs => seconds);
  IF found_lease.run = the_run AND found_lease.holder = the_holder
    AND (found_lease.host_id, found_lease.pid, found_lease.pid_started)
      IS NOT DISTINCT FROM (the_host_id, the_pid, the_pid_started) THEN
    outcome := 'renewed';
    UPDATE rollout.leases SET expires_at = until WHERE rollout = the_rollout
      RETURNING * INTO new_lease;
  ELSIF found_lease.holder IS NULL OR found_lease.expires_at <= clock_timestamp()
    OR found_lease.fence = dead THEN
    outcome := 'taken';
    UPDATE rollout.leases SET fence = fence + 1, holder = the_holder, run = the_run,
      since = clock_timestamp(), expires_at = until, host_id = the_host_id, pid = the_pid,
      pid_started = the_pid_started
      WHERE rollout = the_rollout RETURNING * INTO new_lease;
  ELSE
    outcome := 'held';
    new_lease := found_lease;
  END IF;
  lease := to_jsonb(new_lease);
  before := CASE WHEN found_lease.holder IS NOT NULL THEN to_jsonb(found_lease) END;
END $$;

-- Null if the lease is not the caller's any more.
CREATE FUNCTION rollout.renew_lease(
  the_rollout text, the_run text, the_fence bigint, seconds double precision
) RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE rollout.leases SET expires_at = clock_timestamp() + make_interval(secs => seconds)
  WHERE rollout = the_rollout AND run = the_run AND fence = the_fence
  RETURNING to_jsonb(leases)
$$;

CREATE FUNCTION rollout.release_lease(the_rollout text, the_run text, the_fence bigint)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH released AS (
    UPDATE rollout.leases SET holder = NULL, run = NULL, since = NULL, expires_at = NULL,
      host_id = NULL, pid = NULL, pid_started = NULL
    WHERE rollout = the_rollout AND run = the_run AND fence = the_fence
    RETURNING 1)
  SELECT EXISTS (SELECT FROM released)
$$;
"""

_MONTHS = """
CREATE FUNCTION rollout.make_month(the_moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  month timestamp := date_trunc('month', the_moment AT TIME ZONE 'UTC');
  name text := to_char(month, '"samples_"YYYY_MM');
BEGIN
  IF to_regclass('rollout.' || name) IS NOT NULL THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('samples', 7654));
  -- Asked of the catalogue itself: to_regclass remembers what it has said before the wait.
  IF NOT EXISTS (SELECT FROM pg_class
    WHERE relname = name AND relnamespace = to_regnamespace('rollout')) THEN
    EXECUTE format('CREATE TABLE rollout.%I PARTITION OF rollout.samples'
      ' FOR VALUES FROM (%L) TO (%L)', name,
      month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    EXECUTE format('CREATE TRIGGER only_grows BEFORE TRUNCATE ON rollout.%I'
      ' EXECUTE FUNCTION rollout.only_grows()', name);
  END IF;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA rollout FROM PUBLIC;
"""

#: The statements that lead to version 1, 2, …
MIGRATIONS = ("".join([_TABLES, _GUARDS, _CHAIN, _LEASES, _MONTHS]),)
