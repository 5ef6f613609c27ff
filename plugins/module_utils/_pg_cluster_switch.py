# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops the server of a live cluster, as whoever started it does.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster import running
from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_guard import Switch
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_tool import run_tool

_STOP_SECONDS = 120
_START_SECONDS = 3600


def switch_of(data: Path, programs: Path, service: Optional[str]) -> Switch:
    """Return how to start and stop the server on a data directory.

    service: the unit of systemd that runs it; None if nothing but pg_ctl does. Raises PgError if
    that is not so, since a server that is stopped behind systemd's back may come up again.
    """
    pid = running(data)
    unit = _unit_of(pid) if pid else None
    if unit and not service:
        raise PgError(f"systemd runs this server: give service={unit}, and become root")
    if not service:
        return _PgCtl(data, programs, pid)
    if os.geteuid() != 0:
        raise PgError(f"only root may start and stop the service {service}: become root")
    name = service if service.endswith(".service") else f"{service}.service"
    if pid and unit != name:
        raise PgError(f"{name} does not run the server on {data}, but {unit or 'pg_ctl'} does")
    return _Service(name)


def _unit_of(pid: int) -> Optional[str]:
    """Return the unit whose main process this is, None if it is that of none."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"/([^/\n]+\.service)$", groups, re.MULTILINE)
    if not found or not shutil.which("systemctl"):
        return None
    try:
        main = run_tool("systemctl", "show", "--property=MainPID", "--value", found[1])
    except PgError:
        return None
    return found[1] if main == str(pid) else None


class _Service:
    """A unit of systemd."""

    def __init__(self, name: str) -> None:
        self._name = name

    def stop(self) -> None:
        """Stop the unit."""
        run_tool("systemctl", "stop", self._name)

    def start(self) -> None:
        """Start the unit, which has started when its server answers."""
        try:
            run_tool("systemctl", "start", self._name)
        except PgError as exc:
            # It must not stay down because it was tried too often.
            run_tool("systemctl", "reset-failed", self._name)
            lines = ("--lines=8", "--output=cat", "--no-pager", f"--unit={self._name}")
            raise PgError(f"{exc}; {run_tool('journalctl', *lines)}") from exc


class _PgCtl:
    """A server that is nobody's but its owner's. It is started again as it was."""

    def __init__(self, data: Path, programs: Path, pid: Optional[int]) -> None:
        self._data = str(data)
        self._program = str(programs / "pg_ctl")
        self._options = _options_of(data)
        self._log = _log_of(data, pid)

    def stop(self) -> None:
        """Stop the server; connections are ended. One that cannot shut down is just ended."""
        for mode in ("fast", "immediate"):
            if not running(Path(self._data)):
                return
            wait = ("-w", "-t", str(_STOP_SECONDS))
            try:
                run_tool(self._program, "stop", "-D", self._data, "-m", mode, *wait)
            except PgError:
                if mode == "immediate":
                    raise

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        if running(Path(self._data)):
            return
        wait = ("-w", "-t", str(_START_SECONDS))
        options = ("-o", self._options, "-l", str(self._log))
        try:
            run_tool(self._program, "start", "-D", self._data, *wait, *options)
        except PgError as exc:
            raise PgError(f"{exc}; see {self._log}") from exc


def _options_of(data: Path) -> str:
    """Return the options that the server was started with, for a shell, without the directory."""
    try:
        text = os.fsdecode((data / "postmaster.opts").read_bytes())
    except OSError:
        return ""
    options = re.findall(r'"([^"]*)"', text)
    if options[:1] == ["-D"]:
        options = options[2:]
    return " ".join(map(shlex.quote, options))


def _log_of(data: Path, pid: Optional[int]) -> Path:
    """Return the file that the server writes its messages to, one beside its data if to none."""
    written = Path(os.path.realpath(f"/proc/{pid}/fd/2")) if pid else None
    return written if written and written.is_file() else data.with_name(f"{data.name}.log")
