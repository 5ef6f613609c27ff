# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy as a front end: moved through its socket, and kept in its configuration for a restart.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    Backend,
    BackendError,
)
from ansible_collections.phased.rollout.plugins.module_utils._front_end import (
    POLL_SECONDS,
    FrontEnd,
    FrontEndError,
)
from ansible_collections.phased.rollout.plugins.module_utils._haproxy_text import (
    Running,
    read_running,
    read_section,
    read_sessions,
    write_section,
)

#: Runs argv and returns (exit code, standard output, standard error).
Run = Callable[[List[str]], Tuple[int, str, str]]
RELOAD_SECONDS = 5.0
ANSWER_SECONDS = 5.0


class Haproxy(FrontEnd):
    """A backend of HAProxy in a file of its own, which its service reads beside the main one."""

    def __init__(
        self,
        run: Run,
        *,
        path: Path,
        name: str,
        backends: Sequence[Backend],
        directives: Sequence[str],
        configuration: Path,
        control: Path,
    ) -> None:
        super().__init__(path, name, backends)
        self._run = run
        self._directives = directives
        self._configuration = configuration
        self._control = control

    def read(self, text: str) -> Dict[str, Backend]:
        """Return the servers of the backend by address."""
        return read_section(text, self.name)

    def render(self, backends: Sequence[Backend]) -> str:
        """Return the text of the backend."""
        return write_section(self.name, backends, self._directives)

    def check(self) -> None:
        """Raise FrontEndError with what HAProxy says if it would not take its configuration."""
        files = ["-f", str(self._configuration), "-f", str(self.path)]
        code, out, err = self._run(["haproxy", "-c", *files])
        if code != 0:
            raise FrontEndError(f"haproxy -c refuses backend {self.name}: {(err or out).strip()}")

    def load(self, backends: Sequence[Backend]) -> None:
        """Move the servers through the socket, which ends no session. Raises FrontEndError.

        Only where HAProxy does not know the servers yet is it reloaded.
        """
        if not self._knows(backends):
            code, out, err = self._run(["systemctl", "reload", "haproxy"])
            if code != 0:
                raise FrontEndError(f"haproxy was not reloaded: {(err or out).strip()}")
        end = time.monotonic() + RELOAD_SECONDS
        while not self._knows(backends):
            if time.monotonic() >= end:
                raise FrontEndError(f"haproxy did not take backend {self.name} with its reload")
            time.sleep(POLL_SECONDS)
        # Those that come first: there is no moment without anybody.
        for one in sorted(backends, key=lambda each: not each.taken):
            server = f"{self.name}/{one.name}"
            self._tell(f"set server {server} weight {one.weight}")
            self._tell(f"set server {server} state {'ready' if one.taken else 'drain'}")
        running = self._running()
        odd = [one.name for one in backends if not _follows(running.get(one.name), one)]
        if odd:
            raise FrontEndError(f"haproxy did not move {', '.join(odd)} as its socket was told")

    def drain(self, gone: Sequence[Backend], seconds: float) -> None:
        """Wait until those that were taken out have no session. Raises FrontEndError."""
        end = time.monotonic() + seconds
        while gone:
            sessions = read_sessions(self._say("show stat"), self.name)
            left = {one.name: sessions.get(one.name, 0) for one in gone}
            if not any(left.values()):
                return
            if time.monotonic() >= end:
                raise FrontEndError(
                    "no new requests go to them, but after"
                    f" {seconds:g} s there still are: "
                    + ", ".join(f"{name} {count} sessions" for name, count in left.items())
                )
            time.sleep(POLL_SECONDS)

    def _knows(self, backends: Sequence[Backend]) -> bool:
        try:
            running = self._running()
        except (BackendError, FrontEndError):
            return False
        return {one.name: _port(one.address) for one in backends} == {
            name: _port(one.address) for name, one in running.items()
        }

    def _running(self) -> Dict[str, Running]:
        return read_running(self._say(f"show servers state {self.name}"))

    def _tell(self, command: str) -> None:
        said = self._say(command).strip()
        if said:
            raise FrontEndError(f"haproxy answers {said!r} to {command!r}")

    def _say(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
                channel.settimeout(ANSWER_SECONDS)
                channel.connect(str(self._control))
                channel.sendall(command.encode() + b"\n")
                parts = list(iter(lambda: channel.recv(65536), b""))
        except OSError as exc:
            raise FrontEndError(f"the socket {self._control} does not answer: {exc}") from None
        return b"".join(parts).decode("utf-8", "replace")


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _follows(running: Optional[Running], wanted: Backend) -> bool:
    return running is not None and (running.taken, running.weight) == (wanted.taken, wanted.weight)
