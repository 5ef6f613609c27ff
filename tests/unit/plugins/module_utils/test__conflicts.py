# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _conflicts
from ansible_collections.phased.rollout.plugins.module_utils._conflicts import (
    TEST_PATHS,
    ConflictAnalysis,
    Side,
    hunks,
    raw_forms,
)
from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import text
from ansible_collections.phased.rollout.tests.git_sandbox import ADA, BEA, Sandbox

OURS, THEIRS = Side("pr-a", "ada", "a" * 40), Side("pr-b", "bea", "b" * 40)
FORTY = "0123456789" * 4
Files = dict[str, Optional[str]]


def analysis(sandbox: Sandbox, ours: str, theirs: str, **options: Any) -> dict[str, Any]:
    """Return the analysis of merging one branch of a sandbox into another."""
    repository = Repository(sandbox.work)
    one, two = (sandbox.git("rev-parse", name) for name in (ours, theirs))
    merged = Merges(repository).merge(one, two)
    sides = Side(ours, "ada", one), Side(theirs, "bea", two)
    fork = repository.merge_bases(one, two)
    return ConflictAnalysis(repository, **options).of(merged, *sides, fork)


def by_path(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in found["files"]}


def subjects(file: dict[str, Any]) -> list[list[str]]:
    return [[commit["subject"] for commit in side["commits"]] for side in file["sides"]]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path, local=True)


def test_a_conflict_is_told_with_both_sides_owners_commits_lines_and_tests(
    sandbox: Sandbox,
) -> None:
    sandbox.commit("main", {"tower/queue.py": "1\n2\n3\n", "other": "1\n"})
    sandbox.commit("left", {"tower/queue.py": "1\nL\n3\n"}, message="Go left\n\nBecause.")
    sandbox.commit("left", {"other": "2\n"}, message="Do something else")
    sandbox.commit(
        "right",
        {"tower/queue.py": "1\nR\n3\n", "tests/q.py": "tower.queue\n"},
        start="main",
        author=BEA,
    )
    left, right = (sandbox.git("rev-parse", name) for name in ("left~1", "right"))
    [file] = analysis(sandbox, "left", "right")["files"]
    tip = sandbox.git("rev-parse", "left")
    assert file == {
        "path": "tower/queue.py",
        "kind": "contents",
        "hunks": [
            "@@ line 1 @@\n 1\n"
            f" <<<<<<< left ({tip[:10]})\n+L\n ||||||| before\n-2\n =======\n+R\n"
            f" >>>>>>> right ({right[:10]})\n 3"
        ],
        "sides": [
            {
                "id": "left",
                "owner": "ada",
                "commits": [
                    {
                        "sha": left,
                        "author": ADA,
                        "time": "2023-11-14T22:20:20Z",
                        "subject": "Go left",
                    },
                ],
            },
            {
                "id": "right",
                "owner": "bea",
                "commits": [
                    {"sha": right, "author": BEA, "time": "2023-11-14T22:28:20Z", "subject": "Work"}
                ],
            },
        ],
        "tests": ["tests/q.py"],
    }


def test_commits_under_an_earlier_name_and_in_a_merge_count(sandbox: Sandbox) -> None:
    lines = "".join(f"{number}\n" for number in range(20))
    sandbox.commit("main", {"old.py": lines})
    sandbox.commit("left", {"old.py": lines.replace("5\n", "L\n", 1)}, message="Edit old")
    sandbox.commit("right", {"old.py": None, "new.py": lines}, start="main", message="Rename")
    sandbox.commit("right", {"new.py": lines.replace("5\n", "R\n", 1)}, message="Edit new")
    sandbox.commit("side", {"side": "1\n"}, start="right")
    sandbox.commit("right", {"more": "1\n"})
    sandbox.git("checkout", "-q", "right")
    sandbox.git("merge", "-q", "--no-commit", "--no-ff", "side")
    (sandbox.work / "new.py").write_text(lines.replace("5\n", "RR\n", 1))
    sandbox.git("commit", "-q", "-a", "-m", "Merge and edit")
    [file] = analysis(sandbox, "left", "right")["files"]
    assert file["path"] == "new.py"
    assert subjects(file) == [["Edit old"], ["Merge and edit", "Edit new", "Rename"]]
    assert " <<<<<<< left (" in file["hunks"][0]
    assert "):old.py\n+L\n" in file["hunks"][0]


def test_commits_under_the_other_sides_name_and_of_a_file_put_aside_count(
    sandbox: Sandbox,
) -> None:
    lines = "".join(f"{number}\n" for number in range(20))
    sandbox.commit("main", {"old": lines, "place": "1\n"})
    sandbox.commit("left", {"old": None, "l": lines, "place": "2\n"}, message="Rename to l")
    sandbox.commit("left", {"l": f"{lines}L\n"}, message="Edit l")
    sandbox.commit("right", {"old": None, "r": lines, "place": None}, start="main", message="To r")
    sandbox.commit("right", {"r": f"{lines}R\n", "place/a": "3\n"}, message="Edit r")
    files = by_path(analysis(sandbox, "left", "right"))
    both = [["Edit l", "Rename to l"], ["Edit r", "To r"]]
    assert {path: subjects(file) for path, file in files.items()} == {
        **dict.fromkeys(["l", "old", "r"], both),
        "place": [["Rename to l"], ["Edit r", "To r"]],
    }


def test_conflicts_without_lines_are_told_without_hunks(sandbox: Sandbox) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    main: Files = {
        "gone": "gone\n",
        "bin": "\0" + "1\n",
        name: "1\n",
        "lit\\xe9": "1\n",
        "*": "1\n",
    }
    sandbox.commit("main", main)
    sandbox.commit("left", {"gone": None, "bin": "\0L\n", name: "L\n", "lit\\xe9": "L\n"})
    (sandbox.work / "link").symlink_to("left")
    sandbox.commit("left", {"*": "L\n", ":a": "L\n", "place": "1\n"}, message="Links")
    changes: Files = {
        "gone": "2\n",
        "bin": "\0R\n",
        name: "R\n",
        "lit\\xe9": "R\n",
        "place/a": "1\n",
    }
    sandbox.commit("right", {**changes, "*": "R\n", ":a": "R\n"}, start="main", message="Right")
    (sandbox.work / "link").symlink_to("right")
    sandbox.commit("right", {}, message="Links")
    files = by_path(analysis(sandbox, "left", "right"))
    assert {
        path: (file["kind"], len(file["hunks"]), subjects(file)) for path, file in files.items()
    } == {
        "*": ("contents", 1, [["Links"], ["Right"]]),
        ":a": ("contents", 1, [["Links"], ["Right"]]),
        "bin": ("binary", 0, [["Work"], ["Right"]]),
        "caf\\xe9.py": ("contents", 1, [["Work"], ["Right"]]),
        "gone": ("modify/delete", 0, [["Work"], ["Right"]]),
        "link": ("contents", 0, [["Links"], ["Links"]]),
        "lit\\xe9": ("contents", 1, [["Work"], ["Right"]]),
        "place": ("file/directory", 0, [["Links"], ["Right"]]),
    }


def test_a_submodule_in_conflict_has_commits_but_no_hunks(sandbox: Sandbox) -> None:
    sandbox.commit("main", {"f": "1\n"})
    for branch, digit in (("left", "1"), ("right", "2")):
        sandbox.commit(branch, {}, start="main")
        sandbox.git("update-index", "--add", "--cacheinfo", f"160000,{digit * 40},sub")
        sandbox.git("commit", "-q", "-m", branch)
        sandbox.git("rm", "-q", "--cached", "sub")
    [file] = analysis(sandbox, "left", "right")["files"]
    assert file["path"] == "sub"
    assert (subjects(file), file["hunks"]) == ([["left"], ["right"]], [])


def test_unrelated_histories_have_no_files_to_look_into(sandbox: Sandbox) -> None:
    sandbox.commit("main", {"f": "1\n"})
    sandbox.git("checkout", "-q", "--orphan", "alone")
    sandbox.git("commit", "-q", "-m", "Alone")
    [file] = analysis(sandbox, "main", "alone")["files"]
    assert (file["path"], file["kind"], file["hunks"]) == (".", "unrelated histories", [])
    assert (subjects(file), file["tests"]) == ([[], []], [])


def test_sides_that_only_one_file_ties_together_are_told_without_a_fork(sandbox: Sandbox) -> None:
    """What the sides have in common may be lost, for example in a shallow remote."""
    sandbox.commit("main", {"f": "1\n", "tests/f": "1\n"}, message="First")
    sandbox.commit("left", {"f": "L\n"}, message="Left")
    sandbox.commit("right", {"f": "R\n"}, start="main", message="Right")
    repository = Repository(sandbox.work)
    left, right = (sandbox.git("rev-parse", name) for name in ("left", "right"))
    merged = Merges(repository).merge(left, right)
    sides = Side("left", "", left), Side("right", "", right)
    [file] = ConflictAnalysis(repository).of(merged, *sides, [])["files"]
    assert subjects(file) == [["Left", "First"], ["Right", "First"]]
    assert file["tests"] == ["tests/f"]


TOLD = {
    "tests/by_path": "see tower/queue.py",
    "tests/by_module": "from tower.queue import Queue",
    "tests/by_stem": "import queue",
    "deep/er/test_anywhere.py": "queue",
    "spec/x": "queue",
    "lib/queue_test.go": "package queue",
    "tests/part_of_a_word": "queues requeue queue_2",
    "tests/namesake": "lab/queue.py",
    "tests/short": "io",
    "tests/everyday": "config __init__ main",
    "tests/binary": "\0queue",
    "elsewhere": "tower/queue.py",
}


def told_by(sandbox: Sandbox, **options: Any) -> dict[str, list[str]]:
    names = [
        "tower/queue.py",
        "lab/queue.py",
        "tower/io.py",
        "tower/config.py",
        "tower/__init__.py",
    ]
    sandbox.commit("main", {**dict.fromkeys(names, "1\n"), **TOLD})
    sandbox.commit("left", dict.fromkeys(names, "L\n"))
    sandbox.commit("right", dict.fromkeys(names, "R\n"), start="main")
    files = analysis(sandbox, "left", "right", **options)["files"]
    return {file["path"]: file["tests"] for file in files}


def test_the_tests_of_a_file_are_those_that_mention_it(sandbox: Sandbox) -> None:
    by_stem = ["deep/er/test_anywhere.py", "lib/queue_test.go", "spec/x", "tests/by_stem"]
    assert told_by(sandbox) == {
        "lab/queue.py": sorted([*by_stem, "tests/namesake"]),
        "tower/__init__.py": [],
        "tower/config.py": [],
        "tower/io.py": [],
        "tower/queue.py": sorted([*by_stem, "tests/by_module", "tests/by_path"]),
    }


def test_where_tests_are_can_be_said(sandbox: Sandbox) -> None:
    assert told_by(sandbox, test_paths=["else*"])["tower/queue.py"] == ["elsewhere"]


def test_without_test_paths_there_are_no_tests(sandbox: Sandbox) -> None:
    assert set(map(tuple, told_by(sandbox, test_paths=[]).values())) == {()}


def test_tests_that_changed_in_the_same_commit_and_conflicting_tests_count(
    sandbox: Sandbox,
) -> None:
    sandbox.commit("main", {"f": "1\n", "tests/both": "1\n", "tests/dropped": "1\n"})
    sandbox.commit("left", {"f": "L\n", "tests/with": "1\n", "tests/dropped": None})
    sandbox.commit("left", {"tests/apart": "1\n", "tests/both": "L\n"})
    sandbox.commit("right", {"f": "R\n", "other": "1\n"}, start="main")
    sandbox.commit("right", {"tests/both": "R\n"})
    files = by_path(analysis(sandbox, "left", "right"))
    assert files["f"]["tests"] == ["tests/with"]
    assert files["tests/both"]["tests"] == ["tests/apart", "tests/both"]


def test_only_so_many_files_are_looked_into(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_conflicts, "MOST_FILES", 2)
    monkeypatch.setattr(_conflicts, "MOST_BYTES", 200)
    names = ["a", "b", "c"]
    sandbox.commit("main", dict.fromkeys(names, "1\n"))
    sandbox.commit("left", {**dict.fromkeys(names, "L\n"), "b": "L" * 200})
    sandbox.commit("right", dict.fromkeys(names, "R\n"), start="main")
    told = [(f["hunks"][0], subjects(f)) for f in analysis(sandbox, "left", "right")["files"]]
    assert told[0][0].startswith("@@ line 1 @@")
    assert told[1] == ("… not looked into: the file has 327 bytes", [["Work"], ["Work"]])
    assert told[2] == ("… not looked into: more than 2 files conflict", [[], []])


def conflict(ours: str, base: str, theirs: str, *, size: int = 7, end: str = "\n") -> str:
    lines = [f"{'<' * size} {FORTY}", ours, f"{'|' * size} 1234567", base]
    return end.join([*lines, "=" * size, theirs, f"{'>' * size} {FORTY}", ""])


def marked(ours: str, base: str, theirs: str, *, size: int = 7) -> str:
    return (
        f" {'<' * size} pr-a (aaaaaaaaaa)\n+{ours}\n {'|' * size} before\n-{base}\n"
        f" {'=' * size}\n+{theirs}\n {'>' * size} pr-b (bbbbbbbbbb)"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", [], id="an empty file has none"),
        pytest.param("1\n2\n", [], id="a file without conflict has none"),
        pytest.param(
            "1\n2\n3\n4\n" + conflict("L", "B", "R") + "5\n6\n7\n8\n",
            ["@@ line 2 @@\n 2\n 3\n 4\n" + marked("L", "B", "R") + "\n 5\n 6\n 7"],
            id="three lines around it",
        ),
        pytest.param(
            conflict("L", "B", "R") + "1\n" + conflict("L", "B", "R"),
            [
                "@@ line 1 @@\n" + marked("L", "B", "R") + "\n 1",
                "@@ line 9 @@\n" + marked("L", "B", "R"),
            ],
            id="no line twice",
        ),
        pytest.param(
            conflict("L", "B", "R", size=32),
            ["@@ line 1 @@\n" + marked("L", "B", "R", size=32)],
            id="markers of a length that an attribute asks for",
        ),
        pytest.param(
            conflict("L\r", "B\r", "R\r", end="\r\n"),
            ["@@ line 1 @@\n" + marked("L\r\r", "B\r\r", "R\r\r")],
            id="markers of a file with CRLF",
        ),
        pytest.param(
            conflict("L", "<<<<<<<<< Temporary merge branch 1\n=========\n>>>>>>>>> x", "R"),
            [
                "@@ line 1 @@\n"
                + marked("L", "<<<<<<<<< Temporary merge branch 1\n-=========\n->>>>>>>>> x", "R")
            ],
            id="a base that has a conflict itself, as in criss-cross histories",
        ),
        pytest.param("<<<<<<< HEAD\n=======\n>>>>>>> x\n", [], id="markers that people left"),
        pytest.param(f"<<<<<<< {FORTY}\n1\n", [], id="a conflict that does not end"),
        pytest.param(
            conflict("x" * 303, "B", "R"),
            ["@@ line 1 @@\n" + marked("x" * 299 + "… 4 more characters", "B", "R")],
            id="a long line is cut",
        ),
    ],
)
def test_hunks(content: str, expected: list[str]) -> None:
    assert hunks(content, OURS, THEIRS) == expected


def test_only_so_many_lines_of_a_file_are_kept() -> None:
    long = conflict("\n".join(map(str, range(115))), "B", "R")
    found = hunks(long + "1\n" * 9 + long, OURS, THEIRS)
    assert len(found) == 1
    assert found[0].count("\n") == 121
    assert found[0].endswith("\n-B\n =======\n+R\n… 128 more lines")


@pytest.mark.parametrize(
    ("path", "forms"),
    [
        pytest.param("é", {"é".encode()}, id="what is UTF-8"),
        pytest.param("\\xe9", {b"\xe9", b"\\xe9"}, id="a byte, or what looks like one"),
        pytest.param("\\xc3\\xa9", {b"\\xc3\\xa9"}, id="bytes that would not be shown as such"),
        pytest.param("\\x41", {b"\\x41"}, id="a letter is never shown as a byte"),
    ],
)
def test_a_path_leads_back_to_its_bytes(path: str, forms: set[bytes]) -> None:
    assert raw_forms(path) == forms
    assert {text(form) for form in forms} == {path}


def test_the_usual_places_of_tests_are_known() -> None:
    assert "tests/**" in TEST_PATHS
