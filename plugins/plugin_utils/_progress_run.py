# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""A run from its first line to its last: keeps the checklist and has it written."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.phased.rollout.plugins.plugin_utils._progress import (
    Checklist,
    Failure,
    as_strings,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_end import summary
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_live import Now
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_output import Output
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_result import (
    gate_rows,
    spoken,
    why_lines,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_task import (
    hosts_of,
    key_of,
    place_of,
    task_label,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import (
    fold,
    gate_lines,
    header,
    step_line,
)

SAID = 7  # columns that what a task says is indented by, and one that stays free
INTERRUPTED = "The run was stopped here, or Ansible itself failed: see its message above."


class Run:
    """One playbook. Its owner holds the output's lock around every call."""

    def __init__(self, out: Output, name: str = "", limits: Sequence[str] = ()) -> None:
        self._out = out
        self._name = name
        self._limits = limits
        self._header = ""
        self._started = time.monotonic()
        self.checklist = Checklist()

    def begin(self, plays: Iterable[Any]) -> None:
        """Start the run, which is over at the latest when Ansible ends."""
        self.checklist.plan((key_of(play), play.get_name()) for play in plays)
        atexit.register(self._interrupted, os.getpid())

    def play_starts(self, play: Any) -> None:
        """Start a step, or the next batch of the step that runs."""
        before, hosts = self.checklist.current, hosts_of(play)
        if before is not None and before.key != key_of(play):
            self._close_step()
        step = self.checklist.begin(key_of(play), play.get_name(), hosts, time.monotonic())
        if step.batch == 1:
            self._show_header(step.title or self._header or self._name)
            self._out.screen.begin(step.label)
        if play.serial:
            self._out.screen.say([f"batch {step.batch}: {', '.join(hosts)}"])

    def no_host(self) -> None:
        """Note that the play that started has no host."""
        if self.checklist.current is not None:
            self.checklist.current.no_hosts = True

    def task_starts(self, task: Any, *, prefix: str = "") -> None:
        """Show the task as the one that runs."""
        step = self.checklist.current
        if step is not None:
            self._out.screen.now = Now(step.label, prefix + task_label(task), step.started)

    def host_starts(self, host: str) -> None:
        """Show that the task runs on this host."""
        if self._out.screen.now is not None:
            self._out.screen.now.hosts[host] = False

    def host_skipped(self, result: Any) -> None:
        """Show that this host has nothing to do."""
        now, host = self._out.screen.now, result.host.get_name()
        if now is not None and host in now.hosts:
            now.hosts[host] = True

    def host_done(self, result: Any, *, changed: Any = False) -> None:
        """Count the task on this host."""
        self.host_skipped(result)
        self.checklist.count(str(result.task.action), changed=bool(changed))

    def retries(self, result: Any) -> None:
        """Show which attempt comes next."""
        attempts, most = result.result.get("attempts"), result.result.get("retries")
        if isinstance(attempts, int) and self._out.screen.now is not None:
            self._out.screen.now.note = f"attempt {attempts + 1} of {most}"

    def hear(self, result: Any, host: str, *, item: bool = False) -> None:
        """Write what a result has to say; the items of a loop speak one by one."""
        whole_loop = result.task.loop is not None and not item
        action = "" if whole_loop else str(result.task.action)
        lines = fold(spoken(action, result.result), self._out.theme.width - SAID)
        lines += gate_lines(gate_rows(action, result.result), self._out.theme)
        step = self.checklist.current
        if step is not None and len(step.hosts) > 1 and not result.task.run_once:
            lines = [f"{host}: {line}" for line in lines]
        self._out.screen.say(lines)

    def blame(self, result: Any, host: str, *, handled: bool, unreachable: bool = False) -> None:
        """Note that a task failed."""
        failure = Failure(
            host=host,
            task=task_label(result.task),
            place=place_of(result.task),
            why=why_lines(result.result),
            evidence=as_strings(result.result.get("rollout_evidence")),
            unreachable=unreachable,
            handled=handled,
        )
        if self.checklist.current is not None:
            self.checklist.current.failures.append(failure)

    def end(self, failed_hosts: Iterable[str] | None) -> None:
        """Write the summary; None for the hosts means that nobody knows which failed."""
        atexit.unregister(self._interrupted)
        if failed_hosts is not None:
            self.checklist.settle(failed_hosts)
        self._close_step()
        self._out.stop()
        seconds = time.monotonic() - self._started
        title = ", ".join(self.checklist.titles) or self._name
        self._out.screen.write(
            summary(self.checklist, self._out.theme, title=title, seconds=seconds)
        )

    def _show_header(self, title: str) -> None:
        if title != self._header:
            line = header(title, self._out.theme, limits=self._limits)
            self._out.screen.write(["", line] if self._header else [line])
            self._header = title

    def _close_step(self) -> None:
        step = self.checklist.finish(time.monotonic())
        if step is not None:
            width = self.checklist.label_width()
            self._out.screen.close(step_line(step, self._out.theme, width=width))

    def _interrupted(self, pid: int) -> None:
        now, step = self._out.screen.now, self.checklist.current
        if pid != os.getpid() or step is None:
            return
        with self._out.lock:
            at = now or Now(step.label, "before the first task", step.started)
            step.failures.append(Failure(at.where() or "-", at.task, why=[INTERRUPTED]))
            self.end(None)
