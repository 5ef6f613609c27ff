# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the questions about decisions in a database.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, List, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import Inquiry
from ansible_collections.phased.rollout.plugins.module_utils._decision_catalog import (
    columns_of,
    needs,
    problems,
    the_table,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_indexes import (
    Proposal,
    indexes_of,
    missing_indexes,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import (
    CLOCK,
    Query,
    Span,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_time import show_duration
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import Tracker
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._source import SourceError

POLL_SECONDS = 0.2
TIMEZONE = "SELECT set_config('TimeZone', {timezone}, true)"
RECORDS = "SELECT count(*) AS total FROM {table} d WHERE d.{key} = {wanted}"


class Waited(NamedTuple):
    """How a record was waited for: how long, with how many looks, how many there are."""

    tracker: str
    key: str
    records: int
    seconds: float
    polls: int


def moment(snapshot: Snapshot) -> datetime:
    """Return the time at the server when the snapshot was taken, or a moment later."""
    now: datetime = snapshot.run(CLOCK)[0][0]["now"]
    return now


def inquire(
    snapshot: Snapshot, tracker: Tracker, span: Span, now: datetime, of_type: Optional[str] = None
) -> Inquiry:
    """Return the questions that can be asked about a tracker.

    Raises SourceError, which names every table, column and privilege that is missing.
    """
    require_readable(snapshot, tracker)

    def run(query: Query) -> Any:
        # What a time without a zone means is the tracker's to say, and trackers take turns.
        snapshot.run(Query(TIMEZONE, values={"timezone": tracker.timezone}))
        return snapshot.run(query)

    return Inquiry(tracker, span, now, run, of_type)


def require_readable(snapshot: Snapshot, tracker: Tracker) -> None:
    """Raise SourceError unless the tracker's tables and columns are there and may be read."""
    wanted = needs(tracker)
    found = {table: snapshot.run(columns_of(table))[0] for table in {n.table for n in wanted}}
    missing = problems(wanted, found, snapshot.show)
    if missing:
        raise SourceError("; ".join(missing))


def propose_indexes(snapshot: Snapshot, tracker: Tracker) -> List[Proposal]:
    """Return the indexes that a tracker's questions need and that are not there."""
    tables = {
        table: the_table(table, snapshot.run(columns_of(table))[0])[0]
        for table in {need.table for need in needs(tracker)}
    }
    indexes = {name: snapshot.run(indexes_of(row["oid"]))[0] for name, row in tables.items()}
    return missing_indexes(tracker, tables, indexes, snapshot.show)


def wait_for_record(
    snapshot: Snapshot, tracker: Tracker, key: str, timeout_seconds: float
) -> Waited:
    """Wait until a record with that key is there. Raises SourceError if it does not come."""
    require_readable(snapshot, tracker)
    names = {"table": tracker.table, "key": (str(tracker.key),)}
    query = Query(RECORDS, names, {"wanted": key})
    started, polls = time.monotonic(), 0
    while True:
        snapshot.renew()
        records = int(snapshot.run(query)[0][0]["total"])
        polls += 1
        seconds = round(time.monotonic() - started, 3)
        if records:
            return Waited(tracker.name, key, records, seconds, polls)
        if seconds >= timeout_seconds:
            raise SourceError(
                f"no record with {tracker.key} = {key!r} came into {'.'.join(tracker.table)}"
                f" within {show_duration(timeout_seconds)} ({polls} looks)"
            )
        time.sleep(min(POLL_SECONDS, max(0.0, timeout_seconds - seconds)))
