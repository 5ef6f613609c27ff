# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `decisions`: a metric of a tracker, through the same code as the module decision_info.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Optional

from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import read_span
from ansible_collections.phased.rollout.plugins.module_utils._decision_inquiry import (
    inquire,
    moment,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Span
from ansible_collections.phased.rollout.plugins.module_utils._decision_time import show_duration
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Tracker,
    read_tracker,
)
from ansible_collections.phased.rollout.plugins.module_utils._decisions import (
    METRICS,
    require_answerable,
)
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    library,
)


@dataclass(frozen=True)
class DecisionsSource(Source):
    """One metric of one tracker. The database is asked in a snapshot of its own."""

    #: As SqlSource: a database has few connections.
    AT_ONCE: ClassVar[Optional[int]] = 10

    login: Login
    tracker: Tracker
    metric: str
    span: Span
    of_type: Optional[str] = None

    @classmethod
    def read(cls, fields: Fields, context: Context) -> DecisionsSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "tracker", "metric", "window", "by", "of_type", "database")
        needed = "it must be the name of the database, here or in login_db"
        database = fields.text("database", needed, context.login.database)
        tracker = _tracker(fields, context)
        metric = fields.choice("metric", METRICS)
        of_type = fields.optional_text("of_type")
        require_answerable(tracker, metric, of_type, fields.at("of_type"))
        library("psycopg2")
        return cls(
            timeout_seconds=context.timeout_of(fields),
            login=replace(context.login, database=database),
            tracker=tracker,
            metric=metric,
            span=read_span(fields),
            of_type=of_type,
        )

    @property
    def asked(self) -> str:
        """The metric, and what it is about."""
        about = f" of type {self.of_type}" if self.of_type else ""
        window = show_duration(self.span.window)
        return f"{self.metric} of {self.tracker.name}{about} in the last {window}"

    def measure(self) -> Measurement:
        """Return the answer to the metric."""
        with Snapshot(self.login, self.timeout_seconds) as snapshot:
            now = moment(snapshot)
            inquiry = inquire(snapshot, self.tracker, self.span, now, self.of_type)
            answer = inquiry.answer(METRICS[self.metric])
        return Measurement(
            value=answer.value,
            unit=answer.unit,
            good=answer.good,
            total=answer.total,
            samples=answer.samples,
            note=answer.note,
        )


def _tracker(fields: Fields, context: Context) -> Tracker:
    name = fields.text("tracker", "it must be the name of a tracker")
    if name not in context.trackers:
        known = ", ".join(sorted(context.trackers)) or "there is none"
        raise ShapeError(fields.at("tracker"), name, f"it must be one of the trackers: {known}")
    return read_tracker(name, Fields(context.trackers[name], f"trackers.{name}"))
