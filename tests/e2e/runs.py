# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks on the lab, run through ansible-runner and judged by their events."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import ansible_runner

from ansible_collections.phased.rollout.tests.e2e.world import CHECKOUT

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Play:
    """One run of a playbook."""

    def __init__(self, runner: Any) -> None:
        self.events: list[dict[str, Any]] = list(runner.events)
        self.rc: int = runner.rc
        self.output = _ESCAPES.sub("", Path(runner.config.artifact_dir, "stdout").read_text())
        self.steps = [
            event["event_data"]["name"]
            for event in self.events
            if event["event"] == "playbook_on_play_start"
        ]

    @property
    def last_lines(self) -> str:
        """What a person sees at the end, from the line on that says that the run failed."""
        before, failed, after = self.output.rpartition(" FAILED ")
        assert failed, self.output
        return before.splitlines()[-1] + failed + after

    @property
    def changes(self) -> list[str]:
        """The tasks that changed something, as `host: step: task`."""
        return [
            f"{data['host']}: {data['play']}: {data['task']}"
            for data in (e["event_data"] for e in self.events if e["event"] == "runner_on_ok")
            if data["res"].get("changed")
        ]

    @property
    def worked(self) -> list[str]:
        """The steps in which a task ran to its end, in their order."""
        plays = [e["event_data"]["play"] for e in self.events if e["event"] == "runner_on_ok"]
        return list(dict.fromkeys(plays))

    @property
    def ran(self) -> set[tuple[str, str]]:
        """The (step, host) pairs in which a task ran to its end."""
        return {
            (event["event_data"]["play"], event["event_data"]["host"])
            for event in self.events
            if event["event"] == "runner_on_ok"
        }


def play(playbook: str, *arguments: str, inventory: str = "lab") -> Play:
    """Run a playbook of the collection as AWX would: ansible-runner, from the checkout."""
    with tempfile.TemporaryDirectory() as private:
        runner = ansible_runner.run(
            private_data_dir=private,
            project_dir=str(CHECKOUT),
            playbook=str(CHECKOUT / "playbooks" / f"{playbook}.yml"),
            inventory=str(CHECKOUT / "inventories" / inventory),
            cmdline=" ".join(arguments) or None,
            envvars={
                "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "phased.rollout.progress",
                "PATH": f"{CHECKOUT / '.venv/bin'}:{os.environ['PATH']}",
            },
            quiet=True,
        )
        return Play(runner)
