# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""What a merge is asked to be, and what comes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_IDENTITY = re.compile(r"\s*([^<>\n]*[^<>\s])\s*<([^<>\s]+)>\s*")
_TRAILER_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True)
class MergeRequest:
    """What is to be merged into which branch, and how the merges are worded.

    onto: where the branch starts anew, whatever it holds.
    """

    into: str
    changes: Sequence[Change]
    identity: tuple[str, str]
    update_from: Sequence[str] = ()
    onto: Optional[str] = None
    message: str = ""
    trailers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The branch before and after; nothing but objects has been written.

    before: where the merges start. tips: the commit of each change by its id. updates and merges
    are as a result shows them.
    """

    before: str
    after: str
    tips: Mapping[str, str]
    updates: list[dict[str, Any]] = field(default_factory=list)
    merges: list[dict[str, Any]] = field(default_factory=list)


def parse_identity(identity: str) -> tuple[str, str]:
    """Return name and mail of "Name <mail>". Raises GitError if it is not of that form."""
    match = _IDENTITY.fullmatch(identity)
    if not match:
        raise GitError(f'The identity {identity!r} is not of the form "Name <mail>"')
    return match[1], match[2]


def worded(message: str, trailers: Mapping[str, str]) -> str:
    """Return a message with trailers. Raises GitError on a trailer that git would not read."""
    for key, value in trailers.items():
        if not _TRAILER_KEY.fullmatch(key) or not value.strip() or "\n" in value:
            raise GitError(f"The trailer {key!r}: {value!r} must be a word and one line of text")
    lines = [f"{key}: {value.strip()}" for key, value in trailers.items()]
    return "\n".join([message.strip(), *([""] if lines else []), *lines]) + "\n"
