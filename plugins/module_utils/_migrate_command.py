# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a migration's command, watched from its start to its end.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import re
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Iterator, Optional

from ansible_collections.phased.rollout.plugins.module_utils._migrate_runner import (
    Job,
    Runner,
    Running,
)
from ansible_collections.phased.rollout.plugins.module_utils._migrate_watch import Watch
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    ended,
    said,
)

# Between two looks at the locks: a hundredth of the time so far, within these limits. A look that
# takes longer than that is followed by a pause as long.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 0.02
#: How long a server that is gone may take to come back, after the command has ended.
_RETURN_SECONDS = 10.0
_RECONNECT_SECONDS = 0.5
_LINES = 20
# A driver may show all of the SQL behind the error.
_MOST_BYTES = 200_000
# 55P03 in words: PostgreSQL's own, and those of the drivers that name it.
_LOCK_TIMEOUT = re.compile(
    r"canceling statement due to lock timeout|could not obtain lock on|\b55P03\b|LockNotAvailable"
)
_STATEMENT_TIMEOUT = re.compile(r"canceling statement due to statement timeout")


@dataclass(frozen=True)
class Ended:
    """How a command ended. output: its last bytes, as it wrote them."""

    code: int
    seconds: float
    output: str
    cancelled: Optional[str] = None

    @property
    def by_lock_timeout(self) -> bool:
        """Whether it gave up waiting for a lock, so that it may be tried again."""
        return self.cancelled == "lock" or bool(_LOCK_TIMEOUT.search(self.output))

    def explain(self) -> str:
        """Return why it failed, with its last lines."""
        why = ended(self.code)
        if self.cancelled == "statement" or _STATEMENT_TIMEOUT.search(self.output):
            why += ", a statement took longer than statement_timeout allows"
        return f"the command failed ({why}); its last lines:\n{last_lines(self.output)}"


class Follower:
    """Runs commands while a watch looks on. deadline: of time.monotonic()."""

    def __init__(self, runner: Runner, deadline: float) -> None:
        self._runner, self._deadline = runner, deadline
        self._lost: Optional[str] = None

    def run(self, job: Job, watch: Watch, *, elsewhere_allowed: bool) -> Ended:
        """Return how a command ended. Raises PgError if it was stopped, or not watched to its end.

        It is stopped when its time is up and, unless that is allowed, when it reaches another
        database than the watch's.
        """
        watch.start()
        with tempfile.TemporaryFile() as output:
            started = time.monotonic()
            try:
                with self._running(job, output, output) as running:
                    code = self._follow(running, watch, elsewhere_allowed)
            except PgError as exc:
                text = last_lines(said(output))
                raise PgError(f"{exc}; the command's last lines:\n{text}") from None
            seconds = time.monotonic() - started
            text = said(output, _MOST_BYTES)
        self._come_back(watch, code, text)
        return Ended(code, seconds, text, watch.cancelled)

    def read(self, job: Job) -> str:
        """Return what a command that only reads printed. Raises PgError if it failed."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            with self._running(job, output, errors) as running:
                while (code := running.poll()) is None:
                    self._require_time()
                    time.sleep(_LONGEST_PAUSE)
            if code != 0:
                raise PgError(Ended(code, 0.0, said(errors)).explain())
            return said(output, most=None)

    @contextmanager
    def _running(self, job: Job, output: IO[bytes], errors: IO[bytes]) -> Iterator[Running]:
        """Start a command; it has ended, by itself or not, when the block is left."""
        left = self._deadline - time.monotonic()
        running = self._runner.start(job, left, stdout=output, stderr=errors)
        try:
            yield running
        finally:
            if running.poll() is None:
                running.stop()
            self._runner.finish(job.name)

    def _require_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise PgError("the command was stopped, since the time given for all of it is up")

    def _follow(self, running: Running, watch: Watch, elsewhere_allowed: bool) -> int:
        begun = time.monotonic()
        while (code := running.poll()) is None:
            self._require_time()
            started = time.monotonic()
            self._look(watch)
            if watch.elsewhere and not elsewhere_allowed:
                raise PgError(
                    f"the command was stopped: it connected to database {watch.elsewhere} instead"
                )
            pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, (started - begun) / 100))
            time.sleep(max(pause, time.monotonic() - started))
        return code

    def _look(self, watch: Watch) -> None:
        """Look once. A watch that is lost is taken up again; the command is not stopped for it."""
        try:
            if self._lost:
                watch.reconnect()
                self._lost = None
            watch.look()
        except PgError as exc:
            self._lost = str(exc)
            time.sleep(_RECONNECT_SECONDS)

    def _come_back(self, watch: Watch, code: int, text: str) -> None:
        """Take the last look, which ends the locks, when the server answers again."""
        end = min(self._deadline, time.monotonic() + _RETURN_SECONDS)
        self._look(watch)
        while self._lost and time.monotonic() < end:
            self._look(watch)
        watch.log.finish()
        if self._lost:
            raise PgError(
                f"the database was lost while the command ran ({self._lost}). The command has"
                f" ended ({ended(code)}); run this again when the server answers, which tells how"
                f" far it came. Its last lines:\n{last_lines(text)}"
            )


def last_lines(text: str) -> str:
    """Return the last lines of what a command wrote."""
    return "\n".join(text.splitlines()[-_LINES:])
