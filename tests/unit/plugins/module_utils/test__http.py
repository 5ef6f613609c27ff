# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._http import without_password


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://h/x", "http://h/x", id="nothing to hide"),
        pytest.param("http://u:p@h:1/x", "http://h:1/x", id="user and password"),
        pytest.param("http://u:p@ss@h/x", "http://h/x", id="an @ in the password"),
        pytest.param("http://h/x?a=b@c", "http://h/x?a=b@c", id="an @ in the query"),
        pytest.param("http://h?next=//b@c", "http://h?next=//c", id="hides rather too much"),
    ],
)
def test_without_password(url: str, expected: Any) -> None:
    assert without_password(url) == expected
