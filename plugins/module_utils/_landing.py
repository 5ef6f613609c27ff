# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Where a merge goes, and what must hold before it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    is_object_id,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_tag import Signer
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
    Outcome,
)

_CANDIDATES = "refs/rollout/"


@dataclass(frozen=True)
class Landing:
    """Where a merge goes. candidate: our own ref that keeps it; tag: made when it is pushed."""

    push: bool = False
    candidate: Optional[str] = None
    expected_tree: Optional[str] = None
    tag: Optional[str] = None
    tag_message: str = ""
    signer: Optional[Signer] = None


def check_landing(repository: Repository, landing: Landing) -> None:
    """Raises GitError if a name or an id makes no sense."""
    if landing.tag:
        repository.check_ref(f"refs/tags/{landing.tag}", what="The tag")
    if landing.candidate:
        repository.check_ref(landing.candidate, what="The candidate")
        if not landing.candidate.startswith(_CANDIDATES):
            raise GitError(f"The candidate {landing.candidate} must be a ref below {_CANDIDATES}")
    if landing.expected_tree and not is_object_id(landing.expected_tree):
        raise GitError(f"The expected tree {landing.expected_tree!r} is not the full id of a tree")


def tagged_commit(
    repository: Repository, landing: Landing, outcome: Outcome, into: str
) -> Optional[str]:
    """Return the commit that has the tag already, None if it is still to be made.

    Raises GitError if the tag is somewhere that is not this release.
    """
    if not landing.tag:
        return None
    commit = repository.resolve([f"refs/tags/{landing.tag}"])[0]
    if commit is None:
        return None
    if not repository.contains(outcome.before, commit):
        raise GitError(
            f"Tag {landing.tag} exists at {commit}, which is not in {into}: use another tag"
        )
    for change, tip in outcome.tips.items():
        if not repository.contains(commit, tip):
            raise GitError(
                f"Tag {landing.tag} exists at {commit}, which does not contain change {change}"
                f" ({tip}): use another tag"
            )
    return commit


def require_tree(
    repository: Repository, request: MergeRequest, landing: Landing, outcome: Outcome, commit: str
) -> None:
    """Raises GitError, naming what else came in, unless a commit has the tree that it must have."""
    if not landing.expected_tree:
        return
    tree = repository.commits([commit])[commit].tree
    if tree == landing.expected_tree:
        return
    raise GitError(
        f"The result {commit} has the tree {tree}, but {landing.expected_tree} is expected."
        f" {_what_else_came_in(repository, request, outcome)}. Nothing was pushed. Test the new"
        " result, or find out what else came in",
        tree=tree,
        expected_tree=landing.expected_tree,
    )


def _what_else_came_in(repository: Repository, request: MergeRequest, outcome: Outcome) -> str:
    """Return in words which commits of the branch are in none of the changes and updates."""
    known = [*outcome.tips.values(), *(entry["sha"] for entry in outcome.updates)]
    found = [
        f"{c.sha[:10]} ({c.author}: {c.subject})"
        for c in repository.log([outcome.before], without=known)
        if len(c.parents) < 2
    ]
    if not found:
        return f"{request.into} or a change has moved"
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"{request.into} holds what is in no change: {', '.join(found[:5])}{more}"
