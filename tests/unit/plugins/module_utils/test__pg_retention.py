# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import locked
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import write_manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_retention import (
    Retention,
    expendable,
    take_away,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import shelf

NOW = datetime(2026, 1, 31, tzinfo=timezone.utc)


def make(directory: Path, day: int, *, proven: bool = True, keep: bool = False, name: str = "n"):
    label = f"{name}-{day:02d}"
    folder = directory / label
    folder.mkdir()
    (folder / "toc.dat").write_text(label)
    taken_at = datetime(2026, 1, day, tzinfo=timezone.utc).isoformat()
    facts = {"label": label, "database": "app", "taken_at": taken_at, "keep": keep}
    write_manifest(folder, {**facts, "proof": {"proven": proven}})


def labels(directory: Path, retention: Retention, label: str = "n-30") -> list[str]:
    backups = [kept for kept in shelf(directory) if not kept.problem]
    return [kept.label for kept in expendable(backups, retention, label=label, now=NOW)]


@pytest.mark.parametrize(
    ("retention", "gone"),
    [
        pytest.param(Retention(count=2), ["n-01", "n-10", "n-20"], id="all but the last two"),
        pytest.param(Retention(count=5), [], id="as many as there are"),
        pytest.param(Retention(count=9), [], id="more than there are"),
        pytest.param(
            Retention(age=timedelta(days=15)), ["n-01", "n-10"], id="those that are too old"
        ),
        pytest.param(Retention(age=timedelta(days=30)), [], id="exactly as old as allowed"),
        pytest.param(
            Retention(count=1, age=timedelta(days=25)), ["n-01"], id="many, but not all too old"
        ),
        pytest.param(
            Retention(count=4, age=timedelta(days=1)), ["n-01"], id="old, but not all too many"
        ),
        pytest.param(Retention(count=1, labels=("other-*",)), [], id="no label matches"),
        pytest.param(
            Retention(count=1, labels=("*-1?",)), [], id="one label matches, and may stay"
        ),
        pytest.param(
            Retention(count=1, labels=("x", "n-[12]?")),
            ["n-10", "n-20"],
            id="the labels that match",
        ),
    ],
)
def test_which_backups_may_go(tmp_path: Path, retention: Retention, gone: list[str]) -> None:
    for day in (1, 10, 20, 28, 30):
        make(tmp_path, day)
    assert labels(tmp_path, retention) == gone


def test_a_backup_to_keep_stays_and_is_not_counted(tmp_path: Path) -> None:
    for day in (1, 10, 20, 30):
        make(tmp_path, day, keep=day == 10)
    assert labels(tmp_path, Retention(count=2)) == ["n-01"]


def test_the_last_proven_backup_stays(tmp_path: Path) -> None:
    for day in (1, 2, 20, 30):
        make(tmp_path, day, proven=day < 10)
    assert labels(tmp_path, Retention(count=1)) == ["n-01", "n-20"]


def test_a_damaged_backup_is_not_the_last_proven_one(tmp_path: Path) -> None:
    for day in (1, 2, 20, 30):
        make(tmp_path, day, proven=day < 10)
    (tmp_path / "n-02" / "toc.dat").write_text("N-02")  # of the same length
    assert labels(tmp_path, Retention(count=1)) == ["n-02", "n-20"]


def test_the_backup_of_this_run_and_younger_ones_stay(tmp_path: Path) -> None:
    for day in (1, 10, 20):
        make(tmp_path, day)
    assert labels(tmp_path, Retention(age=timedelta(seconds=1)), "n-10") == ["n-01"]


def test_without_any_proven_backup_the_limits_alone_count(tmp_path: Path) -> None:
    for day in (1, 2, 30):
        make(tmp_path, day, proven=False)
    assert labels(tmp_path, Retention(count=1)) == ["n-01", "n-02"]


def test_what_goes_is_gone_and_what_is_in_use_stays(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        make(tmp_path, day)
    (tmp_path / ".n-01~expired").mkdir()
    with locked(tmp_path, "n-02", shared=True):
        assert take_away(tmp_path, shelf(tmp_path)[:2]) == ["n-01"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n-02", "n-03"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({"count": 7}, Retention(count=7), id="a count"),
        pytest.param({"age": "30d"}, Retention(age=timedelta(days=30)), id="an age"),
        pytest.param({"labels": ["a*"]}, Retention(labels=["a*"]), id="labels"),
    ],
)
def test_what_the_parameter_states(params: dict[str, Any], expected: Retention) -> None:
    assert Retention.of({"count": None, "age": None, "labels": ("*",), **params}) == expected


@pytest.mark.parametrize(
    ("params", "says"),
    [
        pytest.param({"count": 0}, "at least 1 backup must stay", id="none may stay"),
        pytest.param({"count": -1}, "at least 1 backup must stay", id="less than none"),
        pytest.param({"age": "soon"}, r"retention\.age is 'soon'", id="no duration"),
        pytest.param({"age": "0s"}, r"retention\.age is '0s'", id="no time at all"),
        pytest.param({"age": "9999999999999w"}, None, id="longer than time"),
    ],
)
def test_what_makes_no_sense_is_refused(params: dict[str, Any], says: str | None) -> None:
    with pytest.raises(PgError, match=says):
        Retention.of({"count": None, "age": None, "labels": ("*",), **params})
