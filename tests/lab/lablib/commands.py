# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one can tell the lab to do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from typing import TYPE_CHECKING

from . import access, containers, health, state
from .aftermath import is_alive, replace_lost_namespaces
from .health import Service
from .images import ensure_images, remove_images, snapshot_key
from .podman import environment, require_podman
from .settings import HOSTS, LABEL, LOCK_FILE, ROLLOUT_HOME, STATE_DIR, Host, LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .state import State

READY_SECONDS = 60
WAKE_SECONDS = 30


def up() -> None:
    """Start the lab, whatever is there of it; one that is up is left alone."""
    started = time.monotonic()
    with _locked() as lock_fd:
        key = snapshot_key()
        known = state.load()
        if known is None or not (_is_up(known, key) or _wake(known, key)):
            known = _start_afresh(key, lock_fd)
        access.write(known)
    print(f"lab: up ({time.monotonic() - started:.1f} s); {_summary(known)}")


def reset() -> None:
    """Throw away what happened in the lab and start it as it was at first."""
    started = time.monotonic()
    with _locked() as lock_fd:
        known = _start_afresh(snapshot_key(), lock_fd)
    print(f"lab: as new ({time.monotonic() - started:.1f} s); {_summary(known)}")


def down(*, everything: bool) -> None:
    """Remove the lab; its images stay for the next one unless everything has to go."""
    with _locked():
        containers.remove_all()
        access.remove()
        if everything:
            remove_images(keep_key=None)
            shutil.rmtree(STATE_DIR, ignore_errors=True)
    print("lab: down")


def status() -> int:
    """Print a table of the hosts and return 0 if all of it is up, else 1."""
    require_podman()
    replace_lost_namespaces()
    known, found = state.load(), containers.found()
    silent = set(health.silent(known, health.services(towers=True))) if known else set()
    print(f"{'HOST':<10}{'STATE':<10}{'SSH':<8}SERVES")
    complete = known is not None
    for host in HOSTS:
        running = found.get(host.container, {}).get("State", "absent")
        good = running == "running" and host.name not in {service.host for service in silent}
        complete = complete and good
        word = "up" if good else "unwell" if running == "running" else running
        port = str(known.port(host.name, "ssh")) if known else "-"
        print(f"{host.name:<10}{word:<10}{port:<8}{_served(host, known, silent)}")
    return 0 if complete else 1


def ssh(host: Host, command: list[str]) -> None:
    """Become ssh to a host."""
    if not access.SSH_CONFIG.exists():
        raise LabError("the lab is down; run: tests/lab/lab up")
    os.execvp("ssh", ["ssh", "-F", str(access.SSH_CONFIG), host.name, *command])


def logs(host: Host, arguments: list[str]) -> None:
    """Become the journal of a host; works when its sshd does not."""
    require_podman()
    argv = ["podman", "exec", host.container, "journalctl", "--no-pager", *arguments]
    os.execvpe("podman", argv, environment())


def kill(host: Host) -> None:
    """Stop a host as a power cut would; `up` starts it again."""
    with _locked():
        containers.kill(host)
    print(f"lab: {host.name} is off")


@contextlib.contextmanager
def _locked() -> Iterator[int]:
    """Hold the lab's lock, so that two commands at once do not undo each other's work."""
    require_podman()
    STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    STATE_DIR.chmod(0o700)
    with LOCK_FILE.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("lab: waiting for another command of the lab to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_lost_namespaces()
        yield lock.fileno()


def _is_up(known: State, key: str) -> bool:
    states = _states(known, key)
    return set(states.values()) == {"running"} and not health.silent(
        known, health.services(towers=False)
    )


def _wake(known: State, key: str) -> bool:
    """Start the hosts that were killed. Return whether that made the lab whole again."""
    states = _states(known, key)
    if "absent" in states.values():
        return False
    asleep = [host for host in HOSTS if states[host.name] != "running"]
    print(f"lab: waking {', '.join(host.name for host in asleep) or 'services'}", flush=True)
    try:
        for host in asleep:
            containers.start(host)
        health.wait_for_services(known, WAKE_SECONDS)
        access.write(known)
        health.wait_for_boot()
    except LabError as exc:
        print(f"lab: {exc}; starting afresh", flush=True)
        return False
    return True


def _states(known: State, key: str) -> dict[str, str]:
    """Return the state of each host's container, "absent" for one that cannot be used."""
    wanted, found = containers.identity(known, key), containers.found()
    states = {}
    for host in HOSTS:
        container = found.get(host.container, {})
        ours = (container.get("Labels") or {}).get(f"{LABEL}.identity") == wanted
        ghost = ours and container["State"] == "running" and not is_alive(container)
        states[host.name] = container["State"] if ours and not ghost else "absent"
    return states


def _start_afresh(key: str, lock_fd: int) -> State:
    """Return a lab with new containers. The hosts belong together: one alone is never new."""
    ensure_images(key, lock_fd)
    containers.remove_all()
    # Evidence vouches for hosts that are gone now.
    shutil.rmtree(ROLLOUT_HOME, ignore_errors=True)
    known = state.load() or state.create()
    state.choose_ports(known)
    known.save()
    access.write(known)
    containers.create_all(known, key)
    health.wait_for_services(known, READY_SECONDS, towers=True)
    health.wait_for_boot()
    health.wait_for_targets(known, READY_SECONDS)
    remove_images(keep_key=key)
    return known


def _served(host: Host, known: State | None, silent: set[Service]) -> str:
    if known is None:
        return " ".join(host.serves)
    parts = []
    for service in host.serves:
        scheme = "postgresql" if service == "postgresql" else "http"
        note = " (silent)" if Service(host.name, service) in silent else ""
        port = known.port(host.name, service)
        parts.append(f"{service} {scheme}://127.0.0.1:{port}{note}")
    over_ssh = {"forge": "git over ssh", "vault": "backups over ssh"}
    return ", ".join(parts) or over_ssh.get(host.name, "")


def _summary(known: State) -> str:
    frontend = known.port("lb", "frontend")
    prometheus = known.port("monitor", "prometheus")
    return f"Tower http://127.0.0.1:{frontend}, Prometheus http://127.0.0.1:{prometheus}"
