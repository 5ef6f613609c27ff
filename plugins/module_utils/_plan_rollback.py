# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a phase can be taken back as its plan says, and who is called. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from ansible_collections.phased.rollout.plugins.module_utils._decision_time import show_duration
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding, doubt
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan, Read, present


def rollback_findings(plan: Plan) -> Iterator[Finding]:
    """Yield rollbacks that contradict themselves, lose data, or leave code without its schema."""
    for path, phase in plan.phases.items():
        yield from _rollback(path, phase)
        yield from _contracts(path, phase)
        yield from _escalation(path, phase)


def within_of(phase: Read) -> Optional[int]:
    """Return the seconds in which a phase must be taken back: its own,
    or those of its most urgent change.
    """
    own = (phase["rollback"] or {}).get("within")
    return own if own is not None else min(_of_changes(phase).values(), default=None)


def _of_changes(phase: Read) -> Dict[str, int]:
    """Return the seconds in which its changes must be taken back, where they say so."""
    stated = {c["id"]: (c["rollback"] or {}).get("within") for _n, c in present(phase["changes"])}
    return {name: seconds for name, seconds in stated.items() if seconds is not None}


def _rollback(path: str, phase: Read) -> Iterator[Finding]:
    rollback = phase["rollback"] or {}
    own = rollback.get("within")
    for name, seconds in _of_changes(phase).items():
        if own is not None and seconds < own:
            yield Finding(
                f"{path}.rollback.within",
                f"the phase may take {show_duration(own)} to take back, and its change {name} only"
                f" {show_duration(seconds)}",
                "a phase is taken back as fast as its most urgent change: correct one of them",
                rule="rollback_slower",
            )
    if rollback.get("database") == "migrate" and rollback.get("policy") == "automatic":
        yield doubt(
            f"{path}.rollback.database",
            "migrations backwards drop what was written since, and nobody would be asked",
            "keep leaves the schema, restore keeps the database that it replaces; or set policy:"
            " freeze",
            rule="rollback_drops",
        )


def _contracts(path: str, phase: Read) -> Iterator[Finding]:
    """Yield migrations that take away what the code before still needs."""
    keeps = (phase["rollback"] or {"database": "keep"})["database"] == "keep"
    for index, change in present(phase["changes"]):
        if change["migration"] != "contract":
            continue
        where = f"{path}.changes[{index}].migration"
        if not phase["requires"]:
            yield Finding(
                where,
                "it takes away from the schema, and its phase requires no earlier one to be stable",
                "set requires: [{phase: ..., stable_for: ...}] to the phase that stopped using it",
                rule="contract",
            )
        if keeps:
            yield Finding(
                where,
                "taken back, the code before would meet a schema that lacks what it needs",
                "set rollback.database to restore, or to refuse",
                rule="contract",
            )


def _escalation(path: str, phase: Read) -> Iterator[Finding]:
    latest: Dict[Any, int] = {}
    for index, contact in present(phase["escalation"]):
        after, kind = contact["after"] or 0, contact["for"]
        if after < latest.get(kind, 0):
            yield Finding(
                f"{path}.escalation[{index}].after",
                f"{contact['person']} would be called before the one above",
                "list them in the order in which they are called",
                rule="escalation",
            )
        latest[kind] = after
