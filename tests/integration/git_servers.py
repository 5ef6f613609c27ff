# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private servers for git over ssh and https, on 127.0.0.1, for the time of a test."""

from __future__ import annotations

import base64
import getpass
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import START_SECONDS, free_port

#: A part of the token, which is in the URL with its odd characters encoded.
SECRET = "s3cret"
USER, TOKEN = "ada", f"t0ken/&{SECRET}"
_SSHD = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile none
"""


@contextmanager
def ssh_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the URL of the root folder on an ssh server that serves as the current user."""
    folder.mkdir()
    port = free_port()
    for key in ("host", "client"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
        subprocess.run(argv, check=True)
    public = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {public}\n")
    (folder / "sshd_config").write_text(_SSHD.format(port=port, folder=folder))
    options = f"-F none -i {folder}/client -o UserKnownHostsFile={folder}/known"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh {options} -o IdentitiesOnly=yes")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    argv = ["setpriv", "--pdeathsig=TERM", "--", "/usr/sbin/sshd", "-D", "-e"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*argv, "-f", str(folder / "sshd_config")], stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _listens(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"sshd did not start: {(folder / 'log').read_text()}")
                time.sleep(0.05)
            yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _listens(port: int) -> bool:
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


@contextmanager
def https_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the URL, with the user and the token, of the root folder on an https server."""
    folder.mkdir()
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", f"{folder}/key"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", f"{folder}/certificate"]
    subprocess.run(argv, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    with ThreadingHTTPServer(("127.0.0.1", 0), _GitHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GIT_SSL_CAINFO", str(folder / "certificate"))
        token = TOKEN.replace("/", "%2F").replace("&", "%26")
        try:
            yield f"https://{USER}:{token}@127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class _GitHandler(BaseHTTPRequestHandler):
    """Hands requests to git's own CGI program, as a web server would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._serve(b"".join(self._chunks()))
        else:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _serve(self, body: bytes) -> None:
        expected = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        path, _mark, query = self.path.partition("?")
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_PROJECT_ROOT": "/",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": USER,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=env, input=body, capture_output=True, check=False
        )
        head, _blank, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = dict(headers).get("Status", "200" if headers else "500")
        kept = [(name, value) for name, value in headers if name != "Status"]
        self._answer(int(status.split()[0]), kept, content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""
