# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""What git prints, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT_FORMAT = "--format=tformat:%H%x1f%T%x1f%P%x1f%ct%x1f%an%x1f%ae%x1f%B"
_TRAILER = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(\S.*?)[ \t]*$", re.M)
_PERSON = re.compile(r"([^<>]*?)\s*<([^<>\s]+)>")


def text(raw: bytes) -> str:
    """Return git's output as text; bytes that are not UTF-8 show as backslash escapes."""
    return raw.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Commit:
    """A commit; committed_at is in epoch seconds."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    committed_at: int
    author: str
    author_mail: str
    message: str

    @property
    def written_by(self) -> str:
        """The author with the mail address."""
        return f"{self.author} <{self.author_mail}>"

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def trailers(self) -> dict[str, list[str]]:
        """The values in the message's last paragraph by key, the keys in lower case."""
        found: dict[str, list[str]] = {}
        for key, value in _TRAILER.findall(re.split(r"\n\s*\n", self.message.strip())[-1]):
            found.setdefault(key.lower(), []).append(value)
        return found

    @property
    def reviewers(self) -> dict[str, str]:
        """Who its Reviewed-by trailers name: "Name <mail>" by mail in lower case."""
        named = (_PERSON.fullmatch(value) for value in self.trailers.get("reviewed-by", []))
        return {match[2].lower(): f"{match[1]} <{match[2]}>" for match in named if match}


@dataclass(frozen=True)
class Merged:
    """What a merge gives: a tree, and the kind of conflict by path; clean without any.

    met: the paths that both sides changed, as far as git has merged what is in them.
    """

    tree: str
    conflicts: dict[str, str]
    met: frozenset[bytes] = field(default=frozenset(), compare=False)

    @property
    def listed(self) -> list[dict[str, str]]:
        """The conflicts as a result shows them."""
        return [{"path": path, "kind": kind} for path, kind in sorted(self.conflicts.items())]


@dataclass(frozen=True)
class PushedRef:
    """What became of one ref in a push; reason is empty when it landed."""

    ref: str
    landed: bool
    reason: str


def parse_commits(raw: bytes) -> list[Commit]:
    """Return the commits that `git log -z` printed in COMMIT_FORMAT."""
    commits = []
    for record in text(raw).split("\0")[:-1]:
        sha, tree, parents, date, author, mail, message = record.split("\x1f", 6)
        commits.append(Commit(sha, tree, tuple(parents.split()), int(date), author, mail, message))
    return commits


def parse_merges(raw: bytes) -> list[Merged]:
    """Return what `git merge-tree --write-tree --stdin --messages` printed, complete merges only.

    A merge is 0 (conflicts) or 1 (clean) and a tree; a line for each stage of a path in conflict
    and an empty word; messages, each as a count of paths, the paths, the kind and a sentence, and
    a word that is no count: empty, or advice about submodules that conflict.
    """
    words = iter(raw.split(b"\0")[:-1])
    merges = []
    try:
        for status in words:
            tree = text(next(words))
            unmerged = _until_empty(words)
            kinds: dict[str, str] = {}
            met: set[bytes] = set()
            while (count := next(words)).isdigit():
                raw_paths = [next(words) for _path in range(int(count))]
                named = [text(path) for path in raw_paths]
                kind, _sentence = text(next(words)), next(words)
                met.update(raw_paths)
                if kind.startswith("CONFLICT ("):
                    # Git says "contents" of a submodule too, after it has said what is wrong.
                    short = kind[len("CONFLICT (") :].rstrip(")")
                    kinds.update({p: short for p in named if short != "contents" or p not in kinds})
            paths = {text(entry.split(b"\t", 1)[1]): "unmerged" for entry in unmerged}
            known = {path: kinds.get(path, kind) for path, kind in paths.items()}
            unclear = {".": f"git says {text(status)} and names no path"}
            conflicts = {} if status == b"1" else known or kinds or unclear
            merges.append(Merged(tree, conflicts, frozenset(met)))
    except StopIteration:
        pass
    return merges


def _until_empty(words: Iterator[bytes]) -> list[bytes]:
    found = []
    while word := next(words):
        found.append(word)
    return found


def parse_push(raw: bytes) -> list[PushedRef]:
    """Return the refs that `git push --porcelain` reported on."""
    refs = []
    for line in text(raw).splitlines():
        flag, *rest = line.split("\t")
        if len(rest) == 2:
            summary = re.sub(r"^\[(.*)\] \((.*)\)$", r"\1: \2", rest[1])
            landed = flag != "!"
            refs.append(PushedRef(rest[0].split(":", 1)[1], landed, "" if landed else summary))
    return refs
