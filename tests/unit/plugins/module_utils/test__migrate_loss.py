# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration destroys is found by oid and number, and accepted only to the row."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._migrate_loss import (
    Column,
    Table,
    count_losses,
    explain,
    losses,
    require_accepted,
    total,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


def table(name: str = "public.t", rows: int | None = 10, **columns: Any) -> Table:
    """Return a table; a column is c1=(name, type, filled)."""
    return Table(name, rows, {int(key[1:]): Column(*column) for key, column in columns.items()})


def loss(what: str, rows: int | None, column: str | None = None) -> dict[str, Any]:
    return {"table": "public.t", "what": what, "column": column, "rows": rows}


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        pytest.param({}, {1: table()}, [], id="a new table"),
        pytest.param({1: table()}, {1: table()}, [], id="nothing changed"),
        pytest.param({1: table()}, {}, [loss("table", 10)], id="a table"),
        pytest.param({1: table(rows=0)}, {}, [loss("table", 0)], id="an empty table"),
        pytest.param({1: table(rows=None)}, {}, [loss("table", None)], id="a table not to be read"),
        pytest.param({1: table()}, {1: table("public.other")}, [], id="a new name is no loss"),
        pytest.param({1: table()}, {2: table()}, [loss("table", 10)],
                     id="another table of the same name"),
        pytest.param({1: table()}, {1: table(rows=7)}, [loss("rows", 3)], id="some rows"),
        pytest.param({1: table()}, {1: table(rows=12)}, [], id="more rows"),
        pytest.param({1: table(c1=("a", "int", 4))}, {1: table()}, [loss("column", 4, "a")],
                     id="a column, in which not every row has a value"),
        pytest.param({1: table(c1=("a", "int", 4))}, {1: table(c1=("b", "int", 4))}, [],
                     id="a column's new name is no loss"),
        pytest.param({1: table(c1=("a", "int", 4))}, {1: table(c2=("a", "int", 4))},
                     [loss("column", 4, "a")], id="another column of the same name"),
        pytest.param({1: table(c1=("a", "numeric", 4))}, {1: table(c1=("a", "integer", 4))},
                     [loss("type of column", 4, "a")], id="a column's type"),
        pytest.param({1: table(c1=("a", "int", 4))}, {1: table(c1=("a", "int", 1))},
                     [loss("values of column", 3, "a")], id="values"),
        pytest.param({1: table(c1=("a", "int", 4))}, {1: table(rows=7, c1=("a", "int", 1))},
                     [loss("rows", 3)], id="values that went with their rows"),
        pytest.param({1: table(c1=("a", "int", 9))}, {1: table(rows=7, c1=("a", "int", 1))},
                     [loss("rows", 3), loss("values of column", 5, "a")],
                     id="values besides those of the rows"),
    ],
)  # fmt: skip
def test_losses(before, after, lost):
    assert losses(before, after) == lost


@pytest.mark.parametrize(
    ("found", "rows"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([loss("table", 4), loss("rows", 3)], 7, id="the sum"),
        pytest.param([loss("table", 4), loss("table", None)], None, id="not known"),
    ],
)
def test_total(found, rows):
    assert total(found) == rows


@pytest.mark.parametrize(
    ("found", "accepted", "says"),
    [
        pytest.param([loss("table", 4)], 0, "would destroy 4 rows .table public.t: 4 rows., and 0",
                     id="nothing was accepted"),
        pytest.param([loss("table", 4)], 3, "accept a loss of 4", id="less was accepted"),
        pytest.param([loss("table", 4)], 5, "accept a loss of 4", id="more was accepted"),
        pytest.param([], 5, "would destroy 0 rows .nothing., and 5", id="there is nothing to lose"),
        pytest.param([loss("table", None)], 0, "an unknown number of rows.: grant", id="unknown"),
        pytest.param([loss("column", 4, "a"), loss("rows", None)], 4, "column public.t.a: 4 rows",
                     id="some of it is unknown"),
    ],
)  # fmt: skip
def test_a_loss_is_accepted_to_the_row(found, accepted, says):
    with pytest.raises(PgError, match=says):
        require_accepted(found, accepted)


def test_what_was_accepted_may_go():
    require_accepted([loss("table", 4), loss("column", 3, "a")], 7)
    require_accepted([], 0)


def test_what_the_live_database_tells_is_counted_again():
    asked = []

    def ask(query: str) -> list[dict[str, Any]]:
        asked.append(query)
        return [{"name": "public.t"}] if "to_regclass" in query else [{"rows": 99}]

    expected = [loss("table", 1), loss("column", 2, 'a"b'), loss("type of column", 3, "c"),
                loss("rows", 4), loss("values of column", 5, "d"), loss("table", None)]  # fmt: skip
    assert [one["rows"] for one in count_losses(ask, expected)] == [99, 99, 99, 4, 5, None]
    assert [query for query in asked if "count" in query] == [
        "SELECT count(*) AS rows FROM ONLY public.t",
        'SELECT count("a""b") AS rows FROM ONLY public.t',
        'SELECT count("c") AS rows FROM ONLY public.t',
    ]


def test_a_table_that_the_live_database_lacks_is_an_error():
    with pytest.raises(PgError, match=r"the live database has no table public\.t"):
        count_losses(lambda query: [], [loss("table", 1)])


def test_explain():
    assert explain([loss("table", 4), loss("column", None, "a")]) == (
        "table public.t: 4 rows; column public.t.a: an unknown number of rows"
    )
