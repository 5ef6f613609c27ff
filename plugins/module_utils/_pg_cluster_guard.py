# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that may stop a server for a moment, and a guard that starts it again whatever happens.

The work runs in a process of its own, as the user who owns the cluster. A guard, which keeps the
rights that this module was started with, starts and stops the server for it. If the work or the
module is killed, the guard ends the work and starts the server, unless it is running.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import socket
import traceback
from typing import Any, Callable, Dict, List, Optional, Protocol

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    end_with_parent,
)

_ASKED = {"stop", "start"}
_LONGEST_LINE = 1 << 16


class WorkError(PgError):
    """What the work raised. details: what a module returns of it."""

    def __init__(self, message: str, details: Dict[str, Any]) -> None:
        super().__init__(message)
        self.details = details


class Switch(Protocol):
    """Starts and stops the server. Both do nothing if there is nothing to do. Raise PgError."""

    def stop(self) -> None:
        """Stop the server, when nobody is connected any more."""

    def start(self) -> None:
        """Start the server, and return when it answers."""


class _Remote:
    """The switch as the work has it: the guard does what it asks for."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def stop(self) -> None:
        self._ask("stop")

    def start(self) -> None:
        self._ask("start")

    def _ask(self, what: str) -> None:
        self._line.send(what.encode())
        problem = self._line.recv(_LONGEST_LINE).decode()
        if problem:
            raise PgError(problem)


def guarded(
    work: Callable[[Switch], Dict[str, Any]], switch: Switch, user: Optional[int]
) -> Dict[str, Any]:
    """Return what the work returned. user: who does it; None is who this is.

    Raises WorkError if the work raised, PgError if it was killed; the server runs again then.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    guard = os.fork()
    if guard == 0:
        here.close()
        try:
            # A signal to the group of the module, such as a lost terminal's, is not for the guard.
            os.setsid()
            _guard(work, switch, user, there)
        except BaseException:  # the process must end here, whatever it was
            traceback.print_exc()
        finally:
            os._exit(0)
    there.close()
    with here:
        answer = _read_all(here)
        os.waitpid(guard, 0)
    if not answer:
        switch.start()
        raise PgError("it was killed before it had finished; the server is running, try again")
    result = json.loads(answer)
    if "error" in result:
        raise WorkError(result["error"], result["details"])
    done: Dict[str, Any] = result["done"]
    return done


def _guard(
    work: Callable[[Switch], Dict[str, Any]],
    switch: Switch,
    user: Optional[int],
    parent: socket.socket,
) -> None:
    """Do what the work asks for until it ends; then see that the server runs."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    worker = os.fork()
    if worker == 0:
        mine.close()
        try:
            end_with_parent(signal.SIGKILL)
            _work(work, user, its, parent)
        except BaseException:  # the process must end here, whatever it was
            traceback.print_exc()
        finally:
            os._exit(0)
    its.close()
    stopped = False
    while True:
        ready, _writing, _failing = select.select([mine, parent], [], [])
        if parent in ready:  # it never writes: it is gone
            os.kill(worker, signal.SIGKILL)
            break
        asked = mine.recv(_LONGEST_LINE).decode()
        if asked not in _ASKED:
            break
        stopped = True
        mine.send(_do(switch, asked).encode())
    os.waitpid(worker, 0)
    if stopped:
        _do(switch, "start")


def _do(switch: Switch, asked: str) -> str:
    """Return what went wrong, nothing if it went well."""
    try:
        getattr(switch, asked)()
    except (PgError, OSError) as exc:
        return str(exc)
    return ""


def _work(
    work: Callable[[Switch], Dict[str, Any]],
    user: Optional[int],
    line: socket.socket,
    parent: socket.socket,
) -> None:
    try:
        if user is not None:
            _become(user)
        answer: Dict[str, Any] = {"done": work(_Remote(line))}
    except (PgError, OSError) as exc:
        answer = {"error": str(exc), "details": getattr(exc, "details", {})}
    parent.sendall(json.dumps(answer).encode())


def _become(user: int) -> None:
    """Give up all rights but those of a user, for good."""
    entry = pwd.getpwuid(user)
    os.setgroups(os.getgrouplist(entry.pw_name, entry.pw_gid))
    os.setgid(entry.pw_gid)
    os.setuid(user)
    names = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    os.environ.update(names)
    # To a program that does not belong to root, root's death is still the end.
    end_with_parent(signal.SIGKILL)
    os.chdir("/")


def _read_all(line: socket.socket) -> bytes:
    parts: List[bytes] = []
    while True:
        part = line.recv(_LONGEST_LINE)
        if not part:
            return b"".join(parts)
        parts.append(part)
