# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the hosts whether they are ready."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from .access import SSH_CONFIG
from .settings import HOSTS, Host, LabError

if TYPE_CHECKING:
    from .state import State

PROBE_TIMEOUT_S = 3.0
POLL_S = 0.1
POSTGRESQL_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
BOOTED = """
for try in $(seq 100); do
  state=$(systemctl is-system-running || :)
  case $state in running|degraded) break;; esac
  sleep .1
done
echo "$state"; systemctl list-units --failed --plain --no-legend | cut -d' ' -f1
"""


class Service(NamedTuple):
    """One thing that a host serves."""

    host: str
    name: str

    def __str__(self) -> str:
        return f"{self.host} {self.name}"


def services(*, towers: bool) -> list[Service]:
    """Return what the hosts serve; the application, which a rollout may break, only if asked."""
    return [
        Service(host.name, name)
        for host in HOSTS
        for name in host.ports
        if towers or name not in {"tower", "frontend"}
    ]


def silent(state: State, asked: list[Service]) -> list[Service]:
    """Return the services that do not answer, all asked at the same time."""
    with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
        answers = pool.map(lambda service: _answers(state, service), asked)
        return [service for service, good in zip(asked, answers, strict=True) if not good]


def _answers(state: State, service: Service) -> bool:
    port = state.port(service.host, service.name)
    try:
        if service.name == "ssh":
            return _talk(port, b"").startswith(b"SSH-")
        if service.name == "postgresql":
            return _talk(port, POSTGRESQL_SSL_REQUEST) in {b"S", b"N"}
        path = "/ready" if service.name in {"tower", "frontend"} else "/-/ready"
        _get(f"http://127.0.0.1:{port}{path}")
    except (OSError, ValueError):
        return False
    return True


def wait_for_services(state: State, seconds: float, *, towers: bool = False) -> None:
    """Wait until every service has answered once. Raises LabError that names the others."""
    waiting = services(towers=towers)
    deadline = time.monotonic() + seconds
    while waiting := silent(state, waiting):
        if time.monotonic() > deadline:
            names = ", ".join(map(str, waiting))
            raise LabError(f"no answer from {names} within {seconds:.0f} s")
        time.sleep(POLL_S)


def wait_for_boot() -> None:
    """Log in to every host and wait until its systemd has started all units. Raises LabError."""
    with ThreadPoolExecutor(max_workers=len(HOSTS)) as pool:
        problems = [problem for problem in pool.map(_boot_problem, HOSTS) if problem]
    if problems:
        raise LabError("; ".join(problems))


def wait_for_targets(state: State, seconds: float) -> None:
    """Wait until Prometheus reaches everything that it watches. Raises LabError."""
    deadline = time.monotonic() + seconds
    while down := _targets_down(state):
        if time.monotonic() > deadline:
            raise LabError(f"Prometheus does not reach {', '.join(down)} within {seconds:.0f} s")
        time.sleep(POLL_S)


def _boot_problem(host: Host) -> str | None:
    argv = ["ssh", "-F", str(SSH_CONFIG), host.name, BOOTED]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"cannot log in to {host.name}: {done.stderr.strip()}"
    status, *units = done.stdout.split()
    return None if status == "running" else f"{host.name} is {status}: {' '.join(units)}"


def _targets_down(state: State) -> list[str]:
    url = f"http://127.0.0.1:{state.port('monitor', 'prometheus')}/api/v1/targets?state=active"
    try:
        targets = json.loads(_get(url))["data"]["activeTargets"]
    except (OSError, ValueError) as exc:
        return [f"anything ({exc})"]
    # The second colour runs only once a deployment has started it.
    first = [target for target in targets if target["labels"]["job"] != "tower-green"]
    return [target["labels"]["instance"] for target in first if target["health"] != "up"]


def _talk(port: int, question: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PROBE_TIMEOUT_S) as connection:
        connection.sendall(question)
        return connection.recv(4 if not question else 1)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_S) as answer:
        body: bytes = answer.read()
        return body
