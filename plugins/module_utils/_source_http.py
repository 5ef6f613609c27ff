# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `http`: how often, or how fast, a URL answers as it should.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import List, Optional, Sequence, Union

from ansible_collections.phased.rollout.plugins.module_utils._http import (
    Answer,
    NoAnswerError,
    fetch,
    without_password,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    SourceError,
)

#: Methods that change nothing, so that check mode may send them.
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE")
PERCENTILE = 0.95

#: What one request came to: its answer, or why there was none.
Outcome = Union[Answer, NoAnswerError]


@dataclass(frozen=True)
class HttpSource(Source):
    """A number of requests, one after the other.

    status: the wanted one. latency: measure seconds (the 95th percentile) instead of success.
    """

    url: str
    method: str = "GET"
    body: Optional[str] = None
    content_type: Optional[str] = None
    status: int = 200
    requests: int = 1
    latency: bool = False
    withheld: bool = False

    @classmethod
    def read(cls, fields: Fields, context: Context) -> HttpSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "url", "method", "body", "status", "requests", "measure")
        url = fields.text("url", "it must be the URL to ask")
        if not url.startswith(("http://", "https://")):
            raise ShapeError(fields.at("url"), url, "it must start with http:// or https://")
        method = fields.choice("method", METHODS, "GET")
        body = fields.raw.get("body")
        is_text = body is None or isinstance(body, str)
        return cls(
            timeout_seconds=context.timeout_of(fields),
            url=url,
            method=method,
            body=body if is_text else json.dumps(body),
            content_type=None if is_text else "application/json",
            status=fields.whole("status", 200),
            requests=fields.whole("requests", 1),
            latency=fields.choice("measure", ("success", "latency"), "success") == "latency",
            withheld=context.check_mode and method not in SAFE_METHODS,
        )

    @property
    def asked(self) -> str:
        """The request, and how often."""
        times = "" if self.requests == 1 else f", {self.requests} times"
        return f"{self.method} {without_password(self.url)}{times}"

    def measure(self) -> Measurement:
        """Return the share of wanted answers, or how long they took."""
        if self.withheld:
            return Measurement(note=f"{self.method} may change something: not sent in check mode")
        outcomes = self._send()
        if not any(isinstance(outcome, Answer) for outcome in outcomes):
            raise SourceError(str(outcomes[-1]))
        wanted = [one for one in outcomes if isinstance(one, Answer) and one.status == self.status]
        note = None if len(wanted) == len(outcomes) else f"got {_tally(outcomes)}"
        if not self.latency:
            return Measurement(
                good=len(wanted), total=len(outcomes), samples=len(outcomes), note=note
            )
        if note:
            # An error page is fast: the time of wrong answers must never look like a good one.
            raise SourceError(f"only answers with status {self.status} can be timed; {note}")
        seconds = percentile([answer.seconds for answer in wanted], PERCENTILE)
        return Measurement(value=seconds, unit="s", samples=len(wanted))

    def _send(self) -> List[Outcome]:
        """Return the outcome of each request. Raises SourceError if they do not fit in the time."""
        deadline = time.monotonic() + self.timeout_seconds
        outcomes: List[Outcome] = []
        while len(outcomes) < self.requests:
            left = deadline - time.monotonic()
            if left <= 0:
                done = f"only {len(outcomes)} of {self.requests} requests were done"
                raise SourceError(f"{done} within {self.timeout_seconds:g} s: {_tally(outcomes)}")
            try:
                outcomes.append(
                    fetch(
                        self.url,
                        timeout_seconds=left,
                        method=self.method,
                        body=self.body,
                        content_type=self.content_type,
                    )
                )
            except NoAnswerError as exc:
                outcomes.append(exc)
        return outcomes


def percentile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that at least `part` (0 to 1) of the values do not exceed.

    This is the nearest-rank method: of few values it is the largest, never something between.
    """
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def _tally(outcomes: Sequence[Outcome]) -> str:
    """Return how often each outcome came, for example '200 18 times, no answer 2 times'."""
    names = [str(one.status) if isinstance(one, Answer) else "no answer" for one in outcomes]
    return ", ".join(f"{name} {count} times" for name, count in Counter(names).most_common())
