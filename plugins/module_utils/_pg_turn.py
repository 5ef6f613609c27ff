# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time works on a database, on whatever host it runs.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import time

from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import BusyError
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session, literal

# A killed run's session is gone when the server has noticed that nobody is at its other end.
_WAIT_SECONDS, _POLL_SECONDS = 3.0, 0.1
_HOLDERS = """
SELECT format('%s from %s (process %s, since %s UTC)', a.application_name,
              coalesce(client_addr::text, 'this host'), a.pid,
              to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) AS name
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND ((classid::bigint << 32) | objid::bigint) = {key}
"""


def take_turn(
    session: Session,
    task: str,
    application: str = "phased.rollout",
    wait_seconds: float = _WAIT_SECONDS,
) -> None:
    """Keep all others out of a task for as long as the session lives.

    session: of MAINTENANCE. application: what others are told who want to do the same meanwhile.
    Raises BusyError, naming who is at it, if that is not over soon.
    """
    key = f"hashtextextended({literal('phased.rollout ' + task)}, 0)"
    session.execute(
        f"SET application_name = {literal(application)}",
        "SET client_connection_check_interval = '200ms'",
    )
    deadline = time.monotonic() + wait_seconds
    while not session.row(f"SELECT pg_try_advisory_lock({key}) AS mine")["mine"]:
        if time.monotonic() > deadline:
            names = [row["name"] for row in session.rows(_HOLDERS.format(key=key))]
            who = ", ".join(names) or "somebody who is gone now"
            raise BusyError(f"{task} is being worked on by {who}; wait for it")
        time.sleep(_POLL_SECONDS)
