# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""The one place that runs git: questions to, and objects for, a repository without a work tree."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Protocol

from ansible_collections.phased.rollout.plugins.module_utils._git_parse import (
    COMMIT_FORMAT,
    Commit,
    parse_commits,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
# Set where we are started from a git hook; they would point git at the hook's repository. Ansible's
# own PYTHONPATH is not for what git starts.
_UNWANTED_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "PYTHONPATH",
)
# attributesFile: git reads the user's attributes even where it reads no configuration of theirs.
_SETTINGS = ("-c", "gc.autoDetach=false", "-c", "core.attributesFile=/dev/null")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class GitError(Exception):
    """What was asked of git could not be done; details are for the module's result."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(_CREDENTIALS.sub("***@", message))
        self.details = details


@dataclass(frozen=True)
class Completed:
    """A program that has ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Runner(Protocol):
    """Runs a program to its end; pass_fds are the file descriptors that it inherits."""

    def __call__(
        self, argv: list[str], *, env: dict[str, str], data: Optional[bytes], pass_fds: list[int]
    ) -> Completed: ...


def run_program(
    argv: list[str], *, env: dict[str, str], data: Optional[bytes], pass_fds: list[int]
) -> Completed:
    """Return the ended program. Raises GitError if it is not installed.

    Not a module's run_command: that one is not made for threads, and hangs on a program that
    answers before it has read all of its input.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _UNWANTED_VARIABLES}
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            argv,
            env={**kept, **env},
            input=b"" if data is None else data,
            pass_fds=pass_fds,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as exc:
        raise GitError(f"{argv[0]} is not installed: install git 2.39 or newer") from exc
    return Completed(done.returncode, done.stdout, done.stderr)


def how_it_ended(returncode: int) -> str:
    """Return the end of a git that said nothing, for example one that met a limit on file sizes."""
    return f"git was killed by signal {-returncode}" if returncode < 0 else f"it gave {returncode}"


def is_object_id(name: str) -> bool:
    """Return whether the name is a full object id (SHA-1 or SHA-256)."""
    return _OBJECT_ID.fullmatch(name) is not None


def checked_name(name: str, *, what: str) -> str:
    """Return the name if git can take it as the name of a ref or a commit.

    Raises GitError, naming what it is for, if it could be read as an option or cannot be a name.
    """
    if not name or name.startswith("-") or re.search(r"[\s\x00-\x20\x7f]", name):
        raise GitError(f"{what} {name!r} cannot be the name of a branch, tag or commit")
    return name


class Repository:
    """A git repository at a path; nothing outside it is read and no work tree is touched."""

    def __init__(
        self,
        path: Path,
        run: Runner = run_program,
        *,
        pass_fds: Sequence[int] = (),
        bare: bool = False,
    ) -> None:
        """Return the repository. bare: it is known to be one without a work tree."""
        self.path = path
        self._run = run
        self.pass_fds = list(pass_fds)
        self._git_dir = path.absolute() if bare else None
        # What a commit is, and which ancestors two have in common, never changes.
        self._commits: dict[str, Commit] = {}
        self._bases: dict[tuple[str, ...], list[str]] = {}
        self._env = {**_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(path.absolute().parent)}

    def git(
        self,
        *arguments: str,
        doing: str,
        data: Optional[bytes] = None,
        env: Optional[dict[str, str]] = None,
        good: Collection[int] = (0,),
    ) -> Completed:
        """Return the ended git command. Raises GitError with what it was doing and git's reason."""
        argv = ["git", "-C", str(self.path), *_SETTINGS, *arguments]
        done = self._run(argv, env={**self._env, **(env or {})}, data=data, pass_fds=self.pass_fds)
        if done.returncode not in good:
            reason = text(done.stderr).strip() or how_it_ended(done.returncode)
            raise GitError(f"Cannot {doing} in {self.path}: {reason}")
        return done

    def quarantined(self, folder: Path) -> Repository:
        """Return this repository with a folder for all objects that are written from now on."""
        done = self.git("rev-parse", "--git-path", "objects", doing="find the objects")
        objects = str(self.path.absolute() / os.fsdecode(done.stdout[:-1]))
        quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
        other = Repository(self.path, self._run, pass_fds=self.pass_fds)
        other._env = {
            **self._env,
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"',
        }
        return other

    def require(self) -> None:
        """Raises GitError unless the path is the top of a repository with all of its history."""
        if not self.path.is_dir():
            raise GitError(f"{self.path} does not exist or is not a directory")
        done = self.git("rev-parse", "--is-shallow-repository", doing="find a git repository")
        if done.stdout == b"true\n":
            raise GitError(
                f"{self.path} is a shallow clone, so what its branches have in common cannot be"
                " told: run git fetch --unshallow in it, or name a full clone"
            )

    @property
    def git_dir(self) -> Path:
        """Where the objects and refs are, below the path or the path itself."""
        if self._git_dir is None:
            done = self.git("rev-parse", "--absolute-git-dir", doing="find a git repository")
            self._git_dir = Path(os.fsdecode(done.stdout[:-1]))
        return self._git_dir

    def blob(self, sha: str) -> bytes:
        """Return the content of a file."""
        return self.git("cat-file", "blob", sha, doing=f"read {sha}").stdout

    def resolve(self, names: Sequence[str]) -> list[Optional[str]]:
        """Return for each name the id of its commit, None where there is none.

        A branch wins over a tag of the same name; everything else resolves as git resolves it.
        """
        if not names:
            return []
        queries = [f"{form}^{{commit}}" for name in names for form in (f"refs/heads/{name}", name)]
        asked = "".join(f"{query}\n" for query in queries).encode()
        done = self.git(
            "cat-file",
            "--batch-check=%(objectname)",
            data=asked,
            doing=f"resolve {', '.join(names)}",
        )
        answers = [a if is_object_id(a) else None for a in text(done.stdout).splitlines()]
        return [b or n for b, n in zip(answers[::2], answers[1::2])]

    def is_empty(self) -> bool:
        """Return whether there is no branch at all."""
        places = ("refs/heads", "refs/remotes")
        done = self.git("for-each-ref", "--count=1", *places, doing="list branches")
        return not done.stdout

    def ref(self, name: str) -> Optional[str]:
        """Return what a full ref name holds (for a tag, its object), None if it does not exist."""
        done = self.git(
            "for-each-ref", "--format=%(refname) %(objectname)", "--", name, doing=f"read {name}"
        )
        refs = dict(line.split(" ") for line in text(done.stdout).splitlines())
        return refs.get(name)

    def commits(self, shas: Iterable[str]) -> dict[str, Commit]:
        """Return the commits by id."""
        wanted = list(dict.fromkeys(shas))
        unknown = [sha for sha in wanted if sha not in self._commits]
        if unknown:
            done = self.git(
                "log", "--no-show-signature", "--no-walk=unsorted", "-z", COMMIT_FORMAT, *unknown,
                "--", doing="read commits",
            )  # fmt: skip
            self._commits.update({commit.sha: commit for commit in parse_commits(done.stdout)})
        return {sha: self._commits[sha] for sha in wanted}

    def log(
        self, tips: Sequence[str], *, without: Sequence[str] = (), grep: str = ""
    ) -> list[Commit]:
        """Return the commits of the tips' history, newest first, without those of others'."""
        chosen = [f"--grep={grep}"] if grep else []
        done = self.git(
            "log", "--no-show-signature", "--topo-order", "-z", COMMIT_FORMAT, *chosen, *tips,
            "--not", *without, "--", doing="read history",
        )  # fmt: skip
        return parse_commits(done.stdout)

    def only_in(self, branch: str, *, without: str) -> list[str]:
        """Return the commits, but for merges, that only a branch has, and not a commit either."""
        done = self.git(
            "rev-list", "--no-merges", f"refs/heads/{branch}", "--not", without,
            f"--exclude={branch}", "--branches", "--tags", "--", doing="compare histories",
        )  # fmt: skip
        return text(done.stdout).split()

    def contains(self, commit: str, ancestor: str) -> bool:
        """Return whether the ancestor is the commit or in its history."""
        return commit == ancestor or self.merge_bases(commit, ancestor) == [ancestor]

    def merge_bases(self, *commits: str, of_all: bool = False) -> list[str]:
        """Return the best common ancestors of the first commit and any other, or of all."""
        form = "--octopus" if of_all else "--all"
        key = (form, *commits)
        if key not in self._bases:
            done = self.git(
                "merge-base", form, *commits, good=(0, 1), doing="find common ancestors"
            )
            self._bases[key] = text(done.stdout).split()
        return self._bases[key]

    def apart(self, commit: str, base: str) -> tuple[list[str], list[str]]:
        """Return the commits that only the commit has, and those that only the base has."""
        done = self.git(
            "rev-list", "--left-right", f"{commit}...{base}", "--", doing="compare histories"
        )
        lines = text(done.stdout).splitlines()
        return (
            [line[1:] for line in lines if line[0] == "<"],
            [line[1:] for line in lines if line[0] == ">"],
        )

    def first_with(self, commit: str, ancestor: str) -> Optional[str]:
        """Return the oldest commit on the first-parent line that brought the ancestor."""
        # Given both options at once, git loses a path that enters by a second parent.
        found = []
        for option in ("--ancestry-path", "--first-parent"):
            done = self.git("rev-list", option, f"{ancestor}..{commit}", doing="find a merge")
            found.append(text(done.stdout).split())
        bringing = set(found[0])
        return next((sha for sha in reversed(found[1]) if sha in bringing), None)

    def changed_files(self, before: str, after: str, *, status: bool = False) -> list[str]:
        """Return the paths that differ, with status each as a letter (A, M, D, T) and the path."""
        form = "--name-status" if status else "--name-only"
        done = self.git(
            "diff-tree", "-r", "-z", "--no-renames", form, before, after, doing="compare trees"
        )
        words = [text(word) for word in done.stdout.split(b"\0")[:-1]]
        return [f"{s} {p}" for s, p in zip(words[::2], words[1::2])] if status else words

    def commit(
        self, tree: str, parents: Sequence[str], message: str, *, identity: tuple[str, str], at: int
    ) -> str:
        """Return the id of a new commit by (name, mail) at a time (epoch seconds, UTC)."""
        env = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in zip(("NAME", "EMAIL", "DATE"), (*identity, f"@{at} +0000"))
        }
        given = [word for parent in parents for word in ("-p", parent)]
        done = self.git(
            "-c", "commit.gpgSign=false", "commit-tree", *given, tree,
            data=message.encode(), env=env, doing="write a commit",
        )  # fmt: skip
        sha = text(done.stdout).strip()
        self._commits[sha] = Commit(sha, tree, tuple(parents), at, *identity, message)
        return sha

    def check_ref(self, ref: str, *, what: str) -> str:
        """Return the full ref name. Raises GitError, saying what it is for, if git forbids it."""
        done = self.git("check-ref-format", ref, good=(0, 1), doing=f"check {ref!r}")
        if done.returncode:
            raise GitError(f"{what} cannot be the ref {ref!r}: git allows no such name")
        return ref

    def set_ref(self, ref: str, sha: str) -> None:
        """Let a ref of this repository hold the object."""
        self.git("update-ref", ref, sha, doing=f"write {ref}")
