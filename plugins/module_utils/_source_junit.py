# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `junit`: what reports say about tests, and how many of the tests there are they know.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import glob
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._discovery import (
    DiscoveryError,
    collected,
    functions_in,
)
from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
from ansible_collections.phased.rollout.plugins.module_utils._junit import (
    Case,
    ReportError,
    read_report,
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

MEASURES = ("pass_rate", "failures", "discovery")
#: A file may seem to be from the future by this much, because clocks differ.
CLOCK_SECONDS = 60
#: The files that pytest looks into.
PYTHON_TESTS = ("test_*.py", "*_test.py")


@dataclass(frozen=True)
class JunitSource(Source):
    """Reports, and for the discovery rate the files or folders that hold the tests."""

    paths: Tuple[str, ...]
    measured: str = "pass_rate"
    max_age_seconds: Optional[float] = None
    tests: Tuple[str, ...] = ()
    pattern: Optional[str] = None

    @classmethod
    def read(cls, fields: Fields, context: Context) -> JunitSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "path", "measure", "max_age", "tests", "pattern")
        library("defusedxml.ElementTree")
        source = cls(
            timeout_seconds=context.timeout_of(fields),
            paths=tuple(fields.texts("path")),
            measured=fields.choice("measure", MEASURES, "pass_rate"),
            max_age_seconds=(
                None if fields.raw.get("max_age") is None else read_duration(fields, "max_age")
            ),
            tests=tuple(fields.texts("tests")),
            pattern=fields.optional_text("pattern"),
        )
        if not source.paths or not all(source.paths):
            raise ShapeError(
                fields.at("path"), fields.raw.get("path"), "it must be the path of a JUnit report"
            )
        if (source.measured == "discovery") != bool(source.tests):
            needed = "it must say where the tests are, for discovery and for nothing else"
            raise ShapeError(fields.at("tests"), fields.raw.get("tests"), needed)
        if source.pattern is not None:
            _check_pattern(fields, source.pattern, source.measured)
        return source

    @property
    def asked(self) -> str:
        """What is counted, and in which files."""
        where = f" against the tests in {', '.join(self.tests)}" if self.tests else ""
        return f"{self.measured} of {', '.join(self.paths)}{where}"

    def measure(self) -> Measurement:
        """Return the share of tests that passed or were found, or the number of failures."""
        reports = _found(self.paths, "report")
        for path in reports:
            self._check_age(path)
        try:
            cases = [case for path in reports for case in read_report(path)]
        except ReportError as exc:
            raise SourceError(str(exc)) from None
        if not cases:
            raise SourceError(f"{', '.join(map(str, reports))}: there is no test in it")
        if self.measured == "discovery":
            return self._discovery(cases)
        return _outcomes(cases, self.measured)

    def _check_age(self, path: Path) -> None:
        """Raise SourceError if a report is too old to tell about now."""
        age = time.time() - path.stat().st_mtime
        if age < -CLOCK_SECONDS:
            raise SourceError(f"{path} is {-age:.0f} s from the future: check the clocks")
        if self.max_age_seconds is not None and age > self.max_age_seconds:
            raise SourceError(
                f"{path} is {age:.0f} s old, and may be {self.max_age_seconds:.0f} s old at most:"
                " run the tests again"
            )

    def _discovery(self, cases: Sequence[Case]) -> Measurement:
        files = [
            file
            for path in _found(self.tests, "test file")
            for file in (_test_files(path) if path.is_dir() else [path])
        ]
        try:
            functions = [one for file in files for one in functions_in(file, self.pattern)]
        except DiscoveryError as exc:
            raise SourceError(str(exc)) from None
        if not functions:
            raise SourceError(f"there is no test function in {', '.join(self.tests)}")
        good = collected(functions, cases)
        note = f"{len(functions) - good} of {len(functions)} test functions are in no report"
        return Measurement(
            good=good,
            total=len(functions),
            samples=len(functions),
            note=None if good == len(functions) else note,
        )


def _check_pattern(fields: Fields, pattern: str, measured: str) -> None:
    try:
        matches_nothing = re.compile(pattern).search("") is not None
    except re.error as exc:
        problem = f"it must be a regular expression: {exc}"
        raise ShapeError(fields.at("pattern"), pattern, problem) from None
    if matches_nothing or measured != "discovery":
        needed = "it must match the declaration of a test, and is for discovery only"
        raise ShapeError(fields.at("pattern"), pattern, needed)


def _outcomes(cases: Sequence[Case], measured: str) -> Measurement:
    counts = {kind: sum(case.outcome == kind for case in cases) for kind in ("failed", "skipped")}
    note = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or None
    if counts["skipped"] == len(cases):
        raise SourceError(f"all {len(cases)} tests were skipped, so nothing was tested")
    if measured == "failures":
        return Measurement(
            value=counts["failed"], unit="count", samples=len(cases) - counts["skipped"], note=note
        )
    # A test that was skipped has shown nothing: it counts, and not as passed.
    good = len(cases) - sum(counts.values())
    return Measurement(good=good, total=len(cases), samples=len(cases), note=note)


def _found(patterns: Sequence[str], what: str) -> List[Path]:
    """Return the files and folders, each once. Raises UnreachableError if a pattern finds none."""
    found: List[str] = []
    for pattern in patterns:
        matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (Path takes no absolute one)
        if not matches:
            raise UnreachableError(f"there is no {what} {pattern}")
        found += matches
    return [Path(path) for path in dict.fromkeys(found)]


def _test_files(folder: Path) -> List[Path]:
    """Return the Python files of a folder that may hold tests, as pytest finds them."""
    return sorted({file for pattern in PYTHON_TESTS for file in folder.rglob(pattern)})
