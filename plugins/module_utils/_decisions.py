# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be told about decisions: the metrics. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils import _decision_sql as sql
from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import (
    Answer,
    Inquiry,
    Row,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_faults import integrity
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Span
from ansible_collections.phased.rollout.plugins.module_utils._decision_time import show_duration
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Effect,
    Subject,
    Tracker,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._trend import (
    FEWEST_POINTS,
    rise_confidence,
)

#: The certainty from which on a rise counts as shown.
SHOWN = 0.95
NO_TYPE = "(none)"


def answerable(tracker: Tracker) -> List[str]:
    """Return the metrics that a tracker can answer."""
    return [metric for metric in METRICS if not _lacks(tracker, metric)]


def require_answerable(tracker: Tracker, metric: str, of_type: Optional[str], path: str) -> None:
    """Raise ShapeError if a tracker cannot answer a metric, or not for one type."""
    lacking = _lacks(tracker, metric)
    if lacking:
        raise ShapeError(f"{tracker.path}.{lacking}", None, f"{metric} cannot be told without it")
    if of_type is None:
        return
    if metric in UNTYPED:
        raise ShapeError(path, of_type, f"{metric} cannot be told for one type")
    where = "subject.type" if metric == "capture_ratio" else "type"
    of_capture = tracker.subject.type if tracker.subject else None
    if not (of_capture if metric == "capture_ratio" else tracker.type):
        raise ShapeError(f"{tracker.path}.{where}", None, "it must name the column with the type")


def _lacks(tracker: Tracker, metric: str) -> Optional[str]:
    parts: Dict[str, object] = {
        "subject": tracker.subject,
        "subject.type": tracker.subject and tracker.subject.type,
        "outcome": tracker.outcome,
        "effectiveness": tracker.effect,
    }
    return next((part for part in NEEDS.get(metric, ()) if not parts[part]), None)


def _count(inquiry: Inquiry) -> Answer:
    total = _total(inquiry, sql.counted(inquiry.tracker, typed=inquiry.typed))
    return Answer(value=total or None, unit="count", samples=total, note=_none(inquiry, total))


def _query_time(inquiry: Inquiry) -> Answer:
    """Answer with the time of the count; a quick answer of nothing is not a fast query."""
    counted = _count(inquiry)
    seconds = inquiry.seconds_of(sql.counted(inquiry.tracker, typed=inquiry.typed))
    return replace(counted, value=seconds if counted.value else None, unit="s")


def _rate(inquiry: Inquiry) -> Answer:
    rows = inquiry.rows(sql.per_interval(inquiry.tracker, typed=inquiry.typed))
    counts = {row["slot"]: int(row["total"]) for row in rows}
    total = sum(counts.values())
    return Answer(
        value=60 * total / inquiry.span.window if total else None,
        unit="/min",
        samples=total,
        note=_none(inquiry, total),
        details={"series": [counts.get(slot, 0) for slot in _oldest_first(inquiry.span)]},
    )


def _capture_ratio(inquiry: Inquiry) -> Answer:
    subject = _subject(inquiry)
    rows = inquiry.rows(sql.captured(inquiry.tracker, subject, typed=inquiry.typed))
    return _share(inquiry, rows, "subject", () if inquiry.typed else subject.types)


def _lowest_capture_ratio(inquiry: Inquiry) -> Answer:
    """Answer for the type that is captured worst; a listed type without subjects is no data."""
    overall = _capture_ratio(inquiry)
    by_type: Dict[str, Dict[str, Any]] = overall.details["by_type"]
    silent = [name for name, one in by_type.items() if not one["total"]]
    if silent or not by_type:
        note = f"no subject of type {', '.join(silent)} {inquiry.last}" if silent else overall.note
        return replace(overall, value=None, good=None, total=None, note=note)
    worst = min(by_type, key=lambda name: by_type[name]["value"])
    note = f"lowest is {worst}, of {', '.join(by_type)}"
    if not _subject(inquiry).types:
        note += "; list subject.types to demand others"
    found = by_type[worst]
    return replace(
        overall,
        value=found["value"],
        good=found["good"],
        total=found["total"],
        samples=found["total"],
        note=note,
    )


def _success_ratio(inquiry: Inquiry) -> Answer:
    rows = inquiry.rows(sql.succeeded(inquiry.tracker, typed=inquiry.typed))
    return _share(inquiry, rows, "decision")


def _effectiveness(inquiry: Inquiry) -> Answer:
    effect, rows = _effect(inquiry), _effects(inquiry)
    total = sum(int(row["total"]) for row in rows)
    known = sum(int(row["known"]) for row in rows)
    reached = math.fsum(float(row["sum"]) for row in rows if row["known"])
    if not known:
        return Answer(samples=0, note=f"no effect of a decision is known {inquiry.last}")
    if effect.good:
        return Answer(100 * reached / known, "%", good=reached, total=known, samples=known)
    if not math.isfinite(reached):
        return Answer(samples=known, note=f"the effects add up to {reached}, which is no number")
    note = f"{total - known} of {total} effects are NULL" if known < total else None
    return Answer(reached / known, samples=known, note=note)


def _effectiveness_trend(inquiry: Inquiry) -> Answer:
    """Answer how certain it is that effectiveness rises: the one-sided Mann-Kendall test."""
    means = {
        row["slot"]: float(row["sum"]) / row["known"] for row in _effects(inquiry) if row["known"]
    }
    series = [means.get(slot) for slot in _oldest_first(inquiry.span)]
    points = [mean for mean in series if mean is not None]
    certain = rise_confidence(points)
    if certain is None:
        short = len(points) < FEWEST_POINTS
        why = f"at least {FEWEST_POINTS} are needed" if short else "not all are numbers"
        by = show_duration(inquiry.span.by)
        note = f"{len(points)} intervals of {by} have effects {inquiry.last}, but {why}"
    else:
        note = f"certainty of a rise over {len(points)} intervals, one-sided Mann-Kendall test"
    return Answer(
        value=None if certain is None else 100 * certain,
        unit="%",
        samples=len(points),
        note=note,
        details={
            "improves": None if certain is None else certain >= SHOWN,
            "series": [_finite(mean) for mean in series],
        },
    )


def _integrity(inquiry: Inquiry) -> Answer:
    checked = _total(inquiry, sql.counted(inquiry.tracker, typed=False))
    faults = {
        fault: _total(inquiry, template) for fault, template in integrity(inquiry.tracker).items()
    }
    total = sum(faults.values())
    found = ", ".join(f"{count} {fault}" for fault, count in faults.items() if count)
    return Answer(
        value=total if checked or total else None,
        unit="count",
        samples=checked,
        note=found or _none(inquiry, checked),
        details={"faults": faults},
    )


METRICS: Dict[str, Callable[[Inquiry], Answer]] = {
    "count": _count,
    "rate": _rate,
    "capture_ratio": _capture_ratio,
    "lowest_capture_ratio": _lowest_capture_ratio,
    "success_ratio": _success_ratio,
    "effectiveness": _effectiveness,
    "effectiveness_trend": _effectiveness_trend,
    "integrity": _integrity,
    "query_time": _query_time,
}
#: What a tracker must describe, over time and table, to answer.
NEEDS = {
    "capture_ratio": ("subject",),
    "lowest_capture_ratio": ("subject", "subject.type"),
    "success_ratio": ("outcome",),
    "effectiveness": ("effectiveness",),
    "effectiveness_trend": ("effectiveness",),
}
UNTYPED = ("lowest_capture_ratio", "integrity")


def _share(
    inquiry: Inquiry, rows: Sequence[Row], what: str, expected: Sequence[str] = ()
) -> Answer:
    """Return the share over all types, and by type. Types that ought to be there are listed."""
    by_type = {name: _counted_share(0, 0) for name in expected}
    for row in sorted(rows, key=lambda row: row["type"] or NO_TYPE):
        by_type[row["type"] or NO_TYPE] = _counted_share(int(row["good"]), int(row["total"]))
    good, total = (sum(int(row[name]) for row in rows) for name in ("good", "total"))
    overall = _counted_share(good, total)
    return Answer(
        **overall,
        unit="%",
        samples=total,
        note=None if total else f"no {what} {inquiry.last}",
        details={"by_type": by_type},
    )


def _counted_share(good: int, total: int) -> Dict[str, Any]:
    return {"value": 100 * good / total if total else None, "good": good, "total": total}


def _effects(inquiry: Inquiry) -> List[Row]:
    return inquiry.rows(sql.effects(inquiry.tracker, _effect(inquiry), typed=inquiry.typed))


def _total(inquiry: Inquiry, template: str) -> int:
    return int(inquiry.rows(template)[0]["total"])


def _none(inquiry: Inquiry, total: int) -> Optional[str]:
    return None if total else f"no decision {inquiry.last}"


def _oldest_first(span: Span) -> Sequence[int]:
    return range(span.slots - 1, -1, -1)


def _finite(value: Optional[float]) -> Optional[float]:
    return value if value is not None and math.isfinite(value) else None


def _subject(inquiry: Inquiry) -> Subject:
    if inquiry.tracker.subject is None:
        raise ValueError(f"{inquiry.tracker.path} has no subject")
    return inquiry.tracker.subject


def _effect(inquiry: Inquiry) -> Effect:
    if inquiry.tracker.effect is None:
        raise ValueError(f"{inquiry.tracker.path} has no effectiveness")
    return inquiry.tracker.effect
