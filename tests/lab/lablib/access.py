# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how to reach the lab: ssh configuration, known hosts, and variables for Ansible."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .settings import HOSTS, STATE_DIR, VARIABLES_FILE
from .state import CLIENT_KEY, State, host_key

if TYPE_CHECKING:
    from pathlib import Path

SSH_CONFIG = STATE_DIR / "ssh_config"
KNOWN_HOSTS = STATE_DIR / "known_hosts"


def write(state: State) -> None:
    """Write all files; one that is right already is left alone."""
    _write(KNOWN_HOSTS, _known_hosts(state))
    _write(SSH_CONFIG, _ssh_config(state))
    VARIABLES_FILE.parent.mkdir(parents=True, exist_ok=True)
    _write(VARIABLES_FILE, _variables(state))


def remove() -> None:
    """Remove what tells how to reach a lab."""
    for file in (SSH_CONFIG, KNOWN_HOSTS, VARIABLES_FILE):
        file.unlink(missing_ok=True)


def _known_hosts(state: State) -> str:
    lines = []
    for host in HOSTS:
        kind, key = host_key(host).with_suffix(".pub").read_text().split()[:2]
        lines.append(f"[127.0.0.1]:{state.port(host.name, 'ssh')} {kind} {key}\n")
    return "".join(lines)


def _ssh_config(state: State) -> str:
    ports = [f"Host {host.name}\n  Port {state.port(host.name, 'ssh')}\n" for host in HOSTS]
    return "\n".join(
        [
            "# Written by tests/lab/lab\n",
            *ports,
            f"Host {' '.join(host.name for host in HOSTS)}",
            "  HostName 127.0.0.1",
            "  User rollout",
            f'  IdentityFile "{CLIENT_KEY}"',
            "  IdentitiesOnly yes",
            f'  UserKnownHostsFile "{KNOWN_HOSTS}"',
            "  StrictHostKeyChecking yes",
            "  BatchMode yes",
            "  ConnectTimeout 5",
            "  LogLevel ERROR",
            "",
        ]
    )


def _variables(state: State) -> str:
    def url(host: str, service: str) -> str:
        return f"http://127.0.0.1:{state.port(host, service)}"

    secrets = "".join(f"  {role}: '{password}'\n" for role, password in state.passwords.items())
    towers = "".join(
        f"  {host.name}: '{url(host.name, 'tower')}'\n" for host in HOSTS if "tower" in host.serves
    )
    containers = "".join(f"  {host.name}: {host.container}\n" for host in HOSTS)
    return (
        "---\n"
        "# Written by tests/lab/lab\n"
        f"lab_ssh_config: '{SSH_CONFIG}'\n"
        f"lab_postgresql_port: {state.port('db', 'postgresql')}\n"
        f"lab_prometheus_url: '{url('monitor', 'prometheus')}'\n"
        f"lab_alertmanager_url: '{url('monitor', 'alertmanager')}'\n"
        f"lab_frontend_url: '{url('lb', 'frontend')}'\n"
        f"lab_tower_urls:\n{towers}"
        f"lab_containers:\n{containers}"
        f"lab_secrets:\n{secrets}"
    )


def _write(file: Path, text: str) -> None:
    if file.exists() and file.read_text() == text:
        return
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    draft.replace(file)
