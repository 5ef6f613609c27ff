# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    SourceError,
    UnreachableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_junit import JunitSource

Write = Callable[..., str]


def read(*path: str, **raw: Any) -> JunitSource:
    fields = Fields({"type": "junit", "path": list(path), **raw}, "source")
    return JunitSource.read(fields, Context(login=Login()))


@pytest.fixture
def report(tmp_path: Path) -> Write:
    """Return a function that writes a report and returns its path."""

    def write(text: str, name: str = "report.xml") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def suite(*cases: str, **counts: int) -> str:
    stated = "".join(f' {key}="{count}"' for key, count in counts.items())
    return f'<testsuites><testsuite name="s"{stated}>{"".join(cases)}</testsuite></testsuites>'


def case(name: str, inner: str = "", suite: str = "tests.test_a", **more: str) -> str:
    attributes = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'<testcase classname="{suite}" name="{name}"{attributes}>{inner}</testcase>'


PASSED, FAILED = case("test_1"), case("test_2", "<failure>no</failure>")
ERROR, SKIPPED = case("test_3", "<error/>"), case("test_4", '<skipped message="later"/>')


@pytest.mark.parametrize(
    ("text", "good", "total", "note"),
    [
        pytest.param(suite(PASSED, tests=1), 1, 1, None, id="one that passed"),
        pytest.param(suite(PASSED, FAILED), 1, 2, "1 failed", id="a failure"),
        pytest.param(suite(PASSED, ERROR), 1, 2, "1 failed", id="an error"),
        pytest.param(suite(PASSED, SKIPPED), 1, 2, "1 skipped", id="skipped is not passed"),
        pytest.param(
            suite(PASSED, case("test_5", status="notrun")), 1, 2, "1 skipped", id="not run at all"
        ),
        pytest.param(
            suite(PASSED, case("test_5", result="Failed")), 1, 2, "1 failed", id="failed by a word"
        ),
        pytest.param(
            '<testsuite xmlns="urn:x">' + PASSED + "</testsuite>", 1, 1, None, id="a namespace"
        ),
        pytest.param(
            "<testsuites><testsuite><testsuite>" + PASSED + "</testsuite></testsuite></testsuites>",
            1,
            1,
            None,
            id="suites within suites",
        ),
    ],
)
def test_pass_rate(report: Write, text: str, good: int, total: int, note: Optional[str]) -> None:
    measurement = read(report(text)).measure()
    assert (measurement.good, measurement.total, measurement.note) == (good, total, note)


def test_failures(report: Write) -> None:
    text = suite(PASSED, FAILED, ERROR, SKIPPED, tests=4, failures=1, errors=1, skipped=1)
    measurement = read(report(text), measure="failures").measure()
    assert (measurement.value, measurement.unit, measurement.samples) == (2, "count", 3)
    assert measurement.note == "2 failed, 1 skipped"


def test_several_reports(report: Write, tmp_path: Path) -> None:
    report(suite(PASSED), "a/one.xml")
    report(suite(FAILED), "b/c/two.xml")
    measurement = read(f"{tmp_path}/**/*.xml", f"{tmp_path}/a/*.xml").measure()
    assert (measurement.good, measurement.total) == (1, 2)


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<testsuite><testcase name='&b;'/></testsuite>"
)
FILE = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<testsuite><testcase name='t'>&a;</testcase></testsuite>"
)


@pytest.mark.parametrize(
    ("text", "measure", "problem"),
    [
        pytest.param("", "pass_rate", "is no XML", id="an empty file"),
        pytest.param(suite(PASSED)[:-9], "pass_rate", "was the test run cut short", id="cut off"),
        pytest.param("<html/>", "pass_rate", "it starts with <html>", id="some other XML"),
        pytest.param(suite(), "pass_rate", "there is no test in it", id="no test"),
        pytest.param(suite(), "failures", "there is no test in it", id="no test to fail"),
        pytest.param(suite(SKIPPED), "pass_rate", "all 1 tests were skipped", id="all skipped"),
        pytest.param(suite(SKIPPED), "failures", "all 1 tests were skipped", id="none could fail"),
        pytest.param(suite(PASSED, tests=9), "pass_rate", "states 9 tests and lists 1", id="9"),
        pytest.param(
            suite(PASSED, errors=1), "failures", "states 1 failures and errors", id="no case"
        ),
        pytest.param(suite(PASSED, tests=-1), "failures", "tests is '-1'", id="a negative count"),
        pytest.param(
            f"<!DOCTYPE testsuite>{suite(PASSED)}",
            "pass_rate",
            "declares a document type",
            id="a document type alone",
        ),
        pytest.param(BOMB, "pass_rate", "declares a document type", id="entities that grow"),
        pytest.param(FILE, "pass_rate", "declares a document type", id="an entity of a file"),
    ],
)
def test_what_tells_nothing_is_an_error(
    report: Write, text: str, measure: str, problem: str
) -> None:
    path = report(text)
    with pytest.raises(SourceError, match=problem) as raised:
        read(path, measure=measure).measure()
    assert path in str(raised.value) or "skipped" in problem


def test_a_missing_report_is_named_and_may_still_come(tmp_path: Path, report: Write) -> None:
    path = report(suite(PASSED))
    with pytest.raises(UnreachableError, match=r"there is no report .*/\*\.junit"):
        read(path, f"{tmp_path}/*.junit").measure()


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        pytest.param(30, None, id="young"),
        pytest.param(90, r"90 s old, and may be 60 s old at most: run the tests", id="old"),
        pytest.param(-300, r"300 s from the future: check the clocks", id="from the future"),
        pytest.param(-30, None, id="of a clock that is a bit ahead"),
    ],
)
def test_age(report: Write, age: int, problem: Optional[str]) -> None:
    path = report(suite(PASSED))
    then = time.time() - age
    os.utime(path, (then, then))
    source = read(path, max_age="1m")
    if problem is None:
        assert source.measure().good == 1
    else:
        with pytest.raises(SourceError, match=problem):
            source.measure()


TESTS = """
import pytest

@pytest.fixture
def test_client(): ...

def test_one(): ...

async def test_two():
    def test_inner(): ...

def helper(): ...

class TestIt:
    def test_one(self): ...
    def helper(self): ...

class Helper:
    def test_none(self): ...

class Old(unittest.TestCase):
    def test_old(self): ...

if True:
    def test_sometimes(): ...
"""
ALL = [
    case("test_one"),
    case("test_two[1]"),
    case("test_two[2]"),
    case("test_one", suite="tests.test_a.TestIt"),
    case("test_old", suite="tests.test_a.Old"),
    case("test_sometimes", "<skipped/>"),
]


@pytest.mark.parametrize(
    ("cases", "good"),
    [
        pytest.param(ALL, 5, id="all of them"),
        pytest.param([one.replace("tests.test_a", "test_a") for one in ALL], 5, id="no folder"),
        pytest.param(ALL[1:3], 1, id="one function with two parameters"),
        pytest.param([*ALL[:1], case("test_one")], 1, id="a case speaks for one function"),
        pytest.param([case("test_one", suite="test_b")], 0, id="of another module"),
        pytest.param([case("test_gone")], 0, id="a test that is no more"),
    ],
)  # fmt: skip
def test_discovery(
    report: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cases: list[str], good: int
) -> None:
    report(TESTS, "tests/test_a.py")
    report("def test_no(): ...", "tests/helpers.py")
    path = report(suite(*cases))
    for tests in (str(tmp_path / "tests"), f"{tmp_path}/tests/test_*.py"):
        measurement = read(path, measure="discovery", tests=tests).measure()
        assert (measurement.good, measurement.total) == (good, 5)
    monkeypatch.chdir(tmp_path)
    # The report may know folders in front that the path on disk does not, or the other way round.
    report(suite(*cases).replace('"tests.', '"project.tests.'))
    assert read(path, measure="discovery", tests="tests").measure().good == good


def test_discovery_in_another_language(report: Write, tmp_path: Path) -> None:
    report("it('adds', …)\nit('divides', …)\n  it('adds', …)", "a.spec.js")
    path = report(suite(case("adds", suite="calc"), case("multiplies", suite="calc")))
    options = {"tests": f"{tmp_path}/*.spec.js", "pattern": r"\bit\('([^']+)'"}
    measurement = read(path, measure="discovery", **options).measure()
    assert (measurement.good, measurement.total) == (1, 3)
    assert measurement.note == "2 of 3 test functions are in no report"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param("test_a.py", "def test_(:", "cannot be read for tests", id="a mistake in it"),
        pytest.param("test_a.py", "x = 1", "there is no test function in", id="no function"),
        pytest.param("a.py", "def test_a(): ...", "there is no test function", id="no test file"),
    ],
)
def test_discovery_of_nothing_is_an_error(
    report: Write, tmp_path: Path, name: str, text: str, problem: str
) -> None:
    report(text, f"tests/{name}")
    with pytest.raises(SourceError, match=problem):
        read(report(suite(PASSED)), measure="discovery", tests=f"{tmp_path}/tests").measure()


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"path": None}, r"source\.path is missing", id="no path"),
        pytest.param({"path": [""]}, "must be the path", id="an empty path"),
        pytest.param({"measure": "speed"}, "pass_rate, failures", id="an unknown measure"),
        pytest.param({"max_age": "old"}, "a duration above 0", id="no age"),
        pytest.param({"measure": "discovery"}, r"tests is missing", id="no tests to discover"),
        pytest.param({"tests": "tests"}, "for discovery and for nothing else", id="tests"),
        pytest.param(
            {"measure": "discovery", "tests": "t", "pattern": "("}, "regular", id="no pattern"
        ),
        pytest.param(
            {"measure": "discovery", "tests": "t", "pattern": "x*"}, "declaration", id="anything"
        ),
        pytest.param({"ignore_skipped": True}, "no such option", id="an unknown option"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: dict[str, Any], problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        JunitSource.read(
            Fields({"type": "junit", "path": "a.xml", **raw}, "source"), Context(login=Login())
        )
