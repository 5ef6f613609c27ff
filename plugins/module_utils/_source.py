# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source of measurements is: the one interface that every `_source_*.py` fills.

This module util is PRIVATE to the collection. To add a source, write `_source_NAME.py` and its
test, and name it in `_sources.py`.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Mapping, NamedTuple, Optional, Tuple, Type

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)

#: Options that every source has; `timeout` and `retry_delay` are in seconds.
COMMON_OPTIONS = ("type", "timeout", "retries", "retry_delay")


class SourceError(Exception):
    """The source could not be asked, or gave no answer that can be used."""


class UnreachableError(SourceError):
    """The source could not be asked. Only this is worth another try: a bad answer stays bad."""


class MissingLibraryError(Exception):
    """A Python library that a source needs is not installed. Its only argument is the name."""


class Window(NamedTuple):
    """The events of the time up to now: name is how long, such as 5m. None is not known."""

    name: str
    good: Optional[float] = None
    total: Optional[float] = None


@dataclass(frozen=True)
class Measurement:
    """What a source answered.

    value: None is no data. unit: the source's own, None where only the objective can know it.
    good, total: events, where a share was counted; value is then derived from them.
    note: what a person must know about the answer, or why there is none.
    error: why it could not be measured. asked, seconds: the question, and how long it took.
    values: every sample, in `unit`. windows: the events of several times up to now.
    """

    value: Optional[float] = None
    unit: Optional[str] = None
    good: Optional[float] = None
    total: Optional[float] = None
    samples: Optional[int] = None
    note: Optional[str] = None
    error: Optional[str] = None
    asked: Optional[str] = None
    seconds: Optional[float] = None
    values: Tuple[float, ...] = ()
    windows: Tuple[Window, ...] = ()


@dataclass(frozen=True)
class Context:
    """What all sources of one run share."""

    login: Login
    prometheus_url: Optional[str] = None
    timeout_seconds: float = 10
    check_mode: bool = False
    trackers: Mapping[str, Any] = field(default_factory=dict)

    def timeout_of(self, fields: Fields) -> float:
        """Return the seconds one source may take. Raises ShapeError."""
        return fields.number("timeout", self.timeout_seconds, above=0)

    def retries_of(self, fields: Fields) -> Retries:
        """Return how often one source that cannot be asked is asked again. Raises ShapeError."""
        count = fields.number("retries", 0)
        if count != int(count):
            raise ShapeError(fields.at("retries"), count, "it must be a whole number")
        return Retries(int(count), fields.number("retry_delay", 1))


@dataclass(frozen=True)
class Retries:
    """How often a source that could not be asked is asked again, and after how long."""

    count: int = 0
    delay_seconds: float = 1


@dataclass(frozen=True)
class Source(ABC):
    """One question to one outside system. It keeps to timeout_seconds by itself if it can."""

    #: How many of this kind are asked at a time, where many at once would be a burden.
    AT_ONCE: ClassVar[Optional[int]] = None

    timeout_seconds: float

    @property
    def kind(self) -> Type[Source]:
        """The kind of source; AT_ONCE holds for all of a kind together."""
        return type(self)

    @classmethod
    @abstractmethod
    def read(cls, fields: Fields, context: Context) -> Source:
        """Return the source that the fields state. Raises ShapeError, MissingLibraryError."""

    @property
    @abstractmethod
    def asked(self) -> str:
        """What is asked, for people to read; holds no secret."""

    @abstractmethod
    def measure(self) -> Measurement:
        """Return the answer, without `asked` and `seconds`. Raises SourceError."""


def library(name: str) -> Any:
    """Return a Python library. Raises MissingLibraryError; only those who use it need it."""
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise MissingLibraryError(name.partition(".")[0]) from exc


def answered_number(answer: object, what: str) -> Optional[float]:
    """Return a number that a source answered, None for no data.

    Raises SourceError if it is something else; true and false are not numbers.
    """
    if answer is None:
        return None
    if isinstance(answer, bool) or not isinstance(answer, (int, float, Decimal)):
        raise SourceError(f"{what} is {answer!r} ({type(answer).__name__}), but must be a number")
    try:
        return float(answer)
    except OverflowError:
        raise SourceError(f"{what} is too large a number") from None
