# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local servers whose path says what they do, and an authority that vouches for them."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import urlopen

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websocket

from ansible_collections.phased.rollout.tests.integration.conftest import (
    free_port,
    hand_over,
    scratch_folder,
    started,
)

TOKEN = "t0ken-of-ada"
SLOW_SECONDS = 0.2


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and the certificate of a server on 127.0.0.1 that it has signed."""

    ca_cert: Path
    certificate: Path
    key: Path

    @classmethod
    def create(cls, folder: Path) -> Authority:
        folder.mkdir()
        ca_key, request, extensions = folder / "ca.key", folder / "request", folder / "extensions"
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        _openssl(
            *("req", "-x509", *new_key, "-days", "1", "-subj", f"/CN=CA of {folder.name}"),
            *("-keyout", ca_key, "-out", made.ca_cert),
        )
        _openssl("req", *new_key, "-subj", "/CN=server", "-keyout", made.key, "-out", request)
        _openssl(
            *("x509", "-req", "-in", request, "-days", "1", "-CA", made.ca_cert, "-CAkey", ca_key),
            *("-CAcreateserial", "-extfile", extensions, "-out", made.certificate),
        )
        return made

    def context(self) -> ssl.SSLContext:
        """Return the TLS context of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Site(BaseHTTPRequestHandler):
    """A web server with a login, a slow page and a few that do not behave."""

    seen: ClassVar[list[tuple[str, str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers)))
        page = self.path.split("?")[0]
        if page == "/login":
            known = json.loads(body).get("user") == "ada"
            self._answer(200 if known else 403, {"token": TOKEN, "id": 7} if known else {})
        elif page == "/items/7":
            known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            self._answer(200 if known else 401, {"state": "done", "tries": 1} if known else {})
        elif page == "/slow":
            time.sleep(SLOW_SECONDS)
            self._answer(200, {})
        elif page == "/hang":
            time.sleep(30)
        elif page == "/half":
            self._answer(200, {}, length=1000)
        else:
            self._answer(500 if page == "/broken" else 200, {"state": "ready"})

    do_POST = do_GET

    def _answer(self, status: int, document: Any, length: int | None = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away before its answer has come is what some tests are about


@contextmanager
def web_site(authority: Authority | None = None) -> Iterator[str]:
    """Run the web server and give its URL; with an authority it speaks HTTPS."""
    with _QuietServer(("127.0.0.1", 0), Site) as server:
        if authority:
            server.socket = authority.context().wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http{'s' if authority else ''}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _events(connection: ServerConnection) -> None:
    """Serve one connection as its path says."""
    page = connection.request.path if connection.request else ""
    with suppress(ConnectionClosed):
        if page == "/silent":
            connection.recv()
            connection.recv()
        elif page == "/ends":
            connection.send('{"type": "started"}')
        elif page == "/drops":
            connection.socket.shutdown(socket.SHUT_RDWR)
        elif page == "/slow":
            time.sleep(SLOW_SECONDS)
            connection.send('{"type": "completed"}')
        else:
            wanted = connection.recv(timeout=5) if page == "/chat" else "image"
            for kind in ("started", "thinking", "completed"):
                connection.send(json.dumps({"type": kind, "for": str(wanted)}))
            connection.recv()


@contextmanager
def event_server(authority: Authority | None = None) -> Iterator[str]:
    """Run the WebSocket server and give its URL; with an authority it speaks TLS."""
    context = authority.context() if authority else None
    with serve_websocket(_events, "127.0.0.1", 0, ssl=context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws{'s' if authority else ''}://127.0.0.1:{server.socket.getsockname()[1]}"


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a TCP server that hands every connection to a function, and give its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            # Closing alone does not wake a thread that waits in accept.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def says_nothing(connection: socket.socket) -> None:
    """Take what comes, and never say a word."""
    while connection.recv(65536):
        pass


def hangs_up(connection: socket.socket) -> None:
    """Take one request and close without an answer."""
    connection.recv(65536)


def stops_halfway(connection: socket.socket) -> None:
    """Say that an answer comes, send some of it, and close the sending side only."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    connection.shutdown(socket.SHUT_WR)
    says_nothing(connection)


def talks_nonsense(connection: socket.socket) -> None:
    """Answer with something that is no HTTP."""
    connection.recv(65536)
    connection.sendall(b"220 mail.example.com ESMTP\r\n")


def answers(document: Any, status: int = 200) -> Callable[[socket.socket], None]:
    """Return what answers every request with the same JSON document, or text."""
    content = (document if isinstance(document, str) else json.dumps(document)).encode()
    head = f"HTTP/1.1 {status} It is\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head.encode() + content)

    return serve


@contextmanager
def prometheus_server(target_port: int, metric: str) -> Iterator[str]:
    """Run a Prometheus that scrapes a target and itself, and give its URL once it has a metric."""
    port = free_port()
    targets = [f"127.0.0.1:{target_port}", f"127.0.0.1:{port}"]
    settings = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [{"job_name": "it", "static_configs": [{"targets": targets}]}],
    }
    url = f"http://127.0.0.1:{port}"

    def scraped() -> bool:
        with suppress(OSError), urlopen(f"{url}/api/v1/query?query={metric}") as response:
            return bool(json.load(response)["data"]["result"])
        return False

    with scratch_folder() as folder:
        config = folder / "prometheus.yml"
        config.write_text(json.dumps(settings))
        hand_over(config)
        argv = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with started(argv, log=folder / "log", ready=scraped):
            yield url
