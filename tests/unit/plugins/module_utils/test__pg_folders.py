# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import (
    BusyError,
    hidden_folder,
    locked,
    remove,
    sweep,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        pytest.param(False, False, True, id="two that write"),
        pytest.param(False, True, True, id="one reads while another writes"),
        pytest.param(True, False, True, id="one writes while another reads"),
        pytest.param(True, True, False, id="two that read"),
    ],
)
def test_who_may_hold_a_lock_at_once(
    tmp_path: Path, first: bool, second: bool, refused: bool
) -> None:
    with locked(tmp_path, "a", shared=first):
        if refused:
            with pytest.raises(BusyError, match=r"a in .* is in use by another run"):
                locked(tmp_path, "a", shared=second).__enter__()
        else:
            with locked(tmp_path, "a", shared=second):
                pass
            with pytest.raises(BusyError), locked(tmp_path, "a"):
                pass
    assert names(tmp_path) == []


def test_a_refused_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path, "a"), pytest.raises(BusyError, match=r"process \d+, since 20"):
        locked(tmp_path, "a").__enter__()


def test_a_lock_that_is_free_again_can_be_taken(tmp_path: Path) -> None:
    for _time in range(3):
        with locked(tmp_path, "a"), locked(tmp_path, "b"):
            assert names(tmp_path) == [".a.lock", ".b.lock"]
    assert names(tmp_path) == []


def test_of_many_that_want_a_lock_one_has_it_at_a_time(tmp_path: Path) -> None:
    holders: list[int] = []
    seen: list[int] = []

    def want() -> None:
        while len(seen) < 50:
            try:
                with locked(tmp_path, "a"):
                    holders.append(1)
                    seen.append(len(holders))
                    holders.pop()
            except BusyError:
                continue

    threads = [threading.Thread(target=want) for _turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seen) == 1
    assert names(tmp_path) == []


def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(PgError, match=r"none cannot be written to: No such file"):
        locked(tmp_path / "none", "a").__enter__()


def test_what_another_user_left_is_left_to_that_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".a~partial").mkdir()
    (tmp_path / ".a~partial.lock").touch()

    def forbidden(*_args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", forbidden)
    sweep(tmp_path)
    assert names(tmp_path) == [".a~partial", ".a~partial.lock"]
    with pytest.raises(BusyError, match="belongs to another user"):
        locked(tmp_path, "a~partial").__enter__()
    with pytest.raises(PgError, match="cannot be written to: Permission denied"):
        locked(tmp_path, "b").__enter__()


def test_a_hidden_folder_is_private_and_gone_in_the_end(tmp_path: Path) -> None:
    with hidden_folder(tmp_path, "a", "partial") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "x").mkdir()
        assert names(tmp_path) == [".a~partial", ".a~partial.lock"]
    assert names(tmp_path) == []


def test_a_hidden_folder_that_was_renamed_stays(tmp_path: Path) -> None:
    with hidden_folder(tmp_path, "a", "partial") as folder:
        folder.rename(tmp_path / "a")
    assert names(tmp_path) == ["a"]


def test_what_goes_wrong_in_it_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), hidden_folder(tmp_path, "a", "partial"):
        raise KeyError
    assert names(tmp_path) == []


def test_a_hidden_folder_starts_empty_whatever_was_left(tmp_path: Path) -> None:
    (tmp_path / ".a~partial" / "dump").mkdir(parents=True)
    with hidden_folder(tmp_path, "a", "partial") as folder:
        assert names(folder) == []


def test_what_killed_runs_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    others = ["a", "a~partial", ".hidden", ".a.partial", "..~x", ".a~B"]
    for name in [*others, ".a~partial", ".b-1_2.3~expired"]:
        (tmp_path / name / "dump").mkdir(parents=True)
    for name in [".a.lock", ".b~partial.lock"]:
        (tmp_path / name).touch()
    (tmp_path / ".file~x").touch()
    (tmp_path / ".link~x").symlink_to(tmp_path / "a")
    sweep(tmp_path)
    assert names(tmp_path) == sorted([*others, ".file~x", ".link~x"])


def test_what_a_run_is_working_on_is_not_swept_away(tmp_path: Path) -> None:
    with hidden_folder(tmp_path, "a", "partial"), locked(tmp_path, "b"):
        before = names(tmp_path)
        sweep(tmp_path)
        assert names(tmp_path) == before


def test_removing_what_is_not_there_is_done_already(tmp_path: Path) -> None:
    remove(tmp_path / "none")


def test_a_folder_in_which_somebody_keeps_writing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_empty(_folder: Path) -> None:
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr("shutil.rmtree", not_empty)
    with pytest.raises(PgError, match="another program writes there"):
        remove(tmp_path)
