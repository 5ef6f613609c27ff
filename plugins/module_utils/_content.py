# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer must hold: its status, what its text contains, and what is true of its JSON.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import library

#: The options that read_content_checks knows.
CONTENT_OPTIONS = ("contains", "matches", "json")


@dataclass(frozen=True)
class ContentChecks:
    """All must hold. contains: texts. matches: regular expressions. json: JMESPath, each true."""

    contains: Tuple[str, ...] = ()
    matches: Tuple[str, ...] = ()
    json: Tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is checked at all."""
        return bool(self.contains or self.matches or self.json)

    def miss(self, content: bytes) -> Optional[str]:
        """Return the first thing that does not hold, in words, or None."""
        text = content.decode(errors="replace")
        for part in self.contains:
            if part not in text:
                return f"does not contain {part!r}"
        for pattern in self.matches:
            if not re.search(pattern, text):
                return f"does not match {pattern!r}"
        return self._json_miss(content) if self.json else None

    def _json_miss(self, content: bytes) -> Optional[str]:
        try:
            document = parse_json(content)
        except ValueError:
            return "is no JSON"
        for expression in self.json:
            found, problem = search_json(expression, document)
            # Only true is true: a path that finds something would hold for an error page too.
            if found is not True:
                return f"has {expression!r} {problem or _shown(found)}, not true"
        return None


def read_content_checks(fields: Fields) -> ContentChecks:
    """Return the checks that the fields state. Raises ShapeError, MissingLibraryError."""
    checks = ContentChecks(*(tuple(fields.texts(key)) for key in CONTENT_OPTIONS))
    for pattern in checks.matches:
        try:
            re.compile(pattern)
        except re.error as exc:
            problem = f"it must be a regular expression: {exc}"
            raise ShapeError(fields.at("matches"), pattern, problem) from None
    for expression in checks.json:
        check_json_path(expression, fields.at("json"))
    for text in checks.contains + checks.matches:
        if not text:
            raise ShapeError(fields.path, "", "a text to look for must not be empty")
    return checks


def check_json_path(expression: str, path: str) -> None:
    """Raise ShapeError if the text is no JMESPath expression."""
    jmespath = library("jmespath")
    try:
        jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, IndexError) as exc:
        problem = str(exc).splitlines()[0]
        raise ShapeError(path, expression, f"it must be a JMESPath expression: {problem}") from None


def search_json(expression: str, document: Any) -> Tuple[Any, Optional[str]]:
    """Return what the expression finds and None, or None and why it cannot be looked for."""
    jmespath = library("jmespath")
    try:
        return jmespath.search(expression, document), None
    except (jmespath.exceptions.JMESPathError, TypeError, ValueError, RecursionError) as exc:
        return None, f"fails ({str(exc).splitlines()[0]})"


def parse_json(content: bytes) -> Any:
    """Return the JSON document. Raises ValueError, for NaN and the like too: they are no JSON."""
    try:
        return json.loads(content, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _shown(found: Any) -> str:
    """Return the kind of what was found; the value itself might be a secret."""
    kinds: List[Tuple[Any, str]] = [
        (type(None), "null"), (bool, "false"), (str, "a text"), ((int, float), "a number"),
        (list, "a list"),
    ]  # fmt: skip
    return f"= {next((name for kind, name in kinds if isinstance(found, kind)), 'an object')}"
