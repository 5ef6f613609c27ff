# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""What a play or a task object of Ansible says about itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def hosts_of(play: Any) -> list[str]:
    """Return the names of the hosts of this batch of a play, as far as Ansible tells."""
    inventory = getattr(play.get_variable_manager(), "_inventory", None)
    if inventory is None:
        return []
    return [host.get_name() for host in inventory.get_hosts(play.hosts)]


def key_of(play: Any) -> str:
    """Return what is the same for all batches of a play and for no other play of the playbook."""
    # Ansible copies a play for each batch, and ansible-runner gives each copy a uuid of its own.
    source = getattr(play, "_ds", None)
    return str(play._uuid if source is None else id(source))


def task_label(task: Any) -> str:
    """Return the name of a task without its role, or what it does where it has no name."""
    return " ".join(str(task.name or task.action).split())


def place_of(task: Any) -> str:
    """Return file and line of a task, from the working directory where it is below it."""
    path = str(task.get_path() or "")
    here = os.getcwd() + os.sep  # noqa: PTH109
    return path[len(here) :] if path.startswith(here) else path


def is_rescued(task: Any) -> bool:
    """Return whether the failure of a task leads into a rescue section."""
    child, parent = task, getattr(task, "_parent", None)
    while parent is not None:
        section = getattr(parent, "block", None) if getattr(parent, "rescue", None) else None
        if any(entry._uuid == child._uuid for entry in section or []):
            return True
        child, parent = parent, getattr(parent, "_parent", None)
    return False


def results_of(result: Any) -> list[Mapping[str, Any]]:
    """Return the results of the items of a loop, or the one result of any other task."""
    items = result.result.get("results")
    if result.task.loop is not None and isinstance(items, list):
        return [item for item in items if isinstance(item, Mapping)]
    return [result.result]


def limits(arguments: Mapping[str, Any]) -> list[str]:
    """Return what the command line restricts a run to: tags and hosts."""
    tags = [str(tag) for tag in arguments.get("tags") or []]
    skipped = [str(tag) for tag in arguments.get("skip_tags") or []]
    said = [f"only tags {', '.join(tags)}"] if tags and "all" not in tags else []
    said += [f"without tags {', '.join(skipped)}"] if skipped else []
    return said + ([f"only hosts {arguments['subset']}"] if arguments.get("subset") else [])
