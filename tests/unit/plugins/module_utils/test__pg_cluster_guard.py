# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, List

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_guard import (
    Switch,
    WorkError,
    guarded,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


class Server:
    """A server that is a file: it runs while the file is there. Every call is written down."""

    def __init__(self, folder: Path) -> None:
        self.file, self.calls = folder / "runs", folder / "calls"
        self.file.touch()

    def stop(self) -> None:
        self._note("stop")
        self.file.unlink()

    def start(self) -> None:
        self._note("start")
        self.file.touch()

    def _note(self, what: str) -> None:
        with self.calls.open("a") as calls:
            calls.write(f"{what}\n")

    @property
    def seen(self) -> List[str]:
        return self.calls.read_text().split() if self.calls.exists() else []


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_work_gets_the_server_stopped_and_started(server: Server) -> None:
    def work(switch: Switch) -> Dict[str, Any]:
        switch.stop()
        stopped = not server.file.exists()
        switch.start()
        return {"stopped": stopped}

    assert guarded(work, server, None) == {"stopped": True}
    assert server.seen == ["stop", "start", "start"]
    assert server.file.exists()


def test_work_that_leaves_the_server_alone_finds_it_as_it_was(server: Server) -> None:
    assert guarded(lambda switch: {"pid": os.getpid() != 0}, server, None) == {"pid": True}
    assert server.seen == []


class LossError(PgError):
    details: ClassVar[Dict[str, int]] = {"rows": 4}


@pytest.mark.parametrize(
    ("error", "details"),
    [
        pytest.param(PgError("no luck"), {}, id="an error"),
        pytest.param(LossError("no luck"), {"rows": 4}, id="an error with details"),
        pytest.param(OSError("no luck"), {}, id="an error of the system"),
    ],
)
def test_what_work_raises_is_raised_and_the_server_runs(
    server: Server, error: Exception, details: Dict[str, Any]
) -> None:
    def work(switch: Switch) -> Dict[str, Any]:
        switch.stop()
        raise error

    with pytest.raises(WorkError, match="no luck") as caught:
        guarded(work, server, None)
    assert caught.value.details == details
    assert server.file.exists()


@pytest.mark.parametrize("victim", [os.getpid, os.getppid], ids=["the work", "the guard"])
def test_after_a_kill_the_server_runs(server: Server, victim: Callable[[], int]) -> None:
    def work(switch: Switch) -> Dict[str, Any]:
        switch.stop()
        os.kill(victim(), signal.SIGKILL)
        signal.pause()
        return {}

    with pytest.raises(PgError, match="was killed"):
        guarded(work, server, None)
    assert server.file.exists()


def test_what_the_switch_cannot_do_is_told_to_the_work(server: Server) -> None:
    def fail() -> None:
        raise PgError("it does not stop")

    def work(switch: Switch) -> Dict[str, Any]:
        switch.stop()
        return {}

    server.stop = fail  # type: ignore[method-assign]
    with pytest.raises(PgError, match="it does not stop"):
        guarded(work, server, None)
