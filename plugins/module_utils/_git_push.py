# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""One push: every ref with its lease, all or nothing, and what to say when the remote refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    how_it_ended,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import REMOTE
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import (
    PushedRef,
    parse_push,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class LostRaceError(GitError):
    """A ref of the remote is not any more what it was when it was fetched; nothing was pushed."""


def push_all(
    repository: Repository, wanted: Mapping[str, str], leases: Mapping[str, Optional[str]]
) -> None:
    """Push every ref (object id by ref) whose lease (what it must hold, None for nothing) holds.

    All land, or none. Raises GitError, naming what moved or was refused, if they did not.
    """
    refs, said = _push(repository, wanted, leases)
    if {ref.ref for ref in refs if ref.landed} == set(wanted):
        return
    try:
        found = remote_refs(repository, list(wanted))
    except GitError as exc:
        raise GitError(
            f"The push of {', '.join(wanted)} ended with: {said}. What the remote holds now is not"
            f" known ({exc}); it took all or nothing. Run again: it goes on from what is there"
        ) from exc
    if found != wanted:
        raise refusal(refs, said, wanted, leases, found)


def remote_refs(repository: Repository, refs: Sequence[str]) -> dict[str, str]:
    """Return what the remote's refs hold now; one that does not exist is left out."""
    done = repository.git("ls-remote", "--", REMOTE, *refs, doing="read the refs of the remote")
    lines = (line.split("\t") for line in text(done.stdout).splitlines())
    return {ref: sha for sha, ref in lines if ref in refs}


def _push(
    repository: Repository, wanted: Mapping[str, str], leases: Mapping[str, Optional[str]]
) -> tuple[list[PushedRef], str]:
    """Return each ref's fate and what the remote said."""
    held = [f"--force-with-lease={ref}:{leases[ref] or ''}" for ref in wanted]
    done = repository.git(
        "push", "--porcelain", "--atomic", "--no-verify", *held, "--", REMOTE,
        *(f"{sha}:{ref}" for ref, sha in wanted.items()),
        good=range(-64, 256), doing="push",
    )  # fmt: skip
    said = text(done.stderr).strip() or how_it_ended(done.returncode)
    return parse_push(done.stdout), said


def refusal(
    refs: list[PushedRef],
    said: str,
    wanted: Mapping[str, str],
    leases: Mapping[str, Optional[str]],
    found: Mapping[str, str],
) -> GitError:
    """Return the error for a push that did not land: what each ref was, should be and is."""
    moved = [
        {"ref": ref, "from": was or "absent", "to": found.get(ref, "absent")}
        for ref, was in leases.items()
        if found.get(ref) not in (was, wanted[ref])
    ]
    partly = [ref for ref, sha in wanted.items() if found.get(ref) == sha != leases[ref]]
    end = f"Only {', '.join(partly)} was pushed" if partly else "Nothing was pushed"
    if moved:
        moves = ", ".join(f"{m['ref']} from {m['from']} to {m['to']}" for m in moved)
        message = f"The remote moved {moves} since it was fetched. {end}. Run again to merge anew"
        return GitError(message, moved=moved) if partly else LostRaceError(message, moved=moved)
    reasons = [r for r in refs if not r.landed]
    own = [r for r in reasons if "atomic" not in r.reason] or reasons
    which = "; ".join(f"{r.ref}: {r.reason}" for r in own) or ", ".join(wanted)
    lines = [line[7:].strip() for line in said.splitlines() if line.startswith("remote:")]
    why = " / ".join(filter(None, lines)) or said
    return GitError(
        f"The remote refused the push of {which}. {end}. It said: {why}",
        rejected=[{"ref": r.ref, "reason": r.reason} for r in reasons],
    )
