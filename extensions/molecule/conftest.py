# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios share. Each file names the groups whose hosts it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import testinfra

CHECKOUT = Path(__file__).resolve().parents[2]
BRANCH = "feature/phase1-ssot-bridge-implementation"

Host = Any  # testinfra.host.Host: it makes its modules when they are asked for
On = Callable[[str], Host]


@pytest.fixture
def root(host: Host) -> Iterator[Host]:
    """Yield the host, commands on it running as root."""
    with host.sudo():
        yield host


@pytest.fixture(scope="session")
def on(request: pytest.FixtureRequest) -> On:
    """Return a function that returns another host of the inventory by its name."""
    inventory = request.config.getoption("ansible_inventory")
    return lambda name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)


@pytest.fixture(scope="session")
def sql(on: On) -> Callable[[str, str], str]:
    """Return a function that answers a query on a database, unaligned."""

    def ask(database: str, query: str) -> str:
        db = on("db")
        with db.sudo("postgres"):
            answer: str = db.check_output("psql -XAtq -d %s -c %s", database, query)
        return answer

    return ask


@pytest.fixture(scope="session")
def git(on: On) -> Callable[[str], str]:
    """Return a function that answers a git command in the repository of the forge."""

    def ask(command: str) -> str:
        forge = on("forge")
        with forge.sudo("git"):
            answer: str = forge.check_output(f"git -C /srv/git/tower.git {command}")
        return answer

    return ask


@pytest.fixture(scope="session")
def tree(git: Callable[[str], str]) -> str:
    """Return the tree to ship. Phase 1 starts from main, so a merge has the tree of its branch."""
    return git(f"rev-parse {BRANCH}^{{tree}}")


@pytest.fixture(scope="session")
def home() -> Path:
    """Return the directory on the control node that keeps mirror, archives and evidence."""
    return CHECKOUT / ".cache" / "lab" / "rollout"
