# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitor's samples on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import EntryError
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.ledgers import (
    LedgerDatabase,
    at_once,
    ledger_database,
)

AT = datetime(2026, 1, 31, 23, 59, 30, tzinfo=timezone.utc)
RESULTS: list[dict[str, Any]] = [
    {"name": "latency", "verdict": "pass", "value": 0.42, "unit": "s", "reason": "fine"},
    {"name": "capture", "verdict": "inconclusive", "value": None, "unit": "%", "reason": "no data"},
]
Keep = Callable[..., dict[str, Any]]


@pytest.fixture
def database(postgresql: Postgresql) -> Iterator[LedgerDatabase]:
    """A database without a ledger."""
    with ledger_database(postgresql) as made:
        yield made


@pytest.fixture
def keep(database: LedgerDatabase, run_module: Keep) -> Keep:
    """Return a function that runs the module."""

    def run(check_mode: bool = False, **args: Any) -> dict[str, Any]:
        given = {"rollout": "tower", "phase": "phase-1", "at": AT.isoformat(), "results": RESULTS}
        return run_module(
            "ledger_samples", {**given, **database.options(), **args}, check_mode=check_mode
        )

    return run


def sample(**changes: Any) -> Sample:
    """Return a sample, with changes."""
    content: dict[str, Any] = {
        **{"phase": "phase-1", "objective": "latency", "at": AT},
        **{"value": 0.42, "unit": "s", "verdict": "pass", "reason": "fine"},
    }
    return Sample(**{**content, **changes})


def partitions(database: LedgerDatabase) -> list[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent ="
    return sorted(row[0] for row in database.execute(f"{query} 'rollout.samples'::regclass"))


def test_what_was_measured_is_kept(keep: Keep, database: LedgerDatabase) -> None:
    told = keep()
    assert (told["changed"], told["written"], told["kept"]) == (True, 2, 0)
    with database.open() as ledger:
        assert ledger.samples("tower", "phase-1", AT) == [
            Sample("phase-1", "capture", AT, None, "%", "inconclusive", "no data"),
            sample(),
        ]
        assert ledger.samples("tower", "phase-2", AT) == []
        assert ledger.samples("apex", "phase-1", AT) == []


def test_a_tick_that_is_repeated_changes_nothing(keep: Keep, database: LedgerDatabase) -> None:
    keep(results=RESULTS[:1])
    other = {**RESULTS[0], "verdict": "fail", "value": 9.9}
    told = keep(results=[other, RESULTS[1]])
    assert (told["changed"], told["written"], told["kept"]) == (True, 1, 1)
    told = keep()
    assert (told["changed"], told["written"], told["kept"]) == (False, 0, 2)
    with database.open() as ledger:
        assert sample() in ledger.samples("tower", "phase-1", AT)


def test_check_mode_writes_nothing(keep: Keep, database: LedgerDatabase) -> None:
    assert keep(check_mode=True)["written"] == 2
    assert database.execute("SELECT to_regnamespace('rollout')") == [(None,)]
    keep(results=RESULTS[:1])
    told = keep(check_mode=True)
    assert (told["changed"], told["written"], told["kept"]) == (True, 1, 1)
    assert database.execute("SELECT count(*) FROM rollout.samples") == [(1,)]


def test_every_month_has_a_table_of_its_own(database: LedgerDatabase) -> None:
    """The month is that of UTC, whatever the clock on the wall says."""
    ticks = [AT, AT + timedelta(seconds=30), AT.astimezone(timezone(timedelta(hours=9)))]
    database.execute(f"ALTER ROLE {database.owner.user} SET TimeZone = 'Asia/Tokyo'")
    with database.open() as ledger:
        assert ledger.add_samples("tower", [sample(at=at) for at in ticks]) == 2
        kept = [one.at for one in ledger.samples("tower", "phase-1", AT)]
        assert kept == ticks[:2]
        assert {at.utcoffset() for at in kept} == {timedelta(0)}
    assert partitions(database) == ["rollout.samples_2026_01", "rollout.samples_2026_02"]


def test_monitors_at_once_make_one_table(database: LedgerDatabase) -> None:
    with database.open():
        pass

    def act(number: int) -> int:
        with database.open() as ledger:
            return ledger.add_samples("tower", [sample(objective=str(number)), sample()])

    assert sorted(at_once(5, act)) == [1, 1, 1, 1, 2]
    assert partitions(database) == ["rollout.samples_2026_01"]


def test_a_new_table_cannot_be_emptied(database: LedgerDatabase) -> None:
    with database.open() as ledger:
        ledger.add_samples("tower", [sample()])
    for table in ("samples", "samples_2026_01"):
        with pytest.raises(psycopg2.Error, match=r"TRUNCATE of rollout\.samples.* is refused"):
            database.execute(f"TRUNCATE rollout.{table}")


def test_a_time_that_has_not_come_is_refused(keep: Keep, database: LedgerDatabase) -> None:
    with database.open() as ledger:
        soon = ledger.now() + timedelta(minutes=4)
        assert ledger.add_samples("tower", [sample(at=soon)]) == 1
        late = ledger.now() + timedelta(minutes=6)
        with pytest.raises(EntryError, match="set the clock of this host"):
            ledger.add_samples("tower", [sample(), sample(at=late)])
        assert ledger.samples("tower", "phase-1", AT) == [sample(at=soon)]
    assert f"at is {late.isoformat()}" in keep(at=late.isoformat())["msg"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param({"at": "2026-01-31T12:00:00"}, "at is '2026-01-31T12:00:00'", id="no offset"),
        pytest.param({"results": []}, "results is []", id="nothing measured"),
        pytest.param(
            {"results": [{"name": "x"}]}, "results[0].verdict is missing", id="no verdict"
        ),
        pytest.param({"login_port": 1}, "cannot connect to the ledger", id="the server is gone"),
    ],
)
def test_what_cannot_be_kept_is_said(keep: Keep, args: Any, message: str) -> None:
    told = keep(**args)
    assert told["failed"]
    assert message in told["msg"]
