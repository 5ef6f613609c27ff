# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_loss
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import (
    Horizon,
    Loss,
    LossError,
    TableLoss,
    count_tables,
    horizon_of,
    require_accepted,
    require_no_blank_cheque,
)

LOST = Loss({"public.a": TableLoss(10, 3), "public.b": TableLoss(2)})
MANIFEST: dict[str, Any] = {
    "label": "one",
    "system_identifier": "7",
    "incarnation": "16384/1",
    "snapshot": "4294967300:4294967310:4294967300",
    "tables": {"public.a": {"rows": 5, "sum": "1"}},
}


class Answers:
    """A session that answers a question by what it contains."""

    database = "live"

    def __init__(self, **server: Any) -> None:
        self.server = {"id": "7", "next": "4294967400", "incarnation": "16384/1", **server}
        self.asked: list[str] = []

    def row(self, query: str) -> dict[str, Any]:
        self.asked.append(query)
        if "system_identifier" in query or "timeline_id" in query:
            return self.server
        return {"total": 9, "lost": 6, "doubtful": 0}


def test_what_would_be_lost_is_told_by_table() -> None:
    assert LOST.as_dict() == {
        "lost": {"public.a": 10, "public.b": 2},
        "lost_rows": 12,
        "exact": True,
        "columns_lost": {},
        "returning": {"public.a": 3},
    }


def test_a_table_that_loses_nothing_is_only_told_if_it_goes_as_a_whole() -> None:
    loss = Loss({"public.kept": TableLoss(0), "public.new": TableLoss(0, in_backup=False)})
    assert loss.rows == {"public.new": 0}


def test_one_number_that_is_not_exact_makes_none_exact() -> None:
    assert not LOST.updated({"public.c": TableLoss(1, exact=False)}).exact


def test_a_table_that_is_counted_again_counts_once() -> None:
    assert LOST.updated({"public.a": TableLoss(11)}).total == 13
    assert not Loss(same=True).updated({"public.a": TableLoss(1)}).same
    assert Loss(same=True).updated({}).same


@pytest.mark.parametrize(
    ("accepted", "says"),
    [
        pytest.param(
            0, r"12 rows .* \(public.a 10, public.b 2\), but 0 .*accept_loss=12", id="none"
        ),
        pytest.param(11, "but 11 are accepted", id="one too few"),
        pytest.param(12, None, id="all"),
        pytest.param(999, None, id="more, which another check is for"),
    ],
)
def test_a_loss_must_be_accepted(accepted: int, says: str | None) -> None:
    if says is None:
        require_accepted(LOST, accepted, "one")
        return
    with pytest.raises(LossError, match=says) as caught:
        require_accepted(LOST, accepted, "one")
    assert caught.value.details == LOST.as_dict()


def test_a_bound_is_called_one() -> None:
    with pytest.raises(LossError, match="up to 13 rows"):
        require_accepted(LOST.updated({"public.c": TableLoss(1, exact=False)}), 0, "one")


@pytest.mark.parametrize(
    ("lost", "accepted", "refused"),
    [
        pytest.param(0, 100, False, id="a hundred may come"),
        pytest.param(0, 101, True, id="no more than a hundred"),
        pytest.param(5000, 5500, False, id="a tenth may come"),
        pytest.param(5000, 5501, True, id="no more than a tenth"),
        pytest.param(5000, 0, False, id="too few are for another check"),
    ],
)
def test_nobody_accepts_what_he_does_not_know(lost: int, accepted: int, refused: bool) -> None:
    loss = Loss({"public.a": TableLoss(lost)})
    if not refused:
        require_no_blank_cheque(loss, accepted)
        return
    with pytest.raises(LossError, match=f"accepts far more than the {lost} rows"):
        require_no_blank_cheque(loss, accepted)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        pytest.param({}, Horizon("4", "14"), id="the same database, in numbers of 32 bits"),
        pytest.param({"id": "8"}, None, id="another server"),
        pytest.param({"incarnation": "16385/1"}, None, id="restored since"),
        pytest.param({"incarnation": "16384/2"}, None, id="recovered since"),
        pytest.param({"next": "4294967299"}, None, id="older than the backup"),
        pytest.param({"next": str(4294967300 + (1 << 31))}, None, id="too many transactions ago"),
    ],
)
def test_numbers_of_transactions_count_only_where_they_mean_something(
    server: dict[str, str], expected: Horizon | None
) -> None:
    session: Any = Answers(**server)
    assert horizon_of(session, MANIFEST) == expected


def test_a_manifest_without_incarnation_is_of_none() -> None:
    session: Any = Answers()
    manifest = {name: value for name, value in MANIFEST.items() if name != "incarnation"}
    assert horizon_of(session, manifest) is None


def test_a_table_is_counted_by_who_wrote_its_rows() -> None:
    session: Any = Answers()
    assert count_tables(session, ["public.a"], MANIFEST) == {"public.a": TableLoss(6, 2)}
    assert "FROM ONLY public.a AS t" in session.asked[-1]


def test_a_table_that_the_backup_lacks_is_lost_as_a_whole() -> None:
    session: Any = Answers()
    found = count_tables(session, ["public.new"], MANIFEST)
    assert found == {"public.new": TableLoss(9, in_backup=False)}


def test_without_a_horizon_all_rows_count() -> None:
    session: Any = Answers(id="8")
    found = count_tables(session, ["public.a"], MANIFEST)
    assert found == {"public.a": TableLoss(9, exact=False)}


def test_large_objects_are_counted_once_each() -> None:
    session: Any = Answers()
    count_tables(session, ["large objects"], MANIFEST)
    assert "count(DISTINCT t.oid)" in session.asked[-1]


@pytest.mark.parametrize(
    ("wanted", "found", "lost"),
    [
        pytest.param({"a": ["x"]}, {"a": ["x", "y"]}, {"a": ["y"]}, id="a column more"),
        pytest.param({"a": ["x", "y"]}, {"a": ["x"]}, {}, id="a column less"),
        pytest.param({}, {"a": ["x"]}, {"a": ["x"]}, id="a new table"),
        pytest.param({"a": None}, {"a": ["x"]}, {}, id="a backup that does not say"),
    ],
)
def test_columns_are_lost_that_the_backup_lacks(
    wanted: dict[str, Any], found: dict[str, Any], lost: dict[str, list[str]]
) -> None:
    def sums(columns: dict[str, Any]) -> dict[str, Any]:
        return {name: {"columns": names} for name, names in columns.items()}

    assert _pg_loss.columns_lost(sums(wanted), sums(found)) == lost
