# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._lease import (
    Lease,
    Process,
    has_died,
    host_id,
    running_playbook,
)

BOOT = "0a068390-1f4c-4537-b70a-bf806f39d256"
HERE = f"{BOOT} pid:[1] time:[2]"
PYTHON, PLAYBOOK = "/venv/bin/python3.11", "/venv/bin/ansible-playbook"
SINCE = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)


class Proc:
    """A /proc with the processes that a test puts there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/kernel/random").mkdir(parents=True)
        (root / "sys/kernel/random/boot_id").write_text(f"{BOOT}\n")
        (root / "10/ns").mkdir(parents=True)
        (root / "self").symlink_to("10")
        (root / "10/ns/pid").symlink_to("pid:[1]")
        (root / "10/ns/time").symlink_to("time:[2]")

    def add(
        self, pid: int, *argv: str, parent: int = 1, state: str = "S", started: int = 500
    ) -> None:
        """Put a process there; its name is meant to confuse."""
        folder = self.root / str(pid)
        folder.mkdir(exist_ok=True)
        (folder / "cmdline").write_bytes(b"".join(f"{word}\0".encode() for word in argv))
        rest = [state, str(parent), *["0"] * 17, str(started), "0", "0"]
        (folder / "stat").write_text(f"{pid} (a) R 7 (b) {' '.join(rest)}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    made = Proc(tmp_path / "proc")
    made.add(1, "/sbin/init", parent=0)
    return made


def signals(error: Optional[OSError] = None) -> Callable[[int, int], None]:
    """Return a kill that raises error."""

    def kill(pid: int, signal: int) -> None:
        assert signal == 0
        if error:
            raise error

    return kill


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param((PYTHON, PLAYBOOK, "phase1.yml"), id="a script of Python"),
        pytest.param((PYTHON, "-u", "-B", PLAYBOOK), id="with options of Python"),
        pytest.param(("ansible-playbook", "phase1.yml"), id="itself"),
        pytest.param((PYTHON, "/usr/bin/ansible", "localhost"), id="one task alone"),
    ],
)
def test_the_playbook_is_the_outermost_of_its_processes(proc: Proc, argv: Any) -> None:
    proc.add(5, "-bash")
    proc.add(6, *argv, parent=5, started=600)
    proc.add(7, *argv, parent=6, started=700)
    proc.add(8, "/bin/sh", "-c", f"{PYTHON} {PLAYBOOK}", parent=7)
    proc.add(10, PYTHON, "AnsiballZ_ledger_lease.py", parent=8)
    assert running_playbook(proc.root) == Process(HERE, 6, 600)


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(("/bin/sh", "-c", "ansible-playbook phase1.yml"), id="a shell"),
        pytest.param(("vim", PLAYBOOK), id="an editor"),
        pytest.param((PYTHON, "-m", "pytest", PLAYBOOK), id="a test"),
        pytest.param((PYTHON,), id="Python alone"),
        pytest.param((), id="a kernel thread"),
        pytest.param(("sshd: ansible",), id="a server"),
    ],
)
def test_what_only_mentions_it_is_no_playbook(proc: Proc, argv: Any) -> None:
    proc.add(6, *argv)
    proc.add(10, PYTHON, "AnsiballZ_ledger_lease.py", parent=6)
    assert running_playbook(proc.root) is None


def test_without_proc_no_process_is_known(tmp_path: Path) -> None:
    assert running_playbook(tmp_path) is None


def test_an_ancestor_that_is_hidden_leaves_it_unknown(proc: Proc) -> None:
    proc.add(6, PYTHON, PLAYBOOK, parent=5)
    proc.add(10, PYTHON, "AnsiballZ_ledger_lease.py", parent=6)
    assert running_playbook(proc.root) is None


def test_a_kernel_without_namespaces_of_time(proc: Proc) -> None:
    (proc.root / "10/ns/time").unlink()
    assert host_id(proc.root) == f"{BOOT} pid:[1]"


@pytest.mark.parametrize(
    ("state", "started", "error", "is_dead"),
    [
        pytest.param("S", 600, None, False, id="it runs"),
        pytest.param("R", 600, PermissionError(), False, id="it runs as somebody else"),
        pytest.param("Z", 600, None, True, id="nobody has waited for it yet"),
        pytest.param("S", 601, None, True, id="another process has its number"),
        pytest.param(None, 600, ProcessLookupError(), True, id="it is gone"),
        pytest.param(None, 600, PermissionError(), False, id="it is hidden"),
        pytest.param(None, 600, None, False, id="it cannot be read"),
        pytest.param("S", "x", None, False, id="what is read makes no sense"),
    ],
)
def test_whether_a_process_has_died(
    proc: Proc, state: Any, started: Any, error: Any, is_dead: bool
) -> None:
    if state:
        proc.add(6, PYTHON, PLAYBOOK, state=state, started=started)
    assert has_died(Process(HERE, 6, 600), proc.root, signals(error)) is is_dead


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param(HERE.replace("0a06", "0b06"), id="another boot or another host"),
        pytest.param(HERE.replace("pid:[1]", "pid:[3]"), id="another container"),
        pytest.param(f"{BOOT} pid:[1]", id="another kernel"),
    ],
)
def test_a_process_elsewhere_is_never_taken_for_dead(proc: Proc, elsewhere: str) -> None:
    assert not has_died(Process(elsewhere, 6, 600), proc.root, signals(ProcessLookupError()))


def test_without_proc_no_process_is_taken_for_dead(tmp_path: Path) -> None:
    assert not has_died(Process(HERE, 6, 600), tmp_path, signals(ProcessLookupError()))


def test_this_very_process_is_alive() -> None:
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    own = Process(host_id(), os.getpid(), int(ticks))
    assert not has_died(own)
    assert has_died(Process(own.host_id, own.pid, own.started - 1))


def row(**changes: Any) -> dict[str, Any]:
    """Return a row of the table of leases, with changes."""
    return {
        **{"rollout": "tower", "fence": 3, "holder": "ada@control", "run": "77"},
        "since": "2026-01-31T12:00:00+00:00",
        "expires_at": "2026-01-31T12:15:00.5+00:00",
        **{"host_id": HERE, "pid": 6, "pid_started": 600},
        **changes,
    }


def test_a_lease_is_read_and_told() -> None:
    lease = Lease.of(row())
    until = SINCE + timedelta(minutes=15, milliseconds=500)
    process = Process(HERE, 6, 600)
    assert lease == Lease("tower", 3, "ada@control", "77", SINCE, until, process)
    assert str(lease) == (
        "ada@control (run 77, process 6) since 2026-01-31 12:00:00 UTC until 2026-01-31 12:15:00"
        " UTC"
    )
    assert lease
    assert lease.as_dict()["expires_at"] == "2026-01-31T12:15:00.500000Z"


def test_a_lease_of_an_unknown_process() -> None:
    lease = Lease.of(row(host_id=None, pid=None, pid_started=None))
    assert lease
    assert (lease.process, lease.as_dict()["pid"]) == (None, None)
    assert "(run 77) since" in str(lease)


def test_a_lease_that_was_given_back_is_none() -> None:
    assert Lease.of(row(holder=None, run=None, since=None, expires_at=None)) is None
