# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.phased.rollout.plugins.filter.forecast_report import FilterModule

CHANGE = {
    **{"id": "a", "branch": "feature/a", "owner": "o", "state": "integrated", "sha": "1" * 40},
    **{"ahead": 0, "behind": 0, "files": [], "conflicts": []},
}
FORECAST: dict[str, Any] = {
    "base": {"ref": "main", "sha": "1" * 40},
    "changes": [CHANGE],
    "chain": {"state": "integrated", "conflicts": []},
    "pairs": [],
    "order": ["a"],
}


forecast_report = FilterModule().filters()["forecast_report"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param("text", "(str) has no base", id="a text"),
        pytest.param([FORECAST], "(list) has no base", id="a list"),
        pytest.param({"base": {}, "changes": []}, "has no chain, pairs, order", id="half of one"),
    ],
)
def test_what_is_no_forecast_is_refused(given: Any, named: str) -> None:
    with pytest.raises(AnsibleFilterError, match="git_forecast_info") as raised:
        forecast_report(given)
    assert named in str(raised.value)


def test_a_forecast_becomes_markdown() -> None:
    assert forecast_report(FORECAST).startswith("# Merge forecast: 1 integrated\n")
    assert "feature/a" in forecast_report(FORECAST)
    assert "feature/a" not in forecast_report(FORECAST, brief=True)
