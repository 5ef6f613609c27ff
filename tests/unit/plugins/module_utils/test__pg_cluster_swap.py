# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_swap import (
    exchange,
    keep_name,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


def test_two_directories_swap_their_names(tmp_path: Path) -> None:
    one, other = tmp_path / "main", tmp_path / "main_restoring"
    for path in (one, other):
        path.mkdir()
        (path / f"was {path.name}").touch()
    inodes = (one.stat().st_ino, other.stat().st_ino)
    exchange(one, other)
    assert (one / "was main_restoring").exists()
    assert (other / "was main").exists()
    assert (other.stat().st_ino, one.stat().st_ino) == inodes


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    with pytest.raises(PgError, match="cannot be swapped: No such file"):
        exchange(tmp_path / "main", tmp_path / "gone")


def test_a_cluster_is_kept_under_the_time_in_utc() -> None:
    now = datetime(2026, 1, 12, 9, 45, 1, tzinfo=timezone.utc)
    kept = keep_name(Path("/srv/15/main"), now)
    assert kept == Path("/srv/15/main_before_20260112T094501Z")
