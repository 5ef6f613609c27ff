# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program under test that listens on a free port of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from tests.report import CheckError
from tests.validation.cluster import guarded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NO_ANSWER = 0


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def request(
    port: int, method: str, path: str, body: Any = None, host: str = "127.0.0.1"
) -> tuple[int, Any]:
    """Return status and JSON body (the text, if it is none); NO_ANSWER and why without one."""
    connection = http.client.HTTPConnection(host, port, timeout=15)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as exc:
        return NO_ANSWER, f"{type(exc).__name__}: {exc}"
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


class Program:
    """python3 -m module, run in the tree under test."""

    def __init__(self, module: str, root: Path, log: Path) -> None:
        """Describe it; start() starts it."""
        self._module = module
        self._root = root
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def start(self, environ: Mapping[str, str]) -> None:
        """Start and wait until it is alive. Raises CheckError, with its last words."""
        command = guarded("/usr/bin/python3", "-B", "-m", self._module)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._root, env=dict(environ), stdout=log, stderr=log
            )
        limit = time.monotonic() + 10
        while request(self.port, "GET", "/health")[0] == NO_ANSWER:
            if self._process.poll() is not None or time.monotonic() > limit:
                raise CheckError(f"{self._module} did not start: {self.last_words()}")
            time.sleep(0.05)

    def last_words(self, limit: int = 800) -> str:
        """Return the end of its log, so many characters."""
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8").strip()[-limit:]
        return ""

    def signal(self, number: int) -> None:
        """Send a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Return its exit status. Raises CheckError if it still runs after so many seconds."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as exc:
            raise CheckError(f"{self._module} still runs after {seconds} s") from exc

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
