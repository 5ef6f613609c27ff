# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving traffic at a front end: read, change, check, load; or leave everything as it was.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._ask import Answer
from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    Backend,
    changed,
    coming,
    keep_states,
    leaving,
)
from ansible_collections.phased.rollout.plugins.module_utils._unit_files import (
    read_text,
    write_text,
)

#: Asks a URL within a time in seconds.
Ask = Callable[[str, float], Answer]
RUN = Path("/run/rollout")
POLL_SECONDS = 0.02
ANSWER_SECONDS = 3.0


class FrontEndError(Exception):
    """Traffic could not be moved. The message says what was found and how it stands now."""


@dataclass(frozen=True)
class Move:
    """What is asked of a front end.

    wanted: backend to state and weight. probe: path that a backend must answer with 200 before it
    gets traffic, none if empty. The times are in seconds; no drain_seconds: nobody waits for the
    requests that are still with a backend which is taken out.
    """

    wanted: Mapping[str, Mapping[str, Any]]
    keep_last: bool = False
    probe: str = ""
    probe_seconds: float = 10
    drain_seconds: float = 30


class FrontEnd(ABC):
    """One front end: a file of its configuration that says which backends get traffic."""

    def __init__(self, path: Path, name: str, backends: Sequence[Backend]) -> None:
        self.path = path
        self.name = name
        self._listed = list(backends)

    @abstractmethod
    def read(self, text: str) -> Dict[str, Backend]:
        """Return what the file says, by address. Raises BackendError if it is not ours to write."""

    @abstractmethod
    def render(self, backends: Sequence[Backend]) -> str:
        """Return what the file has to say."""

    @abstractmethod
    def check(self) -> None:
        """Raise FrontEndError if the front end would not take its configuration as it is now."""

    @abstractmethod
    def load(self, backends: Sequence[Backend]) -> None:
        """Make what runs follow the file, and prove it. Raises FrontEndError."""

    @abstractmethod
    def drain(self, gone: Sequence[Backend], seconds: float) -> None:
        """Wait for the requests with those that were taken out. Raises FrontEndError."""

    def now(self) -> List[Backend]:
        """Return the backends of the inventory as the front end has them."""
        return keep_states(self._listed, self.read(read_text(self.path) or ""))

    def move(self, asked: Move, ask: Ask, *, dry: bool) -> Dict[str, Any]:
        """Return how the traffic goes after a move, whether that is a change, and who was left in.

        Whatever goes wrong before the front end has taken it leaves file and traffic as they were.
        Raises FrontEndError or BackendError.
        """
        began = time.monotonic()
        with self._alone():
            before_text, before = read_text(self.path), self.now()
            after, kept = changed(before, asked.wanted, keep_last=asked.keep_last)
            text = self.render(after)
            differs = text != before_text or not self._is_loaded(text)
            if differs and not dry:
                self._probe(coming(before, after), asked, ask)
                self._replace(before_text, text, before, after)
                if asked.drain_seconds:
                    self.drain(leaving(before, after), asked.drain_seconds)
        return {
            "changed": differs and (bool(asked.wanted) or text != before_text),
            "backends": [one.public() for one in after],
            "kept": kept,
            "seconds": round(time.monotonic() - began, 3),
        }

    def _replace(
        self, old: Optional[str], new: str, before: Sequence[Backend], after: Sequence[Backend]
    ) -> None:
        if new != old:
            write_text(self.path, new)
        try:
            self.check()
            self.load(after)
        except FrontEndError as exc:
            if old is None:
                self.path.unlink()
            else:
                write_text(self.path, old)
            raise FrontEndError(f"{exc}. {self.path} is as it was, and so is the traffic") from None
        self._stamp.write_text(_digest(new), encoding="utf-8")

    def _probe(self, backends: Sequence[Backend], asked: Move, ask: Ask) -> None:
        end = time.monotonic() + asked.probe_seconds
        for one in backends if asked.probe else []:
            url = f"http://{one.address}{asked.probe}"
            while True:
                answer = ask(url, ANSWER_SECONDS)
                if answer.status == 200:
                    break
                if time.monotonic() >= end:
                    raise FrontEndError(
                        f"{one.name} gets no traffic, because {url} did not answer 200 within"
                        f" {asked.probe_seconds:g} s: {answer}. Nothing was changed"
                    )
                time.sleep(10 * POLL_SECONDS)

    def _is_loaded(self, text: str) -> bool:
        """Return whether what runs follows this text; a run that was killed leaves that open."""
        return read_text(self._stamp) == _digest(text)

    @property
    def _stamp(self) -> Path:
        return RUN / f"{self.name}.{_digest(str(self.path))[:12]}.loaded"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        RUN.mkdir(mode=0o755, exist_ok=True)
        with self._stamp.with_suffix(".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
