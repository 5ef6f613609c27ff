# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a program with a limit on time and output; nothing of it is left behind.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import Dict, List, NamedTuple, Optional, Sequence

#: More output than this is no number; a program that does not stop printing must not fill memory.
MOST_BYTES = 1_000_000
#: What a program gets to tidy up after SIGTERM.
TIDY_SECONDS = 0.2


class ProgramError(Exception):
    """A program could not be run to its end. The message says which one, and why."""


class Ended(NamedTuple):
    """A program that came to its end. code: its exit code; negative is the signal it died of."""

    code: int
    stdout: bytes
    stderr: bytes


def run_program(argv: Sequence[str], *, folder: Optional[str], timeout_seconds: float) -> Ended:
    """Return how a program ended. It gets no input and no shell.

    When the time is up its whole process group is killed, which a module's run_command cannot do.
    Raises ProgramError.
    """
    deadline = time.monotonic() + timeout_seconds
    try:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            list(argv),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as exc:
        raise ProgramError(_not_started(argv[0], folder, exc)) from None
    with process:
        try:
            output = _read_all(process, deadline)
            code = process.wait(max(0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            _end_group(process)
            raise ProgramError(
                f"{argv[0]} did not end within {timeout_seconds:g} s; it was killed with all it"
                " had started"
            ) from None
        except BufferError:
            _end_group(process)
            raise ProgramError(
                f"{argv[0]} printed more than {MOST_BYTES:,} bytes and was killed"
            ) from None
    return Ended(code, output[0], output[1])


def _read_all(process: subprocess.Popen[bytes], deadline: float) -> List[bytes]:
    """Return stdout and stderr. Raises TimeoutError, BufferError."""
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe]
    parts: Dict[int, bytearray] = {index: bytearray() for index in range(len(pipes))}
    with selectors.DefaultSelector() as selector:
        for index, pipe in enumerate(pipes):
            selector.register(pipe, selectors.EVENT_READ, index)
        while selector.get_map():
            ready = selector.select(max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _events in ready:
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                parts[key.data] += chunk
                if len(parts[key.data]) > MOST_BYTES:
                    raise BufferError
    return [bytes(part) for part in parts.values()]


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a program and all it started. It has not been waited for, so its group is still its."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        end = time.monotonic() + TIDY_SECONDS
        while time.monotonic() < end and _group_runs(process):
            time.sleep(0.01)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _group_runs(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the group may hold more than the program's own remains."""
    leader = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return leader is None


def _not_started(program: str, folder: Optional[str], exc: Exception) -> str:
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        return f"{program} cannot be run: its folder {folder} is missing"
    if isinstance(exc, FileNotFoundError):
        return f"{program} cannot be run: there is no such program, or its interpreter is missing"
    if isinstance(exc, PermissionError):
        return f"{program} cannot be run: it is not executable for this user; run chmod +x"
    return f"{program} cannot be run: {getattr(exc, 'strerror', None) or exc}"
