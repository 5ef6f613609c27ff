# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories, and what git itself makes of them in a work tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Optional

from hypothesis import Phase, settings
from hypothesis import strategies as st

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
BRANCHES = 3
Entry = tuple[str, bytes]
Tree = dict[bytes, Entry]
Edit = Callable[[Tree, int, int], None]

ATTRIBUTES = [
    b"*.log merge=union\n*.lock merge=ours\n*.bin binary\n*.keep -merge\n*.crlf text=auto\n",
    b"[attr]both merge=union\n*.txt both\n*.bin binary\n",
    b"*.log -merge\n*.lock merge=binary\n*.txt text=auto\n",
    b"docs/* merge=ours\n",
    b"",
]
NAMES = [b"new.txt", b"new.log", b"docs/new.txt", b"lib/new.py", b"moved/a.txt", b"a.txt/in.txt"]
FOLDERS = [b"docs", b"docs/deep", b"lib", b"moved", b"lib/inner"]

#: The same examples every time.
fixed = settings(
    derandomize=True, deadline=None, database=None, phases=[Phase.generate, Phase.shrink]
)


def _lines(name: str, end: str = "\n") -> bytes:
    return "".join(f"{name} line {number}{end}" for number in range(20)).encode()


def _start() -> Tree:
    texts = ["a.txt", "a.log", "a.lock", "a.keep", "docs/one.txt", "docs/two.log"]
    texts += ["docs/deep/three.txt", "docs/deep/four.lock", "lib/x.py", "lib/y.py", "lib/z.py"]
    return {
        **{name.encode(): (FILE, _lines(name)) for name in texts},
        b".gitattributes": (FILE, ATTRIBUTES[0]),
        b"a.crlf": (FILE, _lines("crlf", "\r\n")),
        b"a.bin": (FILE, b"\0\1" * 40),
        b"caf\xe9.txt": (FILE, _lines("coffee")),
        b"link": (LINK, b"a.txt"),
        b"run.sh": (PROGRAM, b"#!/bin/sh\n" + _lines("run")),
        b"sub": (SUBMODULE, b"%040x" % 1),
    }


def _chosen(tree: Tree, number: int, *modes: str) -> Optional[bytes]:
    paths = sorted(path for path, (mode, _data) in tree.items() if not modes or mode in modes)
    return paths[number % len(paths)] if paths else None


def _put(tree: Tree, path: bytes, entry: Entry) -> None:
    """Write a path as a work tree would have it: what stands in its way goes."""
    for other in list(tree):
        if other.startswith(path + b"/") or path.startswith(other + b"/"):
            del tree[other]
    tree[path] = entry


def _edit_line(tree: Tree, which: int, value: int) -> None:
    path = _chosen(tree, which, FILE, PROGRAM)
    often = [b"a.txt", b"a.log", b"a.lock", b"a.keep"][which // 2 % 4]
    path = often if which % 2 and tree.get(often, ("",))[0] in (FILE, PROGRAM) else path
    if path and not path.endswith(b".gitattributes"):
        mode, data = tree[path]
        lines = data.splitlines(keepends=True) or [b"\n"]
        place = value % min(5, len(lines))
        new = [[b"edited %d\n" % value], [lines[place], b"added %d\n" % value], []][value % 3]
        tree[path] = mode, b"".join([*lines[:place], *new, *lines[place + 1 :]])


def _add(tree: Tree, which: int, value: int) -> None:
    folder = [b"", *(name + b"/" for name in FOLDERS)][value % (len(FOLDERS) + 1)]
    path = [*NAMES, folder + b"added.txt"][which % (len(NAMES) + 1)]
    _put(tree, path, (FILE, _lines(f"new {value % 2}")))


def _delete(tree: Tree, which: int, _value: int) -> None:
    path = _chosen(tree, which)
    if path and len(tree) > 1:
        del tree[path]


def _rename(tree: Tree, which: int, value: int) -> None:
    path = _chosen(tree, which)
    if path:
        _put(tree, NAMES[value % len(NAMES)], tree.pop(path))


def _rename_folder(tree: Tree, which: int, value: int) -> None:
    old, new = FOLDERS[which % len(FOLDERS)], FOLDERS[value % len(FOLDERS)]
    below = {path: tree.pop(path) for path in list(tree) if path.startswith(old + b"/")}
    for path, entry in below.items():
        _put(tree, new + path[len(old) :], entry)


def _change_mode(tree: Tree, which: int, _value: int) -> None:
    path = _chosen(tree, which, FILE, PROGRAM)
    if path:
        mode, data = tree[path]
        tree[path] = PROGRAM if mode == FILE else FILE, data


def _retarget(tree: Tree, which: int, value: int) -> None:
    path = _chosen(tree, which, LINK)
    if path:
        tree[path] = LINK, b"target %d" % (value % 3)


def _change_type(tree: Tree, which: int, value: int) -> None:
    """A file becomes a folder or a link, and a folder or a link becomes a file."""
    path = _chosen(tree, which)
    if path is None:
        return
    _mode, data = tree[path]
    place, mode = [
        (path + b"/inside.txt", FILE),
        (path, LINK),
        (path, FILE),
        (path.rpartition(b"/")[0] or path, FILE),
    ][value % 4]
    del tree[path]
    _put(tree, place, (mode, b"a.txt" if mode == LINK else data))


def _change_binary(tree: Tree, _which: int, value: int) -> None:
    _put(tree, b"a.bin", (FILE, b"\0%d" % (value % 4) * 40))


def _bump(tree: Tree, _which: int, value: int) -> None:
    _put(tree, b"sub", (SUBMODULE, b"%040x" % (2 + value % 3)))


def _change_attributes(tree: Tree, which: int, value: int) -> None:
    folder = [b"", b"", b"docs/", b"lib/"][which % 4]
    _put(tree, folder + b".gitattributes", (FILE, ATTRIBUTES[value % len(ATTRIBUTES)]))


EDITS: list[Edit] = [
    *[_edit_line] * 12, *[_add] * 2, _delete, *[_rename] * 2, *[_rename_folder] * 2, _change_mode,
    _retarget, _change_type, _change_binary, _bump, _change_attributes,
]  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A commit to make: its tree and the numbers of its parents."""

    tree: Mapping[bytes, Entry]
    parents: tuple[int, ...]


class History:
    """Commits in the order in which they are made; heads are the branches' last ones."""

    def __init__(self) -> None:
        self.commits = [Made(_start(), ())]
        self.heads = [0] * BRANCHES

    def commit(self, branch: int, tree: Tree, *others: int) -> None:
        self.commits.append(Made(tree, (self.heads[branch], *others)))
        self.heads[branch] = len(self.commits) - 1

    def tree(self, branch: int) -> Tree:
        return dict(self.commits[self.heads[branch]].tree)

    def merge(self, branch: int, *others: int) -> None:
        """Merge as somebody does who resolves by file: what a branch changed since the start."""
        tree, first = self.tree(branch), self.commits[0].tree
        for other in others:
            theirs = self.commits[other].tree
            for path in {*first, *theirs}:
                if path not in theirs:
                    tree.pop(path, None)
                elif theirs[path] != first.get(path):
                    _put(tree, path, theirs[path])
        self.commit(branch, tree, *others)

    def unrelated(self, branch: int) -> None:
        self.commits.append(Made(self.tree(branch), ()))
        self.heads[branch] = len(self.commits) - 1


# A step is a word: e and a branch edits it; m and two merges the second into the first; x and two
# merges each into the other; o and three is an octopus; n makes an empty commit, u a new root.
SHAPES = {
    "plain": "e0 e1",
    "long": "e0 e0 e1 e1 e1",
    "criss-cross": "e0 e1 x01 e0 e1",
    "two criss-crosses": "e0 e1 x01 e0 e1 x01 e0 e1",
    "an octopus": "e0 e1 e2 o012 e1 e0",
    "a branch merged twice": "e1 e0 m01 e1 e0 m01 e1 e0",
    "a branch without changes": "n1 e0",
    "unrelated": "u1 e0 e1",
}
_STEPS = ["e0", "e0", "e1", "e1", "e2", "e2", "m01", "m10", "m12", "m20", "x01", "o012", "n0"]


def _random_history(seed: int) -> History:
    """Return a history of one of the shapes above, or of any other."""
    random = Random(seed)
    shape = random.choice([*SHAPES.values(), None])
    steps = shape.split() if shape else random.choices(_STEPS, k=random.randint(3, 10))
    history = History()
    for step in steps:
        kind, (branch, *others) = step[0], [int(number) for number in step[1:]]
        heads = [history.heads[other] for other in others]
        if kind in "en":
            tree = history.tree(branch)
            for edit in random.choices(EDITS, k=random.randint(2, 6)) if kind == "e" else []:
                edit(tree, random.randrange(30), random.randrange(30))
            history.commit(branch, tree)
        elif kind == "u":
            history.unrelated(branch)
        else:
            mine = history.heads[branch]
            history.merge(branch, *heads)
            if kind == "x":
                history.merge(others[0], mine)
    return history


def histories() -> st.SearchStrategy[History]:
    """Return a strategy for histories. They come from a seed: drawn step by step, most are dull."""
    return st.integers(0, 2**32 - 1).map(_random_history)


# What git adds to the name of a file where a folder is: HEAD, or the commit.
_MOVED = re.compile(rb"~(?:HEAD|[0-9a-f]{40}|parent of [^/]*|[0-9a-f]{7} [^/]*)(?:_[0-9]+)?$")


@dataclass(frozen=True)
class Result:
    """What a merge or revert gives: a tree, or the paths that are unmerged."""

    tree: Optional[str]
    unmerged: frozenset[bytes] = frozenset()


class WorkTree:
    """A repository with a work tree, where git does what people do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks = count(1)
        path.mkdir()
        self._git("init", "-q", "-b", "main")
        self._git("config", "gc.auto", "0")
        # What gitattributes(5) tells people to configure for `merge=ours`.
        self._git("config", "merge.ours.driver", "true")

    def _git(self, *arguments: str, data: bytes = b"", good: Sequence[int] = (0,)) -> Any:
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            **{f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "ada@example.org" for role in ("AUTHOR", "COMMITTER")},
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C",
        }
        argv = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(argv, env=env, input=data, capture_output=True, check=False)
        assert done.returncode in good, f"{argv}: {done.stdout + done.stderr!r}"
        return done

    def make(self, history: History) -> list[str]:
        """Return the ids of the commits of a history."""
        done = self._git("fast-import", "--quiet", "--force", data=b"".join(_streamed(history)))
        ids: list[str] = done.stdout.decode().split()
        return ids

    def merge(self, ours: str, theirs: str) -> Result:
        """Return what `git merge` gives."""
        self._check_out(ours)
        done = self._git("merge", "-q", "--no-ff", "-m", "Merge", theirs, good=(0, 1, 128, -6))
        if done.returncode == 128:
            assert b"unrelated histories" in done.stderr, done
            return Result(None)
        return self._result(done)

    def revert(self, head: str, commit: str, *, merge: bool) -> Result:
        """Return what `git revert` gives; of a merge with `-m 1`."""
        self._check_out(head)
        mainline = ["-m", "1"] if merge else []
        done = self._git("revert", "--no-edit", *mainline, commit, good=(0, 1, -6))
        return self._result(done)

    def _result(self, done: subprocess.CompletedProcess[bytes]) -> Result:
        if done.returncode == -6:
            # Some conflicts are more than git 2.39 can write into a work tree.
            assert b"BUG: merge-ort.c" in done.stderr, done
            return Result(None)
        if done.returncode == 0 or b"nothing to commit" in done.stdout:
            return Result(self._git("rev-parse", "HEAD^{tree}").stdout.decode().strip())
        entries = self._git("ls-files", "-u", "-z").stdout.split(b"\0")[:-1]
        paths = (entry.split(b"\t", 1)[1] for entry in entries)
        return Result(None, frozenset(_MOVED.sub(b"", path) for path in paths))

    def _check_out(self, commit: str) -> None:
        """Check out a commit, and forget whatever went on before."""
        for entry in self.path.iterdir():
            if entry.name != ".git":
                shutil.rmtree(
                    entry
                ) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for name in (
            "index",
            "index.lock",
            "MERGE_HEAD",
            "MERGE_MSG",
            "MERGE_MODE",
            "REVERT_HEAD",
            "AUTO_MERGE",
        ):
            (self.path / ".git" / name).unlink(missing_ok=True)
        (self.path / ".git" / "HEAD").write_text(f"{commit}\n")
        self._git("reset", "-q", "--hard")


def _streamed(history: History) -> Iterator[bytes]:
    """Yield what fast-import reads, and is to print: the commits and their ids."""
    for number, made in enumerate(history.commits, 1):
        if not made.parents:
            yield b"reset refs/heads/made\n"
        yield b"commit refs/heads/made\nmark :%d\n" % number
        yield b"committer Ada <ada@example.org> %d +0000\ndata 2\nc\n" % (1_700_000_000 + number)
        for word, parent in zip((b"from", *(b"merge",) * 9), made.parents):
            yield b"%s :%d\n" % (word, parent + 1)
        yield b"deleteall\n"
        for path, (mode, data) in made.tree.items():
            if mode == SUBMODULE:
                yield b"M %s %s %s\n" % (mode.encode(), data, path)
            else:
                yield b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), path, len(data), data)
        yield b"\nget-mark :%d\n" % number
