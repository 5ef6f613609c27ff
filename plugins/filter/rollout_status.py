# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status of a rollout as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.phased.rollout.plugins.plugin_utils._status_report import (
    markdown,
    terminal,
)

FORMATS = {"table": terminal, "markdown": markdown}


def rollout_status(status: Any, format: str = "table") -> str:
    """Return the result of ledger_info as text. Raises AnsibleFilterError if it is none."""
    needed = ("rollout", "now", "phases", "blocked_by", "next", "lease", "chain", "signed")
    missing = [key for key in needed if not isinstance(status, Mapping) or key not in status]
    if missing:
        raise AnsibleFilterError(
            "rollout_status needs the result of phased.rollout.ledger_info; what it got"
            f" ({type(status).__name__}) has no {', '.join(missing)}"
        )
    if format not in FORMATS:
        raise AnsibleFilterError(
            f"rollout_status has no format {format!r}: it must be one of {', '.join(FORMATS)}"
        )
    return FORMATS[format](status)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"rollout_status": rollout_status}
