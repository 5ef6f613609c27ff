# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Brings a computed merge onto its branch, with its tag, on the remote: all of it, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    GitError,
    Repository,
    is_object_id,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_push import push_all
from ansible_collections.phased.rollout.plugins.module_utils._git_tag import tag_object
from ansible_collections.phased.rollout.plugins.module_utils._merge import (
    Merger,
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


def land(
    repository: Repository, request: MergeRequest, landing: Landing, *, now: int, check_mode: bool
) -> dict[str, Any]:
    """Return the module's result, the merge being computed, kept and pushed as the landing says.

    now: epoch seconds. Raises GitError, and then no ref of the remote has moved.
    """
    _check(repository, landing)
    merger = Merger(repository, request)
    outcome, kept = _computed(repository, merger, landing.candidate, now)
    tagged = _tagged(repository, landing, outcome, request.into)
    _require_tree(repository, landing, tagged or outcome.after)
    moves = outcome.after != outcome.before
    to_keep = landing.candidate if moves and kept != outcome.after else None
    to_tag = landing.tag if not tagged else None
    to_push = [f"refs/heads/{request.into}"] if moves else []
    to_push += [f"refs/tags/{to_tag}"] if to_tag else []
    if not landing.push:
        to_push = []
    if to_keep and not check_mode:
        repository.set_ref(to_keep, outcome.after)
    if to_push and not check_mode:
        _push(repository, request, landing, outcome, to_tag)
    return {
        "changed": bool(to_keep or to_push),
        **_shown(repository, outcome, f"refs/heads/{request.into}"),
        "tag": _shown_tag(landing, outcome, tagged),
        "pushed": to_push,
    }


def _check(repository: Repository, landing: Landing) -> None:
    if landing.tag:
        repository.check_ref(f"refs/tags/{landing.tag}", what="The tag")
    if landing.candidate:
        repository.check_ref(landing.candidate, what="The candidate")
        if not landing.candidate.startswith(_CANDIDATES):
            raise GitError(f"The candidate {landing.candidate} must be a ref below {_CANDIDATES}")
    if landing.expected_tree and not is_object_id(landing.expected_tree):
        raise GitError(f"The expected tree {landing.expected_tree!r} is not the full id of a tree")


def _computed(
    repository: Repository, merger: Merger, candidate: Optional[str], now: int
) -> tuple[Outcome, Optional[str]]:
    """Return the outcome and what the candidate ref holds.

    Computed again as of the time of a kept candidate, the same merge has the same id; only if it
    differs it is a new one, made now.
    """
    kept = repository.ref(candidate) if candidate else None
    if kept:
        outcome = merger.compute(repository.commits([kept])[kept].committed_at)
        if kept == outcome.after:
            return outcome, kept
    return merger.compute(now), kept


def _tagged(repository: Repository, landing: Landing, outcome: Outcome, into: str) -> Optional[str]:
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


def _require_tree(repository: Repository, landing: Landing, commit: str) -> None:
    if not landing.expected_tree:
        return
    tree = repository.commits([commit])[commit].tree
    if tree != landing.expected_tree:
        raise GitError(
            f"The result {commit} has the tree {tree}, but {landing.expected_tree} is expected"
            " (what was tested): nothing was pushed. Test the new result, or find out what else"
            " came in",
            tree=tree,
            expected_tree=landing.expected_tree,
        )


def _push(
    repository: Repository,
    request: MergeRequest,
    landing: Landing,
    outcome: Outcome,
    tag: Optional[str],
) -> None:
    """Push the branch, with its lease even where only the tag is new, and the tag."""
    branch = f"refs/heads/{request.into}"
    wanted = {branch: outcome.after}
    leases: dict[str, Optional[str]] = {branch: outcome.before}
    if tag:
        message = (landing.tag_message or request.message or tag).strip() + "\n"
        # As of the commit's time, so that a tag whose push failed is the same one the next time.
        at = repository.commits([outcome.after])[outcome.after].committed_at
        made = tag_object(repository, tag, outcome.after, message, identity=request.identity, at=at)
        wanted[f"refs/tags/{tag}"], leases[f"refs/tags/{tag}"] = made, None
    push_all(repository, wanted, leases)


def _shown_tag(
    landing: Landing, outcome: Outcome, tagged: Optional[str]
) -> Optional[dict[str, str]]:
    if not landing.tag:
        return None
    state = "present" if tagged else "created" if landing.push else "absent"
    return {"name": landing.tag, "commit": tagged or outcome.after, "state": state}


def _shown(repository: Repository, outcome: Outcome, branch: str) -> dict[str, Any]:
    commits = repository.commits([outcome.before, outcome.after])
    before, after = commits[outcome.before], commits[outcome.after]
    files = repository.changed_files(before.sha, after.sha, status=True)
    return {
        "before": before.sha,
        "after": after.sha,
        "tree": after.tree,
        "updates": outcome.updates,
        "merges": outcome.merges,
        "diff": {
            "before_header": branch,
            "after_header": branch,
            "before": {"commit": before.sha, "tree": before.tree},
            "after": {"commit": after.sha, "tree": after.tree, "files": files},
        },
    }
