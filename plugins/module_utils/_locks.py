# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration locks, for how long, and who stands in its way: pure, from looks at pg_locks.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

#: The modes of a table's lock, weakest first (PostgreSQL's documentation, "Explicit Locking").
MODES = [
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]

#: One row about a session, a transaction or a lock, as the queries of _migrate_watch.py give it.
Row = Mapping[str, Any]


class _Held(NamedTuple):
    """A lock in one state. table: None for a lock that is on no table, such as a transaction's."""

    pid: int
    table: Optional[str]
    mode: str
    granted: bool


@dataclass
class _Table:
    """What was seen of one table, in seconds by mode."""

    held: Dict[str, float] = field(default_factory=dict)
    waited: float = 0.0
    asked: Set[str] = field(default_factory=set)
    blocked_by: List[str] = field(default_factory=list)


class LockLog:
    """The locks of a migration, look by look.

    A lock counts from the look before it was first seen to the look that did not see it any more:
    never too short. One that came and went between two looks is not known.
    """

    def __init__(self) -> None:
        self._since: Dict[_Held, float] = {}
        self._tables: Dict[Optional[str], _Table] = {}
        self._last: Optional[float] = None

    def look(self, at: float, rows: Sequence[Row]) -> None:
        """Take in the locks that were seen at a moment, in seconds of the server's clock."""
        before = at if self._last is None else self._last
        seen: Set[_Held] = set()
        for row in rows:
            held = _Held(row["pid"], row["table"], words_of(row["mode"]), row["granted"])
            seen.add(held)
            self._since.setdefault(held, before)
            table = self._tables.setdefault(held.table, _Table())
            table.asked.add(held.mode)
            for blocker in map(name_session, row["blockers"] or []):
                if blocker not in table.blocked_by:
                    table.blocked_by.append(blocker)
        for held in [held for held in self._since if held not in seen]:
            self._end(held, at)
        self._last = at

    def finish(self) -> None:
        """End what is still open: the sessions are gone."""
        for held in list(self._since):
            self._end(held, self._last or 0.0)

    def waits(self) -> Dict[int, float]:
        """Return for how many seconds each session that waits has waited, by pid."""
        now = self._last or 0.0
        return {held.pid: now - since for held, since in self._since.items() if not held.granted}

    def report(self) -> List[Dict[str, Any]]:
        """Return the strongest lock of every table, the strongest first.

        milliseconds: the longest time that it was held; waited_milliseconds: how long all locks of
        the table were waited for. A lock that was only waited for has been held for 0.
        """
        found = [_entry(name, table) for name, table in self._tables.items()]
        return sorted(found, key=lambda entry: (-_strength(entry["mode"]), entry["table"] or ""))

    def blockers(self) -> List[str]:
        """Return who was waited for."""
        names = [name for table in self._tables.values() for name in table.blocked_by]
        return list(dict.fromkeys(names))

    def _end(self, held: _Held, at: float) -> None:
        seconds = at - self._since.pop(held)
        table = self._tables[held.table]
        if held.granted:
            table.held[held.mode] = max(seconds, table.held.get(held.mode, 0.0))
        else:
            table.waited += seconds


def words_of(mode: str) -> str:
    """Return a mode of pg_locks in SQL's words: AccessExclusiveLock is ACCESS EXCLUSIVE."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub("Lock$", "", mode)).upper()


def name_session(row: Row) -> str:
    """Return who holds a lock or a transaction, for a message."""
    if row.get("prepared"):
        return f"prepared transaction {row['prepared']} of {row['user']}, since {row['since']}"
    if not row.get("pid"):
        return "a prepared transaction (SELECT * FROM pg_prepared_xacts names it)"
    # The server tells only members of pg_read_all_stats what other roles' sessions do.
    told = [
        f"user {row['user'] or 'unknown'}",
        f"application {row['application']}" if row.get("application") else "",
        f"client {row['client'] or 'on the socket'}" if row.get("since") else "",
        f"{row.get('state') or 'in a transaction'} since {row['since']}"
        if row.get("since")
        else "",
    ]
    return f"pid {row['pid']} ({', '.join(filter(None, told))})"


def _entry(name: Optional[str], table: _Table) -> Dict[str, Any]:
    strongest = max(table.asked, key=_strength)
    return {
        "table": name,
        "mode": strongest,
        "milliseconds": round(1000 * table.held.get(strongest, 0.0)),
        "waited_milliseconds": round(1000 * table.waited),
        "blocked_by": table.blocked_by,
    }


def _strength(mode: str) -> int:
    """Return how much a mode excludes; one that is not known excludes everything."""
    return MODES.index(mode) if mode in MODES else len(MODES)
