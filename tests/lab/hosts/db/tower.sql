-- Copyright (c) 2026, The phased.rollout authors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Who may do what in one of the application's databases. A table that a migration makes later gets the same.
SELECT current_database() AS database \gset
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO tower_app, rollout_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tower_app;
ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO tower_app;
ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner IN SCHEMA public
  GRANT SELECT ON TABLES TO rollout_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner IN SCHEMA public
  GRANT SELECT ON SEQUENCES TO rollout_reader;
