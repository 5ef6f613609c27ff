# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs named checks, prints how each one went, and writes JUnit where that is wanted."""

from __future__ import annotations

import os
import sys
import time
import traceback
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CheckError(Exception):
    """A check found that something does not hold; the text says what."""


@dataclass(frozen=True)
class Result:
    """How one check went."""

    name: str
    seconds: float
    failure: str | None


class Report:
    """The results of one suite; nothing checked is a failure too."""

    def __init__(self, suite: str) -> None:
        """Start a report on suite."""
        self.suite = suite
        self.results: list[Result] = []

    def check(self, name: str, function: Callable[[], str | None]) -> bool:
        """Run function and return whether it raised nothing; what it returns is printed."""
        started = time.monotonic()
        remark, failure = "", None
        try:
            remark = function() or ""
        except CheckError as exc:
            failure = str(exc)
        except Exception as exc:  # whatever goes wrong in a check is a red check, not a crash
            traceback.print_exc()
            failure = f"{type(exc).__name__}: {exc}"
        seconds = time.monotonic() - started
        self.results.append(Result(name, seconds, failure))
        said = f": {failure or remark}" if failure or remark else ""
        print(f"{'FAIL' if failure else 'ok  '} {seconds:5.1f} s  {name}{said}", flush=True)
        return failure is None

    def holds(self) -> bool:
        """Return whether there were checks and none of them failed."""
        return bool(self.results) and all(result.failure is None for result in self.results)

    def finish(self) -> int:
        """Print the summary, write JUnit to $JUNIT_OUTPUT, return the exit status."""
        failed = [result for result in self.results if result.failure]
        seconds = sum(result.seconds for result in self.results)
        path = os.environ.get("JUNIT_OUTPUT")
        if path:
            self.write_junit(Path(path))
        if not self.results:
            print(f"FAILED {self.suite}: nothing was checked")
            return 1
        count = f"{len(self.results)} checks in {seconds:.1f} s"
        if failed:
            names = "; ".join(f"{result.name}: {result.failure}" for result in failed)
            print(f"FAILED {self.suite}: {len(failed)} of {count}: {names}")
            return 1
        print(f"PASSED {self.suite}: {count}")
        return 0

    def write_junit(self, path: Path) -> None:
        """Write the results to path in JUnit's format, whole or not at all."""
        suite = ET.Element(
            "testsuite",
            name=self.suite,
            tests=str(len(self.results)),
            failures=str(sum(result.failure is not None for result in self.results)),
            errors="0",
            skipped="0",
            time=f"{sum(result.seconds for result in self.results):.3f}",
        )
        for result in self.results:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=self.suite,
                name=result.name,
                time=f"{result.seconds:.3f}",
            )
            if result.failure is not None:
                ET.SubElement(case, "failure", message=result.failure).text = result.failure
        partial = path.with_name(f"{path.name}.partial")
        ET.ElementTree(suite).write(partial, encoding="utf-8", xml_declaration=True)
        partial.replace(path)


def stop(reason: str) -> int:
    """Say why nothing could be checked; return the exit status for that."""
    print(f"CANNOT CHECK: {reason}", file=sys.stderr)
    return 2
