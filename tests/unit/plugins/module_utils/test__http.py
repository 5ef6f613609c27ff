# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._http import (
    NoAnswerError,
    fetch,
    without_password,
)


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


def test_a_header_with_a_line_break_is_not_sent_and_not_shown() -> None:
    with pytest.raises(NoAnswerError, match=r"'X-Token' holds a line break") as refused:
        fetch("http://h/", timeout_seconds=1, headers={"X-Token": "hunter2\n"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="a file that is missing"),
        pytest.param("no certificate", id="a file that holds none"),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: Optional[str]) -> None:
    ca_cert = tmp_path / "ca.pem"
    if content is not None:
        ca_cert.write_text(content)
    with pytest.raises(NoAnswerError, match=f"the CA file {ca_cert} cannot be used"):
        fetch("https://127.0.0.1:1/", timeout_seconds=1, ca_cert=str(ca_cert))


def test_a_secret_in_a_url_is_not_shown() -> None:
    with pytest.raises(NoAnswerError, match=r"GET http://127.0.0.1:1/\{token\} got") as refused:
        fetch("http://127.0.0.1:1/hunter2", timeout_seconds=1, shown="http://127.0.0.1:1/{token}")
    assert "hunter2" not in str(refused.value)
