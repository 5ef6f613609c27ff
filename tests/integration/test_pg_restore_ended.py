# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore that is ended at each of its steps, one way or another, and run again.

Afterwards the live database is the old one or the new one, and serves; never is there none, nor
half of one. The same command finishes the work, and leaves nothing of the first try behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.restorer import (
    Cluster,
    Halting,
    Live,
    new_live,
    own_cluster,
    quoted,
)

RunModule = Callable[..., dict[str, Any]]
ACCEPTED = 105
#: Steps that change something, and programs, which take long.
CHANGES = re.compile(r"in \S+: (CREATE|COMMENT|ALTER|DROP|COMMIT|SELECT pid, backend)|started ")
SWAP = re.compile(r"in postgres: ALTER DATABASE \S+ CONNECTION LIMIT -N$")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as started:
        yield started


@pytest.fixture
def live(cluster: Cluster, tmp_path: Path, run_module: RunModule) -> Iterator[Live]:
    made = new_live(cluster.server, tmp_path / "backups", run_module)
    made.back_up()
    yield made
    made.drop()


def kill(process: Any, cluster: Cluster) -> None:
    process.kill()


def crash(process: Any, cluster: Cluster) -> None:
    cluster.restart()


def cut(process: Any, cluster: Cluster) -> None:
    cluster.server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'phased.rollout%'"
    )


def changes(steps: list[str]) -> list[str]:
    return [step for step in steps if CHANGES.match(step)]


def changes_and_all_of_the_swap(steps: list[str]) -> list[str]:
    swap = next(number for number, step in enumerate(steps) if SWAP.match(step))
    return changes(steps[:swap]) + steps[swap:]


@pytest.mark.parametrize(
    ("end", "choose"),
    [
        pytest.param(kill, changes_and_all_of_the_swap, id="killed"),
        pytest.param(crash, changes, id="server crashes"),
        pytest.param(cut, changes, id="connections cut"),
    ],
)
def test_the_same_command_finishes_what_was_ended(
    live: Live,
    cluster: Cluster,
    tmp_path: Path,
    end: Callable[[Any, Cluster], None],
    choose: Callable[[list[str]], list[str]],
) -> None:
    halting, backed_up = Halting(live, tmp_path / "halting"), live.content()
    write_more(live)
    assert halting.run(accept_loss=ACCEPTED).get("changed")
    write_more(live)
    assert halting.run(accept_loss=ACCEPTED).get("changed")
    steps = choose(halting.steps)
    assert len(steps) > 15
    finished = 0
    for step in steps:
        current = write_more(live)
        told = halting.run(step, lambda process: end(process, cluster), accept_loss=ACCEPTED)
        assert_whole(live, step, current, backed_up, told)
        if (live.content(), live.databases()) == (current, {live.name}):
            continue  # before it had begun to change anything
        finished += 1
        again = live.restore(accept_loss=ACCEPTED)
        assert not again.get("failed"), (step, again["msg"])
        assert live.content() == backed_up, step
        assert [live.content(kept) for kept in live.kept()] == [current], step
        assert again["kept_as"] == live.kept()[0], step
        assert live.databases() == {live.name, again["kept_as"]}, step
    assert finished > 0
    assert [path.name for path in live.directory.iterdir()] == ["pre-phase-2"]


def write_more(live: Live) -> dict[str, Any]:
    """Return the content of the live database after writing to it, with none kept beside it."""
    for kept in live.kept():
        live.server.execute(f"DROP DATABASE {quoted(kept)} WITH (FORCE)")
    live.execute(
        "INSERT INTO generations SELECT n, 'late' FROM generate_series(101, 105) n"
        " ON CONFLICT DO NOTHING"
    )
    return live.content()


def assert_whole(
    live: Live, step: str, current: dict[str, Any], backed_up: dict[str, Any], told: dict[str, Any]
) -> None:
    """The live database is one or the other, and what was told of it is true."""
    content, kept = live.content(), live.kept()
    if content == current:
        assert kept == [], step
        assert not told.get("changed"), (step, told)
    else:
        assert content == backed_up, step
        assert [live.content(name) for name in kept] == [current], step
    if told:
        assert told.get("changed") or told["msg"].startswith("Cannot restore pre-phase-2 into"), (
            step
        )
    live.execute("CREATE TABLE serves (a int); DROP TABLE serves")
