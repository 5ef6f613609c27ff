# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions that a migration must not start behind, as one look after the other shows them.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._locks import (
    Row,
    name_session,
    words_of,
)


class LongTransactions:
    """Knows how old transactions are, even those whose age the server does not tell.

    A role that is no member of pg_read_all_stats sees the locks of other roles' transactions, but
    not since when they run. Such a transaction is as old as the look before the first that saw it;
    how old those of the first look are is not known, which counts as too old.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest = longest_seconds
        self._since: Dict[str, float] = {}
        self._last: Optional[float] = None

    def look(self, at: float, rows: Sequence[Row]) -> List[Row]:
        """Return the transactions seen at a moment that are too old, the oldest first."""
        earliest = -math.inf if self._last is None else self._last
        present = {str(row["transaction"]) for row in rows}
        self._since = {key: since for key, since in self._since.items() if key in present}
        ages: Dict[str, float] = {}
        for row in rows:
            key = str(row["transaction"])
            since = self._since.setdefault(key, earliest)
            ages[key] = at - since if row["seconds"] is None else row["seconds"]
        self._last = at
        old = [row for row in rows if ages[str(row["transaction"])] > self._longest]
        return sorted(old, key=lambda row: -ages[str(row["transaction"])])


def any_hidden(rows: Sequence[Row]) -> bool:
    """Return whether the age of one of them is not told by the server."""
    return any(row["seconds"] is None for row in rows)


def explain(rows: Sequence[Row], longest_seconds: float, role: str) -> str:
    """Return who has been in a transaction for too long, with what, and what to do."""
    parts = [f"{name_session(row)} holds {_tables(row['tables'] or [])}" for row in rows]
    text = (
        f"transactions older than {longest_seconds:g} s are open: {'; '.join(parts)}. Let them end,"
        " or end them"
    )
    pids = [str(row["pid"]) for row in rows if row.get("pid")]
    if pids:
        text += f" (SELECT pg_terminate_backend({pids[0]}))"
    if any_hidden(rows):
        text += (
            f". How old some are is hidden from role {role}:"
            f" GRANT pg_read_all_stats TO {role} shows it"
        )
    return text


def _tables(locks: Sequence[Mapping[str, str]]) -> str:
    """Return the tables that a transaction has locked, with the modes."""
    modes: Dict[str, List[str]] = {}
    for lock in locks:
        modes.setdefault(lock["table"], []).append(words_of(lock["mode"]))
    shown = [f"{table} ({', '.join(sorted(set(held)))})" for table, held in sorted(modes.items())]
    more = f" and {len(shown) - 5} more tables" if len(shown) > 5 else ""
    return (", ".join(shown[:5]) + more) or "no table, but a snapshot that others must wait for"
