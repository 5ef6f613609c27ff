# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_scratch import (
    scratch_name,
    scratch_server,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.mark.parametrize(
    ("database", "purpose", "expected"),
    [
        pytest.param("app", "proof_x", "app_scratch_proof_x", id="a short name"),
        pytest.param("a" * 47, "proof_x", f"{'a' * 47}_scratch_proof_x", id="exactly 63 bytes"),
    ],
)
def test_a_scratch_database_is_named_after_the_original(
    database: str, purpose: str, expected: str
) -> None:
    assert scratch_name(database, purpose) == expected


@pytest.mark.parametrize("database", ["a" * 63, "ä" * 31, "x" + "ä" * 31, "漢" * 21])
def test_a_long_name_is_cut_to_what_the_server_keeps(database: str) -> None:
    names = {scratch_name(database, f"proof_{label}") for label in ("a", "b", "c" * 100)}
    assert len(names) == 3
    assert all(50 < len(name.encode()) <= 63 for name in names)


def test_a_server_does_not_run_as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(PgError, match="does not run as root; use become_user"):
        scratch_server(tmp_path, "postgres", 15, {}).__enter__()


def test_a_folder_too_long_for_a_socket_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    with pytest.raises(PgError, match="too long for the name of a socket, by 8 bytes"):
        scratch_server(Path("/" + "x" * 100), "postgres", 15, {}).__enter__()
