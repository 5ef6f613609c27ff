# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `command`: whether a program ends well, or a number that it prints.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
import re
import shlex
import signal
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._content import (
    check_json_path,
    parse_json,
    search_json,
)
from ansible_collections.phased.rollout.plugins.module_utils._program import (
    Ended,
    ProgramError,
    run_program,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
    SourceError,
    answered_number,
)

#: How much of a program's words a message repeats.
SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class CommandSource(Source):
    """A program and its arguments; there is no shell.

    number: measure what it prints, taken by a pattern's group or a JMESPath if one is stated.
    """

    argv: Tuple[str, ...]
    folder: Optional[str] = None
    number: bool = False
    pattern: Optional[str] = None
    json: Optional[str] = None
    withheld: bool = False

    @classmethod
    def read(cls, fields: Fields, context: Context) -> CommandSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "argv", "chdir", "measure", "pattern", "json")
        number = fields.choice("measure", ("success", "number"), "success") == "number"
        source = cls(
            timeout_seconds=context.timeout_of(fields),
            argv=_read_argv(fields),
            folder=fields.optional_text("chdir"),
            number=number,
            pattern=fields.optional_text("pattern"),
            json=fields.optional_text("json"),
            withheld=context.check_mode,
        )
        if (source.pattern or source.json) and not number:
            raise ShapeError(fields.at("measure"), "success", "pattern and json need number")
        if source.pattern and source.json:
            raise ShapeError(fields.at("json"), source.json, "state pattern or json, not both")
        if source.pattern:
            _check_pattern(fields, source.pattern)
        if source.json:
            check_json_path(source.json, fields.at("json"))
        return source

    @property
    def asked(self) -> str:
        """The command line."""
        return shlex.join(self.argv)

    def measure(self) -> Measurement:
        """Return whether it ended with exit code 0, or the number that it printed."""
        if self.withheld:
            return Measurement(note="a command may change something: not run in check mode")
        try:
            ended = run_program(self.argv, folder=self.folder, timeout_seconds=self.timeout_seconds)
        except ProgramError as exc:
            raise SourceError(str(exc)) from None
        if ended.code < 0:
            raise SourceError(f"{self.argv[0]} was ended by {_signal_name(-ended.code)}")
        failure = f"exit code {ended.code}{_last_words(ended)}" if ended.code else None
        if not self.number:
            return Measurement(good=0 if failure else 1, total=1, samples=1, note=failure)
        if failure:
            raise SourceError(f"what {self.argv[0]} printed does not count: {failure}")
        return Measurement(value=self._number_in(ended.stdout))

    def _number_in(self, output: bytes) -> Optional[float]:
        try:
            text = output.decode().strip()
        except UnicodeDecodeError as exc:
            raise SourceError(
                f"{self.argv[0]} printed something that is no UTF-8 text (byte {exc.start})"
            ) from None
        if self.json:
            return self._number_in_json(self.json, output)
        if self.pattern:
            found = re.findall(self.pattern, text, re.MULTILINE)
            if len(found) != 1:
                raise SourceError(
                    f"{len(found)} places in the output of {self.argv[0]} match"
                    f" {self.pattern!r}, but one is needed"
                )
            text = found[0].strip()
        try:
            if not text.isascii() or "_" in text:
                raise ValueError
            return float(text)
        except ValueError:
            shown = repr(text[:SHOWN_CHARACTERS]) if text else "nothing"
            raise SourceError(f"{self.argv[0]} printed {shown}, not a number") from None

    def _number_in_json(self, expression: str, output: bytes) -> Optional[float]:
        try:
            found, problem = search_json(expression, parse_json(output))
        except ValueError as exc:
            raise SourceError(f"{self.argv[0]} printed no JSON: {exc}") from None
        if problem or found is None:
            why = problem or "finds nothing"
            raise SourceError(f"{self.json!r} in what {self.argv[0]} printed: {why}")
        return answered_number(found, f"{self.json!r} in what {self.argv[0]} printed")


def _read_argv(fields: Fields) -> Tuple[str, ...]:
    raw: Any = fields.raw.get("argv")
    needed = "it must be a list: the program, then each of its arguments"
    if not isinstance(raw, list) or not raw or isinstance(raw[0], (int, float)) or not raw[0]:
        raise ShapeError(fields.at("argv"), raw, needed)
    for entry in raw:
        known = isinstance(entry, (str, int, float)) and not isinstance(entry, bool)
        if not known or "\0" in str(entry) or (isinstance(entry, float) and math.isnan(entry)):
            raise ShapeError(fields.at("argv"), raw, needed)
    return tuple(str(entry) for entry in raw)


def _check_pattern(fields: Fields, pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as exc:
        problem = f"it must be a regular expression: {exc}"
        raise ShapeError(fields.at("pattern"), pattern, problem) from None
    if groups != 1:
        needed = "it must have one group (…) around the number; (?:…) is none"
        raise ShapeError(fields.at("pattern"), pattern, needed)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_words(ended: Ended) -> str:
    """Return the last line that a program printed about its failure."""
    lines = (ended.stderr.strip() or ended.stdout.strip()).decode(errors="replace").splitlines()
    return f": {lines[-1][:SHOWN_CHARACTERS]}" if lines else ""
