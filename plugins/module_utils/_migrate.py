# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration by the application's own command, with guards around it.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional, Set

from ansible_collections.phased.rollout.plugins.module_utils import _migrate_loss as loss
from ansible_collections.phased.rollout.plugins.module_utils._long_transactions import (
    LongTransactions,
    any_hidden,
    explain,
)
from ansible_collections.phased.rollout.plugins.module_utils._migrate_command import (
    Follower,
    last_lines,
)
from ansible_collections.phased.rollout.plugins.module_utils._migrate_queries import (
    APPLICATION,
    INVALID_INDEXES,
)
from ansible_collections.phased.rollout.plugins.module_utils._migrate_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._migrate_runner import Runner
from ansible_collections.phased.rollout.plugins.module_utils._migrate_watch import Watch
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, listed

_LEFTOVER_SECONDS = 0.2
# A transaction whose age is hidden is looked at again at once: most of them are short.
_SETTLE_LOOKS, _SETTLE_SECONDS = 6, 0.2
# What is asked of a server that does not answer is given up this long after the deadline.
_WATCHDOG_SECONDS = 30.0


class Migration:
    """One migration. result: what is known of it, whatever becomes of it, as the module returns."""

    def __init__(self, request: Request, runner: Runner) -> None:
        """Read the environment. Raises PgError, OSError."""
        self._request, self._runner = request, runner
        self._variables = request.variables()
        self._mark = f"{APPLICATION} {secrets.token_hex(4)}"
        self._target = request.target(self._variables, self._mark)
        self._deadline = time.monotonic() + request.timeout
        self._follower = Follower(runner, self._deadline)
        self._transactions = LongTransactions(request.longest_transaction)
        self.result: Dict[str, Any] = {
            **{"database": self._target.database, "before": None, "after": None, "changed": False},
            **{"attempts": 0, "seconds": None, "locks": [], "output": "", "resumed": None},
            **{"loss": [], "loss_rows": 0, "pending": None},
        }

    def mask(self, text: str) -> str:
        """Return a text without the secrets of the environment."""
        return self._target.mask(text)

    def preview(self) -> None:
        """Tell the present version, what would be lost and what would run. Raises PgError."""
        target = self._request.target(self._variables, self._mark, read_only=True)
        with self._watch() as watch:
            before = self._version(watch)
            self._tell(before=before, resumed=self._leftover(watch))
            if before != self._request.to:
                self._count_loss(watch)
        job = self._request.pending_job(self._variables, target, before)
        if job:
            self._tell(pending=self.mask(self._follower.read(job)))
        self._tell(after=self._request.to, changed=before != self._request.to)

    def run(self) -> None:
        """Migrate. Raises PgError."""
        with self._watch() as watch:
            before = self._version(watch)
            self._tell(before=before)
            watch.lock()
            present = self._after_leftovers(watch, before)
            if present == self._request.to:
                self._tell(after=present, changed=before != present)
                return
            self._count_loss(watch)
            loss.require_accepted(self.result["loss"], self._request.accept_loss)
            inventory = loss.take_inventory(watch.ask) if self._request.find_loss else {}
            try:
                self._attempts(watch)
            finally:
                self._tell(locks=watch.log.report())
            self._require_wanted(watch, before)
            if self._request.find_loss:
                found = loss.losses(inventory, loss.take_inventory(watch.ask))
                self._tell(loss=found, loss_rows=loss.total(found))

    def _attempts(self, watch: Watch) -> None:
        request, obstacle = self._request, ""
        invalid = self._invalid_indexes(watch)
        for attempt in range(1, request.retries + 2):
            self._tell(attempts=attempt)
            held_up = self._held_up(watch) or self._try(watch)
            if held_up is None:
                break
            obstacle = held_up
            self._require_valid(watch, invalid)
            # Full jitter: whoever waits for the same lock does not come back at the same moment.
            most = min(request.longest_backoff, request.backoff * 2 ** (attempt - 1))
            pause = random.uniform(0, most)
            if attempt > request.retries or time.monotonic() + pause > self._deadline:
                raise PgError(f"given up after {attempt} attempts: {obstacle}")
            time.sleep(pause)
        self._require_valid(watch, invalid)

    def _try(self, watch: Watch) -> Optional[str]:
        """Return what lock was in the way, None if the command succeeded. Raises PgError."""
        job = self._request.job(self._variables, self._target)
        ended = self._follower.run(job, watch, elsewhere_allowed=self._request.database is None)
        self._tell(seconds=round(ended.seconds, 3), output=self.mask(last_lines(ended.output)))
        if ended.code == 0:
            return None
        if not ended.by_lock_timeout:
            raise PgError(ended.explain())
        blockers = "; ".join(watch.log.blockers()) or "nobody who was seen waiting for"
        return f"a lock was not granted within lock_timeout, held by {blockers}. {ended.explain()}"

    def _held_up(self, watch: Watch) -> Optional[str]:
        """Return which transactions are too old to start behind, None if none is."""
        longest = self._request.longest_transaction
        for look in range(_SETTLE_LOOKS):
            time.sleep(_SETTLE_SECONDS if look else 0)
            old = self._transactions.look(time.monotonic(), watch.transactions())
            if not old:
                return None
            if not any_hidden(old):
                break
        return explain(old, longest, watch.role)

    def _after_leftovers(self, watch: Watch, before: str) -> str:
        """Return the version once no migration of a run that was killed goes on."""
        found = self._leftover(watch)
        if found is None:
            return before
        self._tell(resumed=found)
        while self._leftover(watch):
            if time.monotonic() > self._deadline:
                raise PgError(f"the migration of an earlier run goes on: {found}; wait for it")
            time.sleep(_LEFTOVER_SECONDS)
        return self._version(watch)

    def _leftover(self, watch: Watch) -> Optional[str]:
        sessions = watch.migrating()
        return self._runner.running(self._target.database) or (listed(sessions) or None)

    def _require_wanted(self, watch: Watch, before: str) -> None:
        """Raise PgError unless the command led to the version that was wanted."""
        after, to = self._version(watch), self._request.to
        self._tell(after=after, changed=before != after)
        if to is not None and after != to:
            raise PgError(f"the command succeeded, but the version is {after} and not {to}")
        if to is None and after == self._request.no_version:
            raise PgError(
                f"the command succeeded, but version_query finds no version in database"
                f" {self._target.database}; check the query, or state the version with to"
            )

    def _require_valid(self, watch: Watch, before: Set[str]) -> None:
        """Raise PgError if an index was left invalid: IF NOT EXISTS would pass over it."""
        left = sorted(self._invalid_indexes(watch) - before)
        if left:
            raise PgError(
                f"the command left invalid indexes: {listed(left)}. Drop them"
                f" (DROP INDEX CONCURRENTLY {left[0]}) and run this again"
            )

    def _invalid_indexes(self, watch: Watch) -> Set[str]:
        return {row["name"] for row in watch.ask(INVALID_INDEXES)}

    def _count_loss(self, watch: Watch) -> None:
        found = loss.count_losses(watch.ask, self._request.expected_loss)
        self._tell(loss=found, loss_rows=loss.total(found))

    def _version(self, watch: Watch) -> str:
        return watch.version(self._request.version_query, self._request.no_version)

    @contextmanager
    def _watch(self) -> Iterator[Watch]:
        target = self._target
        with Watch(
            target.server, target.database, mark=self._mark, limits=self._request.limits
        ) as watch:
            seconds = self._deadline - time.monotonic() + _WATCHDOG_SECONDS
            watchdog = threading.Timer(seconds, watch.abandon)
            watchdog.daemon = True
            watchdog.start()
            try:
                yield watch
            finally:
                watchdog.cancel()

    def _tell(self, **known: Any) -> None:
        self.result.update(known)
