# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs podman, and says in one line what a machine lacks for it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import IO

from .settings import CHECKOUT, LAB_DIR, LabError

MIN_OPEN_FILES = 4096
WANTED_OPEN_FILES = 16384
WANTED_PROCESSES = 32768
# What podman asks for unless told otherwise; a smaller hard limit makes it fail.
PODMAN_DEFAULT_LIMIT = 1048576
CONTAINERS_CONF = CHECKOUT / ".cache" / "lab-containers.conf"


def podman(*args: str, feed: bytes | None = None, check: bool = True, timeout: float = 60) -> str:
    """Return what podman printed. Raises LabError if it failed or took longer than timeout (s)."""
    try:
        done = subprocess.run(
            ["podman", *args],
            input=feed if feed is not None else b"",
            capture_output=True,
            timeout=timeout,
            env=environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise LabError(f"podman {args[0]} did not end within {timeout:.0f} s") from exc
    if check and done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise LabError(f"podman {' '.join(args[:2])} failed: {lines[-1]}")
    return done.stdout.decode(errors="replace")


def run_logged(argv: list[str], log: IO[bytes], lock_fd: int, feed: IO[bytes] | None = None) -> int:
    """Return the exit status of a long command whose output goes to a log.

    The command holds the lab's lock too: if this script is killed, the next one waits for it.
    """
    done = subprocess.run(
        argv,
        stdin=feed or subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment(),
        pass_fds=(lock_fd,),
        check=False,
    )
    return done.returncode


@cache
def environment() -> dict[str, str]:
    """Return the environment for podman, with a configuration of our own where it needs one."""
    env = dict(os.environ)
    text = containers_conf()
    if text and "CONTAINERS_CONF" not in env:
        CONTAINERS_CONF.parent.mkdir(parents=True, exist_ok=True)
        CONTAINERS_CONF.write_text(text)
        env["CONTAINERS_CONF"] = str(CONTAINERS_CONF)
    return env


def containers_conf() -> str:
    """Return the configuration that this machine needs, empty where podman's own will do."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    containers, engine = [], []
    if _below(files, PODMAN_DEFAULT_LIMIT) or _below(processes, PODMAN_DEFAULT_LIMIT):
        nofile = _at_most(files, WANTED_OPEN_FILES)
        nproc = _at_most(processes, WANTED_PROCESSES)
        containers.append(
            f'default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]'
        )
    if not _unified_cgroups() and shutil.which("runc"):
        engine.append('runtime = "runc"')
    if not Path("/run/systemd/system").exists():
        engine += ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']
    sections = [("containers", containers), ("engine", engine)]
    return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in sections if lines)


def require_podman() -> None:
    """Raise LabError with what to do if this machine cannot run the lab."""
    missing = [name for name in ("podman", "ssh", "ssh-keygen", "git") if not shutil.which(name)]
    if missing:
        raise LabError(f"{' and '.join(missing)} not found; {_install_line()}")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if _below(files, MIN_OPEN_FILES):
        raise LabError(
            f"the hard limit on open files is {files}, the lab needs {MIN_OPEN_FILES}: "
            f"run `ulimit -Hn {MIN_OPEN_FILES}` as root, or raise it in /etc/security/limits.conf"
        )
    if os.geteuid() != 0:
        _require_rootless()


def _require_rootless() -> None:
    user = os.environ.get("USER") or str(os.geteuid())
    if not _unified_cgroups():
        raise LabError("systemd in a rootless container needs cgroup v2: run the lab as root here")
    for file in (Path("/etc/subuid"), Path("/etc/subgid")):
        lines = file.read_text().splitlines() if file.exists() else []
        owners = {line.split(":")[0] for line in lines}
        if not owners & {user, str(os.geteuid())}:
            raise LabError(
                f"{file} gives {user} no ids for rootless containers; run: sudo usermod "
                f"--add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            )


def _install_line() -> str:
    lines = (LAB_DIR / "packages.txt").read_text().splitlines()
    packages = " ".join(line for line in lines if not line.startswith("#"))
    if shutil.which("apt-get"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"run: {sudo}apt-get install -y --no-install-recommends git {packages}"
    if shutil.which("dnf"):
        return "run: sudo dnf install podman git openssh-clients"
    return "install podman 4 or newer, git and the OpenSSH client"


def _unified_cgroups() -> bool:
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def _below(limit: int, wanted: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < wanted


def _at_most(limit: int, wanted: int) -> int:
    return limit if _below(limit, wanted) else wanted
