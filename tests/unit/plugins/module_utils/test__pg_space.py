# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import Facts
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_shelf import Kept
from ansible_collections.phased.rollout.plugins.module_utils._pg_space import (
    Need,
    dump_bytes,
    in_words,
    proof_needs,
    require_space,
)
from ansible_collections.phased.rollout.tests.unit.plugins.module_utils.test__pg_preflight import (
    FACTS,
)


def kept(**manifest: Any) -> Kept:
    return Kept(Path("/backups/a"), manifest)


@pytest.mark.parametrize(
    ("backups", "expected"),
    [
        pytest.param([], 1000, id="without a backup, the size of the database"),
        pytest.param(
            [kept(database_bytes=500, bytes=100)], 240, id="as it was before, and a fifth"
        ),
        pytest.param(
            [kept(database_bytes=500, bytes=400), kept(database_bytes=500, bytes=50)],
            120,
            id="the youngest counts",
        ),
        pytest.param(
            [kept(database_bytes=500, bytes=50), kept(bytes=400)], 120, id="one does not know"
        ),
        pytest.param([kept(database_bytes=10, bytes=400)], 1000, id="never more than the database"),
    ],
)
def test_how_large_a_dump_will_be(backups: list[Kept], expected: int) -> None:
    assert dump_bytes(Facts(**FACTS), backups) == expected


@pytest.mark.parametrize(
    ("kind", "host", "data", "where"),
    [
        pytest.param("database", "/run", "/data", ["/data"], id="beside the data, if that is here"),
        pytest.param("database", "db", "/data", [], id="on another host it cannot be told"),
        pytest.param("database", "/run", None, [], id="nor if the role may not know where"),
        pytest.param("cluster", "db", None, ["/scratch"], id="in a cluster of its own"),
        pytest.param("list", "/run", "/data", [], id="nothing is restored"),
    ],
)
def test_where_a_proof_needs_room(kind: str, host: str, data: str | None, where: list[str]) -> None:
    facts = Facts(**{**FACTS, "data_directory": data})
    needs = proof_needs(Server({"PGHOST": host}), facts, kind, Path("/scratch"))
    assert [str(need.directory) for need in needs] == where
    assert all(need.bytes >= facts.bytes for need in needs)


@pytest.mark.parametrize(
    ("sizes", "enough"),
    [
        pytest.param([], True, id="nothing is needed"),
        pytest.param([100], True, id="exactly enough"),
        pytest.param([101], False, id="one byte too few"),
        pytest.param([60, 60], False, id="enough for each, but not for both"),
    ],
)
def test_what_is_on_one_file_system_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int], enough: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(200, 100, 100))
    needs = [Need(tmp_path, size, f"the part {number}") for number, size in enumerate(sizes)]
    if enough:
        require_space(needs)
        return
    purposes = " and ".join(need.purpose for need in needs)
    with pytest.raises(
        PgError, match=f"has 100 bytes free, but {purposes} may need {sum(sizes)} bytes"
    ):
        require_space(needs)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (2_340_000_000, "2.3 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_a_number_of_bytes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words
