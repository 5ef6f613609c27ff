# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""The last lines of a run: the time of each step, and how it went or what stopped it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.phased.rollout.plugins.plugin_utils._progress import (
    Checklist,
    Failure,
    State,
    Step,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import (
    STATES,
    Theme,
    cells,
    duration,
    fold,
    pad,
    plural,
)

SHOWN_FAILURES = 5
FIELD = 13  # columns before the text of a field


def summary(checklist: Checklist, theme: Theme, *, title: str, seconds: float) -> list[str]:
    """Return the end of a run: the time of every step, then how it went."""
    lines = ["", *_times(checklist, theme)] if len(checklist.steps) > 1 else [""]
    if checklist.failed:
        return lines + failure_block(checklist, theme, title=title, seconds=seconds)
    states = [step.state for step in checklist.steps]
    said = [plural(len(states), "step")]
    changed = states.count(State.CHANGED)
    said.append(f"{changed or 'none'} {theme.word(State.CHANGED)}")
    idle = states.count(State.SKIPPED) + states.count(State.NO_HOSTS)
    said += [f"{idle} with nothing to do"] if idle else []
    verb = "checked" if theme.check else "finished"
    done = theme.paint(f"{title} {verb}", "ok")
    return [*lines, f"{done}: {', '.join(said)}, in {duration(seconds)}."]


def _times(checklist: Checklist, theme: Theme) -> list[str]:
    several = len(checklist.titles) > 1
    idle = (State.SKIPPED, State.NO_HOSTS)
    steps = [step for step in checklist.steps if step.state not in idle]
    if not steps:
        return []
    names = [step.name if several else step.label for step in steps]
    width = max(cells(name) for name in names)
    lines = [theme.paint("Time of each step", "title")]
    for step, name in zip(steps, names):
        mark = theme.mark(STATES[step.state])
        lines.append(f"  {mark} {pad(name, width)}  {duration(step.seconds):>11}")
    return [*lines, ""]


def failure_block(checklist: Checklist, theme: Theme, *, title: str, seconds: float) -> list[str]:
    """Return what somebody woken at night needs: where it stopped, why, and what did not run."""
    broken = [step for step in checklist.steps if step.open_failures]
    first = broken[0]
    names = ", ".join(f'"{step.label}"' for step in broken)
    head = f"{title} FAILED" + (" (check mode)" if theme.check else "")
    lines = [theme.paint(f"{head} in {names}, after {duration(seconds)}", "failed")]
    groups = [(step, group) for step in broken for group in grouped(step.open_failures)]
    for step, group in groups[:SHOWN_FAILURES]:
        lines += ["", *_failure(step if len(broken) > 1 else None, group, theme)]
    if len(groups) > SHOWN_FAILURES:
        lines.append(f"  and {plural(len(groups) - SHOWN_FAILURES, 'more failed task')}")
    return [*lines, "", *_around(checklist, first, theme)]


def grouped(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Return the failures that differ by host only together."""
    groups: dict[tuple[Any, ...], list[Failure]] = {}
    for failure in failures:
        key = (failure.task, failure.unreachable, *failure.why, *failure.evidence)
        groups.setdefault(key, []).append(failure)
    return list(groups.values())


def _failure(step: Step | None, group: Sequence[Failure], theme: Theme) -> list[str]:
    failure = group[0]
    hosts = ", ".join(sorted({entry.host for entry in group}))
    place = theme.paint(f"  ({failure.place})", "dim") if failure.place else ""
    lines = _field("step", [step.label] if step else [])
    lines += _field("task", [failure.task + place])
    lines += _field("host", [hosts + ("  UNREACHABLE" if failure.unreachable else "")])
    why = fold(failure.why, theme.width - FIELD)
    lines += _field("why", [theme.paint(line, "failed") for line in why])
    return lines + _field("evidence", failure.evidence)


def _around(checklist: Checklist, first: Step, theme: Theme) -> list[str]:
    at = checklist.steps.index(first)
    before = [_done(step, theme) for step in checklist.steps[:at] if step.worked]
    after = [_done(step, theme) for step in checklist.steps[at + 1 :] if step.worked]
    room = theme.width - FIELD
    lines = _field("done", fold([", ".join(before) or "nothing before this step"], room))
    if first.changed and not theme.check:
        lines += _field("note", ["this step had changed something before it failed"])
    lines += _field("ran after", fold([", ".join(after)], room) if after else [])
    last = "nothing: it was the last step" if not after else "nothing more was planned"
    return lines + _field("not run", fold([", ".join(checklist.remaining()) or last], room))


def _done(step: Step, theme: Theme) -> str:
    word = theme.word(step.state)
    return f"{step.label} ({word})" if word else step.label


def _field(name: str, lines: Sequence[str]) -> list[str]:
    names = [name, *[""] * (len(lines) - 1)]
    return [f"  {pad(label, 9)}  {line}".rstrip() for label, line in zip(names, lines)]
