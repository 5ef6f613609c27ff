# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases for ledgers, and what may happen to a connection on the way to them."""

from __future__ import annotations

import itertools
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg2

from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.servers import raw_server

NUMBERS = itertools.count(1)
#: What the client sends when it commits: a simple query of PostgreSQL's protocol.
COMMIT = b"COMMIT\0"
WAIT_SECONDS = 20


@dataclass(frozen=True)
class LedgerDatabase:
    """A database of its own: owner owns it, writer may connect and nothing else yet."""

    server: Postgresql
    name: str
    owner: Login
    writer: Login

    def open(self, login: Login | None = None) -> Ledger:
        """Return the ledger as its owner, or as somebody else."""
        return Ledger.connect(login or self.owner)

    def options(self, login: Login | None = None) -> dict[str, Any]:
        """Return the options of a module that connect as the owner, or as somebody else."""
        who = login or self.owner
        return self.server.login(who.user or "", who.password or "", self.name)

    def execute(self, statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the superuser."""
        return self.server.execute(statements, self.name)

    def tamper(self, statements: str) -> None:
        """Change entries as somebody would who owns the server: with the guards switched off."""
        guards = "ALTER TABLE rollout.entries {} TRIGGER ALL"
        back = "ALTER TABLE rollout.entries ENABLE ALWAYS TRIGGER only_grows"
        self.execute(f"{guards.format('DISABLE')};{statements};{guards.format('ENABLE')};{back}")

    @contextmanager
    def connected(self, login: Login | None = None) -> Iterator[Any]:
        """Give a bare connection of psycopg2, for what the ledger would not do."""
        connection = psycopg2.connect(**(login or self.owner).libpq())
        try:
            yield connection
        finally:
            connection.close()

    def waiting(self) -> list[int]:
        """Return the processes of the server that wait for a lock in this database."""
        query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname ="
        return [row[0] for row in self.execute(f"{query} '{self.name}'")]


@contextmanager
def ledger_database(server: Postgresql) -> Iterator[LedgerDatabase]:
    """Make a database and its roles, and remove them afterwards."""
    name = f"ledger_{next(NUMBERS)}"
    logins = [
        Login(server.host, server.port, f"{name}_{who}", secrets.token_hex(12), name)
        for who in ("owner", "writer")
    ]
    for login in logins:
        server.execute(f"CREATE ROLE {login.user} LOGIN PASSWORD '{login.password}'")
    server.execute(f"CREATE DATABASE {name} OWNER {logins[0].user}")
    try:
        yield LedgerDatabase(server, name, *logins)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for login in logins:
            server.execute(f"DROP ROLE {login.user}")


@contextmanager
def cut_at_commit(login: Login, number: int, *, commit_arrives: bool) -> Iterator[Login]:
    """Give a login over a line that is cut at a commit, the n-th, before or after it arrives."""

    def serve(client: socket.socket) -> None:
        commits = 0
        with socket.create_connection((login.host, login.port)) as server:
            threading.Thread(target=pass_on, args=(server, client), daemon=True).start()
            while data := client.recv(65536):
                commits += data.count(COMMIT)
                if commits < number:
                    server.sendall(data)
                    continue
                cutting.set()
                if commit_arrives:
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
                wait_for_end(server)
                client.shutdown(socket.SHUT_RDWR)
                return

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not cutting.is_set():
                    target.sendall(data)

    def wait_for_end(server: socket.socket) -> None:
        with suppress(OSError):
            server.settimeout(10)
            while server.recv(65536):
                pass

    cutting = threading.Event()
    with raw_server(serve) as port:
        yield replace(login, host="127.0.0.1", port=port, ssl_mode="disable")


def until(happened: Callable[[], Any]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Return what came of acting at the same time, an exception where one was raised."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = act(number)
        except Exception as exc:
            results[number] = exc

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
