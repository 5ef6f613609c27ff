# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions about one tracker, and what an answer is. Pure: `run` is handed in.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils import _decision_sql as sql
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query, Span
from ansible_collections.phased.rollout.plugins.module_utils._decision_time import (
    duration,
    show_duration,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import Tracker
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

Row = Mapping[str, Any]
#: Runs a query: its rows, the seconds it took, and the statement as a person may read it.
Run = Callable[[Query], Tuple[List[Row], float, str]]

SLOTS = 12
MOST_SLOTS = 10_000


@dataclass(frozen=True)
class Answer:
    """What is known: None as value is no data, and the note says why.

    good, total: where a share was counted; value is then their share in percent.
    details: what there is to say beyond one value, by name. seconds: the time in the database.
    """

    value: Optional[float] = None
    unit: Optional[str] = None
    good: Optional[float] = None
    total: Optional[float] = None
    samples: Optional[int] = None
    note: Optional[str] = None
    seconds: float = 0
    asked: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def as_dict(answer: Answer) -> Dict[str, Any]:
    """Return the answer with every key, and each of its details, ready for JSON."""
    found = {one.name: getattr(answer, one.name) for one in fields(answer)}
    details = found.pop("details")
    return {**found, **details}


class Inquiry:
    """The questions about one tracker at one moment. Asks the same thing only once."""

    def __init__(
        self, tracker: Tracker, span: Span, now: datetime, run: Run, of_type: Optional[str] = None
    ) -> None:
        self.tracker = tracker
        self.span = span
        self.typed = of_type is not None
        self.last = f"in the last {show_duration(span.window)}"
        self._words = sql.vocabulary(tracker, span, now, of_type)
        self._run = run
        self._known: Dict[str, Tuple[List[Row], float, str]] = {}
        self._asked: List[str] = []

    @property
    def seconds(self) -> float:
        """How long all queries took."""
        return sum(seconds for rows, seconds, shown in self._known.values())

    def rows(self, template: str) -> List[Row]:
        """Return the rows that answer a template."""
        if template not in self._known:
            self._known[template] = self._run(replace(self._words, template=template))
        if template not in self._asked:
            self._asked.append(template)
        return self._known[template][0]

    def seconds_of(self, template: str) -> float:
        """Return how long a template that was asked took."""
        return self._known[template][1]

    def answer(self, metric: Callable[[Inquiry], Answer]) -> Answer:
        """Return the answer of a metric, with the queries that it took."""
        self._asked = []
        found = metric(self)
        known = [self._known[template] for template in self._asked]
        return replace(
            found,
            seconds=round(sum(seconds for rows, seconds, shown in known), 6),
            asked=";\n".join(shown for rows, seconds, shown in known),
        )


def read_span(stated: Fields) -> Span:
    """Return the window (an hour by default) and its intervals (a twelfth). Raises ShapeError."""
    window = duration(stated, "window") or 3600
    by = duration(stated, "by") or window / SLOTS
    slots = window / by
    if not (abs(slots - round(slots)) < 1e-9 and 1 <= round(slots) <= MOST_SLOTS):
        raise ShapeError(
            stated.at("by"),
            stated.raw.get("by"),
            f"a window of {show_duration(window)} must hold it 1 to {MOST_SLOTS} times, exactly",
        )
    return Span(window, by)
