# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `prometheus`: the one value that an instant query gives.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, List, Mapping
from urllib.parse import urlencode

from ansible_collections.phased.rollout.plugins.module_utils._http import (
    NoAnswerError,
    fetch,
    without_password,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    SourceError,
)

#: How many series a message lists when there are too many.
SERIES_SHOWN = 3


@dataclass(frozen=True)
class PrometheusSource(Source):
    """An instant query to the Prometheus at url."""

    url: str
    query: str

    @classmethod
    def read(cls, fields: Fields, context: Context) -> PrometheusSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "query", "url")
        return cls(
            timeout_seconds=context.timeout_of(fields),
            url=fields.text(
                "url",
                "it must be the URL of the Prometheus server, here or in prometheus_url",
                context.prometheus_url,
            ).rstrip("/"),
            query=fields.text("query", "it must be a PromQL query that gives one value"),
        )

    @property
    def asked(self) -> str:
        """The query."""
        return self.query

    def measure(self) -> Measurement:
        """Return the value of the query now."""
        arguments = {"query": self.query, "timeout": f"{self.timeout_seconds:g}s"}
        url = f"{self.url}/api/v1/query?{urlencode(arguments)}"
        try:
            answer = fetch(url, timeout_seconds=self.timeout_seconds)
        except NoAnswerError as exc:
            raise SourceError(f"Prometheus cannot be asked: {exc}") from None
        try:
            payload = json.loads(answer.body)
        except ValueError:
            payload = None
        if not isinstance(payload, Mapping):
            raise SourceError(
                f"{without_password(self.url)} answered {answer.status} with no JSON object:"
                " is this a Prometheus server?"
            )
        return read_answer(payload)


def read_answer(payload: Mapping[str, Any]) -> Measurement:
    """Return the one value in an answer of the query API; no series is no data.

    Raises SourceError if there are several series, or an error.
    """
    if payload.get("status") != "success":
        raise SourceError(
            f"Prometheus refused the query: {payload.get('errorType')}: {payload.get('error')}"
        )
    note = "; ".join(f"Prometheus warns: {text}" for text in payload.get("warnings") or []) or None
    try:
        kind, result = payload["data"]["resultType"], payload["data"]["result"]
        if kind == "scalar":
            return Measurement(value=float(result[1]), samples=1, note=note)
        if kind != "vector":
            raise SourceError(f"the query gives a {kind}, but one number is needed")
        if not result:
            return Measurement(note="; ".join(filter(None, [_NO_SERIES, note])))
        if len(result) > 1:
            raise SourceError(_too_many(result))
        return Measurement(value=float(result[0]["value"][1]), samples=1, note=note)
    except (KeyError, IndexError, TypeError, ValueError):
        raise SourceError("Prometheus answered in a form that cannot be read") from None


_NO_SERIES = (
    "the query found no series: check the metric's name and labels, and that its target is up"
)


def _too_many(result: List[Mapping[str, Any]]) -> str:
    """Return what to do about several series, naming the first ones."""
    shown = [json.dumps(series["metric"], sort_keys=True) for series in result[:SERIES_SHOWN]]
    more = ", …" if len(result) > SERIES_SHOWN else ""
    return (
        f"the query gives {len(result)} series where one is needed: {', '.join(shown)}{more};"
        " aggregate them, for example with sum(), or select one"
    )
