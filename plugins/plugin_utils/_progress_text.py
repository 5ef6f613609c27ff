# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""The lines of a run as a person reads them: pure functions from steps and gates to text."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.phased.rollout.plugins.plugin_utils._progress import (
    State,
    Step,
    as_strings,
)

GATE_INDENT = 7  # columns left of a gate's lines, and one that stays free
GATE_GAPS = GATE_INDENT + 8  # and the mark, and what stands between the columns
# Worst first, with the mark in Unicode and in ASCII and the kind of colour.
VERDICTS = {
    "fail": ("✖", "x", "failed"),
    "error": ("‼", "E", "failed"),
    "inconclusive": ("?", "?", "warn"),
    "warn": ("▲", "^", "warn"),
    "pass": ("✔", "+", "ok"),
}
STATES = {
    State.OK: ("✔", "+", "ok"),
    State.CHANGED: ("✎", "~", "changed"),
    State.SKIPPED: ("–", "-", "skipped"),  # noqa: RUF001
    State.NO_HOSTS: ("–", "-", "skipped"),  # noqa: RUF001
    State.FAILED: ("✖", "x", "failed"),
    State.UNREACHABLE: ("!", "!", "unreachable"),
}


def unpainted(text: str, _kind: str) -> str:
    """Return the text as it is: the paint of a log."""
    return text


@dataclass(frozen=True)
class Theme:
    """How text looks. ``paint(text, kind)`` colours; the marks are ASCII without ``unicode``."""

    unicode: bool = True
    paint: Callable[[str, str], str] = unpainted
    check: bool = False
    width: int = 0  # columns of the terminal; 0: lines are not folded

    def mark(self, marks: tuple[str, str, str]) -> str:
        return self.paint(marks[0] if self.unicode else marks[1], marks[2])

    @property
    def running(self) -> str:
        return self.paint("▸" if self.unicode else ">", "live")

    @property
    def dots(self) -> str:
        return "…" if self.unicode else "..."

    @property
    def bullet(self) -> str:
        return " · " if self.unicode else " - "

    def word(self, state: State) -> str:
        if state is State.OK:
            return ""
        return "would change" if self.check and state is State.CHANGED else state.value


def duration(seconds: float) -> str:
    """Return a time in seconds as a person says it: 4.1 s, 2 min 05 s, 1 h 02 min."""
    if seconds < 59.95:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def cells(text: str) -> int:
    """Return how many terminal columns a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(bool(unicodedata.combining(char)) for char in text)


def clip(text: str, width: int, *, dots: str = "…") -> str:
    """Return the text cut to at most ``width`` columns."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - len(dots):
        text = text[:-1]
    return text.rstrip() + dots if width > len(dots) else text[:width]


def fold(lines: Sequence[str], width: int) -> list[str]:
    """Return the lines broken at spaces to fit the width; 0 leaves them as they are."""
    if width <= 0:
        return list(lines)
    folded = []
    for line in lines:
        hang = line[: len(line) - len(line.lstrip())] + "  "
        folded += textwrap.wrap(
            line,
            max(width, 20),
            subsequent_indent=hang,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        ) or [""]
    return folded


def pad(text: str, width: int) -> str:
    return text + " " * max(width - cells(text), 0)


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def header(title: str, theme: Theme, *, limits: Sequence[str] = ()) -> str:
    """Return the line over a run or a phase; ``limits`` say what the run is restricted to."""
    check = ["check mode: nothing is changed"] if theme.check else []
    notes = theme.bullet.join([*check, *limits])
    painted = theme.paint(title, "title")
    return painted + theme.bullet + theme.paint(notes, "warn") if notes else painted


def step_line(step: Step, theme: Theme, *, width: int) -> str:
    """Return the line of a finished step: mark, name, time, and what came of it."""
    state = step.state
    notes = [theme.word(state)] if theme.word(state) else []
    if step.batch > 1:
        notes.append(plural(step.batch, "batch").replace("batchs", "batches"))
    handled = sum(failure.handled for failure in step.failures)
    if handled:
        notes.append(plural(handled, "failure") + " handled")
    mark, kind = theme.mark(STATES[state]), STATES[state][2]
    text = f"  {mark} {pad(step.label, width)}  {duration(step.seconds):>11}"
    return text + ("  " + theme.paint(", ".join(notes), kind) if notes else "")


def gate_lines(rows: Sequence[Mapping[str, Any]], theme: Theme) -> list[str]:
    """Return a line per objective, worst first, in aligned columns."""
    order = list(VERDICTS)
    known = [(str(row.get("verdict") or "inconclusive"), row) for row in rows]
    known.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else 0)
    table = [[str(row.get("name") or "?"), quantity(row), limit(row)] for _verdict, row in known]
    widths = [max((cells(line[column]) for line in table), default=0) for column in range(3)]
    lines = []
    for (verdict, row), (name, value, criterion) in zip(known, table):
        marks = VERDICTS.get(verdict, VERDICTS["error"])
        gap = " " * (widths[1] - cells(value))
        line = f"{theme.mark(marks)} {pad(name, widths[0])}  {gap}{value}  "
        line += pad(criterion, widths[2])
        reason = _reason(verdict, row)
        room = theme.width - sum(widths) - GATE_GAPS if theme.width else cells(reason)
        if cells(reason) <= room:
            lines.append(f"{line}  {theme.paint(reason, marks[2])}" if reason else line.rstrip())
        else:
            folded = fold([f"    {reason}"], theme.width - GATE_INDENT)
            lines += [line.rstrip(), *(theme.paint(part, marks[2]) for part in folded)]
    return lines


def _reason(verdict: str, row: Mapping[str, Any]) -> str:
    if verdict == "pass":
        return ""
    reasons = [" ".join(text.split()) for text in as_strings(row.get("reason"))]
    return ": ".join([verdict, *(reason for reason in reasons if reason)])


def quantity(row: Mapping[str, Any]) -> str:
    """Return the measured value with its unit, or that there is none."""
    value, unit = row.get("value"), str(row.get("unit") or "")
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "no data"
    if isinstance(value, float):
        value = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value}{unit}" if unit == "%" else f"{value} {unit}".strip()


def limit(row: Mapping[str, Any]) -> str:
    """Return what the value was held against."""
    text = " and ".join(as_strings(row.get("criterion")))
    if row.get("baseline") is None:
        return text
    return f"{text} ({quantity({**row, 'value': row['baseline']})})"
