# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_tool import run_tool


def test_a_program_gives_what_it_printed_and_gets_no_input() -> None:
    assert run_tool("sh", "-c", "cat; echo $GREETING", environment={"GREETING": "hello"}) == "hello"


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(PgError, match=r"sh failed \(exit code 3\): no"):
        run_tool("sh", "-c", "echo yes; echo no >&2; exit 3")


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(PgError, match="no-such-program is not installed on this host; install it"):
        run_tool("no-such-program")
