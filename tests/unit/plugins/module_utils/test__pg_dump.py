# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_dump import migration_version
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


class Answers:
    """A session in a transaction: it answers a query, or fails."""

    def __init__(self, answer: list[dict[str, Any]] | str) -> None:
        self._answer = answer
        self.ran: list[str] = []

    def execute(self, *statements: str) -> None:
        self.ran += statements

    def rows(self, query: str) -> list[dict[str, Any]]:
        self.ran.append(query)
        if isinstance(self._answer, str):
            raise PgError(f"database app: it fails (SQLSTATE {self._answer})")
        return self._answer


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        pytest.param([{"version_num": "0001"}], "0001", id="one version"),
        pytest.param(
            [{"v": "b"}, {"v": "a"}], "a, b", id="several heads, in the same order always"
        ),
        pytest.param([{"v": 42, "w": "x"}], "42", id="the first column counts"),
        pytest.param([], None, id="an empty table"),
        pytest.param([{"v": None}], None, id="a version that is null"),
        pytest.param("42P01", None, id="no such table"),
    ],
)
def test_the_version_of_a_schema(answer: Any, version: str | None) -> None:
    session: Any = Answers(answer)
    assert migration_version(session, "SELECT version_num FROM alembic_version;\n") == version
    assert "SELECT version_num FROM alembic_version" in session.ran
    assert session.ran[-1] == "ROLLBACK TO version"


def test_a_version_that_cannot_be_asked_for_is_an_error() -> None:
    session: Any = Answers("42703")
    with pytest.raises(PgError, match=r"the version of the schema cannot be asked for: .*42703"):
        migration_version(session, "SELECT nonsense")


@pytest.mark.parametrize("query", [None, ""], ids=["none", "empty"])
def test_without_a_query_nothing_is_asked(query: str | None) -> None:
    session: Any = Answers([])
    assert migration_version(session, query) is None
    assert session.ran == []
