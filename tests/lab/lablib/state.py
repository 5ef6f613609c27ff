# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes one lab different from the next: its ports, keys and passwords."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from .settings import FIRST_PORT, HOSTS, ROLES, STATE_DIR, TRAVELLERS, Host, LabError

if TYPE_CHECKING:
    from pathlib import Path

STATE_FILE = STATE_DIR / "state.json"
CLIENT_KEY = STATE_DIR / "id_ed25519"
HOST_KEYS = STATE_DIR / "host_keys"
USER_KEYS = STATE_DIR / "user_keys"


@dataclass
class State:
    """One lab. generation: a new one for each set of keys and passwords."""

    generation: str
    passwords: dict[str, str]
    ports: dict[str, dict[str, int]] = field(default_factory=dict)

    def port(self, host: str, service: str) -> int:
        """Return the port on 127.0.0.1 where a host's service is published."""
        return self.ports[host][service]

    def save(self) -> None:
        """Write the state, all or nothing."""
        draft = STATE_FILE.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2))
        draft.replace(STATE_FILE)


def load() -> State | None:
    """Return the lab that was made last, None if there is none or a part of it is missing."""
    if not all(key.exists() and key.with_suffix(".pub").exists() for key in _keys()):
        return None
    try:
        state = State(**json.loads(STATE_FILE.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    complete = all(state.ports.get(host.name, {}).keys() == host.ports.keys() for host in HOSTS)
    return state if complete else None


def create() -> State:
    """Return a new lab, with new keys and passwords."""
    STATE_FILE.unlink(missing_ok=True)
    for folder in (HOST_KEYS, USER_KEYS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    for key in _keys():
        key.unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {key.name}"]
        subprocess.run([*argv, "-f", str(key)], check=True, stdin=subprocess.DEVNULL)
    passwords = {role: secrets.token_hex(16) for role in ROLES}
    return State(secrets.token_hex(4), passwords)


def host_key(host: Host) -> Path:
    """Return the file of a host's private key."""
    return HOST_KEYS / host.name


def user_key(name: str) -> Path:
    """Return the file of the private key of a user who goes from host to host."""
    return USER_KEYS / name


def _keys() -> list[Path]:
    return [CLIENT_KEY, *map(host_key, HOSTS), *map(user_key, TRAVELLERS)]


def choose_ports(state: State) -> None:
    """Give every service a port that is free now; one that it had before is kept if it is free."""
    taken: set[int] = set()
    candidate = FIRST_PORT
    for host in HOSTS:
        before = state.ports.get(host.name, {})
        chosen = {}
        for service in host.ports:
            port = before.get(service, candidate)
            while port in taken or not _free(port):
                port += 1
                if port >= FIRST_PORT + 1000:
                    raise LabError(f"no free port on 127.0.0.1 from {FIRST_PORT} to {port}")
            taken.add(port)
            chosen[service] = port
            candidate = max(candidate, port + 1)
        state.ports[host.name] = chosen


def _free(port: int) -> bool:
    with socket.socket() as probe:
        # As podman will: a connection that is merely fading away does not take the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
