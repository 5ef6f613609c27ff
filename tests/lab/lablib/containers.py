# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and removes the containers that are the hosts."""

from __future__ import annotations

import io
import ipaddress
import json
import secrets
import string
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from .images import snapshot_image
from .podman import podman
from .settings import (
    CHECKOUT_ID,
    HOSTS,
    LAB_DIR,
    LABEL,
    PREFIX,
    TRAVELLERS,
    Host,
    LabError,
)
from .state import CLIENT_KEY, State, host_key, user_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_ADDRESS = 11
LABEL_HERE = f"{LABEL}={CHECKOUT_ID}"
# The password file of db must be on its way before the others ask for it.
START_ORDER = sorted(HOSTS, key=lambda host: host.name != "db")


def found() -> dict[str, dict[str, Any]]:
    """Return this checkout's containers by name, as podman lists them, running or not."""
    listed = podman("ps", "-a", "--filter", f"label={LABEL_HERE}", "--format", "json")
    return {container["Names"][0]: container for container in json.loads(listed)}


def identity(state: State, key: str) -> str:
    """Return what a container's label must say for it to be a part of this lab."""
    return f"{state.generation}-{key}"


def remove_all() -> None:
    """Remove this checkout's containers and network, whatever state they are in."""
    names = list(found())
    if names:
        podman("rm", "-f", "-t", "0", *names)
    for network in podman("network", "ls", "-q", "--filter", f"label={LABEL_HERE}").split():
        podman("network", "rm", "-f", network)


def create_all(state: State, key: str) -> None:
    """Make the network and all hosts, and start them. Raises LabError."""
    # Never a name again: podman keeps the leases of hosts that died with their machine under it.
    network = f"{PREFIX}-{secrets.token_hex(3)}"
    # Names come from /etc/hosts: a fixed address outlives a restart, and nothing has to resolve it.
    podman("network", "create", "--disable-dns", "--label", LABEL_HERE, network)
    addresses = _addresses(network)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda host: _create(host, state, key, network, addresses), START_ORDER))


def start(host: Host) -> None:
    """Start a host that was stopped or killed."""
    podman("start", host.container)


def kill(host: Host) -> None:
    """Stop a host as a power cut would."""
    podman("kill", "--signal", "KILL", host.container)


def _addresses(network: str) -> dict[str, str]:
    entries = json.loads(podman("network", "inspect", network))[0].get("subnets", [])
    subnets = [ipaddress.ip_network(entry["subnet"]) for entry in entries]
    subnet = next((subnet for subnet in subnets if subnet.version == 4), None)
    if subnet is None:
        raise LabError("podman made a network without IPv4 addresses; podman 4 or newer is needed")
    first = subnet.network_address + FIRST_ADDRESS
    return {host.name: str(first + number) for number, host in enumerate(HOSTS)}


def _create(host: Host, state: State, key: str, network: str, addresses: dict[str, str]) -> None:
    published = [
        f"--publish=127.0.0.1:{state.port(host.name, service)}:{inside}"
        for service, inside in host.ports.items()
    ]
    podman(
        "create", "--name", host.container, "--hostname", host.name,
        "--label", LABEL_HERE, "--label", f"{LABEL}.identity={identity(state, key)}",
        "--network", network, "--ip", addresses[host.name], "--mac-address", _mac_address(host),
        "--no-hosts", *published,
        "--cap-add", "SYS_ADMIN", "--systemd=always", snapshot_image(host, key), "/sbin/init",
    )  # fmt: skip
    podman("cp", "-", f"{host.container}:/", feed=_start_files(host, state, addresses))
    podman("start", host.container)


def _mac_address(host: Host) -> str:
    """Return an address that a host keeps when it starts again.

    With a new one, whoever talked to it lately would go on sending to the old one for a while.
    """
    number = bytes([0x02, *bytes.fromhex(CHECKOUT_ID), FIRST_ADDRESS + HOSTS.index(host)])
    return number.hex(":")


def _start_files(host: Host, state: State, addresses: dict[str, str]) -> bytes:
    """Return a tar archive of what a host gets before its first boot; root alone may read it.

    The files are in the `start` folders of the host's profiles, with ${placeholders}.
    """
    values = {
        **state.passwords,
        **host.values,
        "addresses": "\n".join(f"{address} {name}" for name, address in addresses.items()),
        "client_key": _public(CLIENT_KEY),
        "host_key": host_key(host).read_text().strip(),
        "known_hosts": "\n".join(f"{host.name} {_public(host_key(host))}" for host in HOSTS),
        **{f"{user}_key": user_key(user).read_text().strip() for user in TRAVELLERS},
        **{f"{user}_public_key": _public(user_key(user)) for user in TRAVELLERS},
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, template in _templates(host):
            data = string.Template(template).substitute(values).encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


def _public(key: Path) -> str:
    return key.with_suffix(".pub").read_text().strip()


def _templates(host: Host) -> Iterator[tuple[str, str]]:
    for profile in ("common", *host.profiles):
        folder = LAB_DIR / "hosts" / profile / "start"
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield file.relative_to(folder).as_posix(), file.read_text()
