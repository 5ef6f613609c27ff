# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_scratch import Scratch
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "main_restoring"


def leave(path: Path, purpose: str = "one") -> None:
    """Leave what a killed run leaves: the directory, and the note beside it."""
    scratch = Scratch(path, purpose)
    scratch.__enter__()
    scratch.make()
    (path / "PG_VERSION").write_text("15")
    assert scratch._file
    scratch._file.close()


def test_it_is_empty_private_and_gone_afterwards(path: Path) -> None:
    with Scratch(path, "one") as scratch:
        scratch.make()
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "file").touch()
    assert list(path.parent.iterdir()) == []


def test_what_a_killed_run_left_is_made_anew(path: Path) -> None:
    leave(path)
    with Scratch(path, "two") as scratch:
        assert scratch.noted()[1] == "one"
        scratch.make()
        assert list(path.iterdir()) == []


def test_a_directory_that_was_swapped_in_is_never_removed(path: Path) -> None:
    """As after a kill between the swap of two names and the note that it is done."""
    leave(path)
    live = path.with_name("main")
    path.rename(live)
    path.mkdir()
    (path / "the cluster as it was").touch()
    with Scratch(path, "one") as scratch:
        assert scratch.noted() == (str(live.stat().st_ino), "one")
        with pytest.raises(PgError, match="is in the way"):
            scratch.make()
    assert (path / "the cluster as it was").exists()


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").touch()
    path.symlink_to(other)
    with Scratch(path, "one") as scratch, pytest.raises(PgError, match="is in the way"):
        scratch.make()
    assert (other / "precious").exists()


def test_it_is_not_shared(path: Path) -> None:
    with Scratch(path, "one") as scratch:
        scratch.make()
        with pytest.raises(PgError, match="another run is using"):
            Scratch(path, "one").__enter__()
        assert path.is_dir()
