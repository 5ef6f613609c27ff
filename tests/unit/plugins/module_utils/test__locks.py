# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks are measured from looks, and never come out shorter than they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._locks import (
    MODES,
    LockLog,
    name_session,
    words_of,
)


def lock(
    mode: str = "AccessExclusiveLock",
    table: str | None = "public.t",
    *,
    pid: int = 1,
    granted: bool = True,
    by: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {"pid": pid, "table": table, "mode": mode, "granted": granted, "blockers": by}


def report_of(*looks: tuple[float, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    log = LockLog()
    for at, rows in looks:
        log.look(at, rows)
    log.finish()
    return log.report()


def entry(
    table: str | None = "public.t",
    mode: str = "ACCESS EXCLUSIVE",
    held: int = 0,
    waited: int = 0,
    by: Sequence[str] = (),
) -> dict[str, Any]:
    return {"table": table, "mode": mode, "milliseconds": held, "waited_milliseconds": waited,
            "blocked_by": list(by)}  # fmt: skip


HOLDER = {"pid": 7, "user": "app", "application": "web", "client": "10.0.0.1",
          "state": "idle in transaction", "since": "2026-01-12 09:00:00 UTC"}  # fmt: skip
NAMED = "pid 7 (user app, application web, client 10.0.0.1," \
    " idle in transaction since 2026-01-12 09:00:00 UTC)"  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "report"),
    [
        pytest.param([], [], id="nothing was seen"),
        pytest.param([(1, []), (2, [lock()]), (3, [lock()]), (4, [])], [entry(held=3000)],
                     id="from the look before it to the look after it"),
        pytest.param([(1, []), (2, [lock()])], [entry(held=1000)], id="held to the end"),
        pytest.param([(1, []), (2, [lock()]), (3, []), (4, [lock()]), (5, [lock()]), (6, [])],
                     [entry(held=3000)], id="the longest time counts"),
        pytest.param([(1, []), (2, [lock("ShareLock"), lock("AccessShareLock")]), (9, [])],
                     [entry(mode="SHARE", held=8000)], id="the strongest mode counts"),
        pytest.param([(1, []), (2, [lock("ShareLock")]), (9, [lock()]), (10, [])],
                     [entry(held=8000)], id="the time is that of the strongest mode"),
        pytest.param([(1, []), (2, [lock(granted=False, by=[HOLDER])]),
                      (3, [lock(granted=False, by=[HOLDER])]), (4, [lock()]), (5, [])],
                     [entry(held=2000, waited=3000, by=[NAMED])], id="waited for, then held"),
        pytest.param([(1, []), (2, [lock(granted=False, by=[HOLDER])]), (3, [])],
                     [entry(waited=2000, by=[NAMED])], id="never granted"),
        pytest.param([(1, []), (2, [lock("ShareLock", None, granted=False, by=[HOLDER])]), (3, [])],
                     [entry(None, "SHARE", waited=2000, by=[NAMED])],
                     id="waited for a transaction"),
        pytest.param([(1, []), (2, [lock("AccessShareLock", "public.a"), lock(table="public.z")]),
                      (3, [])],
                     [entry("public.z", held=2000), entry("public.a", "ACCESS SHARE", 2000)],
                     id="the strongest lock first"),
        pytest.param([(1, []), (2, [lock(), lock(pid=2)]), (3, [lock(pid=2)]), (4, [])],
                     [entry(held=3000)], id="two sessions"),
    ],
)  # fmt: skip
def test_report(looks, report):
    assert report_of(*looks) == report


def test_who_waits_is_known_while_it_waits():
    log = LockLog()
    log.look(10, [])
    log.look(12, [lock(granted=False, by=[HOLDER]), lock(pid=2)])
    log.look(13, [lock(granted=False, by=[HOLDER]), lock(pid=2)])
    assert log.waits() == {1: 3}
    assert log.blockers() == [NAMED]
    log.look(14, [lock()])
    assert log.waits() == {}


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=30))
def test_a_time_is_never_too_short(steps: list[tuple[int, bool]]) -> None:
    """Compare with the time from the last look before to the first look after, run by run."""
    at, looks = 0, []
    for pause, held in steps:
        at += pause
        looks.append((at, held))
    longest = 0
    for first, (begin, held) in enumerate(looks):
        if held and (first == 0 or not looks[first - 1][1]):
            before = looks[first - 1][0] if first else begin
            after = [moment for moment, still in looks[first:] if not still]
            longest = max(longest, (after[0] if after else at) - before)
    told = report_of(*((moment, [lock()] if held else []) for moment, held in looks))
    assert [lock["milliseconds"] for lock in told] == ([1000 * longest] if longest or told else [])


@pytest.mark.parametrize(
    ("row", "name"),
    [
        pytest.param(HOLDER, NAMED, id="all is known"),
        pytest.param({"pid": 7, "user": "app", "application": "web", "since": None},
                     "pid 7 (user app, application web)", id="hidden from the role"),
        pytest.param({**HOLDER, "client": None, "application": None, "state": None},
                     "pid 7 (user app, client on the socket,"
                     " in a transaction since 2026-01-12 09:00:00 UTC)", id="on the socket"),
        pytest.param({"prepared": "tx", "user": "app", "since": "2026-01-12"},
                     "prepared transaction tx of app, since 2026-01-12", id="prepared"),
        pytest.param({"pid": 0, "user": None}, "a prepared transaction"
                     " (SELECT * FROM pg_prepared_xacts names it)", id="no session"),
        pytest.param({"pid": 9, "user": None}, "pid 9 (user unknown)", id="gone meanwhile"),
    ],
)  # fmt: skip
def test_name_session(row, name):
    assert name_session(row) == name


def test_modes_are_shown_in_the_words_of_sql():
    written = [
        *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
        *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
    ]
    assert [words_of(mode) for mode in written] == MODES
