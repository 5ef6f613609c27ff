# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Hosts in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.phased.rollout.plugins.plugin_utils._batches import split


def batches(hosts: Any, sizes: Any) -> list[list[str]]:
    """Return hosts in batches. Raises AnsibleFilterError if the sizes make no sense."""
    try:
        return split([str(host) for host in hosts], list(sizes))
    except (TypeError, ValueError) as exc:
        raise AnsibleFilterError(f"batches: {exc}") from exc


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., list[list[str]]]]:
        """Return the filters by name."""
        return {"batches": batches}
