# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the ledger: an entry, and the draft that is to become one.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._chain import (
    GENESIS,
    Head,
    canonical,
    link,
    moment,
    stamp,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import LedgerError

STEP = "step"
KINDS = (
    *(STEP, "gate", "backup", "released", "deployed", "rolled_back"),
    *("approval", "withdrawal", "review_due", "review"),
)
STATUSES = ("started", "passed", "failed", "skipped")
_LINKS = ("previous", "hash")
_MOST_DIFFERENCES = 3


@dataclass(frozen=True)
class Draft:
    """What is to be written. key: of this fact, so that it is written once.

    fence: of the lease under which it is written; None for what needs no lease.
    """

    rollout: str
    key: str
    kind: str
    phase: Optional[str]
    actor: str
    run: str
    data: Mapping[str, Any]
    fence: Optional[int] = None


@dataclass(frozen=True)
class Entry:
    """One fact in the ledger. at: the server's time in UTC. previous, hash: its links, in hex."""

    rollout: str
    sequence: int
    key: str
    kind: str
    phase: Optional[str]
    at: datetime
    actor: str
    run: str
    fence: Optional[int]
    data: Dict[str, Any]
    previous: str
    hash: str

    @classmethod
    def of(cls, body: str, previous: str, digest: str) -> Entry:
        """Return the entry that stands in the ledger as this body. Raises LedgerError."""
        try:
            content = json.loads(body)
            at = moment(content.pop("at"))
            entry = cls(at=at, previous=previous, hash=digest, **content)
            entry.data.keys()
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
            raise LedgerError(
                f"an entry cannot be read ({exc!r}): it was not written by this collection;"
                " verify the chain with the module phased.rollout.ledger_info to see which it is"
            ) from None
        return entry

    @property
    def body(self) -> str:
        """The canonical text of everything but the links; it is what the hash vouches for."""
        return canonical({k: v for k, v in self.as_dict().items() if k not in _LINKS})

    @property
    def head(self) -> Head:
        """The head of a chain that ends here."""
        return Head(self.sequence, self.hash)

    @property
    def step(self) -> Optional[str]:
        """The name of the step, if this is the entry of one."""
        return self.data["step"] if self.kind == STEP else None

    def as_dict(self) -> Dict[str, Any]:
        """Return the entry as a module returns it."""
        return {**vars(self), "at": stamp(self.at)}


def sealed(draft: Draft, head: Optional[Head], at: datetime) -> Entry:
    """Return the entry that a draft becomes behind the head of its chain, None if there is none."""
    sequence, previous = (head.sequence + 1, head.hash) if head else (1, GENESIS)
    content = {**vars(draft), "data": json.loads(canonical(draft.data))}
    entry = Entry(sequence=sequence, at=at, previous=previous, hash="", **content)
    return replace(entry, hash=link(previous, entry.body))


def differences(entry: Entry, draft: Draft) -> List[str]:
    """Return how a draft differs from the entry that stands under its key, the first few of many.

    Who wrote it, when, in which run and under which lease makes no difference.
    """
    there = {"kind": entry.kind, "phase": entry.phase, "data": entry.data}
    here = {"kind": draft.kind, "phase": draft.phase, "data": draft.data}
    found = _differences(there, json.loads(canonical(here)), "")
    more = len(found) - _MOST_DIFFERENCES
    return [*found[:_MOST_DIFFERENCES], *([f"{more} more"] if more > 0 else [])]


def _differences(there: Any, here: Any, path: str) -> List[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        found: List[str] = []
        for key in sorted({*there, *here}):
            at = f"{path}.{key}" if path else key
            if key not in here or key not in there:
                where = "here" if key in here else "in the ledger"
                found.append(f"{at} is {where} only")
            else:
                found += _differences(there[key], here[key], at)
        return found
    # Not ==, for which 1, 1.0 and true are one.
    if canonical(there) == canonical(here):
        return []
    return [f"{path} is {_shown(there)} in the ledger, {_shown(here)} here"]


def _shown(value: Any, most: int = 60) -> str:
    text = canonical(value)
    return text if len(text) <= most else f"{text[:most]}…"
