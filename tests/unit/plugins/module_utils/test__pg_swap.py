# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_swap import Names, swap

NAMES = Names(live="tower", restored="scratch")
PROPERTIES = {"settings": [], "connection_limit": -1, "comment": None}


class Session:
    """A session that fails at one statement."""

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at = fails_at
        self.asked: list[str] = []

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.asked.append(statement)
            if self.fails_at and statement.startswith(self.fails_at):
                raise PgError("connection to server was lost")


def test_a_database_that_replaces_none_just_gets_its_name() -> None:
    session: Any = Session()
    assert 0 <= swap(Server(), session, NAMES, properties=PROPERTIES) < 60
    assert session.asked[0] == "BEGIN"
    assert session.asked[-2:] == ['ALTER DATABASE "scratch~" RENAME TO "tower"', "COMMIT"]


@pytest.mark.parametrize("statement", ["COMMENT", "ALTER DATABASE"])
def test_what_fails_is_taken_back(statement: str) -> None:
    session: Any = Session(statement)
    with pytest.raises(PgError, match="was lost"):
        swap(Server(), session, NAMES, properties=PROPERTIES)
    assert session.asked[-1] == "ROLLBACK"
    assert "COMMIT" not in session.asked


def test_an_end_that_nobody_has_seen_is_called_unknown() -> None:
    session: Any = Session("COMMIT")
    with pytest.raises(PgError, match=r"whether tower was replaced is not known.*run it again"):
        swap(Server(), session, NAMES, properties=PROPERTIES)
