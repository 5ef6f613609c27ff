# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plan, ledger and caller know of a rollout, and what follows for one phase at a time. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from ansible_collections.phased.rollout.plugins.module_utils._approval import (
    BOUND,
    Requirement,
    Subject,
    bound_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._approval_refusal import Signatures
from ansible_collections.phased.rollout.plugins.module_utils._approvals import Tally, tally
from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._lease import Lease
from ansible_collections.phased.rollout.plugins.module_utils._phase_position import (
    Position,
    position,
    present_bound,
)
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._soak import Soak, soak
from ansible_collections.phased.rollout.plugins.module_utils._soak_clock import Watch, read_seconds
from ansible_collections.phased.rollout.plugins.module_utils._window import Opening

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Present:
    """What is so now and does not stand in the ledger.

    bound: what there is to approve, as far as the caller knows better. authors: of the changes, as
    git names them. runner: who runs the phase.
    """

    bound: Mapping[str, Any] = field(default_factory=dict)
    authors: Tuple[str, ...] = ()
    runner: Optional[str] = None

    @classmethod
    def of(cls, raw: Any, path: str) -> Present:
        """Return what a caller says of a phase. Raises ShapeError."""
        fields = Fields(raw, path)
        fields.only(*BOUND, "authors", "runner")
        return cls(
            bound={name: fields.raw[name] for name in BOUND if fields.raw.get(name) is not None},
            authors=tuple(fields.texts("authors")),
            runner=fields.optional_text("runner"),
        )


@dataclass(frozen=True)
class Requires:
    """A phase that has to have been stable for so long before another one starts."""

    phase: Any
    stable_for_seconds: float

    @classmethod
    def of(cls, record: Record) -> Iterator[Requires]:
        """Return what a phase requires. Raises ShapeError."""
        for index, raw in enumerate(record.get("requires") or []):
            fields = Fields(raw, f"{record['key']}.requires[{index}]")
            yield cls(raw.get("phase"), read_seconds(fields, "stable_for_seconds"))


@dataclass(frozen=True)
class Known:
    """Everything from which the status of a rollout follows.

    phases: their records, in the order of the plan. entries: of every kind but step, in the order
    of the ledger; of what only the newest counts, the newest. steps: the newest of each phase and
    step; begun: with what they began. samples: by phase, since its deploy or since read_since.
    signatures: what checking them came to. opening: how a phase's window stands at a moment. run:
    the caller's own run. broken: why the ledger cannot be trusted. Methods raise ShapeError for a
    record that cannot be read.
    """

    rollout: str
    phases: Sequence[Record]
    now: datetime
    opening: Callable[[Record, datetime], Opening]
    entries: Sequence[Entry] = ()
    steps: Sequence[Entry] = ()
    begun: Sequence[Entry] = ()
    samples: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    read_since: Mapping[str, datetime] = field(default_factory=dict)
    lease: Optional[Lease] = None
    signatures: Signatures = None
    present: Mapping[str, Present] = field(default_factory=dict)
    run: Optional[str] = None
    broken: Optional[str] = None
    _soaks: Dict[Tuple[str, float], Soak] = field(default_factory=dict, init=False, repr=False)
    _positions: Dict[str, Position] = field(default_factory=dict, init=False, repr=False)

    def record(self, phase_id: Any) -> Optional[Record]:
        """Return the record of the phase with this id, None if the plan has none."""
        return next((record for record in self.phases if record["id"] == phase_id), None)

    def position(self, record: Record) -> Position:
        """Return where a phase stands."""
        key = record["key"]
        if key not in self._positions:
            self._positions[key] = position(key, self.entries, self.steps, self.live_lease)
        return self._positions[key]

    @property
    def live_lease(self) -> Optional[Lease]:
        """Return the lease if it has not run out."""
        return self.lease if self.lease and self.now < self.lease.expires_at else None

    def soak(self, record: Record, needed_seconds: float) -> Soak:
        """Return how far a phase has come towards having been stable for so long."""
        asked = (record["key"], needed_seconds)
        if asked not in self._soaks:
            watch = Watch.of(record.get("watch"))
            samples = self.samples.get(record["key"], ())
            marks = self.position(record).marks
            since = self.read_since.get(record["key"])
            self._soaks[asked] = soak(
                watch, marks, samples, self.now, needed_seconds, read_since=since
            )
        return self._soaks[asked]

    def watched_seconds(self, record: Record) -> float:
        """Return for how long a phase is to be watched: as it says, or as others require."""
        stated = (record.get("watch") or {}).get("duration_seconds")
        return float(stated or self._required_seconds(record))

    def needed_seconds(self, record: Record) -> float:
        """Return for how long anything asks a phase to have been stable; 0 if nothing does."""
        return max(self.watched_seconds(record), self._required_seconds(record))

    def _required_seconds(self, record: Record) -> float:
        required = [
            one.stable_for_seconds
            for other in self.phases
            for one in Requires.of(other)
            if one.phase == record["id"]
        ]
        return max(required, default=0)

    def subject(self, record: Record) -> Subject:
        """Return what there is to approve of a phase now."""
        where = self.position(record)
        present = self.present.get(record["key"], Present())
        ran = [step.actor for step in where.steps]
        return Subject(
            rollout=self.rollout,
            phase=record["key"],
            bound=bound_of({**present_bound(record, self.entries, where), **present.bound}),
            authors=present.authors,
            runners=tuple(dict.fromkeys([*([present.runner] if present.runner else []), *ran])),
        )

    def tallies(self, record: Record) -> List[Tally]:
        """Return what each approval that a phase requires has come to."""
        return [
            tally(
                Requirement.of(raw, f"{record['key']}.approvals[{index}]"),
                self.subject(record),
                self.entries,
                self.now,
                self.signatures,
            )
            for index, raw in enumerate(record.get("approvals") or [])
        ]
