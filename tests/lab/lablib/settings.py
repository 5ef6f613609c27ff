# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab consists of, and the names that it goes by on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

LAB_DIR = Path(__file__).resolve().parents[1]
CHECKOUT = LAB_DIR.parents[1]
STATE_DIR = CHECKOUT / ".cache" / "lab"
LOCK_FILE = CHECKOUT / ".cache" / "lab.lock"
# rollout_home in inventories/lab.
ROLLOUT_HOME = STATE_DIR / "rollout"
VARIABLES_FILE = CHECKOUT / "inventories" / "lab" / "group_vars" / "all" / "lab.yml"

# Two checkouts on one machine must not meet: all names and ports come from where this one is.
CHECKOUT_ID = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
PREFIX = f"phased-lab-{CHECKOUT_ID}"
LABEL = "phased.lab"
# Below the range that the kernel takes ports for outgoing connections from.
FIRST_PORT = 20000 + int(CHECKOUT_ID, 16) % 500 * 24

ROLES = ("tower_owner", "tower_app", "rollout_reader", "rollout_ledger")
# Users who go from host to host: postgres from db to vault, pgbackrest from vault to db.
TRAVELLERS = ("postgres", "pgbackrest")


class LabError(Exception):
    """The lab cannot do what was asked; the text says in one line why, and what to do."""


@dataclass(frozen=True)
class Host:
    """One host: what it is made of (folders in hosts/) and what it serves (label to port)."""

    name: str
    profiles: tuple[str, ...]
    serves: dict[str, int] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def container(self) -> str:
        return f"{PREFIX}-{self.name}"

    @property
    def snapshot(self) -> str:
        """Return the name of what the host starts from; hosts of one kind share it."""
        return "-".join(self.profiles)

    @property
    def ports(self) -> dict[str, int]:
        """Return everything that is published: label to port inside the host."""
        return {"ssh": 22, **self.serves}


STAGING = {"tower_database": "tower_staging", "tower_environment": "staging"}
PRODUCTION = {"tower_database": "tower_consolidated", "tower_environment": "production"}

HOSTS = (
    Host("forge", ("forge",)),
    Host("db", ("db",), {"postgresql": 5432}),
    Host("staging1", ("app", "staging"), {"tower": 8000}, STAGING),
    Host("prod1", ("app",), {"tower": 8000}, PRODUCTION),
    Host("prod2", ("app",), {"tower": 8000}, PRODUCTION),
    Host("lb", ("lb",), {"frontend": 80}),
    Host("monitor", ("monitor",), {"prometheus": 9090, "alertmanager": 9093}),
    Host("vault", ("vault",)),
)


def host_named(name: str) -> Host:
    """Return the host called name. Raises LabError if there is none."""
    for host in HOSTS:
        if host.name == name:
            return host
    known = ", ".join(host.name for host in HOSTS)
    raise LabError(f"there is no host {name}; there are {known}")
