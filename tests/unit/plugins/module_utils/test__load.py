# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._load import Load, run_load


def test_one_after_the_other() -> None:
    running, most = [0], [0]

    def work(_left: float) -> int:
        running[0] += 1
        most[0] = max(most[0], running[0])
        running[0] -= 1
        return threading.get_ident()

    done = run_load(work, Load(5), timeout_seconds=5)
    assert [one.outcome for one in done] == [threading.get_ident()] * 5
    assert most[0] == 1


def test_side_by_side() -> None:
    together = threading.Barrier(4, timeout=5)
    done = run_load(lambda _left: together.wait(), Load(4, at_once=4), timeout_seconds=5)
    assert sorted(one.outcome for one in done) == [0, 1, 2, 3]


def test_a_rate_is_kept_whatever_the_answers_take() -> None:
    starts: list[float] = []

    def work(_left: float) -> None:
        starts.append(time.monotonic())
        time.sleep(0.1)

    done = run_load(work, Load(6, rate=50, at_once=6), timeout_seconds=5)
    assert len(done) == 6
    assert 0.09 <= starts[-1] - starts[0] < 0.3


def test_who_waits_for_a_turn_is_late() -> None:
    done = run_load(lambda _left: time.sleep(0.1), Load(3, rate=1000, at_once=1), timeout_seconds=5)
    assert done[0].late_seconds < 0.05
    assert done[2].late_seconds >= 0.19


@pytest.mark.parametrize("at_once", [1, 3])
def test_what_does_not_fit_in_the_time_is_missing(at_once: int) -> None:
    done = run_load(
        lambda left: time.sleep(min(left, 0.15)), Load(50, at_once=at_once), timeout_seconds=0.3
    )
    assert 1 <= len(done) < 50


def test_what_hangs_is_left_behind() -> None:
    end = threading.Event()
    started = time.monotonic()
    done = run_load(lambda _left: end.wait(30), Load(2, at_once=2), timeout_seconds=0.1)
    end.set()
    assert (done, time.monotonic() - started < 2) == ([], True)


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_fault_is_not_swallowed(at_once: int) -> None:
    def work(_left: float) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        run_load(work, Load(4, at_once=at_once), timeout_seconds=5)
