# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_replaced
from ansible_collections.phased.rollout.plugins.module_utils._pg_replaced import (
    Kept,
    Retention,
    copy_comment,
    cut,
    expendable,
    expire,
    keep,
    kept_of,
    mark,
    require_copy,
    undo,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

NOW = datetime(2026, 1, 12, 9, 0, 0, tzinfo=timezone.utc)
NAME = "tower_before_20260112T090000Z"


class Databases:
    """The databases of a server, with their comments."""

    def __init__(self, comments: dict[str, str | None], used: tuple[str, ...] = ()) -> None:
        self.comments = comments
        self.used = used

    def rows(self, query: str) -> list[dict[str, Any]]:
        if "datname = " in query:
            name = query.rpartition("datname = ")[2].strip("'")
            return [{"comment": self.comments[name]}] if name in self.comments else []
        assert query.endswith("LIKE 'phased.rollout: %'\n")
        return [
            {"name": name, "comment": comment}
            for name, comment in self.comments.items()
            if comment and comment.startswith("phased.rollout: ")
        ]

    def execute(self, statement: str) -> None:
        name = statement.split('"')[1]
        if name in self.used:
            raise PgError("it is being accessed by other users (SQLSTATE 55006)")
        del self.comments[name]


@pytest.fixture(autouse=True)
def _look_for_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pg_replaced, "exists", lambda session, name: name in session.comments)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        pytest.param("tower", "tower_after", id="it fits"),
        pytest.param("t" * 63, "t" * 57 + "_after", id="as much as fits"),
        pytest.param("ü" * 31, "ü" * 28 + "_after", id="no half letter"),
    ],
)
def test_a_name_has_room_for_its_end(database: str, expected: str) -> None:
    assert cut(database, "_after") == expected
    assert len(cut(database, "_after").encode()) <= 63


def test_a_database_is_kept_under_the_time_at_which_it_was_replaced() -> None:
    session: Any = Databases({})
    assert keep(session, "tower", "one", NOW, None).name == NAME
    session = Databases({NAME: None})
    assert keep(session, "tower", "one", NOW, None).name == "tower_before_20260112T090001Z"


def test_what_is_kept_is_found_again_by_its_mark() -> None:
    session: Any = Databases({})
    kept = keep(session, "tower", "one", NOW, "it's ours")
    session = Databases({kept.name: mark("tower", kept)})
    assert kept_of(session, "tower") == [kept]


@pytest.mark.parametrize(
    ("name", "comment"),
    [
        pytest.param(NAME, None, id="no comment"),
        pytest.param(NAME, "kept by hand", id="another comment"),
        pytest.param("renamed", "marked", id="another name"),
        pytest.param("tower", "marked", id="put back by hand"),
        pytest.param("tower_before_20260112T090001Z", "marked", id="another time"),
        pytest.param("power_before_20260112T090000Z", "marked", id="another database"),
        pytest.param(NAME, "phased.rollout: scratch, may be dropped", id="a scratch database"),
    ],
)
def test_what_is_not_marked_by_its_own_name_is_nobody_elses(name: str, comment: str | None) -> None:
    if comment == "marked":
        comment = mark("tower", keep(Databases({}), "tower", "one", NOW, None))  # type: ignore[arg-type]
    session: Any = Databases({name: comment})
    assert kept_of(session, "tower") == []


def test_databases_of_similar_names_are_told_apart() -> None:
    session: Any = Databases({})
    for database in ("a", 'a" until 20260101T000000Z, replaced by backup x. To go back: '):
        kept = keep(session, database, "one", NOW, None)
        session.comments[kept.name] = mark(database, kept)
    assert [kept.name for kept in kept_of(session, "a")] == ["a_before_20260112T090000Z"]


def test_the_way_back_names_both_and_gives_the_comment_back() -> None:
    sql = undo('to"wer', 'to"wer_before_20260112T090000Z', "it's ours")
    assert 'RENAME TO "to""wer_after_20260112T090000Z";' in sql
    assert 'ALTER DATABASE "to""wer_before_20260112T090000Z" RENAME TO "to""wer";' in sql
    assert "IS 'it''s ours';" in sql
    assert undo("a", "a_before_20260112T090000Z", None).endswith('"a" IS NULL;\nCOMMIT;')


def kept_at(*days_ago: int) -> list[Kept]:
    return [Kept(f"{days}", NOW - timedelta(days=days), "one", "") for days in days_ago]


@pytest.mark.parametrize(
    ("retention", "gone"),
    [
        pytest.param(Retention(), [], id="no limit"),
        pytest.param(Retention(count=1), ["2", "9", "30"], id="all but the newest"),
        pytest.param(Retention(count=3), ["30"], id="all but three"),
        pytest.param(Retention(count=9), [], id="fewer than may stay"),
        pytest.param(Retention(age=timedelta(days=7)), ["9", "30"], id="the old ones"),
        pytest.param(Retention(age=timedelta(0)), ["2", "9", "30"], id="never the newest"),
        pytest.param(Retention(3, timedelta(days=7)), ["30"], id="both limits, more by count"),
        pytest.param(Retention(1, timedelta(days=20)), ["30"], id="both limits, more by age"),
    ],
)
def test_replaced_databases_go_if_every_limit_lets_them(
    retention: Retention, gone: list[str]
) -> None:
    assert [kept.name for kept in expendable(kept_at(1, 2, 9, 30), retention, NOW)] == gone


def test_one_that_is_old_stays_if_it_is_the_only_one() -> None:
    assert expendable(kept_at(300), Retention(age=timedelta(days=7)), NOW) == []


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param(None, Retention(), id="nothing given"),
        pytest.param({"count": 2, "age": None}, Retention(count=2), id="a count"),
        pytest.param({"count": None, "age": "14d"}, Retention(age=timedelta(14)), id="an age"),
    ],
)
def test_limits_are_read(params: dict[str, Any] | None, expected: Retention) -> None:
    assert Retention.of(params) == expected


@pytest.mark.parametrize(
    ("params", "says"),
    [
        pytest.param({"count": 0}, "expire_replaced.count is 0: at least 1", id="none may stay"),
        pytest.param({"count": -1}, "expire_replaced.count is -1", id="fewer than none"),
        pytest.param({"age": "soon"}, "expire_replaced.age", id="no duration"),
        pytest.param({"age": "0s"}, "expire_replaced.age", id="no time at all"),
        pytest.param({"age": "999999999999d"}, "999999999999d, which is too long", id="for ever"),
    ],
)
def test_limits_without_sense_are_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(PgError, match=says):
        Retention.of(params)


def test_one_that_is_used_stays() -> None:
    session: Any = Databases({"1": "", "2": ""}, used=("2",))
    assert expire(session, kept_at(1, 2)) == ["2"]
    assert set(session.comments) == {"2"}


@pytest.mark.parametrize("comment", [None, "", "ours", copy_comment("two", "tower")])
def test_only_a_copy_of_this_backup_is_one(comment: str | None) -> None:
    session: Any = Databases({"copy": comment})
    require_copy(session, "absent", "one", "tower")
    with pytest.raises(PgError, match="database copy exists, and not as a copy of backup one"):
        require_copy(session, "copy", "one", "tower")
    session = Databases({"copy": copy_comment("one", "tower")})
    require_copy(session, "copy", "one", "tower")
