# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much longer 50 objectives over five sources take than the slowest of them.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_sources.py
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websocket

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._measure import measure_all
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, Source
from ansible_collections.phased.rollout.plugins.module_utils._sources import read_source

OBJECTIVES, SLOWEST_SECONDS, MORE_SECONDS, ROUNDS = 50, 1.0, 0.5, 5


class Slow(BaseHTTPRequestHandler):
    """Answers as Prometheus does, after the seconds that stand in the path."""

    def do_GET(self) -> None:
        time.sleep(float(self.path.split("/")[1]))
        result = [time.time(), "1"]
        answer = {"status": "success", "data": {"resultType": "scalar", "result": result}}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Takes all connections at once; the usual 5 would make the others wait for a second."""

    request_queue_size = 2 * OBJECTIVES
    daemon_threads = True


def slow_event(connection: ServerConnection) -> None:
    time.sleep(float(connection.request.path.strip("/")) if connection.request else 0)
    connection.send("done")


def sources(http: str, websocket: str, report: Path) -> dict[str, Source]:
    """Return the objectives' sources: of each kind some that are quick, and some that are slow."""
    context, read = Context(login=Login(), timeout_seconds=10), {}
    for number in range(OBJECTIVES):
        seconds = SLOWEST_SECONDS if number % 2 else 0.01
        kinds: list[dict[str, Any]] = [
            {"type": "http", "url": f"{http}/{seconds}"},
            {"type": "prometheus", "url": f"{http}/{seconds}", "query": "up"},
            {"type": "websocket", "url": f"{websocket}/{seconds}"},
            {"type": "command", "argv": ["sleep", seconds]},
            {"type": "junit", "path": str(report)},
        ]
        read[f"objective {number}"] = read_source(Fields(kinds[number % 5], "source"), context)
    return read


def main() -> None:
    """Print the times, and fail if the worst round took too long."""
    with ExitStack() as stack:
        web = stack.enter_context(Server(("127.0.0.1", 0), Slow))
        events = stack.enter_context(serve_websocket(slow_event, "127.0.0.1", 0))
        for server in (web, events):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        report = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "report.xml"
        cases = "".join(f'<testcase classname="c" name="n{number}"/>' for number in range(1000))
        report.write_text(f"<testsuite>{cases}</testsuite>")
        asked = sources(
            f"http://127.0.0.1:{web.server_port}",
            f"ws://127.0.0.1:{events.socket.getsockname()[1]}",
            report,
        )
        times = []
        for _round in range(ROUNDS):
            started = time.perf_counter()
            measured = measure_all(asked)
            times.append(time.perf_counter() - started)
            wrong = [one for one in measured.values() if one.error or one.note]
            assert not wrong, wrong[0]
        web.shutdown()
    more = max(times) - SLOWEST_SECONDS
    print(
        f"{OBJECTIVES} objectives over 5 sources, slowest {SLOWEST_SECONDS:g} s: "
        f"{', '.join(f'{one:.2f}' for one in times)} s;"
        f" at most {more:.2f} s more than the slowest (limit {MORE_SECONDS:g} s)"
    )
    sys.exit(more > MORE_SECONDS)


if __name__ == "__main__":
    main()
