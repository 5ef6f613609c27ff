# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""A forecast as Markdown for a pull request, with columns that also line up in a terminal.

Names of branches, files and people are other people's input: they stand in code spans, where
nothing else is Markdown, and what cannot be seen in them is written as an escape.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import (
    cells,
    pad,
    plural,
)

STATES = ("mergeable", "conflicting", "integrated", "reverted", "missing")
FINE, CONFLICT, NONE = "·", "✗", "–"  # noqa: RUF001
MATRIX_CHANGES = 12
#: What forges take as the text of a pull request is a little more.
MOST_CHARACTERS = 60_000
_MOST_COMMITS = 10
_MOST_NAMES = 20
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_TOO_LONG = {
    2: [],
    1: ["The lines in conflict are left out: this text would be too long for a pull request."],
    0: ["The conflicts are not told in detail: this text would be too long for a pull request."],
}


def report(forecast: Mapping[str, Any], *, brief: bool = False) -> str:
    """Return the result of git_forecast_info as Markdown.

    Brief: without the details of conflicts, and with fewer columns. Otherwise details are left out
    until the text is short enough for a pull request.
    """
    head = [
        *_heading(forecast),
        *_changes(forecast, brief=brief),
        *_pairs(forecast),
        *_order(forecast),
    ]
    if brief or not forecast.get("analysis"):
        return "\n".join(head).rstrip("\n") + "\n"
    for detail in (2, 1, 0):
        lines = [*head, *_TOO_LONG[detail], *_analysis(forecast["analysis"], detail)]
        text = "\n".join(lines).rstrip("\n") + "\n"
        if len(text) <= MOST_CHARACTERS:
            break
    return text


def visible(text: Any, *, keep: str = "") -> str:
    """Return the text with what cannot be seen, or drives a terminal, as escapes."""
    return "".join(
        char.encode("unicode_escape").decode()
        if char not in keep and unicodedata.category(char) in _INVISIBLE
        else char
        for char in str(text)
    )


def code(text: Any) -> str:
    """Return other people's text as a code span of one line, a dash for none."""
    shown = visible("" if text is None else text)
    # A table's cell could not end in a backslash here.
    shown = shown.replace("\\|", "\\x7c")
    if not shown.strip():
        return NONE
    ticks = "`" * (_longest_run(shown) + 1)
    edge = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}"


def fenced(text: str) -> list[str]:
    """Return other people's lines as a code block that nothing in them ends."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return [f"{fence}diff", *(visible(line, keep="\t") for line in text.split("\n")), fence, ""]


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str]
) -> list[str]:
    """Return a Markdown table with aligned columns, some of them to the right."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(cells(line[column]) for line in lines)) for column in range(len(head))]
    rule = [
        "-" * (width - 1) + (":" if name in right else "-") for name, width in zip(head, widths)
    ]
    shown = [
        [
            " " * (width - cells(cell)) + cell if name in right else pad(cell, width)
            for name, cell, width in zip(head, line, widths)
        ]
        for line in lines
    ]
    return ["| " + " | ".join(line) + " |" for line in (shown[0], rule, *shown[1:])] + [""]


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _names(names: Sequence[Any]) -> str:
    shown = [code(name) for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _heading(forecast: Mapping[str, Any]) -> list[str]:
    states = [change["state"] for change in forecast["changes"]]
    found = [f"{states.count(state)} {state}" for state in STATES if state in states]
    base, chain = forecast["base"], forecast["chain"]
    at = "; ".join(f"{code(stop['id'])} in {_names(stop['files'])}" for stop in chain["conflicts"])
    return [
        f"# Merge forecast: {', '.join(found)}",
        "",
        f"Onto {code(base['ref'])} ({code(base['sha'][:10])}), one after another:"
        f" {visible(chain['state'])}{f' at {at}' if at else ''}.",
        "",
        *table(
            [state.capitalize() for state in STATES],
            [[str(states.count(state)) for state in STATES]],
            right=[state.capitalize() for state in STATES],
        ),
    ]


def _changes(forecast: Mapping[str, Any], *, brief: bool) -> list[str]:
    rows = [
        {
            "#": str(number),
            "Change": code(change["id"]),
            "Branch": code(change["branch"]),
            "Owner": code(change["owner"]),
            "State": visible(change["state"]),
            **{
                name: str(count) if change["sha"] else NONE
                for name, count in (
                    ("Ahead", change["ahead"]),
                    ("Behind", change["behind"]),
                    ("Files", len(change["files"])),
                    ("Conflicts", len(change["conflicts"])),
                )
            },
        }
        for number, change in enumerate(forecast["changes"], 1)
    ]
    head = [name for name in rows[0] if not (brief and name in ("Branch", "Behind"))]
    numbers = ["#", "Ahead", "Behind", "Files", "Conflicts"]
    return ["## Changes", "", *table(head, [[row[n] for n in head] for row in rows], right=numbers)]


def _pairs(forecast: Mapping[str, Any]) -> list[str]:
    pairs, changes = forecast["pairs"], forecast["changes"]
    if not pairs:
        return []
    title = ["## Which changes conflict", ""]
    if len(changes) <= MATRIX_CHANGES:
        return [*title, *_matrix(changes, pairs)]
    found = [
        f"- {' and '.join(map(code, pair['ids']))}: {_in_files(pair['conflicts'])}"
        for pair in pairs
        if pair["conflicts"]
    ]
    return [*title, *(found or ["No two changes conflict."]), ""]


def _in_files(conflicts: Sequence[Mapping[str, Any]]) -> str:
    return f"{plural(len(conflicts), 'file')}, {_names([c['path'] for c in conflicts])}"


def _matrix(changes: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = {frozenset(pair["ids"]): len(pair["conflicts"]) for pair in pairs}
    waiting = {name for ids in counts for name in ids}

    def cell(count: int | None) -> str:
        return NONE if count is None else f"{CONFLICT}{count}" if count else FINE

    rows = []
    for number, change in enumerate(changes, 1):
        alone = len(change["conflicts"]) if change["id"] in waiting else None
        others = [
            "" if other is change else cell(counts.get(frozenset({change["id"], other["id"]})))
            for other in changes
        ]
        rows.append([str(number), code(change["id"]), cell(alone), *others])
    head = ["#", "Change", "base", *(str(number) for number in range(1, len(changes) + 1))]
    legend = f"`{FINE}` fine, `{CONFLICT}N` N files in conflict, `{NONE}` not compared"
    return [*table(head, rows, right=["#"]), legend, ""]


def _order(forecast: Mapping[str, Any]) -> list[str]:
    order, to_resolve = forecast["order"], forecast.get("order_conflicts")
    cost = (
        f"{plural(to_resolve, 'change')} {'has' if to_resolve == 1 else 'have'} to be resolved"
        " against an earlier one."
        if to_resolve
        else "No change has to be resolved against an earlier one."
    )
    if order == [change["id"] for change in forecast["changes"]]:
        return [f"No order has fewer conflicts than the plan's: {cost}", ""] if to_resolve else []
    steps = [f"{number}. {code(name)}" for number, name in enumerate(order, 1)]
    return ["## Recommended order", "", *steps, "", cost, ""]


def _analysis(analysis: Sequence[Mapping[str, Any]], detail: int) -> Iterator[str]:
    if not detail:
        return
    yield from ("## Conflicts", "")
    for conflict in analysis:
        yield from (f"### {' and '.join(map(code, conflict['ids']))}", "")
        for file in conflict["files"]:
            if file["path"] == ".":
                yield from (f"- {code(file['kind'])}", "")
            else:
                yield from _file(file, detail)


def _file(file: Mapping[str, Any], detail: int) -> Iterator[str]:
    yield from (f"#### {code(file['path'])}: {code(file['kind'])}", "")
    for side in file["sides"]:
        owner = f", owner {code(side['owner'])}" if side["owner"] else ""
        commits = side["commits"]
        yield f"- {code(side['id'])}{owner}: {plural(len(commits), 'commit')}"
        for commit in commits[:_MOST_COMMITS]:
            author = re.sub(r" <[^<>]*>$", "", commit["author"])
            when, subject = visible(commit["time"][:10]), code(commit["subject"])
            yield f"  - {code(commit['sha'][:10])} {when} {code(author)}: {subject}"
        if len(commits) > _MOST_COMMITS:
            yield f"  - … {len(commits) - _MOST_COMMITS} more"
    yield ""
    if file["hunks"] and detail > 1:
        yield from fenced("\n".join(file["hunks"]))
    tests = _names(file["tests"]) if file["tests"] else "none that names it or changed with it"
    yield from (f"Tests to run: {tests}", "")
