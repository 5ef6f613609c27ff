# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: entries that only grow, the lease of each rollout, and the monitor's samples.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Iterator, List, Optional, Sequence, Tuple, Type

from ansible_collections.phased.rollout.plugins.module_utils import _ledger_sql as sql
from ansible_collections.phased.rollout.plugins.module_utils._chain import (
    ChainResult,
    Head,
    Stored,
    verify,
)
from ansible_collections.phased.rollout.plugins.module_utils._draft import checked
from ansible_collections.phased.rollout.plugins.module_utils._entry import (
    Draft,
    Entry,
    differences,
    sealed,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import (
    EntryError,
    KeyTakenError,
    LeaseLostError,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_leases import Leases
from ansible_collections.phased.rollout.plugins.module_utils._ledger_schema import prepare
from ansible_collections.phased.rollout.plugins.module_utils._ledger_session import LedgerSession
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample

__all__ = ["Ledger", "Sample"]

#: How far the clock of the host that measures may be ahead of the server's.
CLOCK_SKEW = timedelta(minutes=5)


class Ledger(Leases):
    """The ledger in one database, while the with statement runs. Methods raise LedgerError."""

    @classmethod
    def connect(cls, login: Login, *, make: bool = True) -> Ledger:
        """Return the ledger in a database; its schema is made, or brought up to date, if need be.

        make: with False an absent schema raises LedgerAbsentError. Raises LedgerGoneError if the
        server cannot be reached, MissingLibraryError without psycopg2.
        """
        session = LedgerSession(login)
        try:
            prepare(session, make=make)
        except BaseException:
            session.close()
            raise
        return cls(session)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._session.close()

    def append(self, draft: Draft, secrets: Sequence[str] = ()) -> Tuple[Entry, bool]:
        """Return what append_all() does of one draft."""
        return self.append_all([draft], secrets)[0]

    def append_all(
        self, drafts: Sequence[Draft], secrets: Sequence[str] = ()
    ) -> List[Tuple[Entry, bool]]:
        """Return the entries that drafts became, and whether each was written just now.

        All are written, or none. What stands under its key already is left as it is. Raises
        KeyTakenError if that is something else, LeaseError if the fence is not that of a lease that
        still runs, EntryError if a draft cannot be an entry. secrets: what must not appear in the
        evidence.
        """
        drafts = [checked(draft, secrets) for draft in drafts]
        try:
            with self._session.transaction(f"entry {', '.join(draft.key for draft in drafts)}"):
                return [self._write(draft) for draft in drafts]
        except LeaseLostError as exc:
            fenced = next(draft for draft in drafts if draft.fence is not None)
            raise LeaseLostError(self.lost(fenced.rollout, fenced.fence or 0)) from exc

    def preview_all(
        self, drafts: Sequence[Draft], secrets: Sequence[str] = ()
    ) -> List[Tuple[Entry, bool]]:
        """Return what append_all() would, by reading only; the lease is not looked at."""
        found: List[Tuple[Entry, bool]] = []
        with self._session.transaction(commit=False):
            for draft in drafts:
                planned = [entry for entry, is_new in found if is_new]
                found.append(self._next(checked(draft, secrets), planned))
        return found

    def find(self, rollout: str, key: str) -> Optional[Entry]:
        """Return the entry under a key, None if there is none."""
        with self._session.transaction():
            return self._find(rollout, key)

    def entries(
        self, rollout: str, kinds: Optional[Sequence[str]] = None, phase: Optional[str] = None
    ) -> List[Entry]:
        """Return entries in order of sequence: of some kinds or all, of one phase or all."""
        kinds = None if kinds is None else list(kinds)
        return self._entries(sql.ENTRIES, rollout=rollout, kinds=kinds, phase=phase)

    def latest_steps(self, rollout: str) -> List[Entry]:
        """Return the newest step entry of each phase and step, in order of sequence."""
        return self._entries(sql.STEPS, rollout=rollout)

    def verify(self, rollout: str, heads: Sequence[Head] = ()) -> ChainResult:
        """Return whether the chain of a rollout is whole, and its first broken entry.

        heads: what release tags vouch for.
        """
        with self.stored(rollout) as rows:
            return verify(rows, heads)

    @contextmanager
    def stored(self, rollout: str) -> Iterator[Iterator[Stored]]:
        """Give all entries of a rollout as they are stored, in order, while the block runs."""
        query = self._session.stream(sql.STORED, {"rollout": rollout})
        with self._session.transaction(), closing(query) as rows:
            yield map(Stored._make, rows)

    def add_samples(self, rollout: str, samples: Sequence[Sample]) -> int:
        """Return how many samples were new; of one phase, objective and time the first one stays.

        Raises EntryError if one is of a time that has not come.
        """
        rows = [{"rollout": rollout, **vars(sample)} for sample in samples]
        with self._session.transaction(f"the samples of {len(samples)} objectives"):
            latest = self._now() + CLOCK_SKEW
            for at in sorted({sample.at for sample in samples}):
                if at > latest:
                    raise EntryError(
                        f"at is {at.isoformat()}, but the server's clock is at"
                        f" {(latest - CLOCK_SKEW).isoformat()}: set the clock of this host"
                    )
                self._session.rows(sql.MAKE_MONTH, {"at": at})
            return self._session.insert(sql.ADD_SAMPLES, sql.SAMPLE, rows)

    def samples(self, rollout: str, phase: str, since: datetime) -> List[Sample]:
        """Return the samples of a phase from a moment on, from old to new."""
        params = {"rollout": rollout, "phase": phase, "since": since}
        with self._session.transaction():
            return [Sample(*row) for row in self._session.rows(sql.SAMPLES, params)]

    def now(self) -> datetime:
        """Return the server's time."""
        with self._session.transaction():
            return self._now()

    def _write(self, draft: Draft) -> Tuple[Entry, bool]:
        self._session.execute(sql.LOCK, {"rollout": draft.rollout})
        entry, is_new = self._next(draft)
        if is_new:
            columns = {**vars(entry), "step": entry.step, "body": entry.body, "data": None}
            self._session.execute(sql.INSERT, columns)
        return entry, is_new

    def _next(self, draft: Draft, planned: Sequence[Entry] = ()) -> Tuple[Entry, bool]:
        """Return the entry under the draft's key, or the one it would become as the next.

        planned: entries of the same rollout that would be written before it.
        """
        same = [entry for entry in planned if entry.key == draft.key]
        there = same[0] if same else self._find(draft.rollout, draft.key)
        if there is None:
            sequence, digest, at = self._session.row(sql.HEAD, {"rollout": draft.rollout})
            head = Head(sequence, digest) if sequence else None
            return sealed(draft, planned[-1].head if planned else head, at), True
        found = differences(there, draft)
        if found:
            raise KeyTakenError(
                f"key {draft.key} is taken in rollout {draft.rollout}: entry {there.sequence},"
                f" written by {there.actor} in run {there.run}, is something else:"
                f" {'; '.join(found)}"
            )
        return there, False

    def _find(self, rollout: str, key: str) -> Optional[Entry]:
        rows = self._session.rows(sql.FIND, {"rollout": rollout, "key": key})
        return Entry.of(*rows[0]) if rows else None

    def _entries(self, query: str, **params: Any) -> List[Entry]:
        with self._session.transaction():
            return [Entry.of(*row) for row in self._session.rows(query, params)]

    def _now(self) -> datetime:
        now: datetime = self._session.row(sql.NOW)[0]
        return now
