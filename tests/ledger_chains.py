# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of entries, for tests: as the ledger stores them, and broken on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._chain import (
    Stored,
    canonical,
    link,
    stamp,
)
from ansible_collections.phased.rollout.plugins.module_utils._entry import Draft, Entry, sealed

BEGAN = datetime(2026, 1, 31, 12, 0, 0, 5, timezone.utc)
Chain = list[Stored]


def draft(**changes: Any) -> Draft:
    """Return a draft of a step, with changes."""
    content: dict[str, Any] = {
        "rollout": "tower",
        "key": "phase-1/backup/passed",
        "kind": "step",
        "phase": "phase-1",
        "actor": "ada@control",
        "run": "77",
        "fence": 3,
        "data": {"step": "backup", "status": "passed", "evidence": {"bytes": 42, "ü": [1.5, None]}},
    }
    return Draft(**{**content, **changes})


def stored(entry: Entry) -> Stored:
    """Return an entry as a row of the ledger."""
    content = {**vars(entry), "at": stamp(entry.at), "step": entry.step, "body": entry.body}
    return Stored(**{name: content[name] for name in Stored._fields})


def chain_of(drafts: Sequence[Draft]) -> Chain:
    """Return the rows of a chain, one a second."""
    rows: Chain = []
    entry: Optional[Entry] = None
    for second, one in enumerate(drafts):
        at = BEGAN + timedelta(seconds=second)
        entry = sealed(one, entry.head if entry else None, at)
        rows.append(stored(entry))
    return rows


def chain(length: int) -> Chain:
    """Return the rows of a chain of steps."""
    return chain_of([draft(key=f"key-{number}") for number in range(1, length + 1)])


def with_body(row: Stored, **changes: Any) -> Stored:
    """Return a row with another body, to which its hash was not adapted."""
    return row._replace(body=canonical({**json.loads(row.body), **changes}))


def renamed(row: Stored) -> Stored:
    """Return a row with another actor, in its body and in its column."""
    return with_body(row, actor="eve")._replace(actor="eve")


def rewritten(row: Stored, old: str, new: str) -> Stored:
    """Return a row with another text as its body."""
    return row._replace(body=row.body.replace(old, new))


def relinked(rows: Chain, begin: int = 0) -> Chain:
    """Return rows as somebody would leave them who computes all hashes from an index on anew."""
    made = list(rows)
    for index in range(begin, len(made)):
        previous = made[index - 1].hash if index else "0" * 64
        made[index] = made[index]._replace(previous=previous, hash=link(previous, made[index].body))
    return made


def swapped(rows: Chain, first: int, second: int) -> Chain:
    """Return rows of which two have changed places."""
    made = list(rows)
    made[first], made[second] = made[second], made[first]
    return made


def replaced(rows: Chain, index: int, change: Callable[[Stored], Stored]) -> Chain:
    """Return rows of which one was changed."""
    return [change(row) if at == index else row for at, row in enumerate(rows)]


#: How each of these breaks a chain of 5 at its third entry, and what is to be found.
BREAKS: dict[str, tuple[Callable[[Chain], Chain], str, int]] = {
    "a body was changed": (
        lambda rows: replaced(rows, 2, lambda row: with_body(row, actor="eve@control")),
        "hash",
        3,
    ),
    "a body was changed and its hash adapted": (
        lambda rows: replaced(
            rows,
            2,
            lambda row: relinked([rows[1], with_body(row, actor="eve@control")], 1)[1],
        ),
        "column",
        3,
    ),
    "a body and its column were changed and the hash adapted": (
        lambda rows: replaced(
            rows,
            2,
            lambda row: relinked([rows[1], renamed(row)], 1)[1],
        ),
        "previous",
        4,
    ),
    "a hash was changed": (
        lambda rows: replaced(rows, 2, lambda row: row._replace(hash="f" * 64)),
        "hash",
        3,
    ),
    "a link was changed": (
        lambda rows: replaced(rows, 2, lambda row: row._replace(previous=rows[0].hash)),
        "previous",
        3,
    ),
    "a column was changed": (
        lambda rows: replaced(rows, 2, lambda row: row._replace(kind="gate", step=None)),
        "column",
        3,
    ),
    "the column of the step was changed": (
        lambda rows: replaced(rows, 2, lambda row: row._replace(step="deploy")),
        "column",
        3,
    ),
    "an entry in the middle was deleted": (lambda rows: rows[:2] + rows[3:], "gap", 3),
    "an entry was deleted and the rest linked again": (
        lambda rows: relinked(rows[:2] + rows[3:], 2),
        "gap",
        3,
    ),
    "the first entries were deleted": (lambda rows: rows[2:], "gap", 1),
    "two entries were swapped": (lambda rows: swapped(rows, 2, 3), "gap", 3),
    "an entry was doubled": (lambda rows: [*rows[:3], rows[2], *rows[3:]], "gap", 4),
    "a body is no JSON": (
        lambda rows: relinked(replaced(rows, 2, lambda row: row._replace(body="{")), 2),
        "form",
        3,
    ),
    "a body is another kind of JSON": (
        lambda rows: relinked(replaced(rows, 2, lambda row: row._replace(body="[]")), 2),
        "form",
        3,
    ),
    "a body has a space more": (
        lambda rows: relinked(replaced(rows, 2, lambda row: row._replace(body=row.body + " ")), 2),
        "form",
        3,
    ),
    "a body says the same key twice": (
        lambda rows: relinked(
            replaced(
                rows, 2, lambda row: row._replace(body='{"actor":"eve",' + row.body[1:])
            ),
            2,
        ),
        "form",
        3,
    ),
    "the data says the same key twice": (
        lambda rows: relinked(
            replaced(rows, 2, lambda row: rewritten(row, '"data":{', '"data":{"status":"failed",')),
            2,
        ),
        "form",
        3,
    ),
    "the data ends early": (
        lambda rows: relinked(
            replaced(rows, 2, lambda row: rewritten(row, '"data":{', '"data":{},"run":"78","x":{')),
            2,
        ),
        "form",
        3,
    ),
    "a body has a key more": (
        lambda rows: relinked(replaced(rows, 2, lambda row: with_body(row, extra=1)), 2),
        "form",
        3,
    ),
    "a body lacks its data": (
        lambda rows: relinked(replaced(rows, 2, lambda row: with_body(row, data=None)), 2),
        "form",
        3,
    ),
    "an entry is older than the one before": (
        lambda rows: relinked(
            replaced(
                rows,
                2,
                lambda row: with_body(row, at=rows[0].at)._replace(at=rows[0].at),
            ),
            2,
        ),
        "time",
        3,
    ),
}  # fmt: skip
