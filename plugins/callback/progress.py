# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checklist of the recipe, with the time and the verdicts of each step."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: A checklist of the recipe, with the time and the verdicts of each step
version_added: 0.1.0
author:
  - The phased.rollout authors (@phased-rollout)
description:
  - Writes one line for every play, which is a step of the recipe; a mark, the time it took, and
    whether it changed something. Below it stand the lines that the step's roles want a person to
    read.
  - A task says such a line by returning C(rollout_say), a string or a list of strings, by
    M(ansible.builtin.set_stats) with that name, or by M(ansible.builtin.debug). Objectives measured
    by M(phased.rollout.slo_check) are written as a table, worst first.
  - When a run fails, its last lines say which step, task and host failed and why, what had been
    done before, and what did not run. A path in C(rollout_evidence) of a failed result is shown
    with it.
  - On a terminal, a line shows that a long task is alive. Elsewhere the output is plain text.
  - With C(-v) and more, the output is that of P(ansible.builtin.default#callback), with the summary
    at its end.
requirements:
  - set as stdout in configuration
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  marks:
    description:
      - Which characters mark a step. V(auto) takes Unicode where the output's encoding has it.
    type: str
    choices: [auto, unicode, ascii]
    default: auto
    env:
      - name: PHASED_ROLLOUT_PROGRESS_MARKS
    ini:
      - section: callback_phased_rollout_progress
        key: marks
  live:
    description:
      - Whether a line shows on a terminal that a long task is alive.
    type: bool
    default: true
    env:
      - name: PHASED_ROLLOUT_PROGRESS_LIVE
    ini:
      - section: callback_phased_rollout_progress
        key: live
  heartbeat_seconds:
    description:
      - After how many seconds without output a line is written where there is no terminal.
    type: float
    default: 30
    env:
      - name: PHASED_ROLLOUT_PROGRESS_HEARTBEAT_SECONDS
    ini:
      - section: callback_phased_rollout_progress
        key: heartbeat_seconds
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_output import Output
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_run import Run
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_task import (
    is_rescued,
    limits,
    results_of,
    task_label,
)


def beside_default(method: Callable[..., None]) -> Callable[..., None]:
    """Run the method, and with -v Ansible's own output after it (which takes results apart)."""

    @functools.wraps(method)
    def both(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        try:
            with self._out.lock:
                method(self, *args, **kwargs)
        finally:
            if self._display.verbosity:
                getattr(DefaultCallback, method.__name__)(self, *args, **kwargs)

    return both


def with_verbosity(name: str) -> Callable[..., None]:
    """Return a method that leaves an event to Ansible's own output, with -v only."""

    def method(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        if self._display.verbosity:
            getattr(DefaultCallback, name)(self, *args, **kwargs)

    return method


class CallbackModule(DefaultCallback):  # type: ignore[misc]
    """Keeps the checklist of a run and writes it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "phased.rollout.progress"

    def __init__(self) -> None:
        super().__init__()
        self._out = Output(self._display)
        self._run = Run(self._out)

    @beside_default
    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Begin a checklist."""
        self._out.start(
            check=bool(context.CLIARGS.get("check")),
            marks=self.get_option("marks"),
            live=self.get_option("live"),
            heartbeat=self.get_option("heartbeat_seconds"),
            quiet=self._display.verbosity > 0,
        )
        name = Path(playbook._file_name or "playbook").name
        self._run = Run(self._out, name, limits(context.CLIARGS))
        self._run.begin(playbook.get_plays())

    @beside_default
    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begin a step, or a batch of one."""
        self._run.play_starts(play)

    @beside_default
    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Note a step without hosts."""
        self._run.no_host()

    @beside_default
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Show the task."""
        self._run.task_starts(task)

    @beside_default
    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Show the handler."""
        self._run.task_starts(task, prefix="handler: ")

    @beside_default
    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Show the host."""
        self._run.host_starts(host.get_name())

    @beside_default
    def v2_runner_on_ok(self, result: Any) -> None:
        """Count the task and let it speak."""
        self._run.host_done(result, changed=result.result.get("changed"))
        self._hear(result)

    @beside_default
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note the failure; a command that fails says "changed" whatever it did."""
        self._run.host_done(result)
        self._hear(result)
        handled = ignore_errors or is_rescued(result.task)
        self._run.blame(result, self.host_label(result), handled=handled)

    @beside_default
    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note the host that is gone."""
        self._run.host_done(result)
        self._hear(result)
        handled = bool(result.task.ignore_unreachable)
        self._run.blame(result, self.host_label(result), handled=handled, unreachable=True)

    @beside_default
    def v2_runner_on_skipped(self, result: Any) -> None:
        """Show that the host is done."""
        self._run.host_skipped(result)

    @beside_default
    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Let the item speak."""
        self._hear(result, item=True)

    @beside_default
    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Let the item speak."""
        self._hear(result, item=True)

    @beside_default
    def v2_runner_retry(self, result: Any) -> None:
        """Show the attempt."""
        self._run.retries(result)

    @beside_default
    def v2_on_file_diff(self, result: Any) -> None:
        """Write the differences."""
        for entry in results_of(result) if not self._display.verbosity else []:
            if entry.get("diff") and entry.get("changed"):
                self._out.screen.open()
                self._out.screen.say([f"{task_label(result.task)} ({self.host_label(result)}):"])
                self._display.display(self._get_diff(entry["diff"]))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the summary."""
        if self._display.verbosity:
            super().v2_playbook_on_stats(stats)
        counted = {host: stats.summarize(host) for host in {**stats.failures, **stats.dark}}
        with self._out.lock:
            self._run.end(
                host for host, of in counted.items() if of["failures"] or of["unreachable"]
            )

    v2_playbook_on_no_hosts_remaining = with_verbosity("v2_playbook_on_no_hosts_remaining")
    v2_playbook_on_include = with_verbosity("v2_playbook_on_include")
    v2_playbook_on_notify = with_verbosity("v2_playbook_on_notify")
    v2_runner_item_on_skipped = with_verbosity("v2_runner_item_on_skipped")
    v2_runner_on_async_poll = with_verbosity("v2_runner_on_async_poll")
    v2_runner_on_async_ok = with_verbosity("v2_runner_on_async_ok")
    v2_runner_on_async_failed = with_verbosity("v2_runner_on_async_failed")

    def _hear(self, result: Any, *, item: bool = False) -> None:
        self._run.hear(result, self.host_label(result), item=item)
        if not self._display.verbosity:
            self._handle_warnings(result.result)
