# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an approval is, what it is bound to, and what a plan requires of it. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields

#: What an approval is bound to, and what it is called.
BOUND = {
    "plan_hash": "the plan",
    "changes": "the changes",
    "tree": "the merged tree",
    "gate": "the gate's result",
    "backup": "the backup",
}


_SHORT = 12


@dataclass(frozen=True)
class Requirement:
    """How many persons of a role have to approve. persons: who may; None is anybody."""

    role: str
    count: int = 1
    persons: Optional[Tuple[str, ...]] = None
    expires_seconds: Optional[float] = None
    exclude_runner: bool = False

    @classmethod
    def of(cls, raw: Mapping[str, Any], path: str) -> Requirement:
        """Return a requirement of a phase's record. Raises ShapeError."""
        fields = Fields(raw, path)
        persons = raw.get("persons")
        limited = raw.get("expires_seconds") is not None
        return cls(
            role=fields.text("role", "name the role that has to approve"),
            count=fields.whole("count", 1),
            persons=None if persons is None else tuple(fields.texts("persons")),
            expires_seconds=fields.number("expires_seconds", 0, above=0) if limited else None,
            exclude_runner=fields.flag("exclude_runner"),
        )


@dataclass(frozen=True)
class Subject:
    """What there is to approve now, who made it, and who runs it, as person@host."""

    rollout: str
    phase: str
    bound: Mapping[str, Any]
    authors: Tuple[str, ...] = ()
    runners: Tuple[str, ...] = ()


def bound_of(raw: Any) -> Dict[str, Any]:
    """Return what an approval is bound to, every field present: a text, None, or the changes."""
    known = raw if isinstance(raw, Mapping) else {}
    found: Dict[str, Any] = {
        name: None if known.get(name) is None else str(known[name]) for name in BOUND
    }
    changes = known.get("changes")
    listed = changes.items() if isinstance(changes, Mapping) else ()
    found["changes"] = {str(key): None if sha is None else str(sha) for key, sha in listed}
    return found


def drifted(then: Mapping[str, Any], present: Mapping[str, Any]) -> List[str]:
    """Return the fields in which two results of bound_of differ."""
    return [name for name in BOUND if then[name] != present[name]]


def drift(then: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    """Return in words how what is now differs from what was approved, field by field."""
    for name in drifted(then, present):
        if name != "changes":
            yield f"{BOUND[name]} was {_short(then[name])}, is {_short(present[name])}"
            continue
        before, after = then[name], present[name]
        for change in dict.fromkeys([*before, *after]):
            in_both = change in before and change in after
            if not in_both or before[change] != after[change]:
                was, now = _commit(before, change), _commit(after, change)
                yield f"change {change} was {was}, is {now}"


def _commit(changes: Mapping[str, Optional[str]], change: str) -> str:
    if change not in changes:
        return "not there"
    commit = changes[change]
    return "no commit" if commit is None else commit[:_SHORT]


def _short(value: Optional[str]) -> str:
    return "none" if value is None else value[:_SHORT]
