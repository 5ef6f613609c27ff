# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query API of Prometheus: asking, and understanding what it answers.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlencode

from ansible_collections.phased.rollout.plugins.module_utils._http import (
    NoAnswerError,
    fetch,
    without_password,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    SourceError,
    UnreachableError,
)

#: How many series a message lists when there are too many.
SERIES_SHOWN = 3
#: How far the server's clock may be from ours.
CLOCK_SECONDS = 60
#: Errors of the API that another try may not meet again.
_PASSING = ("timeout", "canceled", "unavailable", "internal")
NO_SERIES = (
    "the query found no series: check the metric's name and labels, and that its target is up"
)


class DoubtError(Exception):
    """There is an answer, but nothing can be told from it. The message says why."""


class NoSeriesError(DoubtError):
    """There is no series: nothing of the kind was ever counted, or not lately."""


class Points(NamedTuple):
    """The one series in an answer. note: what Prometheus remarks about the query."""

    points: Tuple[Tuple[float, float], ...]
    note: Optional[str] = None


def ask(
    url: str, path: str, arguments: Mapping[str, str], *, ca_cert: Optional[str], seconds: float
) -> Mapping[str, Any]:
    """Return the answer of the API below url. Raises UnreachableError, SourceError."""
    try:
        answer = fetch(
            f"{url}/api/v1/{path}?{urlencode(dict(arguments))}",
            timeout_seconds=max(0.001, seconds),
            ca_cert=ca_cert,
            shown=f"{url}/api/v1/{path}",
        )
    except NoAnswerError as exc:
        raise UnreachableError(f"Prometheus cannot be asked: {exc}") from None
    try:
        payload = json.loads(answer.body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, Mapping):
        error = UnreachableError if answer.status >= 500 else SourceError
        raise error(
            f"{without_password(url)} answered {answer.status} with no JSON object:"
            " is this a Prometheus server?"
        )
    return payload


def read_points(payload: Mapping[str, Any], kinds: Tuple[str, ...]) -> Points:
    """Return the one series in an answer of one of the kinds.

    Raises NoSeriesError if there is none, DoubtError if a warning says that the answer may be
    partial, SourceError if there are several series, or an error.
    """
    if payload.get("status") != "success":
        kind = payload.get("errorType")
        error = UnreachableError if kind in _PASSING else SourceError
        raise error(f"Prometheus refused the query: {kind}: {payload.get('error')}")
    if payload.get("warnings"):
        # What a remote store did not answer is missing from the sum: it may be the bad part.
        warnings = "; ".join(map(str, payload["warnings"]))
        raise DoubtError(f"the answer may be partial, for Prometheus warns: {warnings}")
    note = "; ".join(f"Prometheus says: {text}" for text in payload.get("infos") or []) or None
    try:
        return Points(_points(payload["data"], kinds), note)
    except (KeyError, IndexError, TypeError, ValueError):
        raise SourceError("Prometheus answered in a form that cannot be read") from None


def read_now(payload: Mapping[str, Any]) -> Tuple[float, float]:
    """Return the time and value of an instant query. Raises DoubtError, SourceError.

    An answer of another time than now comes from a cache, or from a clock that is wrong.
    """
    moment, value = read_points(payload, ("scalar", "vector")).points[0]
    apart = moment - time.time()
    if not -CLOCK_SECONDS <= apart <= CLOCK_SECONDS:
        direction = "the future" if apart > 0 else "the past"
        raise DoubtError(
            f"the answer is of {abs(apart):.0f} s in {direction}: check the clocks of Prometheus"
            " and of this host, and whether a cache answers"
        )
    return moment, value


def _points(data: Mapping[str, Any], kinds: Tuple[str, ...]) -> Tuple[Tuple[float, float], ...]:
    kind, result = data["resultType"], data["result"]
    if kind not in kinds:
        raise SourceError(f"the query gives a {kind}, but one number is needed")
    if kind == "scalar":
        return (_point(result),)
    if not result:
        raise NoSeriesError(NO_SERIES)
    if len(result) > 1:
        raise SourceError(_too_many(result))
    if kind == "vector":
        return (_point(result[0]["value"]),)
    return tuple(_point(point) for point in result[0]["values"])


def _point(raw: List[Any]) -> Tuple[float, float]:
    moment, value = raw
    return float(moment), float(value)


def _too_many(result: List[Dict[str, Any]]) -> str:
    """Return what to do about several series, naming the first ones."""
    shown = [json.dumps(series["metric"], sort_keys=True) for series in result[:SERIES_SHOWN]]
    more = ", …" if len(result) > SERIES_SHOWN else ""
    return (
        f"the query gives {len(result)} series where one is needed: {', '.join(shown)}{more};"
        " aggregate them, for example with sum(), or select one"
    )
