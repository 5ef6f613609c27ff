# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout in a real ledger, whose entries may be of the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils import _ledger_sql as sql
from ansible_collections.phased.rollout.plugins.module_utils._entry import Draft, Entry, sealed
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.tests.integration.ledgers import LedgerDatabase

ROLLOUT = "tower"
HOUR = timedelta(hours=1)
WATCH = {"duration_seconds": 48 * 3600, "interval_seconds": 3600, "objectives": ["errors"]}
FIRST: dict[str, Any] = {
    "id": 1,
    "key": "phase-1",
    "name": "SSOT bridge",
    "title": "phase 1, SSOT bridge",
    "risk": "high",
    "tag": "v1",
    "plan_hash": "p1",
    "changes": [{"id": "bridge", "branch": "feature/bridge", "owner": "backend"}],
    "requires": [],
    "approvals": [],
    "watch": WATCH,
    "window": None,
}
SECOND: dict[str, Any] = {
    **FIRST,
    **{"id": 2, "key": "phase-2", "name": "Workflow", "tag": "v2", "plan_hash": "p2"},
    "requires": [{"phase": 1, "stable_for_seconds": 48 * 3600}],
}


@dataclass
class Rollout:
    """A ledger, and the modules on it. began: a time of the past at which everything begins."""

    database: LedgerDatabase
    run_module: Callable[..., dict[str, Any]]
    began: datetime = field(
        default_factory=lambda: datetime.now(timezone.utc).replace(microsecond=0) - 72 * HOUR
    )
    last: Optional[Entry] = None

    def write(self, kind: str, hour: float, phase: str | None = "phase-1", **data: Any) -> Entry:
        """Write an entry as if so many hours had passed since the beginning."""
        number = self.last.sequence + 1 if self.last else 1
        draft = Draft(ROLLOUT, f"{kind}-{number}", kind, phase, "ada@control", "run-1", data)
        entry = sealed(draft, self.last.head if self.last else None, self.began + hour * HOUR)
        columns = {**vars(entry), "step": entry.step, "body": entry.body, "data": None}
        with self.database.open(), self.database.connected() as connection, connection as cut:
            cut.cursor().execute(sql.INSERT, columns)
        self.last = entry
        return entry

    def deploy(self, hour: float = 0) -> None:
        """Write what a phase leaves that went to production and through its exit gate."""
        self.write("step", hour, step="deploy", status="passed")
        self.write("released", hour, tag="v1", tree="t1")
        self.write("deployed", hour, tag="v1", tree="t1")
        self.write("gate", hour, gate="exit", verdict="pass", tree="t1", results=[])

    def ticks(self, first: int, last: int, verdict: str = "pass") -> None:
        """Add a tick of the monitor for each of these hours."""
        samples = [
            Sample("phase-1", "errors", self.began + hour * HOUR, 0.1, "%", verdict, "2 % of 1 %")
            for hour in range(first, last + 1)
        ]
        with self.database.open() as ledger:
            ledger.add_samples(ROLLOUT, samples)

    def info(self, *, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        """Return what ledger_info tells."""
        given = {
            **self.database.options(),
            **{"rollout": ROLLOUT, "phases": [FIRST, SECOND], "freezes": []},
            **args,
        }
        told = self.run_module("ledger_info", given, check_mode=check_mode)
        assert str(self.database.owner.password) not in str(told)
        assert "Traceback" not in str(told)
        return told

    def states(self, **args: Any) -> list[str]:
        """Return the state of each phase."""
        return [phase["state"] for phase in self.info(**args)["phases"].values()]
