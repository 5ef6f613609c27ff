# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._unit_state import (
    not_restarted,
    not_steady,
    read_state,
)


def state(**different: str):
    found = {
        **{"LoadState": "loaded", "ActiveState": "active", "MainPID": "7", "NRestarts": "0"},
        **{"NeedDaemonReload": "no", "UnitFileState": "enabled", "Result": "success"},
        **different,
    }
    return read_state("".join(f"{name}={value}\n" for name, value in found.items()))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param(state(MainPID="8"), None, id="a new process that runs"),
        pytest.param(state(), "still 7", id="the same process"),
        pytest.param(state(ActiveState="failed", MainPID="0"), "is failed", id="failed"),
        pytest.param(state(MainPID="0"), "is active", id="active without a process"),
        pytest.param(read_state(""), "is unknown", id="systemd said nothing"),
    ],
)
def test_a_restart_gives_a_process_of_its_own(after, said):
    reason = not_restarted(state(), after)
    assert reason is None if said is None else said in str(reason)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        pytest.param(state(), None, id="as it was"),
        pytest.param(state(MainPID="8", NRestarts="1"), "0 restarts before, 1 now", id="crashed"),
        pytest.param(state(MainPID="8"), "from 7 to 8", id="restarted by somebody"),
        pytest.param(state(ActiveState="activating"), "is activating", id="starting again"),
        pytest.param(state(ActiveState="inactive", MainPID="0"), "is inactive", id="stopped"),
    ],
)
def test_a_steady_unit_stays_as_it_was(now, said):
    reason = not_steady(state(), now)
    assert reason is None if said is None else said in str(reason)


def test_what_systemd_says_is_read():
    found = state(NeedDaemonReload="yes", UnitFileState="disabled", NRestarts="[not set]")
    assert (found.stale, found.enabled, found.restarts, found.runs) == (True, False, 0, True)
