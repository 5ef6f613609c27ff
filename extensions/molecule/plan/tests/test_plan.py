# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role plan has fetched the repository, for itself alone, and left the forge as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_control"]


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "molecule" / "plan"


@pytest.mark.parametrize("name", ["trees", "phase-1"])
def test_what_the_rollout_keeps_is_private(host: Any, folder: Path, name: str) -> None:
    kept = host.file(str(folder / name))
    assert kept.is_directory
    assert kept.mode == 0o700


def test_the_mirror_has_the_branches_of_the_forge(
    host: Any, folder: Path, git: Callable[[str], str]
) -> None:
    asked = "for-each-ref --format='%(refname) %(objectname)' refs/heads refs/tags"
    mirror = host.check_output(f"git -C {folder}/repository.git {asked}")
    assert "refs/heads/main" in mirror
    assert mirror == git(asked)


def test_a_refused_plan_leaves_nothing(host: Any, folder: Path) -> None:
    assert not host.file(str(folder.with_name("refused"))).exists
