# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a ledger: the phases of a plan, when they may run, and what is so now. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._known import (
    Known,
    Present,
    Record,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import read_plan
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._window import (
    Freeze,
    Opening,
    Window,
    opening,
)
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import (
    DAYS,
    read_clock,
    read_days,
    read_zone,
)


@dataclass(frozen=True)
class Question:
    """What is asked of a ledger. present: by phase; allowed_signers: None where nothing is signed.

    run: the caller's own run, whose lease does not stand in its way.
    """

    rollout: str
    phases: Sequence[Record]
    freezes: Sequence[Freeze]
    present: Mapping[str, Present] = field(default_factory=dict)
    run: Optional[str] = None
    allowed_signers: Optional[str] = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Question:
        """Return what a module's parameters ask. Raises ShapeError."""
        phases = [_record(raw, f"phases[{index}]") for index, raw in enumerate(params["phases"])]
        if not phases:
            needed = "there is nothing to tell of: see the findings of plan_info"
            raise ShapeError("phases", params["phases"], needed)
        keys = [record["key"] for record in phases]
        for key in params["present"]:
            if key not in keys:
                needed = f"there is no such phase; known are {', '.join(keys)}"
                raise ShapeError(f"present.{key}", params["present"][key], needed)
        return cls(
            rollout=params["rollout"],
            phases=phases,
            freezes=read_freezes(params["freezes"]),
            present={
                key: Present.of(raw, f"present.{key}") for key, raw in params["present"].items()
            },
            run=params["run"],
            allowed_signers=params["allowed_signers"],
        )

    def nothing(self) -> Known:
        """Return what is known while there is no ledger: nothing has happened yet."""
        return Known(
            rollout=self.rollout,
            phases=self.phases,
            now=datetime.now(timezone.utc),
            opening=opener(self.freezes),
            signatures=None if self.allowed_signers is None else {},
            present=self.present,
            run=self.run,
        )


def opener(freezes: Sequence[Freeze]) -> Callable[[Record, datetime], Opening]:
    """Return what tells whether a phase may run at a moment, by its window and the freezes."""

    def at(record: Record, moment: datetime) -> Opening:
        return opening(read_window(record), freezes, moment)

    return at


def read_window(record: Record) -> Optional[Window]:
    """Return the window of a phase's record, None if it has none. Raises ShapeError."""
    raw = record.get("window")
    if raw is None:
        return None
    fields = Fields(raw, f"{record['key']}.window")
    try:
        days = fields.raw.get("days")
        return Window(
            days=frozenset(range(len(DAYS))) if days is None else read_days(days),
            opens=read_clock(fields.raw.get("from")),
            closes=read_clock(fields.raw.get("to")),
            zone=read_zone(fields.raw.get("timezone")),
        )
    except ShapeError:
        raise
    except ValueError as exc:
        raise ShapeError(fields.path, raw, str(exc)) from None


def read_freezes(raw: Sequence[Mapping[str, Any]]) -> List[Freeze]:
    """Return the freezes of a plan. Raises ShapeError."""
    plan = read_plan([], {}, raw)
    for finding in plan.findings:
        if finding.path.startswith("rollout_freezes"):
            raise ShapeError(finding.path, finding.problem, finding.suggestion)
    return list(plan.freezes)


def _record(raw: Mapping[str, Any], path: str) -> Record:
    fields = Fields(raw, path)
    fields.text("key", "it must be a phase's record, as plan_info returns them in records")
    for name in ("id", "changes", "plan_hash"):
        if fields.raw.get(name) is None:
            raise ShapeError(fields.at(name), None, "it belongs to a phase's record")
    return raw
