# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Brings a computed revert onto its branch on the remote, or nothing."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    is_object_id,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_push import push_all
from ansible_collections.phased.rollout.plugins.module_utils._revert import Reverter, RevertRequest


def take_back(
    repository: Repository,
    request: RevertRequest,
    *,
    now: int,
    push: bool,
    expected_tree: Optional[str],
    check_mode: bool,
) -> dict[str, Any]:
    """Return the module's result, what the request says being taken back, and pushed if wanted.

    now: epoch seconds. Raises GitError, and then no ref of the remote has moved.
    """
    if expected_tree and not is_object_id(expected_tree):
        raise GitError(f"The expected tree {expected_tree!r} is not the full id of a tree")
    reverter = Reverter(repository, request)
    outcome = reverter.compute(now)
    before, after = (repository.commits([sha])[sha] for sha in (outcome.before, outcome.after))
    if expected_tree and after.tree != expected_tree:
        raise GitError(
            f"The result {after.sha} has the tree {after.tree}, but {expected_tree} is expected:"
            " nothing was pushed. Find out what else is on the branch",
            tree=after.tree,
            expected_tree=expected_tree,
        )
    wanted = {reverter.ref: after.sha}
    leases: dict[str, Optional[str]] = {reverter.ref: before.sha}
    kept_as = None
    if request.reset_to and after.sha != before.sha:
        kept_as = f"refs/heads/rollback/{request.branch}-{before.sha[:10]}"
        wanted[kept_as] = before.sha
        leases[kept_as] = _free(repository, kept_as, before.sha)
    moving = [ref for ref, sha in wanted.items() if push and leases[ref] != sha]
    if moving and not check_mode:
        push_all(repository, wanted, leases)
    return {
        "changed": bool(moving),
        "before": before.sha,
        "after": after.sha,
        "tree": after.tree,
        "reverts": outcome.reverts,
        "later": outcome.later,
        "kept_as": kept_as,
        "pushed": moving,
        "diff": {
            "before_header": reverter.ref,
            "after_header": reverter.ref,
            "before": {"commit": before.sha, "tree": before.tree},
            "after": {
                "commit": after.sha,
                "tree": after.tree,
                "files": repository.changed_files(before.sha, after.sha, status=True),
            },
        },
    }


def _free(repository: Repository, ref: str, sha: str) -> Optional[str]:
    """Return what a ref that is to keep a commit holds now. Raises GitError if it is another's."""
    held = repository.ref(ref)
    if held not in (None, sha):
        raise GitError(
            f"{ref}, which is to keep the old head {sha}, exists at {held}: delete or rename it"
        )
    return held
