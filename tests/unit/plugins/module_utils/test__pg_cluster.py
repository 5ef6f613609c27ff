# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import (
    Control,
    parse_control,
    programs_of,
    require_one_directory,
    require_space,
    require_version,
    running,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

PRINTED = """
pg_control version number:            1300
Database system identifier:           7711699126226612271
Database cluster state:               shut down in recovery
Latest checkpoint's TimeLineID:       3
Latest checkpoint's NextXID:          2:748
max_prepared_xacts setting:           5
Data page checksum version:           1
"""


def test_the_control_file_is_read_by_its_names() -> None:
    control = Control(parse_control(PRINTED))
    assert control.system_identifier == 7711699126226612271
    assert control.state == "shut down in recovery"
    assert control.timeline == 3
    assert control.next_transaction == (2 << 32) + 748
    assert control.max_prepared == 5
    assert control.has_checksums


def test_a_directory_without_a_cluster_has_no_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PgError, match="no data directory"):
        programs_of(tmp_path)
    (tmp_path / "PG_VERSION").write_text("1\n")
    with pytest.raises(PgError, match="PostgreSQL 1 are not on this host"):
        programs_of(tmp_path)


@pytest.mark.parametrize(
    "pid",
    [
        pytest.param("", id="no number"),
        pytest.param("4194305", id="of a process that is gone"),
        pytest.param(str(os.getpid()), id="of another program"),
    ],
)
def test_a_number_that_is_left_is_no_running_server(tmp_path: Path, pid: str) -> None:
    assert running(tmp_path) is None
    (tmp_path / "postmaster.pid").write_text(f"{pid}\n")
    assert running(tmp_path) is None


def test_a_process_that_works_in_the_directory_is_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n/x\n")
    assert running(tmp_path) == os.getpid()


@pytest.mark.parametrize(
    ("link", "says"),
    [
        pytest.param("pg_tblspc/16384", "tablespaces .16384.", id="a tablespace"),
        pytest.param("pg_wal", "links .* .pg_wal.", id="WAL elsewhere"),
    ],
)
def test_a_cluster_that_is_in_several_directories_is_refused(
    tmp_path: Path, link: str, says: str
) -> None:
    (tmp_path / "pg_tblspc").mkdir()
    require_one_directory(tmp_path)
    (tmp_path / link).symlink_to("/tmp")
    with pytest.raises(PgError, match=says):
        require_one_directory(tmp_path)


def test_too_little_space_is_told_with_what_is_needed(tmp_path: Path) -> None:
    require_space(tmp_path, 0, "nothing")
    with pytest.raises(PgError, match=f"a copy needs {11 * 10**18}"):
        require_space(tmp_path, 10**19, "a copy")


def test_an_old_version_is_refused() -> None:
    require_version(14)
    with pytest.raises(PgError, match="PostgreSQL 13 is too old"):
        require_version(13)
