# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_writes
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import (
    Loss,
    LossError,
    TableLoss,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_writes import (
    Counter,
    Writes,
    written,
)

MANIFEST: dict[str, Any] = {"label": "one", "tables": {"public.a": {}, "public.b": {}}}
BEFORE = {1: Counter("public.a", 10, 100), 2: Counter("public.b", 0, 200)}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(BEFORE, {}, id="nothing"),
        pytest.param({**BEFORE, 1: Counter("public.a", 13, 100)}, {"public.a": 3}, id="rows"),
        pytest.param({2: BEFORE[2]}, {}, id="a table that is gone"),
        pytest.param({**BEFORE, 3: Counter("public.c", 4, 300)}, {"public.c": 4}, id="a new one"),
        pytest.param({**BEFORE, 3: Counter("public.c", 0, 300)}, {"public.c": 0}, id="empty"),
        pytest.param(
            {2: BEFORE[2], 3: Counter("public.a", 4, 300)}, {"public.a": 4}, id="made anew"
        ),
        pytest.param({**BEFORE, 1: Counter("public.a", 10, 101)}, {"public.a": None}, id="a file"),
        pytest.param({**BEFORE, 1: Counter("public.a", 9, 100)}, {"public.a": None}, id="fewer"),
        pytest.param(
            {**BEFORE, 1: Counter("public.z", 10, 100)}, {"public.z": 0}, id="another name"
        ),
        pytest.param(
            {1: Counter("large objects", 12, 100), 2: Counter("large objects", 1, 200)},
            {"large objects": 3},
            id="two tables of one name",
        ),
        pytest.param(
            {1: Counter("large objects", 12, 101), 2: Counter("large objects", 1, 200)},
            {"large objects": None},
            id="two tables of one name, one of them in another file",
        ),
    ],
)
def test_what_was_written_is_told_by_the_counters(
    after: dict[int, Counter], expected: dict[str, int | None]
) -> None:
    assert written(BEFORE, after) == expected


class Server:
    """What a session sees of a database: counters, and rows lost by table."""

    database = "live"

    def __init__(self) -> None:
        self.counters = dict(BEFORE)
        self.lost: dict[str, int] = {}
        self.reset = "never"
        self.counting = True
        self.canceled: set[str] = set()
        self.asked: list[str] = []

    def rows(self, _query: str) -> list[dict[str, Any]]:
        return [{"oid": oid, **counter._asdict()} for oid, counter in self.counters.items()]

    def row(self, _query: str) -> dict[str, Any]:
        return {"reset": self.reset, "counting": self.counting, "version": 150000}

    def execute(self, *statements: str) -> None:
        self.asked += statements


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Server()

    def count_tables(session: Server, names: list[str], _manifest: Any) -> dict[str, TableLoss]:
        if session.canceled & set(names):
            raise PgError("canceling statement due to statement timeout (SQLSTATE 57014)")
        return {name: TableLoss(session.lost.get(name, 0)) for name in names}

    monkeypatch.setattr(_pg_writes, "count_tables", count_tables)
    return made


def test_without_writes_nothing_is_counted_again(server: Any) -> None:
    writes = Writes(server, MANIFEST)
    server.canceled = {"public.a"}
    writes.require_accepted(server, Loss({"public.a": TableLoss(5)}), 5)


def test_writes_that_are_accepted_in_any_case_are_counted_afterwards(server: Any) -> None:
    writes, loss = Writes(server, MANIFEST), Loss({"public.a": TableLoss(5)})
    server.counters[1] = Counter("public.a", 13, 100)
    writes.require_accepted(server, loss, 8)
    assert server.asked == []
    server.lost["public.a"] = 7
    assert writes.settle(server, loss).rows == {"public.a": 7}


@pytest.mark.parametrize(
    ("really_lost", "accepted"), [(5, True), (6, False)], ids=["undone again", "lost"]
)
def test_writes_that_may_be_too_many_are_counted_at_once(
    server: Any, really_lost: int, accepted: bool
) -> None:
    writes, loss = Writes(server, MANIFEST), Loss({"public.a": TableLoss(5)})
    server.counters[1] = Counter("public.a", 13, 100)
    server.lost["public.a"] = really_lost
    if accepted:
        writes.require_accepted(server, loss, 5)
        return
    with pytest.raises(LossError, match="6 rows"):
        writes.require_accepted(server, loss, 5)


def test_what_cannot_be_counted_in_time_counts_in_full(server: Any) -> None:
    writes = Writes(server, MANIFEST)
    server.counters[1] = Counter("public.a", 13, 100)
    server.canceled = {"public.a"}
    with pytest.raises(LossError, match="up to 8 rows"):
        writes.require_accepted(server, Loss({"public.a": TableLoss(5)}), 7)


def test_a_table_in_another_file_is_counted_whatever_is_accepted(server: Any) -> None:
    writes = Writes(server, MANIFEST)
    server.counters[1] = Counter("public.a", 10, 101)
    server.lost["public.a"] = 900
    with pytest.raises(LossError, match="900 rows"):
        writes.require_accepted(server, Loss(), 100)
    server.canceled = {"public.a"}
    with pytest.raises(PgError, match="statement timeout"):
        writes.require_accepted(server, Loss(), 100)


def test_a_recount_starts_from_where_the_last_one_ended(server: Any) -> None:
    writes = Writes(server, MANIFEST)
    server.counters[1] = Counter("public.a", 13, 100)
    server.lost["public.a"] = 3
    loss = writes.recount(server, Loss())
    assert loss.rows == {"public.a": 3}
    server.canceled = {"public.a"}
    writes.require_accepted(server, loss, 3)


def test_counters_that_were_reset_tell_nothing(server: Any) -> None:
    writes = Writes(server, MANIFEST)
    server.reset = "just now"
    with pytest.raises(PgError, match="statistics of database live were reset"):
        writes.recount(server, Loss())
    with pytest.raises(PgError, match="statistics of database live were reset"):
        writes.require_accepted(server, Loss(), 1000)


def test_a_database_that_does_not_count_is_refused(server: Any) -> None:
    server.counting = False
    with pytest.raises(PgError, match="track_counts is off"):
        Writes(server, MANIFEST)
