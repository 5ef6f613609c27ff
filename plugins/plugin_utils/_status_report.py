# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""The status of a rollout as a table for a terminal, or as Markdown.

What others wrote, such as reasons and names, stands in it with whatever cannot be seen, or drives a
terminal, as an escape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.phased.rollout.plugins.module_utils._chain import moment
from ansible_collections.phased.rollout.plugins.module_utils._spoken import (
    spoken_duration,
    spoken_time,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._forecast_report import (
    NONE,
    code,
    table,
    visible,
)
from ansible_collections.phased.rollout.plugins.plugin_utils._progress_text import (
    cells,
    clip,
    fold,
    pad,
)

Item = Mapping[str, Any]
#: A terminal that is not narrower than this shows every line in one piece.
WIDTH = 100
HEAD = ("#", "Phase", "State", "Since", "Stable", "Approvals", "Earliest")
#: How many columns the id of a hotfix and the name of a phase take.
_ID, _NAME, _SHORTEST_NAME = 8, 26, 8
_MOST_INTERRUPTIONS = 3
#: What a failed program said may be long; the status itself has all of it.
_MOST_COLUMNS = 400


def terminal(status: Item) -> str:
    """Return the status as lines of at most WIDTH columns."""
    rows = [HEAD, *(_row(phase) for phase in status["phases"].values())]
    widths = _widths(rows)
    lines = [_title(status), "", *fold([f"Next: {visible(status['next'])}"], WIDTH), ""]
    lines += [_line(row, widths) for row in rows]
    for heading, items in _parts(status):
        shown = [f"  {clip(item, _MOST_COLUMNS)}" for item in items]
        lines += ["", heading, *fold(shown, WIDTH)]
    return "\n".join(lines) + "\n"


def markdown(status: Item) -> str:
    """Return the status as Markdown, whose table also lines up in a terminal."""
    rows = [
        [cell if cell.isdecimal() else code(cell) for cell in (number, name)] + rest
        for number, name, *rest in map(_row, status["phases"].values())
    ]
    lines = [f"# {_inert(_title(status))}", "", f"**Next:** {_inert(visible(status['next']))}", ""]
    lines += table(HEAD, rows, right=["#"])
    for heading, items in _parts(status):
        shown = (_inert(clip(item, _MOST_COLUMNS)) for item in items)
        lines += [f"## {_inert(heading)}", "", *(f"- {item}" for item in shown), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _title(status: Item) -> str:
    return f"Rollout {visible(status['rollout'])}, {_when(status['now'])}"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return how wide each column is. The name makes room for the others."""
    widths = [max(cells(row[column]) for row in rows) for column in range(len(HEAD))]
    widths[0] = min(widths[0], _ID)
    others = sum(widths) - widths[1] + 2 * (len(HEAD) - 1)
    widths[1] = min(widths[1], _NAME, max(_SHORTEST_NAME, WIDTH - others))
    return widths


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    shown = [pad(clip(cell, width), width) for cell, width in zip(row, widths)]
    return "  ".join(shown).rstrip()


def _row(phase: Item) -> list[str]:
    return [
        visible(phase["id"]),
        visible(phase["name"]),
        visible(phase["state"].replace("_", " ")),
        _short(phase["since"]),
        _stable(phase["soak"]),
        _approvals(phase["approvals"]),
        _short(phase["earliest"]),
    ]


def _stable(soak: Item | None) -> str:
    if soak is None:
        return NONE
    if soak["complete"]:
        return spoken_duration(soak["stable_seconds"])
    stable, needed = (spoken_duration(soak[f"{key}_seconds"]) for key in ("stable", "needed"))
    return f"{stable} of {needed}"


def _approvals(approvals: Sequence[Item]) -> str:
    have = sum(min(one["have"], one["need"]) for one in approvals)
    return f"{have} of {sum(one['need'] for one in approvals)}" if approvals else NONE


def _parts(status: Item) -> Iterator[tuple[str, list[str]]]:
    """Yield what there is to tell besides the table: a heading, and its items."""
    lease, phases = status["lease"], status["phases"].values()
    if lease:
        held = f"{visible(lease['holder'])}, run {visible(lease['run'])}, since"
        yield "At it now", [f"{held} {_when(lease['since'])}, until {_when(lease['expires_at'])}"]
    at_hand = {block["phase"] for block in status["blocked_by"]}
    told: list[str] = []
    for phase in phases:
        items = list(dict.fromkeys(_block(block) for block in phase["blocked_by"]))
        # What blocks a later phase too does so once it is at hand.
        fresh = [item for item in items if phase["key"] in at_hand or item not in told]
        if len(fresh) < len(items):
            fresh.append(f"{len(items) - len(fresh)} of the above as well")
        if items:
            yield f"What blocks {_called(phase)}", fresh
        told += items
    for phase in phases:
        found = list(_interruptions(phase["soak"]))
        if found:
            yield f"What interrupted the soak of {_called(phase)}", found
    for phase in phases:
        if phase["steps"]:
            yield f"Last steps of {_called(phase)}", [_step(step) for step in phase["steps"]]
    yield "The ledger", list(_ledger(status))


def _block(block: Item) -> str:
    when = f"; not before {_when(block['earliest'])}" if block["earliest"] else ""
    stops = {"release": " (stops the release)"}.get(block["stops"], "")
    who = ", ".join(visible(one) for one in block["who"])
    return f"{visible(block['text'])}{stops}. Up to: {who}{when}"


def _interruptions(soak: Item | None) -> Iterator[str]:
    if soak is None:
        return
    shown = soak["interruptions"][-_MOST_INTERRUPTIONS:]
    earlier = len(soak["interruptions"]) - len(shown)
    if earlier:
        yield f"{earlier} earlier"
    for one in shown:
        until = f"to {_when(one['until'])}" if one["until"] else "on"
        yield f"from {_when(one['from'])} {until}: {visible(one['why'])}"
    yield from (visible(note) for note in soak["notes"])


def _step(step: Item) -> str:
    took = f", took {spoken_duration(step['seconds'])}" if step["seconds"] is not None else ""
    reason = f": {visible(step['reason'])}" if step["reason"] else ""
    name, outcome = visible(step["step"]), visible(step["status"])
    return f"{_when(step['at'])}  {name} {outcome}{took}{reason}"


def _ledger(status: Item) -> Iterator[str]:
    chain = status["chain"]
    if chain is None:
        yield "its chain was not verified"
    elif chain["ok"]:
        yield f"its chain of {chain['entries']} entries is whole"
    else:
        yield f"ITS CHAIN IS BROKEN: {visible(chain['broken']['message'])}"
    if not status["signed"]:
        yield "approvals are not signed, there is no allowed_signers: a name is all they have"


def _called(phase: Item) -> str:
    name = phase["id"]
    return f"phase {name}" if isinstance(name, int) else visible(name)


def _when(at: str) -> str:
    return spoken_time(moment(at))


def _short(at: str | None) -> str:
    """Return a moment without its year, which nobody looks for in a table."""
    if at is None:
        return NONE
    day, date, clock, _zone = _when(at).split()
    return f"{day} {date[5:]} {clock}"


def _inert(text: str) -> str:
    """Return text in which nothing is Markdown or HTML, so that what others wrote does nothing."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|~&!@$" else char for char in text)
