# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transactions are too old to start behind, also where their age is hidden."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._long_transactions import (
    LongTransactions,
    any_hidden,
    explain,
)


def transaction(key: str = "3/1", seconds: float | None = None, **more: Any) -> dict[str, Any]:
    return {"transaction": key, "seconds": seconds, "pid": 7, "user": "app", "tables": None, **more}


@pytest.mark.parametrize(
    ("looks", "old"),
    [
        pytest.param([(0, [])], [], id="nobody is there"),
        pytest.param([(0, [transaction(seconds=59)])], [], id="young enough"),
        pytest.param([(0, [transaction(seconds=61)])], ["3/1"], id="too old"),
        pytest.param([(0, [transaction("a", 70), transaction("b", 90), transaction("c", 1)])],
                     ["b", "a"], id="the oldest first"),
        pytest.param([(0, [transaction()])], ["3/1"], id="hidden, seen at once: not known"),
        pytest.param([(0, [transaction()]), (999, [transaction()])], ["3/1"],
                     id="hidden, and still there"),
        pytest.param([(0, [transaction("3/1")]), (1, [transaction("3/2")])], [],
                     id="hidden, but another one than before"),
        pytest.param([(0, []), (1, [transaction()]), (59, [transaction()])], [],
                     id="hidden, but seen to begin"),
        pytest.param([(0, []), (1, [transaction()]), (61, [transaction()])], ["3/1"],
                     id="hidden, and old since it was seen to begin"),
        pytest.param([(0, []), (1, [transaction()]), (2, []), (70, [transaction()])], ["3/1"],
                     id="hidden, and not looked at for too long to tell"),
    ],
)  # fmt: skip
def test_look(looks, old):
    transactions = LongTransactions(60)
    for at, rows in looks:
        found = transactions.look(at, rows)
    assert [row["transaction"] for row in found] == old


def test_explain_names_who_holds_what_and_what_to_do():
    tables = [
        {"table": "public.b", "mode": "RowExclusiveLock"},
        {"table": "public.a", "mode": "AccessShareLock"},
        {"table": "public.b", "mode": "AccessShareLock"},
    ]
    row = transaction(seconds=90, tables=tables, since="09:00", client="10.0.0.1", state="active")
    assert explain([row], 60, "owner") == (
        "transactions older than 60 s are open: pid 7 (user app, client 10.0.0.1, active since"
        " 09:00) holds public.a (ACCESS SHARE), public.b (ACCESS SHARE, ROW EXCLUSIVE). Let them"
        " end, or end them (SELECT pg_terminate_backend(7))"
    )
    assert not any_hidden([row])


def test_explain_says_what_is_hidden_and_does_not_drown():
    tables = [{"table": f"public.t{n}", "mode": "AccessShareLock"} for n in range(9)]
    hidden = transaction(tables=tables)
    assert any_hidden([hidden])
    told = explain([hidden], 60, "owner")
    assert "and 4 more tables" in told
    assert "hidden from role owner: GRANT pg_read_all_stats TO owner" in told
    assert "holds no table, but a snapshot" in explain([transaction(seconds=70)], 60, "owner")
