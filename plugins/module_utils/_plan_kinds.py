# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a plan: how each kind is read, and described to editors.

What is wrong is reported and read as None, so that the rest of the plan can still be checked. This
module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, NamedTuple

from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import (
    Finding,
    did_you_mean,
)

Report = Callable[[Finding], None]
Schema = Dict[str, Any]
#: What is rendered only when Ansible reads it may stand for anything.
TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{"}


class Kind(ABC):
    """One kind of thing that may stand in a plan."""

    @abstractmethod
    def read(self, path: str, raw: Any, report: Report) -> Any:
        """Return what stands there as the checks take it, None if it is wrong."""

    @abstractmethod
    def schema(self) -> Schema:
        """Return its description as JSON Schema."""


@dataclass(frozen=True)
class Value(Kind):
    """A single value. parse raises ValueError, saying what would be right."""

    parse: Callable[[Any], Any]
    described: Mapping[str, Any]

    def read(self, path: str, raw: Any, report: Report) -> Any:
        """Return the value, parsed."""
        try:
            return self.parse(raw)
        except ValueError as exc:
            report(Finding(path, f"found {raw!r}", str(exc)))
            return None

    def schema(self) -> Schema:
        """Return its description as JSON Schema."""
        return dict(self.described)


@dataclass(frozen=True)
class Listed(Kind):
    """A list of one kind, of at least so many. A wrong entry is None and keeps its place."""

    entry: Kind
    least: int = 0
    example: str = "a list"

    def read(self, path: str, raw: Any, report: Report) -> Any:
        """Return the list."""
        if not isinstance(raw, (list, tuple)) or len(raw) < self.least:
            report(Finding(path, f"found {raw!r}", f"set it, for example {self.example}"))
            return []
        return [self.entry.read(f"{path}[{n}]", one, report) for n, one in enumerate(raw)]

    def schema(self) -> Schema:
        """Return its description as JSON Schema."""
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.entry.schema(), **least}


@dataclass(frozen=True)
class Named(Kind):
    """Things of one kind by names that the plan makes up."""

    entry: Kind

    def read(self, path: str, raw: Any, report: Report) -> Any:
        """Return the mapping."""
        if not isinstance(raw, Mapping):
            report(Finding(path, f"found {raw!r}", "write NAME: and what belongs to it"))
            return {}
        return {str(n): self.entry.read(f"{path}.{n}", one, report) for n, one in raw.items()}

    def schema(self) -> Schema:
        """Return its description as JSON Schema."""
        return {"type": "object", "additionalProperties": self.entry.schema()}


class Key(NamedTuple):
    """One key of a table: what may stand there and what it is for, in a line.

    example: what may stand there, for one that must. default: what is read where nothing stands.
    """

    kind: Kind
    about: str
    example: str = ""
    default: Any = None


@dataclass(frozen=True)
class Table(Kind):
    """A mapping with keys that are known. Read, it has every one of them."""

    keys: Mapping[str, Key]

    def read(self, path: str, raw: Any, report: Report) -> Any:
        """Return the mapping, complete."""
        if not isinstance(raw, Mapping):
            report(Finding(path, f"found {raw!r}", f"write a mapping of {', '.join(self.keys)}"))
            return None
        for name in raw:
            if name not in self.keys:
                near = did_you_mean(name, self.keys)
                report(Finding(f"{path}.{name}", "there is no such key", near))
        return {name: self._read(f"{path}.{name}", raw.get(name), key, report)
                for name, key in self.keys.items()}  # fmt: skip

    @staticmethod
    def _read(path: str, raw: Any, key: Key, report: Report) -> Any:
        if raw is not None:
            return key.kind.read(path, raw, report)
        if key.example:
            report(Finding(path, "found None", f"set it, for example {key.example}"))
        return list(key.default) if isinstance(key.default, list) else key.default

    def schema(self) -> Schema:
        """Return its description as JSON Schema."""
        needed = [name for name, key in self.keys.items() if key.example]
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _described(key) for name, key in self.keys.items()},
            **({"required": needed} if needed else {}),
        }


def _described(key: Key) -> Schema:
    found = key.kind.schema()
    if found.get("type") == "string" and "pattern" not in found and "enum" not in found:
        return {"description": key.about, **found}
    return {"description": key.about, "anyOf": [found, TEMPLATE]}


def text(example: str) -> Value:
    """Return the kind of a text that is not empty."""

    def parse(raw: Any) -> str:
        if not isinstance(raw, str) or not raw.strip():
            raise ValueError(f"set it, for example {example}")
        return raw

    return Value(parse, {"type": "string", "minLength": 1})


def choice(*values: str) -> Value:
    """Return the kind of one of some words."""

    def parse(raw: Any) -> str:
        if raw not in values:
            raise ValueError(did_you_mean(raw, values))
        return str(raw)

    return Value(parse, {"type": "string", "enum": list(values)})


def whole(least: int = 1) -> Value:
    """Return the kind of a whole number."""

    def parse(raw: Any) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool) or raw < least:
            raise ValueError(f"write a whole number, {least} or more")
        return raw

    return Value(parse, {"type": "integer", "minimum": least})


def flag(meaning: str) -> Value:
    """Return the kind of true or false."""

    def parse(raw: Any) -> bool:
        if not isinstance(raw, bool):
            raise ValueError(f"set true if {meaning}, or false")
        return raw

    return Value(parse, {"type": "boolean"})


def written(parse: Callable[[Any], Any], pattern: str, *or_as: str) -> Value:
    """Return the kind of a text with a form of its own, as a regular expression.

    or_as: what else it may be written as, such as "number".
    """
    return Value(parse, {"type": ["string", *or_as], "pattern": f"^(?:{pattern})$"})


def matching(pattern: str, needed: str) -> Value:
    """Return the kind of a number or text whose text has a form, which stays as it is."""

    def parse(raw: Any) -> Any:
        if isinstance(raw, bool) or not re.fullmatch(pattern, str(raw)):
            raise ValueError(needed)
        return raw

    return written(parse, pattern, "integer")


def anything() -> Value:
    """Return the kind of what somebody else checks."""
    return Value(lambda raw: raw, {})
