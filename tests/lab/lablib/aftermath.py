# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts right what podman trips over after its machine died and kept /run, as some machines do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

NAMESPACES = Path("/run/netns")


def replace_lost_namespaces() -> None:
    """Give podman an empty network namespace for each one that went with the last kernel.

    What is left of them is a plain file, and as long as podman finds that in the place of a
    namespace, even its listing fails: on all containers, not only on the dead one.
    """
    if os.geteuid() != 0 or not NAMESPACES.is_dir():
        return
    plain = NAMESPACES.stat().st_dev
    for file in NAMESPACES.glob("netns-*"):
        if file.stat().st_dev == plain:
            subprocess.run(["unshare", f"--net={file}", "true"], check=False)


def is_alive(container: dict[str, Any]) -> bool:
    """Return whether a container that podman lists as running has a process of its own."""
    try:
        groups = Path(f"/proc/{container['Pid']}/cgroup").read_text()
    except OSError:
        return False
    return container["Id"] in groups
