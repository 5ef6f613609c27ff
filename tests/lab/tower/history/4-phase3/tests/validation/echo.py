# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Echo Brain of the validation's own, and one that talks nonsense."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from tests.report import CheckError
from tests.validation.process import Program, free_port, request
from tests.validation.surroundings import ROOT, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE_SECONDS = 1.0
# One for the whole run: an Echo Brain that comes back must be found where the last one was.
PORT = free_port()
OF_PROJECT = """
SELECT c.succeeded, c.outcome, c.seconds FROM generations g
LEFT JOIN ai_consultations c USING (generation_id) WHERE g.project_id = %s
"""


class EchoBrain(Program):
    """The program echo_brain of the tree under test."""

    def __init__(self, s: Surroundings) -> None:
        """Describe it; run() starts it."""
        super().__init__("echo_brain", ROOT, s.folder / "echo_brain.log")
        self.port = PORT
        self.state = s.folder / "echo_brain.json"

    def run(self) -> None:
        """Start it. Raises CheckError."""
        self.start(
            {
                "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                "ECHO_BRAIN_PORT": str(self.port),
                "ECHO_BRAIN_STATE": str(self.state),
            }
        )

    def learned(self) -> dict[str, Any]:
        """Return what it has learned. Raises CheckError."""
        status, body = request(self.port, "GET", "/health")
        if status != 200:
            raise CheckError(f"Echo Brain answered {status}: {body}")
        learned: dict[str, Any] = body["learned"]
        return learned


def consult(s: Surroundings, port: int) -> None:
    """Let the service consult whoever listens on port, with a short pause after failures."""
    wanted = {
        **s.settings,
        "TOWER_ECHO_BRAIN_URL": f"http://127.0.0.1:{port}",
        "TOWER_ECHO_BRAIN_PAUSE_MS": str(int(PAUSE_SECONDS * 1000)),
    }
    if s.settings != wanted:
        s.stop()
        s.settings = wanted
        s.start()
        s.wait_ready()


@contextlib.contextmanager
def advised(s: Surroundings) -> Iterator[EchoBrain]:
    """Give a fresh Echo Brain that the service consults."""
    echo = EchoBrain(s)
    echo.state.unlink(missing_ok=True)
    echo.run()
    try:
        consult(s, echo.port)
        wait_until_advised(s, PAUSE_SECONDS + 2)
        yield echo
    finally:
        echo.kill()


class _Nonsense(http.server.BaseHTTPRequestHandler):
    """Answers every question with advice that nobody should follow."""

    replies = (
        {"advice": {"steps": 1_000_000, "cfg_scale": 5}},
        {"advice": {"steps": "many", "cfg_scale": 5}},
        {"advice": None},
        ["advice"],
    )
    asked = 0

    def do_POST(self) -> None:
        """Answer with the next reply."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(self.replies[_Nonsense.asked % len(self.replies)]).encode()
        _Nonsense.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def nonsense() -> Iterator[int]:
    """Give the port of somebody who talks nonsense."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Nonsense)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def outcomes(s: Surroundings, project_id: str) -> list[str | None]:
    """Return how the consultation of each generation went, None where there is none."""
    return [row[1] for row in s.cluster.rows(OF_PROJECT, project_id)]


def wait_until_advised(s: Surroundings, seconds: float) -> float:
    """Return after how many seconds generations are advised again. Raises CheckError."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        project_id = f"recovery-{uuid.uuid4().hex}"
        s.generate("upscale", project_id)
        if outcomes(s, project_id) == ["answered"]:
            return time.monotonic() - started
    raise CheckError(f"Echo Brain is there, but gave no advice within {seconds:g} s")
