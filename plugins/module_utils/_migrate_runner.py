# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the application's own command as its user, where it outlives the module or dies with it.

Under systemd it is a transient unit: the module may be killed, the command goes on, and the next
run finds it by its name. Without systemd it is a child, which the kernel ends with the module.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, List, Mapping, Optional, Sequence, Union

from ansible_collections.phased.rollout.plugins.module_utils._env_file import render_env
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What a command gets to end after SIGTERM.
TIDY_SECONDS = 10.0
# The unit ends by itself even if nobody is left to stop it.
_UNIT_GRACE_SECONDS = 30


@dataclass(frozen=True)
class Job:
    """A command with all that it needs. file: its environment, overlay: what goes on top of it."""

    name: str
    command: List[str]
    directory: str
    user: Optional[str]
    file: str
    variables: Mapping[str, str] = field(repr=False)
    overlay: Mapping[str, str] = field(repr=False)

    def argv(self) -> List[str]:
        """Return the command with its program's path. Raises PgError if it cannot be started."""
        if not Path(self.directory).is_dir():
            raise PgError(f"directory {self.directory} is missing; bring the release there first")
        if self.user is not None:
            _account(self.user)
        program, path = self.command[0], self.variables.get("PATH", _PATH)
        found = (
            Path(self.directory, program) if "/" in program else shutil.which(program, path=path)
        )
        if not found or not Path(found).is_file():
            raise PgError(f"there is no program {program} on this host (PATH is {path})")
        return [str(found), *self.command[1:]]


class Running:
    """A command that was started. stop_argv: what ends it where it is no child of this process."""

    def __init__(self, process: subprocess.Popen[bytes], stop_argv: Sequence[str] = ()) -> None:
        self._process, self._stop_argv = process, stop_argv

    def poll(self) -> Optional[int]:
        """Return its exit code, None while it runs; negative is the signal it died of."""
        return self._process.poll()

    def stop(self) -> None:
        """End the command and all that it started, and wait for that."""
        if self._stop_argv:
            # It may have ended by itself.
            with suppress(PgError):
                _run(*self._stop_argv)
        else:
            self._signal(signal.SIGTERM)
            end = time.monotonic() + TIDY_SECONDS
            while time.monotonic() < end and self._runs():
                time.sleep(0.02)
            self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Signal its process group, which is its own as long as it was not waited for."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _runs(self) -> bool:
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


class Units:
    """Commands as transient units of systemd."""

    def start(self, job: Job, seconds: float, *, stdout: IO[bytes], stderr: IO[bytes]) -> Running:
        """Start a command that may run for so many seconds. Raises PgError, OSError."""
        unit, overlay = unit_name(job.name), _overlay_of(job.name)
        # Anybody may read the properties of a unit, but only root this file.
        overlay.unlink(missing_ok=True)
        overlay.touch(mode=0o600, exist_ok=False)
        overlay.write_text(render_env(job.overlay), encoding="utf-8")
        process = _popen(
            [
                *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={unit}"),
                *([f"--uid={job.user}"] if job.user else []),
                f"--working-directory={job.directory}",
                f"--property=EnvironmentFile={job.file}",
                f"--property=EnvironmentFile={overlay}",
                f"--property=RuntimeMaxSec={seconds + _UNIT_GRACE_SECONDS:.0f}",
                f"--property=TimeoutStopSec={TIDY_SECONDS:.0f}",
                *("--", *(word.replace("$", "$$") for word in job.argv())),
            ],
            stdout=stdout,
            stderr=stderr,
        )
        return Running(process, ["systemctl", "stop", unit])

    def finish(self, name: str) -> None:
        """Remove what start() left on disk for the command."""
        _overlay_of(name).unlink(missing_ok=True)

    def running(self, name: str) -> Optional[str]:
        """Return the unit of a command that an earlier run started and that still runs."""
        properties = _run(
            "systemctl", "show", "--property=ActiveState,ActiveEnterTimestamp", unit_name(name)
        )
        state = dict(line.partition("=")[::2] for line in properties.splitlines())
        if state.get("ActiveState") in ("inactive", "failed", None):
            return None
        return f"unit {unit_name(name)}, since {state.get('ActiveEnterTimestamp') or 'just now'}"


class Children:
    """Commands as children of this process, where systemd does not run."""

    def start(self, job: Job, seconds: float, *, stdout: IO[bytes], stderr: IO[bytes]) -> Running:
        """Start a command; whoever started it watches the time. Raises PgError, OSError."""
        account = _account(job.user) if job.user else pwd.getpwuid(os.geteuid())
        known = {
            **{"PATH": _PATH, "LANG": "C.UTF-8", "HOME": account.pw_dir},
            **{"USER": account.pw_name, "LOGNAME": account.pw_name, "SHELL": account.pw_shell},
        }
        ids: List[str] = []
        if account.pw_uid != os.geteuid():
            ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]
        process = _popen(
            ["setpriv", "--pdeathsig=KILL", *ids, "--", *job.argv()],
            stdout=stdout,
            stderr=stderr,
            cwd=job.directory,
            env={**known, **job.variables, **job.overlay},
            start_new_session=True,
        )
        return Running(process)

    def finish(self, name: str) -> None:
        """Nothing is left on disk."""

    def running(self, name: str) -> Optional[str]:
        """A child ended with the run that started it."""
        return None


def unit_name(name: str) -> str:
    """Return the unit of the migration of a database."""
    return f"rollout-migrate-{re.sub('[^A-Za-z0-9_.]', '-', name)}.service"


Runner = Union[Units, Children]


def runner() -> Runner:
    """Return how commands are run on this host."""
    if Path("/run/systemd/system").is_dir() and os.geteuid() == 0:
        return Units()
    return Children()


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise PgError(f"there is no user {user} on this host") from None


def _overlay_of(name: str) -> Path:
    return Path("/run", unit_name(name)).with_suffix(".env")


def _popen(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    # run_command neither watches a running program nor hands its output to a file.
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(argv), stdin=subprocess.DEVNULL, **options
    )


def _run(*argv: str) -> str:
    """Return what a program of systemd printed. Raises PgError."""
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        argv, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise PgError(f"{' '.join(argv)} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "replace")
