# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a rollout: who holds it, and whether that process still runs on this host.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._chain import stamp

PROC = Path("/proc")
#: Programs that run a playbook from its first task to its last.
RUNNERS = ("ansible-playbook", "ansible", "ansible-pull")
_BOOT_ID = "sys/kernel/random/boot_id"
# Without these a process of another container would be looked for, and not found, in this one.
_NAMESPACE = "self/ns/pid"
_CLOCK = "self/ns/time"
_PARENT, _STATE, _STARTED = 1, 0, 19
_ENDED = ("Z", "X", "x")


@dataclass(frozen=True)
class Process:
    """A process, told from every other one on any host. started: in ticks since that host's boot.

    host_id: a boot of a host, and the namespace in which the number is the process's.
    """

    host_id: str
    pid: int
    started: int


@dataclass(frozen=True)
class Lease:
    """Who may change the world for a rollout, until when. fence: grows with every take-over.

    holder: person@host. process: the one that runs the playbook, None if it is not known.
    """

    rollout: str
    fence: int
    holder: str
    run: str
    since: datetime
    expires_at: datetime
    process: Optional[Process] = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Optional[Lease]:
        """Return the lease in a row of its table, None if it was released."""
        if row["holder"] is None:
            return None
        known = row["host_id"] is not None
        return cls(
            rollout=row["rollout"],
            fence=row["fence"],
            holder=row["holder"],
            run=row["run"],
            since=datetime.fromisoformat(row["since"]),
            expires_at=datetime.fromisoformat(row["expires_at"]),
            process=Process(row["host_id"], row["pid"], row["pid_started"]) if known else None,
        )

    def as_dict(self) -> Dict[str, Any]:
        """Return the lease as a module returns it."""
        return {
            "rollout": self.rollout,
            "fence": self.fence,
            "holder": self.holder,
            "run": self.run,
            "since": stamp(self.since),
            "expires_at": stamp(self.expires_at),
            "pid": self.process.pid if self.process else None,
        }

    def __str__(self) -> str:
        """Return who holds the lease, since when and until when."""
        since, until = (f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (self.since, self.expires_at))
        pid = f", process {self.process.pid}" if self.process else ""
        return f"{self.holder} (run {self.run}{pid}) since {since} until {until}"


class Taken(NamedTuple):
    """What came of taking a lease. outcome: taken, renewed, or held by another run.

    before: who held it until then, None if it was free. dead: whether that process had died.
    """

    outcome: str
    lease: Lease
    before: Optional[Lease]
    dead: bool = False


def running_playbook(proc: Path = PROC, pid: Optional[int] = None) -> Optional[Process]:
    """Return the process that runs the playbook which this process, or pid, is a part of.

    It is the outermost ancestor that is one of RUNNERS: those between are its workers. None if
    there is none, or if the system does not tell. Never any other process, such as the leader of
    the session: workers lead their own, and their end is not that of the run.
    """
    found = None
    try:
        at = pid or int((proc / "self").readlink().name)
        while at > 0:
            if _is_runner(_arguments(proc, at)):
                found = at
            at = int(_status(proc, at)[_PARENT])
        if found is None:
            return None
        return Process(host_id(proc), found, int(_status(proc, found)[_STARTED]))
    except (OSError, ValueError, IndexError):
        return None


def has_died(
    process: Process, proc: Path = PROC, kill: Callable[[int, int], None] = os.kill
) -> bool:
    """Return whether a process is known to have ended. False also if that cannot be told."""
    try:
        if process.host_id != host_id(proc):
            return False
    except OSError:
        return False
    try:
        # /proc may hide the processes of others; a signal tells them from those that are gone.
        kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    try:
        status = _status(proc, process.pid)
        return status[_STATE] in _ENDED or int(status[_STARTED]) != process.started
    except (OSError, ValueError, IndexError):
        return False


def host_id(proc: Path = PROC) -> str:
    """Return what this boot of this host, and these namespaces, are known by. Raises OSError."""
    parts = [(proc / _BOOT_ID).read_text().strip(), str((proc / _NAMESPACE).readlink())]
    if (proc / _CLOCK).is_symlink():
        parts.append(str((proc / _CLOCK).readlink()))
    return " ".join(parts)


def _status(proc: Path, pid: int) -> List[str]:
    """Return the fields of a stat from the state on; the name before it may hold anything."""
    return (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _arguments(proc: Path, pid: int) -> List[str]:
    return (proc / str(pid) / "cmdline").read_text(errors="replace").split("\0")


def _is_runner(arguments: List[str]) -> bool:
    """Return whether a command line runs a playbook: as itself, or as a script of Python."""
    names = [argument.rpartition("/")[2] for argument in arguments]
    if names[0].startswith("python"):
        names = [name for name in names[1:] if not name.startswith("-")]
    return bool(names) and names[0] in RUNNERS
