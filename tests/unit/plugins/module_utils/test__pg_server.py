# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    conninfo,
    ended,
    find_program,
    listed,
    said,
)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        pytest.param("tower", "dbname='tower'", id="a plain name"),
        pytest.param("host=evil", "dbname='host=evil'", id="no other keyword comes in"),
        pytest.param("postgresql://evil/x", "dbname='postgresql://evil/x'", id="it is no URL"),
        pytest.param("it's", r"dbname='it\'s'", id="a quote"),
        pytest.param("back\\slash", r"dbname='back\\slash'", id="a backslash"),
        pytest.param("-h", "dbname='-h'", id="it is no option"),
    ],
)
def test_a_name_of_a_database_is_nothing_but_a_name(database: str, expected: str) -> None:
    assert conninfo(database) == expected


def test_a_login_becomes_environment_and_what_is_not_given_stays_out() -> None:
    login = Login(host="db", port=5433, user="me", password="secret", database="x")
    assert Server.of(login).environment == {
        "PGHOST": "db",
        "PGPORT": "5433",
        "PGUSER": "me",
        "PGPASSWORD": "secret",
        "PGSSLMODE": "prefer",
    }


def test_a_password_is_in_no_representation() -> None:
    assert "secret" not in repr(Server.of(Login(password="secret")))


@pytest.mark.parametrize(
    ("host", "local"),
    [
        pytest.param("", True, id="without a host it is the socket"),
        pytest.param("/run/postgresql", True, id="a folder is that of the socket"),
        pytest.param("db.example.com", False, id="another host"),
        pytest.param("127.0.0.1", False, id="a port may be forwarded from anywhere"),
    ],
)
def test_whether_the_files_are_on_this_host(
    monkeypatch: pytest.MonkeyPatch, host: str, local: bool
) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    assert Server({"PGHOST": host}).is_local is local


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(PgError, match="pg_nonsense is not installed"):
        find_program("pg_nonsense")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(3, "exit code 3", id="by itself"),
        pytest.param(-9, "killed by SIGKILL", id="by a signal"),
    ],
)
def test_how_a_program_ended(code: int, words: str) -> None:
    assert ended(code) == words


def test_of_a_long_complaint_the_end_is_kept() -> None:
    assert said(io.BytesIO(b"x" * 9000 + b"\nthe reason\n")).endswith("\nthe reason")
    assert len(said(io.BytesIO(b"x" * 9000))) == 4000
    assert said(io.BytesIO(b"")) == "it said nothing"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param(["a", "b"], "a, b", id="few"),
        pytest.param(["a", "b", "c"], "a, b and 1 more", id="more than are shown"),
    ],
)
def test_names_for_a_message(names: list[str], words: str) -> None:
    assert listed(names, most=2) == words
