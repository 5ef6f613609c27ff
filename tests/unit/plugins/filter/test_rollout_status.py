# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.phased.rollout.plugins.filter.rollout_status import FilterModule

STATUS: dict[str, Any] = {
    "rollout": "tower",
    "now": "2026-01-12T09:00:00.000000Z",
    "phases": {},
    "blocked_by": [],
    "next": "Nothing.",
    "lease": None,
    "chain": None,
    "signed": True,
}
rollout_status = FilterModule().filters()["rollout_status"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param("text", "(str) has no rollout", id="a text"),
        pytest.param([STATUS], "(list) has no rollout", id="a list"),
        pytest.param({"rollout": "a", "now": "b"}, "no phases, blocked_by, next", id="a half"),
    ],
)
def test_what_is_no_status_is_refused(given: Any, named: str) -> None:
    with pytest.raises(AnsibleFilterError, match="ledger_info") as raised:
        rollout_status(given)
    assert named in str(raised.value)


def test_a_format_that_is_not_there_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="'html': it must be one of table, markdown"):
        rollout_status(STATUS, "html")


def test_a_status_becomes_a_table_or_markdown() -> None:
    assert rollout_status(STATUS).startswith("Rollout tower, Mon 2026-01-12 09:00 UTC\n")
    assert rollout_status(STATUS, "markdown").startswith("# Rollout tower, Mon 2026-01-12")
