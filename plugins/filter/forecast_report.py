# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A forecast as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.phased.rollout.plugins.plugin_utils._forecast_report import report


def forecast_report(forecast: Any, brief: bool = False) -> str:
    """Return a forecast as Markdown. Raises AnsibleFilterError if it is no forecast."""
    needed = ("base", "changes", "chain", "pairs", "order")
    missing = [key for key in needed if not isinstance(forecast, Mapping) or key not in forecast]
    if missing:
        raise AnsibleFilterError(
            "forecast_report needs the result of phased.rollout.git_forecast_info; what it got"
            f" ({type(forecast).__name__}) has no {', '.join(missing)}"
        )
    return report(forecast, brief=brief)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"forecast_report": forecast_report}
