# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""What a person needs to resolve a conflict: who did what on both sides, where, what to test."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git_parse import text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
    from ansible_collections.phased.rollout.plugins.module_utils._git_parse import Merged

#: Where tests are, as git's glob pathspecs.
TEST_PATHS = (
    "tests/**",
    "test/**",
    "**/test_*",
    "**/*_test.*",
    "**/*.test.*",
    "**/*.spec.*",
    "**/spec/**",
)
MOST_FILES = 100
MOST_LINES = 120
MOST_CHARACTERS = 300
MOST_BYTES = 4 * 1024 * 1024
_CONTEXT = 3
_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}
_GLOBS = {"GIT_GLOB_PATHSPECS": "1"}
#: The path of a conflict that is about no file.
_NO_PATH = "."
_ID = r"(?:[0-9a-f]{64}|[0-9a-f]{40})"
_START = re.compile(rf"(<{{7,}}) {_ID}(:.*)?\r?")
_END = re.compile(rf"(>{{7,}}) {_ID}(:.*)?\r?")
# File names that also are everyday words in tests.
_UNSPECIFIC = re.compile(
    r"base|changelog|common|conf|config|conftest|constants|defaults?|dockerfile|helpers?|index|init"
    r"|license|main|makefile|models|package|readme|requirements|settings|setup|tests?|types|utils?"
    r"|values|version|views",
    re.I,
)


@dataclass(frozen=True)
class Side:
    """One side of a merge: a change's id or the base's name, who owns it, and its tip."""

    id: str
    owner: str
    sha: str


@dataclass(frozen=True)
class _Touch:
    """A commit as a result shows it, and all that it touches."""

    commit: dict[str, str]
    paths: frozenset[str]

    def is_about(self, names: Collection[str]) -> bool:
        """Return whether it touches one of the names, or what is in a folder of the name."""
        below = tuple(f"{name}/" for name in names)
        return any(path in names or path.startswith(below) for path in self.paths)


class ConflictAnalysis:
    """Analyses conflicts of one repository; reads only."""

    def __init__(self, repository: Repository, test_paths: Sequence[str] = TEST_PATHS) -> None:
        """Tests are the files that match the test paths, git's glob pathspecs."""
        self._repository = repository
        self._test_paths = list(test_paths)

    def of(self, merged: Merged, ours: Side, theirs: Side, fork: Sequence[str]) -> dict[str, Any]:
        """Return the analysis of a merge that conflicts; fork is where the sides parted.

        Each side's commits are those since the fork that touch the file under any of its names.
        Only the first MOST_FILES files are looked into.
        """
        sides = (ours, theirs)
        paths = sorted(merged.conflicts)
        looked_at = [path for path in paths if path != _NO_PATH][:MOST_FILES]
        names: dict[str, set[str]] = {}
        touches: list[list[_Touch]] = [[], []]
        tests: dict[str, list[str]] = {}
        hunks: dict[str, list[str]] = {}
        if looked_at:
            before = fork[0] if fork else self._empty_tree()
            names = self._names(looked_at, before, sides)
            touches = [self._touches(side, fork, set().union(*names.values())) for side in sides]
            tests = self._tests(merged.tree, before, sides, names, touches[0] + touches[1])
            hunks = self._hunks(merged.tree, looked_at, sides)
        beyond = [f"… not looked into: more than {MOST_FILES} files conflict"]
        return {
            "ids": [side.id for side in sides],
            "owners": [side.owner for side in sides],
            "files": [
                {
                    "path": path,
                    "kind": merged.conflicts[path],
                    "hunks": hunks.get(path, [] if path in (*names, _NO_PATH) else beyond),
                    "sides": [
                        {
                            "id": side.id,
                            "owner": side.owner,
                            "commits": [
                                t.commit for t in of_side if t.is_about(names.get(path, ()))
                            ],
                        }
                        for side, of_side in zip(sides, touches)
                    ],
                    "tests": tests.get(path, []),
                }
                for path in paths
            ],
        }

    def _empty_tree(self) -> str:
        done = self._repository.git(
            "hash-object", "-t", "tree", "--stdin", data=b"", doing="name the empty tree"
        )
        return text(done.stdout).strip()

    def _names(
        self, paths: Iterable[str], before: str, sides: Iterable[Side]
    ) -> dict[str, set[str]]:
        """Return all names that a file had on either side since the fork."""
        renames: set[tuple[str, str]] = set()
        for side in sides:
            done = self._repository.git(
                "diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", before, side.sha,
                doing="find renames",
            )  # fmt: skip
            words = [text(word) for word in done.stdout.split(b"\0")[:-1]]
            renames.update(zip(words[1::3], words[2::3]))
        found = {}
        for path in paths:
            names = {path} | {old for old, new in renames if new == path}
            found[path] = names | {new for old, new in renames if old in names}
        return found

    def _touches(self, side: Side, fork: Sequence[str], paths: set[str]) -> list[_Touch]:
        """Return the side's commits that touch one of the paths, newest first."""
        done = self._repository.git(
            "log", "--no-show-signature", "--topo-order", "-z", "--full-diff", "-c", "--no-renames",
            "--name-only", "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            "--format=tformat:/%x00%H%x00%an <%ae>%x00%ad%x00%s", side.sha, "--not", *fork,
            "--", *_pathspecs(paths),
            env={**_LITERAL, "TZ": "UTC"}, doing="read history",
        )  # fmt: skip
        return list(_parse_touches(done.stdout))

    def _tests(
        self,
        tree: str,
        before: str,
        sides: Iterable[Side],
        names: Mapping[str, set[str]],
        touches: Iterable[_Touch],
    ) -> dict[str, list[str]]:
        """Return for each file the tests that mention it, changed along with it, or that it is."""
        if not self._test_paths:
            return {}
        changed: set[str] = set()
        for side in sides:
            done = self._repository.git(
                "diff-tree", "-r", "-z", "--no-renames", "--diff-filter=d", "--name-only",
                before, side.sha, "--", *self._test_paths,
                env=_GLOBS, doing="find changed tests",
            )  # fmt: skip
            changed.update(text(word) for word in done.stdout.split(b"\0")[:-1])
        found = {path: known & changed for path, known in names.items()}
        for touch in touches:
            for path, known in names.items():
                if touch.is_about(known):
                    found[path] |= touch.paths & changed
        needles = {path: set().union(*map(_needles, known)) for path, known in names.items()}
        for test, needle in self._mentions(tree, set().union(*needles.values())):
            for path in names:
                if needle in needles[path]:
                    found[path].add(test)
        return {path: sorted(tests) for path, tests in found.items()}

    def _mentions(self, tree: str, needles: set[bytes]) -> set[tuple[str, bytes]]:
        """Return the tests of a tree that hold a needle as a word, with the needle.

        Where needles overlap, the longest counts: a file's whole path is no word on its namesakes.
        """
        if not needles:
            return set()
        patterns = [word for needle in sorted(needles) for word in ("-e", os.fsdecode(needle))]
        done = self._repository.git(
            "grep", "-z", "-I", "--fixed-strings", "--word-regexp", "--only-matching", "--no-color",
            "--no-line-number", "--no-column", "--full-name", *patterns, tree,
            "--", *self._test_paths,
            env=_GLOBS, good=(0, 1), doing="search the tests",
        )  # fmt: skip
        pattern = re.compile(rb"%s:([^\0]+)\0([^\n]*)\n" % tree.encode())
        return {(text(test), needle) for test, needle in pattern.findall(done.stdout)}

    def _hunks(
        self, tree: str, paths: Iterable[str], sides: Sequence[Side]
    ) -> dict[str, list[str]]:
        """Return for each file of a merged tree its conflicts."""
        done = self._repository.git(
            "ls-tree", "-z", "--long", tree, "--", *_pathspecs(paths),
            env=_LITERAL, doing="read a merged tree",
        )  # fmt: skip
        found = {}
        for entry in done.stdout.split(b"\0")[:-1]:
            described, path = entry.split(b"\t", 1)
            mode, _kind, sha, size = described.split()
            if not mode.startswith(b"100"):
                continue
            if int(size) > MOST_BYTES:
                found[text(path)] = [f"… not looked into: the file has {int(size)} bytes"]
            else:
                content = self._repository.blob(text(sha))
                found[text(path)] = hunks(text(content), *sides)
        return found


def _pathspecs(paths: Iterable[str]) -> list[str]:
    return [os.fsdecode(form) for path in sorted(paths) for form in sorted(raw_forms(path))]


def raw_forms(path: str) -> set[bytes]:
    """Return what git may call a path that text() shows like this."""
    plain = path.encode()
    decoded = re.sub(rb"\\x([89a-f][0-9a-f])", lambda m: bytes.fromhex(text(m[1])), plain)
    return {form for form in (plain, decoded) if text(form) == path}


def _parse_touches(output: bytes) -> Iterator[_Touch]:
    """Yield the commits: a slash, which is no path, four fields, and the paths.

    The first path stands after a newline, or after an empty word if the commit is a merge.
    """
    for record in re.split(rf"(?:\A|\0)/\0(?={_ID}\0)".encode(), output)[1:]:
        *fields, rest = text(record).split("\0", 4)
        paths = rest.split("\0")
        paths[0] = paths[0][1:]
        commit = dict(zip(("sha", "author", "time", "subject"), fields))
        yield _Touch(commit, frozenset(filter(None, paths)))


def _needles(name: str) -> set[bytes]:
    """Return what a test mentions a file by: path, dotted module name, a specific stem."""
    path = PurePosixPath(name)
    stem = path.name.split(".")[0]
    dotted = ".".join([*path.parts[:-1], stem])
    needles = {name} if "/" in name or "." in name else set()
    needles |= {short for short in (dotted, re.sub(r"^(src|lib)\.", "", dotted)) if "." in short}
    letters = sum(letter.isalpha() for letter in stem)
    if letters >= 4 and not _UNSPECIFIC.fullmatch(stem.strip("_")):
        needles.add(stem)
    return {form for n in needles if stem and "\n" not in n for form in raw_forms(n)}


def hunks(content: str, ours: Side, theirs: Side) -> list[str]:
    """Return the conflicts of a file with diff3 markers, at most MOST_LINES lines of it.

    Each begins with its line number; `-` stands before what was there, `+` before what a side made
    of it.
    """
    lines = (content[:-1] if content.endswith("\n") else content).split("\n")
    conflicts = list(_conflicts(lines, ours, theirs))
    found: list[str] = []
    kept = left_out = shown_to = 0
    for number, (begin, marked) in enumerate(conflicts):
        end = begin + len(marked)
        following = conflicts[number + 1][0] if number + 1 < len(conflicts) else len(lines)
        first, last = max(shown_to, begin - _CONTEXT), min(following, end + _CONTEXT)
        whole = [
            *(f" {line}" for line in lines[first:begin]),
            *marked,
            *(f" {line}" for line in lines[end:last]),
        ]
        shown_to = last
        shown = [_clipped(line) for line in whole[: MOST_LINES - kept]]
        kept += len(shown)
        left_out += len(whole) - len(shown)
        if shown:
            found.append("\n".join([f"@@ line {first + 1} @@", *shown]))
    if left_out:
        found[-1] += f"\n… {left_out} more lines"
    return found


def _clipped(line: str) -> str:
    more = len(line) - MOST_CHARACTERS
    return f"{line[:MOST_CHARACTERS]}… {more} more characters" if more > 0 else line


def _conflicts(lines: Sequence[str], ours: Side, theirs: Side) -> Iterator[tuple[int, list[str]]]:
    """Yield where a conflict begins and its lines; one that does not end is none."""
    begin, size, sign = 0, 0, ""
    marked: list[str] = []
    for number, line in enumerate(lines):
        start = None if size else _START.fullmatch(line)
        if start:
            begin, size, sign = number, len(start[1]), "+"
            marked = [f" {start[1]} {_label(ours, start[2])}"]
        elif size:
            marker = _marker(line, size, theirs)
            marked.append(f"{sign}{line}" if marker is None else f" {marker}")
            if marker is not None and marker[0] == ">":
                yield begin, marked
                size = 0
            elif marker is not None:
                sign = "-" if marker[0] == "|" else "+"


def _marker(line: str, size: int, theirs: Side) -> Optional[str]:
    """Return a marker inside or at the end of a conflict with readable labels, None if none."""
    end = _END.fullmatch(line)
    if end and len(end[1]) == size:
        return f"{end[1]} {_label(theirs, end[2])}"
    if line.startswith("|" * size + " "):
        return "|" * size + " before"
    return line.rstrip("\r") if line.rstrip("\r") == "=" * size else None


def _label(side: Side, path: Optional[str]) -> str:
    return f"{side.id} ({side.sha[:10]}){path or ''}"
