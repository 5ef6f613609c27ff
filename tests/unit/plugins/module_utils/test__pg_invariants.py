# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_invariants
from ansible_collections.phased.rollout.plugins.module_utils._pg_invariants import (
    require_invariants,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server

ANSWERS: dict[str, Any] = {
    "true": [{"a": True}],
    "false": [{"a": False}],
    "null": [{"a": None}],
    "one": [{"a": 1}],
    "text": [{"a": "t"}],
    "nothing": [],
    "two rows": [{"a": True}, {"a": True}],
    "two columns": [{"a": True, "b": True}],
    "an error": PgError("database app: it fails"),
}


class Session:
    """A session that knows a few questions, and may only read while they are asked."""

    def __init__(self, _server: Server, _database: str) -> None:
        self._reads = False

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def execute(self, *statements: str) -> None:
        self._reads = statements[-1] == "BEGIN READ ONLY"

    def rows(self, query: str) -> list[dict[str, Any]]:
        assert self._reads
        answer = ANSWERS[query]
        if isinstance(answer, PgError):
            raise answer
        found: list[dict[str, Any]] = answer
        return found


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pg_invariants, "Session", Session)


def test_true_alone_is_true() -> None:
    require_invariants(Server(), "app", {"a": "true", "b": " true; "}, "public")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("false", "it gives False instead of true"),
        ("null", "it gives None"),
        ("one", "it gives 1 instead"),
        ("text", "it gives 't'"),
        ("nothing", "it gives 0 values"),
        ("two rows", "it gives 2 values"),
        ("two columns", "it gives 2 values"),
        ("an error", "database app: it fails"),
    ],
)
def test_anything_else_is_broken(query: str, reason: str) -> None:
    with pytest.raises(PgError, match=rf"app breaks what must hold: it holds \({reason}"):
        require_invariants(Server(), "app", {"a": "true", "it holds": query}, "public")


def test_all_that_is_broken_is_named() -> None:
    with pytest.raises(PgError, match=r"first \(it gives False .*, second \(it gives None"):
        require_invariants(Server(), "app", {"first": "false", "second": "null"}, "public")
