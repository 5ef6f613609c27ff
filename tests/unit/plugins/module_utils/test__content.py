# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._content import (
    read_content_checks,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import MissingLibraryError


@pytest.mark.parametrize(
    ("checks", "content", "miss"),
    [
        pytest.param({}, b"", None, id="nothing is checked"),
        pytest.param({"contains": "b"}, b"abc", None, id="a text that is there"),
        pytest.param({"contains": ["a", "z"]}, b"abc", "does not contain 'z'", id="one of two"),
        pytest.param({"matches": r"v\d+"}, b"is v12", None, id="a pattern that is there"),
        pytest.param({"matches": "^b"}, b"abc", "does not match '^b'", id="one that is not"),
        pytest.param({"json": "n == `1`"}, b'{"n": 1}', None, id="a true comparison"),
        pytest.param({"json": "n > `1`"}, b'{"n": 1}', "= false, not true", id="a false one"),
        pytest.param({"json": "n"}, b'{"n": 1}', "= a number, not true", id="no comparison"),
        pytest.param({"json": "n"}, b'{"n": "s3cret"}', "= a text, not true", id="no value shown"),
        pytest.param({"json": "a.b"}, b'{"n": 1}', "= null, not true", id="a path to nothing"),
        pytest.param({"json": "n > `1`"}, b'{"n": "2"}', "fails (", id="a text is no 2"),
        pytest.param({"json": "length(n) > `0`"}, b'{"n": 1}', "fails (", id="a wrong function"),
        pytest.param({"json": "n"}, b'{"n": NaN}', "is no JSON", id="NaN is no JSON"),
        pytest.param({"json": "n"}, b"", "is no JSON", id="an empty answer"),
        pytest.param({"json": "n"}, b"[" * 100_000, "is no JSON", id="a bomb"),
    ],
)
def test_checks(checks: dict[str, Any], content: bytes, miss: Optional[str]) -> None:
    found = read_content_checks(Fields(checks, "source")).miss(content)
    assert (found is None) == (miss is None)
    assert (miss or "") in (found or "")
    assert "s3cret" not in (found or "")


def test_only_json_needs_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert read_content_checks(Fields({"contains": "a"}, "source"))
    with pytest.raises(MissingLibraryError, match="jmespath"):
        read_content_checks(Fields({"json": "a"}, "source"))
