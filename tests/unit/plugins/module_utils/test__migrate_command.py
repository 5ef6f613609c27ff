# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run of a migration's command ended, told from what it wrote."""

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._migrate_command import (
    Ended,
    last_lines,
)


@pytest.mark.parametrize(
    ("output", "cancelled", "again"),
    [
        pytest.param("ERROR:  canceling statement due to lock timeout", None, True,
                     id="PostgreSQL's words"),
        pytest.param("psycopg2.errors.LockNotAvailable: Zeitüberschreitung", None, True,
                     id="a driver's name for it, in another language"),
        pytest.param("asyncpg.exceptions.LockNotAvailableError", None, True, id="another driver's"),
        pytest.param("SQLSTATE[55P03]: Lock not available", None, True, id="its number"),
        pytest.param('ERROR:  could not obtain lock on relation "t"', None, True, id="NOWAIT"),
        pytest.param("canceling statement due to user request", "lock", True,
                     id="cancelled for it from outside"),
        pytest.param("canceling statement due to user request", "statement", False,
                     id="cancelled for another reason"),
        pytest.param("canceling statement due to statement timeout", None, False,
                     id="a statement's timeout"),
        pytest.param("deadlock detected", None, False, id="a deadlock"),
        pytest.param("it said nothing", None, False, id="nothing"),
        pytest.param("id 155P031", None, False, id="a number with its letters in it"),
    ],
)  # fmt: skip
def test_a_lock_timeout_is_known(output, cancelled, again):
    assert Ended(1, 0.1, output, cancelled).by_lock_timeout is again


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        pytest.param(Ended(3, 0.1, "a\nb"), "(exit code 3); its last lines:\na\nb", id="a code"),
        pytest.param(Ended(-9, 0.1, "a"), "(killed by SIGKILL); its last lines:\na", id="a signal"),
        pytest.param(Ended(1, 0.1, "a", "statement"),
                     "(exit code 1, a statement took longer than statement_timeout allows);"
                     " its last lines:\na", id="a statement that was cancelled"),
    ],
)  # fmt: skip
def test_explain(ended, says):
    assert ended.explain() == f"the command failed {says}"


def test_only_the_last_lines_are_shown():
    text = "\n".join(str(n) for n in range(100))
    assert last_lines(text).splitlines() == [str(n) for n in range(80, 100)]
