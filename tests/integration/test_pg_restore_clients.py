# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that write without pause while their database is restored, and come back at once.

Whatever they were told is written stands in the database that was kept or in the new one, and what
is not in the new one was counted and accepted.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.restorer import Live, new_live

RunModule = Callable[..., dict[str, Any]]
CLIENTS = 4
TABLES = "CREATE TABLE written (id bigint PRIMARY KEY, client int)"
PSQL = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
#: Renaming gives up after 5 s, whatever the machine.
MOST_SECONDS = 6


class Client(threading.Thread):
    """Writes one row after the other, each with a number of its own, and connects again and again.

    told: numbers that it was told are written. gap: longest time without an answer, in seconds.
    """

    def __init__(self, live: Live, number: int, pause: float) -> None:
        super().__init__(daemon=True)
        self._live, self._number, self._pause = live, number, pause
        self._stop_writing = threading.Event()
        self._answered = time.monotonic()
        self.told: list[int] = []
        self.errors: list[str] = []
        self.gap = 0.0

    def run(self) -> None:
        ids = iter(range(self._number * 1_000_000, (self._number + 1) * 1_000_000))
        while not self._stop_writing.is_set():
            try:
                self._write(ids)
            except psycopg2.OperationalError as error:
                self.errors.append(str(error))

    def _write(self, ids: Iterator[int]) -> None:
        connection = psycopg2.connect(self._live.server.dsn_of(self._live.name))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not self._stop_writing.wait(self._pause):
                    number = next(ids)
                    cursor.execute("INSERT INTO written VALUES (%s, %s)", (number, self._number))
                    self.told.append(number)
                    self.gap = max(self.gap, time.monotonic() - self._answered)
                    self._answered = time.monotonic()
        finally:
            connection.close()

    def stop(self) -> None:
        self._stop_writing.set()
        self.join(30)


@pytest.fixture
def live(postgresql: Postgresql, tmp_path: Path, run_module: RunModule) -> Iterator[Live]:
    made = new_live(postgresql, tmp_path / "backups", run_module, tables=TABLES)
    made.execute("INSERT INTO written SELECT -n, 0 FROM generate_series(1, 5000) n")
    made.back_up()
    # A tenth of these may come while the restore runs, which is more than a minute of writing.
    made.execute("INSERT INTO written SELECT -n, 0 FROM generate_series(5001, 105000) n")
    yield made
    made.drop()


@contextmanager
def writing(live: Live, pause: float = 0.001) -> Iterator[list[Client]]:
    clients = [Client(live, number, pause) for number in range(1, CLIENTS + 1)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.stop()


def numbers(live: Live, database: str | None = None) -> set[int]:
    return {number for (number,) in live.execute("SELECT id FROM written", database)}


def told_to(clients: list[Client]) -> set[int]:
    return {number for client in clients for number in client.told}


def test_writers_are_refused_as_long_as_they_are_not_accepted(live: Live) -> None:
    with writing(live) as clients:
        while len(told_to(clients)) < 200:
            time.sleep(0.01)
        told = live.restore(accept_loss=0)
    assert "were written after the backup" in told["msg"]
    assert told_to(clients) <= numbers(live)
    assert [error for client in clients for error in client.errors] == []
    assert live.databases() == {live.name}


def test_writers_are_counted_to_the_last_row(live: Live) -> None:
    backed_up = set(range(-5000, 0))
    with writing(live, pause=0.02) as clients:
        while not told_to(clients):
            time.sleep(0.01)
        told = restore_with_room(live)
        wait_for_all(clients, live)
    kept, now = numbers(live, told["kept_as"]), numbers(live)
    # No write is lost: those before the swap are kept, those after it are in the new database.
    assert told_to(clients) <= kept | now
    assert kept & now == backed_up
    # None is lost unnoticed.
    assert told["lost"] == {"public.written": len(kept - backed_up)}
    assert told["exact"]
    assert told["lost_rows"] > 0


def test_clients_that_come_back_at_once_find_the_new_database(live: Live) -> None:
    with writing(live, pause=0.02) as clients:
        while not told_to(clients):
            time.sleep(0.01)
        told = restore_with_room(live)
        wait_for_all(clients, live)
    assert told["downtime_seconds"] < MOST_SECONDS
    for client in clients:
        assert client.gap < 2 * MOST_SECONDS
        # Ended once, and told once more that the name has just changed if it came too early.
        assert 1 <= len(client.errors) <= 3, client.errors
        assert "terminating connection" in client.errors[0] or "closed" in client.errors[0]


def test_writers_are_not_kept_out_if_the_swap_is_refused_at_its_end(live: Live) -> None:
    """More is written between the last count and the swap than was accepted."""
    with writing(live, pause=0.0) as clients:
        while len(told_to(clients)) < 50:
            time.sleep(0.01)
        told = restore_with_room(live, part=0)
        before = len(told_to(clients))
        while len(told_to(clients)) < before + 20:
            time.sleep(0.01)
    assert "were written after the backup" in told["msg"]
    assert told_to(clients) <= numbers(live)
    assert live.databases() == {live.name}


def test_the_way_back_works_against_clients_that_come_back(live: Live) -> None:
    with writing(live, pause=0.02) as clients:
        while not told_to(clients):
            time.sleep(0.01)
        told = restore_with_room(live)
        wait_for_all(clients, live)
        subprocess.run(
            [*PSQL, "-d", live.server.dsn, "-c", told["undo"]],
            check=True,
            capture_output=True,
        )
        wait_for_all(clients, live)
    aside = told["kept_as"].replace("_before_", "_after_")
    assert live.databases() == {live.name, aside}
    assert told_to(clients) <= numbers(live) | numbers(live, aside)


def restore_with_room(live: Live, part: float = 0.1) -> dict[str, Any]:
    """Restore, accepting what would be lost now and some more, as a person would."""
    lost: int = live.forecast()["lost_rows"]
    return live.restore(accept_loss=lost + int(lost * part))


def wait_for_all(clients: list[Client], live: Live) -> None:
    """Wait until every client has written again since now."""
    before = {client: len(client.told) for client in clients}
    deadline = time.monotonic() + 30
    while any(len(client.told) <= before[client] for client in clients):
        assert time.monotonic() < deadline, [client.errors for client in clients]
        time.sleep(0.01)
