# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend of HAProxy as text, and what its socket says of it. Pure: no I/O, no Ansible.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    IN,
    OUT,
    Backend,
    BackendError,
)

_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
#: Bits of srv_admin_state that keep new sessions away: maintenance (forced, inherited, or because
#: its name has no address) and drain. 0x04 only tells of the configuration at its start.
_AWAY = 0x01 | 0x02 | 0x20 | 0x08 | 0x10


class Running(NamedTuple):
    """A server as HAProxy has it. taken: whether it may get new sessions."""

    address: str
    taken: bool
    weight: int


def read_section(text: str, name: str) -> Dict[str, Backend]:
    """Return the servers of a backend, by address. Raises BackendError if more stands there."""
    lines = [line.split("#", 1)[0].split() for line in text.splitlines()]
    lines = [words for words in lines if words]
    sections = [words for words in lines if words[0] in ("backend", "frontend", "listen", "global")]
    if lines and (sections != [["backend", name]] or lines[0] != sections[0]):
        raise BackendError(
            f"the file holds more than backend {name}: move the rest to a file of its own, because"
            " this one is written anew whenever traffic is moved"
        )
    servers: Dict[str, Backend] = {}
    for words in lines:
        if words[0] == "server" and len(words) > 2:
            weight = words[words.index("weight") + 1] if "weight" in words[3:-1] else "1"
            servers[words[2]] = Backend(
                name=words[1],
                address=words[2],
                state=OUT if "disabled" in words[3:] else IN,
                weight=int(weight) if weight.isdigit() and int(weight) else 1,
            )
    return servers


def write_section(name: str, backends: Sequence[Backend], directives: Sequence[str]) -> str:
    """Return the text of a backend. Raises BackendError if its name is none."""
    if not _NAME.fullmatch(name):
        raise BackendError(f"backend {name!r} is no name: use letters, digits, '.', '_', ':', '-'")
    lines = ["# Written by phased.rollout whenever it moves traffic.", f"backend {name}"]
    lines += [f"    {directive.strip()}" for directive in directives]
    for one in backends:
        words = [
            "server",
            one.name,
            one.address,
            "weight",
            str(one.weight),
            *one.parameters.split(),
        ]
        lines.append("    " + " ".join(words + ([] if one.taken else ["disabled"])))
    return "\n".join([*lines, ""])


def read_running(text: str) -> Dict[str, Running]:
    """Return what `show servers state` says, by name. Raises BackendError if it cannot be read."""
    lines = [line for line in text.splitlines() if line.strip()]
    header: List[str] = next((line for line in lines if line.startswith("#")), "").split()[1:]
    found: Dict[str, Running] = {}
    for line in lines:
        row = dict(zip(header, line.split()))
        if line.startswith("#") or not {"srv_name", "srv_admin_state"} <= set(row):
            continue
        away = int(row["srv_admin_state"]) & _AWAY
        address = f"{row['srv_fqdn'] if row.get('srv_fqdn', '-') != '-' else row['srv_addr']}"
        found[row["srv_name"]] = Running(
            f"{address}:{row['srv_port']}", not away, int(row["srv_uweight"])
        )
    if not found:
        raise BackendError(f"HAProxy's socket names no server: {text.strip()[:200] or 'nothing'}")
    return found


def read_sessions(text: str, backend: str) -> Dict[str, int]:
    """Return the current sessions by server, of what `show stat` says."""
    lines = text.lstrip("# ").splitlines()
    header = lines[0].split(",") if lines else []
    rows = [dict(zip(header, line.split(","))) for line in lines[1:] if line]
    return {
        row["svname"]: int(row["scur"] or 0)
        for row in rows
        if row.get("pxname") == backend and row.get("svname") not in ("BACKEND", "FRONTEND")
    }
