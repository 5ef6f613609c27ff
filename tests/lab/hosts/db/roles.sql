-- Copyright (c) 2026, The phased.rollout authors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

CREATE ROLE tower_owner LOGIN;     -- owns the application's schema, runs its migrations
CREATE ROLE tower_app LOGIN;       -- the application itself: reads and writes rows
CREATE ROLE rollout_reader LOGIN;  -- measures objectives: reads
CREATE ROLE rollout_ledger LOGIN;  -- owns the ledger and sees nothing else

ALTER ROLE rollout_reader SET default_transaction_read_only = on;
GRANT pg_monitor TO rollout_reader;
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO rollout_reader;
