# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import os
import threading
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_guard import Guard
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_live import (
    ERASE,
    LiveLine,
    Now,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_screen import Screen
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import Theme

PLAIN = Theme(unicode=False)


class Bench:
    """A screen with a clock to turn and a list of what was written."""

    def __init__(self, *, live: bool = False) -> None:
        self.time = 0.0
        self.lines: list[str] = []
        self.stream = io.StringIO()
        line = LiveLine(self.stream, PLAIN) if live else None
        self.screen = Screen(self.lines.append, PLAIN, clock=lambda: self.time, live=line)

    def tick(self, time: float) -> list[str]:
        self.time = time
        self.screen.tick()
        return self.lines


def test_a_short_step_is_written_when_it_is_over() -> None:
    bench = Bench()
    bench.screen.begin("Back up")
    bench.screen.say(["12 MB", ""])
    assert bench.lines == []
    bench.screen.close("  + Back up")
    assert bench.lines == ["  + Back up", "      12 MB", ""]


def test_a_step_is_opened_once_when_something_else_is_written() -> None:
    bench = Bench()
    bench.screen.begin("Back up")
    bench.screen.say(["12 MB"])
    bench.screen.open()
    bench.screen.open()
    bench.screen.say(["read back"])
    bench.screen.close("  + Back up")
    assert bench.lines == ["  > Back up", "      12 MB", "      read back", "  + Back up"]


def test_what_is_said_does_not_wait_for_long() -> None:
    bench = Bench()
    bench.screen.begin("Deploy")
    bench.screen.now = Now("Deploy", "Restart", 0.0)
    bench.screen.say(["prod1 is healthy"])
    assert bench.tick(9.0) == []
    assert bench.tick(10.0) == ["  > Deploy", "      prod1 is healthy"]


def test_a_log_shows_every_thirty_seconds_that_the_run_lives() -> None:
    bench = Bench()
    bench.screen.begin("Deploy")
    bench.screen.now = Now("Deploy", "Restart", 0.0, {"prod1": False}, "attempt 4 of 30")
    assert bench.tick(29.0) == []
    beat = "      ... Deploy 30.0 s - Restart - prod1 - attempt 4 of 30"
    assert bench.tick(30.0) == ["  > Deploy", beat]
    assert len(bench.tick(59.0)) == 2
    assert len(bench.tick(60.0)) == 3


def test_a_terminal_has_a_live_line_that_gives_way() -> None:
    bench = Bench(live=True)
    bench.screen.begin("Deploy")
    bench.screen.now = Now("Deploy", "Restart", 0.0)
    bench.tick(1.0)
    assert bench.stream.getvalue() == f"{ERASE}  / Deploy 1.0 s - Restart"
    bench.screen.close("  + Deploy")
    assert bench.stream.getvalue().endswith(ERASE)


def test_nothing_is_drawn_while_somebody_is_asked() -> None:
    bench = Bench(live=True)
    bench.screen.begin("Deploy")
    bench.screen.now = Now("Deploy", "Ask", 0.0)
    bench.screen.pause()
    bench.tick(1.0)
    assert bench.stream.getvalue() == ""
    bench.screen.resume()
    bench.tick(2.0)
    assert "Ask" in bench.stream.getvalue()


def test_a_closed_terminal_does_not_end_the_run() -> None:
    bench = Bench(live=True)
    bench.stream.close()
    bench.screen.now = Now("Deploy", "Restart", 0.0)
    bench.tick(1.0)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        pytest.param({}, "", id="no host yet"),
        pytest.param({"a": False, "b": True}, "a", id="the one that is left"),
        pytest.param(dict.fromkeys("abcd", False), "4 of 4 hosts", id="many"),
        pytest.param({**dict.fromkeys("abc", False), "d": True}, "3 of 4 hosts", id="some done"),
    ],
)
def test_where_a_task_runs(hosts: dict[str, bool], expected: str) -> None:
    assert Now("Deploy", "Restart", 0.0, hosts).where() == expected


class FakeDisplay:
    def __init__(self) -> None:
        self.written: list[str] = []

    def display(self, msg: str, **_kwargs: Any) -> None:
        self.written.append(msg)

    def prompt_until(self, msg: str) -> str:
        self.display(msg)
        return "yes"


def guarded(display: FakeDisplay) -> Guard:
    told = display.written.append
    return Guard(
        display,
        threading.RLock(),
        before=lambda: told("<before>"),
        pause=lambda: told("<pause>"),
        resume=lambda: told("<resume>"),
    )


def test_guard_speaks_up_before_output_and_around_questions() -> None:
    display = FakeDisplay()
    guard = guarded(display)
    display.display("a warning")
    display.display("for the log", log_only=True)
    assert display.prompt_until("sure?") == "yes"
    guard.write("ours")
    guard.remove()
    display.display("after")
    asked = ["<pause>", "<before>", "sure?", "<resume>"]
    assert display.written == ["<before>", "a warning", "for the log", *asked, "ours", "after"]


def test_guard_leaves_a_forked_worker_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    display = FakeDisplay()
    guarded(display)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    display.display("from a worker")
    display.prompt_until("from a worker")
    assert display.written == ["from a worker", "from a worker"]
