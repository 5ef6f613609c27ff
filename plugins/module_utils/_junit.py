# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a JUnit report says: which tests ran, and what became of them.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from ansible_collections.phased.rollout.plugins.module_utils._source import library

#: How some tools mark a test that did not run, or failed, without an element that says so.
_NOT_RUN = {"notrun", "disabled", "skipped", "ignored", "suppressed"}
_FAILED = {"failed", "failure", "error"}


class ReportError(Exception):
    """A report cannot be read, or contradicts itself. The message names it."""


class Case(NamedTuple):
    """One test. outcome: passed, failed or skipped."""

    suite: str
    name: str
    outcome: str


def read_report(path: Path) -> List[Case]:
    """Return the tests in a report. Raises ReportError, MissingLibraryError."""
    etree, common = library("defusedxml.ElementTree"), library("defusedxml.common")
    try:
        # A report has no document type; the entities of one could fetch files or fill the memory.
        root = etree.fromstring(path.read_bytes(), forbid_dtd=True)
    except OSError as exc:
        raise ReportError(f"{path} cannot be read: {exc.strerror or exc}") from None
    except etree.ParseError as exc:
        raise ReportError(f"{path} is no XML: {exc}; was the test run cut short?") from None
    except (common.DefusedXmlException, ValueError) as exc:
        raise ReportError(
            f"{path} is refused, because it declares a document type ({exc!r})"
        ) from None
    if _tag(root) not in ("testsuites", "testsuite"):
        raise ReportError(f"{path} is no JUnit report: it starts with <{_tag(root)}>")
    for element in root.iter():
        if _tag(element) in ("testsuites", "testsuite"):
            _check_counts(element, path)
    return [_case(element) for element in root.iter() if _tag(element) == "testcase"]


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _case(element: Any) -> Case:
    tags = {_tag(child) for child in element}
    words = {str(element.get(key, "")).lower() for key in ("status", "result")}
    if tags & {"failure", "error"} or words & _FAILED:
        outcome = "failed"
    elif "skipped" in tags or words & _NOT_RUN:
        outcome = "skipped"
    else:
        outcome = "passed"
    return Case(element.get("classname", ""), element.get("name", ""), outcome)


def _check_counts(suite: Any, path: Path) -> None:
    """Raise ReportError if a suite counts more tests or failures than it lists."""
    cases = [_case(element) for element in suite.iter() if _tag(element) == "testcase"]
    listed = {
        "tests": len(cases),
        "failures and errors": sum(case.outcome == "failed" for case in cases),
    }
    stated: Dict[str, int] = {
        "tests": _count(suite, "tests", path),
        "failures and errors": _count(suite, "failures", path) + _count(suite, "errors", path),
    }
    for what, number in stated.items():
        if number > listed[what]:
            raise ReportError(
                f"{path} contradicts itself: suite {suite.get('name', '')!r} states {number} {what}"
                f" and lists {listed[what]}; was the test run cut short?"
            )


def _count(suite: Any, key: str, path: Path) -> int:
    raw = suite.get(key) or "0"
    if not raw.strip().isdigit():
        raise ReportError(f"{path} contradicts itself: {key} is {raw!r}, not a number of tests")
    return int(raw)
