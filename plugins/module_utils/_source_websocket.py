# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `websocket`: connect, send, and see which events come, and how soon.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any, List, Mapping, NamedTuple, Optional, Tuple, Union

from ansible_collections.phased.rollout.plugins.module_utils._content import (
    CONTENT_OPTIONS,
    ContentChecks,
    read_content_checks,
)
from ansible_collections.phased.rollout.plugins.module_utils._http import (
    tls_context,
    without_password,
)
from ansible_collections.phased.rollout.plugins.module_utils._http_exchange import (
    read_headers,
    tally,
)
from ansible_collections.phased.rollout.plugins.module_utils._load import Load, read_load, run_load
from ansible_collections.phased.rollout.plugins.module_utils._samples import (
    read_reduce,
    reduce_samples,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    SourceError,
    UnreachableError,
    library,
)

#: How long a server may take to say goodbye; what was measured is known by then.
CLOSE_SECONDS = 0.2
MEASURES = ("success", "first_event", "events")


class Visit(NamedTuple):
    """What one connection came to. problem: what went wrong, None for nothing."""

    events: int = 0
    first_event_seconds: Optional[float] = None
    problem: Optional[str] = None
    connected: bool = True


@dataclass(frozen=True)
class WebsocketSource(Source):
    """A number of connections, each of which sends and waits for events.

    until: what the last event awaited must hold; without it, `events` of any kind are awaited.
    """

    url: str
    send: Tuple[str, ...] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    until: ContentChecks
    events: int
    load: Load
    connection_timeout_seconds: float
    ca_cert: Optional[str]
    measured: str
    reduce: str
    withheld: bool

    @classmethod
    def read(cls, fields: Fields, context: Context) -> WebsocketSource:
        """Return the source that the fields state."""
        fields.only(
            *(*COMMON_OPTIONS, "url", "headers", "ca_cert", "send", "until", "events"),
            *("connections", "rate", "concurrency", "connection_timeout", "measure", "reduce"),
        )
        library("websockets.sync.client")
        url = fields.text("url", "it must be the URL to connect to")
        if not url.startswith(("ws://", "wss://")):
            raise ShapeError(fields.at("url"), url, "it must start with ws:// or wss://")
        timeout_seconds = context.timeout_of(fields)
        send = _read_send(fields)
        return cls(
            timeout_seconds=timeout_seconds,
            url=url,
            send=send,
            headers=read_headers(fields),
            until=_read_until(fields),
            events=fields.whole("events", 1),
            load=read_load(fields, "connections", timeout_seconds),
            connection_timeout_seconds=fields.number(
                "connection_timeout", timeout_seconds, above=0
            ),
            ca_cert=fields.optional_text("ca_cert"),
            measured=fields.choice("measure", MEASURES, "success"),
            reduce=read_reduce(fields, "p95"),
            # Who sends may change something; who only listens does not.
            withheld=context.check_mode and bool(send),
        )

    @property
    def asked(self) -> str:
        """The URL, how many messages are sent, and how often."""
        sent = f", send {len(self.send)} messages" if self.send else ""
        return f"connect to {without_password(self.url)}{sent}{self.load}"

    def measure(self) -> Measurement:
        """Return the share of good connections, the time to the first event, or their number."""
        if self.withheld:
            return Measurement(note="a message may change something: not sent in check mode")
        done = run_load(self._visit, self.load, timeout_seconds=self.timeout_seconds)
        visits = [one.outcome for one in done]
        problems = [visit.problem for visit in visits if visit.problem]
        connected = any(visit.connected for visit in visits)
        if len(visits) < self.load.count:
            seen = f": {tally(problems)}" if problems else ""
            text = f"only {len(visits)} of {self.load.count} connections were done"
            error = SourceError if connected else UnreachableError
            raise error(f"{text} within {self.timeout_seconds:g} s{seen}")
        if not connected:
            raise UnreachableError(problems[-1])
        if self.measured == "success":
            note = f"{len(problems)} were not good: {tally(problems)}" if problems else None
            good, total = len(visits) - len(problems), len(visits)
            return Measurement(good=good, total=total, samples=total, note=note)
        if problems:
            raise SourceError(
                f"{len(problems)} of {len(visits)} connections did not come through, so their"
                f" events say nothing: {tally(problems)}"
            )
        return self._reduced(visits)

    def _reduced(self, visits: List[Visit]) -> Measurement:
        if self.measured == "events":
            values, unit = tuple(float(visit.events) for visit in visits), "count"
        else:
            seconds = [visit.first_event_seconds for visit in visits]
            values, unit = tuple(one for one in seconds if one is not None), "s"
        return Measurement(
            value=reduce_samples(values, self.reduce), unit=unit, samples=len(values), values=values
        )

    def _visit(self, left_seconds: float) -> Visit:
        """Return what one connection came to."""
        client, errors = library("websockets.sync.client"), library("websockets.exceptions")
        left_seconds = min(left_seconds, self.connection_timeout_seconds)
        deadline = time.monotonic() + left_seconds
        heard: List[Visit] = []
        try:
            with client.connect(
                self.url,
                ssl=tls_context(self.ca_cert) if self.url.startswith("wss:") else None,
                additional_headers=dict(self.headers),
                user_agent_header="phased.rollout",
                open_timeout=left_seconds,
                close_timeout=CLOSE_SECONDS,
                logger=_quiet_logger(),
            ) as connection:
                heard.append(Visit())
                heard.append(self._listen(connection, deadline, errors.ConnectionClosed))
        except (OSError, EOFError, ValueError, errors.WebSocketException) as exc:
            if len(heard) < 2:  # else it went wrong only after all was heard
                text = str(exc).replace(self.url, without_password(self.url)) or type(exc).__name__
                problem = f"{without_password(self.url)} cannot be talked to: {text}"
                return Visit(problem=problem, connected=bool(heard))
        return heard[-1]

    def _listen(self, connection: Any, deadline: float, closed: Any) -> Visit:
        """Send everything, and return what was heard until the condition or the end."""
        started = time.monotonic()
        for message in self.send:
            connection.send(message)
        visit, problem = Visit(), "nothing came"
        while True:
            try:
                message = connection.recv(timeout=max(0, deadline - time.monotonic()))
            except TimeoutError:
                return visit._replace(problem=f"time was up after {visit.events} events: {problem}")
            except closed as exc:
                why = f"the server closed after {visit.events} events ({exc}): {problem}"
                return visit._replace(problem=why)
            first = visit.first_event_seconds
            if first is None:
                first = time.monotonic() - started
            visit = Visit(visit.events + 1, first)
            missed = self.until.miss(_as_bytes(message))
            if missed is None and visit.events >= self.events:
                return visit
            problem = f"the last one {missed}" if missed else f"{self.events} are needed"


def _read_until(fields: Fields) -> ContentChecks:
    if fields.raw.get("until") is None:
        return ContentChecks()
    until = fields.section("until", "it must state what the last event holds")
    until.only(*CONTENT_OPTIONS)
    checks = read_content_checks(until)
    if not checks:
        needed = f"it must have one of {', '.join(CONTENT_OPTIONS)}"
        raise ShapeError(until.path, dict(until.raw), needed)
    return checks


def _read_send(fields: Fields) -> Tuple[str, ...]:
    raw = fields.raw.get("send")
    listed = [] if raw is None else raw if isinstance(raw, list) else [raw]
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in listed)


def _as_bytes(message: Union[str, bytes]) -> bytes:
    return message.encode() if isinstance(message, str) else message


def _quiet_logger() -> logging.Logger:
    """Return a logger that says nothing: the library's would log what is sent."""
    logger = logging.getLogger("phased.rollout.websocket")
    logger.disabled = True
    return logger
