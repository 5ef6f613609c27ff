# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream of nginx as text, read and written. Pure: no I/O, no Ansible.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

import re
from typing import Dict, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    IN,
    OUT,
    Backend,
    BackendError,
)

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_COMMENT = re.compile(r"#[^\n]*")
_UPSTREAM = re.compile(r"upstream\s+(\S+)\s*\{([^}]*)\}")
_SERVER = re.compile(r"server\s+(\S+)\s*([^;]*);")


def read_upstream(text: str, name: str) -> Dict[str, Backend]:
    """Return the servers of an upstream, by address. Whoever wrote the text, a person or this.

    Raises BackendError if the text holds anything else than this one upstream: it will be replaced.
    """
    bare = _COMMENT.sub("", text)
    found = _UPSTREAM.findall(bare)
    if bare.strip() and ([one[0] for one in found] != [name] or _UPSTREAM.sub("", bare).strip()):
        raise BackendError(
            f"the file holds more than upstream {name}: move the rest to a file of its own, because"
            " this one is written anew whenever traffic is moved"
        )
    servers: Dict[str, Backend] = {}
    for address, rest in _SERVER.findall(found[0][1] if found else ""):
        words = rest.split()
        weights = [word[len("weight=") :] for word in words if word.startswith("weight=")]
        full = address if re.search(r":\d+$", address) else f"{address}:80"
        servers[full] = Backend(
            name=full,
            address=full,
            state=OUT if "down" in words else IN,
            weight=int(weights[0]) if weights and weights[0].isdigit() else 1,
        )
    return servers


def write_upstream(name: str, backends: Sequence[Backend], directives: Sequence[str]) -> str:
    """Return the text of an upstream. Raises BackendError if its name is none."""
    if not _NAME.fullmatch(name):
        raise BackendError(f"upstream {name!r} is no name: use letters, digits, '.', '_' and '-'")
    lines = ["# Written by phased.rollout whenever it moves traffic.", f"upstream {name} {{"]
    lines += [f"    {directive.strip().rstrip(';')};" for directive in directives]
    for one in backends:
        words = ["server", one.address, f"weight={one.weight}", *one.parameters.split()]
        words += [] if one.taken else ["down"]
        lines.append(f"    {' '.join(words)};  # {one.name}")
    return "\n".join([*lines, "}", ""])
