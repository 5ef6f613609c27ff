# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange: a request, what its answer must be, and what is taken out of it.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Container, Dict, FrozenSet, List, Mapping, Optional, Union
from urllib.parse import quote

from ansible_collections.phased.rollout.plugins.module_utils._content import (
    CONTENT_OPTIONS,
    ContentChecks,
    check_json_path,
    parse_json,
    read_content_checks,
    search_json,
)
from ansible_collections.phased.rollout.plugins.module_utils._http import (
    is_sendable,
    without_password,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

#: Methods that change nothing, so that check mode may send them.
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE")
EXCHANGE_OPTIONS = ("url", "method", "headers", "body", "status", *CONTENT_OPTIONS)

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
#: What was taken from earlier answers, by name.
Taken = Mapping[str, Union[str, int, float, bool]]


class TakeError(Exception):
    """An answer does not have what should be taken from it."""


@dataclass(frozen=True)
class Exchange:
    """A request, with placeholders for what earlier answers gave, and what its answer must be.

    take: names of values, and where in the JSON answer they stand.
    """

    name: str
    url: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    statuses: FrozenSet[int]
    checks: ContentChecks
    take: Mapping[str, str]

    @property
    def changes(self) -> bool:
        """Whether the request may change something."""
        return self.method not in SAFE_METHODS

    def __str__(self) -> str:
        """Return the request for people; placeholders are not filled in."""
        return f"{self.method} {without_password(self.url)}"

    def filled(self, taken: Taken) -> Dict[str, Any]:
        """Return the arguments of fetch with every placeholder filled in."""
        body, headers = self.body, {k: _fill(v, taken) for k, v in self.headers.items()}
        if body is not None and not isinstance(body, str):
            body = json.dumps(_fill_all(body, taken))
            if "content-type" not in (name.lower() for name in headers):
                headers["Content-Type"] = "application/json"
        elif body is not None:
            body = _fill(body, taken)
        return {
            "url": _fill(self.url, taken, lambda text: quote(text, safe="")),
            "method": self.method,
            "headers": headers,
            "body": body,
            "shown": self.url,
        }

    def miss(self, status: int, content: bytes) -> Optional[str]:
        """Return what is not as it must be in an answer, for people, or None."""
        if status not in self.statuses:
            return str(status)
        missed = self.checks.miss(content)
        return f"{status} that {missed}" if missed else None

    def taken_from(self, content: bytes) -> Dict[str, Union[str, int, float, bool]]:
        """Return what is to be carried on. Raises TakeError if it is not there."""
        found = {}
        for name, path in self.take.items():
            try:
                value, problem = search_json(path, parse_json(content))
            except ValueError:
                value, problem = None, "the answer is no JSON"
            if not isinstance(value, (str, int, float, bool)) or value == "":
                why = problem or "there is no text or number"
                raise TakeError(f"cannot take {name} from {path!r}: {why}")
            found[name] = value
        return found


def read_exchange(fields: Fields, *, name: str, base: str, known: Container[str]) -> Exchange:
    """Return the exchange that the fields state. base: goes before a URL that starts with /.

    known: what earlier steps take. Raises ShapeError, MissingLibraryError.
    """
    url = fields.text("url", "it must be the URL to ask")
    url = base.rstrip("/") + url if base and url.startswith("/") else url
    if not url.startswith(("http://", "https://")):
        raise ShapeError(fields.at("url"), url, "it must start with http:// or https://")
    if re.search(r"[\x00-\x20\x7f]", url):
        raise ShapeError(fields.at("url"), url, "a URL has no spaces; write %20")
    exchange = Exchange(
        name=name,
        url=url,
        method=fields.choice("method", METHODS, "GET"),
        headers=read_headers(fields),
        body=fields.raw.get("body"),
        statuses=_read_statuses(fields),
        checks=read_content_checks(fields),
        take=_read_take(fields),
    )
    for text in (url, *exchange.headers.values()):
        for wanted in _PLACEHOLDER.findall(text):
            if wanted not in known:
                # Not the header itself: it may hold a secret.
                problem = "no earlier step takes this; see `take`"
                raise ShapeError(fields.path, f"{{{wanted}}}", problem)
    return exchange


def read_headers(fields: Fields) -> Dict[str, str]:
    """Return the headers that the fields state. Raises ShapeError, which shows no value."""
    raw = fields.raw.get("headers") or {}
    if not isinstance(raw, Mapping):
        raise ShapeError(fields.at("headers"), "(not shown)", "it must map names to texts")
    for name, value in raw.items():
        if not isinstance(name, str) or not isinstance(value, (str, int)):
            path = f"{fields.at('headers')}.{name}"
            raise ShapeError(path, "(not shown)", "a header must be a text")
        if not is_sendable(f"{name}{value}"):
            path = f"{fields.at('headers')}.{name.strip()}"
            raise ShapeError(path, "(not shown)", "a header has no line break; use | trim")
    return {name: str(value) for name, value in raw.items()}


def _read_statuses(fields: Fields) -> FrozenSet[int]:
    raw = fields.raw.get("status", 200)
    listed = raw if isinstance(raw, list) else [raw]
    statuses = {Fields({"status": one}, fields.path).whole("status", 200) for one in listed}
    if not statuses or not all(100 <= status <= 599 for status in statuses):
        raise ShapeError(fields.at("status"), raw, "it must be a status, or a list, of 100 to 599")
    return frozenset(statuses)


def _read_take(fields: Fields) -> Dict[str, str]:
    raw = fields.raw.get("take") or {}
    path = fields.at("take")
    if not isinstance(raw, Mapping):
        raise ShapeError(path, raw, "it must map names to JMESPath expressions")
    for name, expression in raw.items():
        if not isinstance(name, str) or not _PLACEHOLDER.fullmatch(f"{{{name}}}"):
            raise ShapeError(path, name, "a name is letters, digits and underscores")
        if not isinstance(expression, str) or not expression:
            raise ShapeError(f"{path}.{name}", expression, "it must be a JMESPath expression")
        check_json_path(expression, f"{path}.{name}")
    return dict(raw)


def _fill(text: str, taken: Taken, quoted: Callable[[str], str] = str) -> str:
    """Return the text with the placeholders that have a value filled in; other braces stay."""

    def value(match: re.Match[str]) -> str:
        return quoted(_text(taken[match[1]])) if match[1] in taken else match[0]

    return _PLACEHOLDER.sub(value, text)


def _fill_all(body: Any, taken: Taken) -> Any:
    """Return a JSON document filled in; a text that is only a placeholder keeps the type."""
    if isinstance(body, str):
        alone = _PLACEHOLDER.fullmatch(body)
        return taken[alone[1]] if alone and alone[1] in taken else _fill(body, taken)
    if isinstance(body, Mapping):
        return {key: _fill_all(value, taken) for key, value in body.items()}
    if isinstance(body, list):
        return [_fill_all(value, taken) for value in body]
    return body


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def tally(problems: List[str]) -> str:
    """Return how often each problem came, most often first, for example '500 2 times'."""
    counts = {problem: problems.count(problem) for problem in dict.fromkeys(problems)}
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{problem} {count} times" for problem, count in ordered)
