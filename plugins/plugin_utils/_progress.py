# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""What happened in a run, step by step. No output here, no Ansible, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

SEPARATOR = " | "
# Tasks that Ansible adds or that only lead to others: a step with nothing else did nothing.
BOOKKEEPING = frozenset(
    {"setup", "gather_facts", "validate_argument_spec", "meta"}
    | {f"{verb}_{what}" for verb in ("include", "import") for what in ("tasks", "role", "vars")}
)


class State(str, Enum):
    """How a step stands."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "nothing to do"
    NO_HOSTS = "no host matched"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass
class Failure:
    """One task that failed on one host. ``handled``: ignored, or rescued by the play."""

    host: str
    task: str
    place: str = ""
    why: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    unreachable: bool = False
    handled: bool = False


@dataclass
class Step:
    """One play: ``title`` is what stands before the first " | " of its name."""

    key: str
    name: str
    started: float = 0.0
    seconds: float = 0.0
    batch: int = 0
    hosts: list[str] = field(default_factory=list)
    no_hosts: bool = False
    worked: int = 0
    changed: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def title(self) -> str:
        return split_name(self.name)[0]

    @property
    def label(self) -> str:
        return split_name(self.name)[1]

    @property
    def open_failures(self) -> list[Failure]:
        return [failure for failure in self.failures if not failure.handled]

    @property
    def state(self) -> State:
        if any(not failure.unreachable for failure in self.open_failures):
            return State.FAILED
        if self.open_failures:
            return State.UNREACHABLE
        if self.no_hosts:
            return State.NO_HOSTS
        if self.changed:
            return State.CHANGED
        return State.OK if self.worked else State.SKIPPED


def split_name(name: str) -> tuple[str, str]:
    """Return (title, label) of a play's name; the title is empty where there is none."""
    title, separator, label = name.partition(SEPARATOR)
    return (title.strip(), label.strip()) if separator else ("", name.strip())


class Checklist:
    """The steps of a run in order, and those that have still to come."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.started = 0.0
        self._planned: list[tuple[str, str]] = []

    @property
    def current(self) -> Step | None:
        return self.steps[-1] if self.steps else None

    @property
    def failed(self) -> bool:
        return any(step.open_failures for step in self.steps)

    @property
    def titles(self) -> list[str]:
        """Return the titles of the steps, each once, in the order of the run."""
        return list(dict.fromkeys(step.title for step in self.steps if step.title))

    def plan(self, plays: Iterable[tuple[str, str]]) -> None:
        """Add the plays of a playbook as (key, name)."""
        self._planned.extend(plays)

    def label_width(self, *, most: int = 48) -> int:
        """Return the width, in characters, that the labels of all steps need."""
        labels = [split_name(name)[1] for _key, name in self._planned]
        labels += [step.label for step in self.steps]
        return min(most, max((len(label) for label in labels), default=0))

    def begin(self, key: str, name: str, hosts: list[str], now: float) -> Step:
        """Return the step of this play; the next batch of a play continues its step."""
        step = self.current
        if step is None or step.key != key:
            step = Step(key, name, started=now)
            self.steps.append(step)
            self.started = self.started or now
        step.batch += 1
        step.hosts = hosts
        return step

    def finish(self, now: float) -> Step | None:
        """Note the time of the current step and return the step."""
        if self.current is not None:
            self.current.seconds = now - self.current.started
        return self.current

    def count(self, action: str, *, changed: bool) -> None:
        """Note a task of the current step that ran."""
        if self.current is None or action.rpartition(".")[2] in BOOKKEEPING:
            return
        self.current.worked += 1
        self.current.changed += changed

    def remaining(self) -> list[str]:
        """Return the labels of the planned steps after the last one that started."""
        keys = [key for key, _name in self._planned]
        if self.current is not None and self.current.key in keys:
            rest = self._planned[keys.index(self.current.key) + 1 :]
            return [split_name(name)[1] for _key, name in rest]
        return []

    def settle(self, failed_hosts: Iterable[str]) -> None:
        """Let Ansible's own count have the last word on which hosts failed."""
        failed = set(failed_hosts)
        everything = [failure for step in self.steps for failure in step.failures]
        for failure in everything:
            failure.handled = failure.handled or failure.host not in failed
        for host in sorted(failed - {f.host for f in everything if not f.handled}):
            self._blame(host, [failure for failure in everything if failure.host == host])

    def _blame(self, host: str, known: list[Failure]) -> None:
        if known:
            known[-1].handled = False
        elif self.current is not None:
            why = ["Ansible counts this host as failed; run again with -v for its own account"]
            self.current.failures.append(Failure(host, "(unknown)", why=why))


def as_strings(value: Any) -> list[str]:
    """Return a string or a list of anything as a list of strings; nothing for None."""
    if value is None:
        return []
    return [str(entry) for entry in value] if isinstance(value, (list, tuple)) else [str(value)]
