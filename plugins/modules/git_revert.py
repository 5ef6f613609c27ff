#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a change, a phase or everything since a tag back without a work tree."""

from __future__ import annotations

DOCUMENTATION = r"""
module: git_revert
short_description: Take a change or a phase back without a work tree
version_added: 0.1.0
description:
  - Takes back a change, a phase, or everything since a tag by adding commits to a branch that undo
    what landed, newest first, a merge as C(git revert -m 1) does; in the object database of a local
    repository, and pushes the branch. The history stays.
  - What was taken back already is not taken back again. If nothing is left, nothing is done.
  - Fails, and moves no ref of the remote, if what is to go is not found, if something that landed
    later stands on it (see O(later)), if taking it back conflicts, if the result is not the
    O(expected_tree), or if the remote moved in the meantime or refuses the push.
  - To land again what was taken back, merge it with M(phased.rollout.git_merge).
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.repository
attributes:
  check_mode:
    support: full
    details:
      - The reverts are computed, in objects of O(repository), which is made and fetched if
        O(remote) is given; no ref of the remote moves.
  diff_mode:
    support: full
options:
  branch:
    description: Branch to take it back from. It must exist.
    type: str
    required: true
  change:
    description:
      - The change to take back, as in a plan.
      - It is found by the trailer C(Change) of the commits in the history of O(branch), or else as
        the innermost merge that brought O(change.branch).
    type: dict
    suboptions:
      id:
        description: Name of the change.
        type: str
        required: true
      branch:
        description: Branch, tag or commit of the change, as it was merged.
        type: str
      owner:
        description: Who answers for the change.
        type: str
      risk:
        description: How much care the change needs.
        type: str
        choices: [minimal, low, medium, high, critical]
      sha:
        description:
          - Full id of the commit that was merged. It counts instead of O(change.branch), which may
            have moved on or be deleted.
        type: str
      depends_on:
        description: Names of changes that came before it.
        type: list
        elements: str
        default: []
  phase:
    description:
      - The phase to take back. It is found by the trailer C(Phase) of the commits on the
        first-parent line of O(branch).
    type: str
  since:
    description:
      - Tag, branch or commit on the first-parent line of O(branch). Everything that landed after it
        is taken back, and the result has its tree.
    type: str
  reset_to:
    description:
      - Tag, branch or commit in the history of O(branch) to set the branch back to, as
        C(git reset --hard) and a forced push do. What landed after it is in the history of
        O(branch) no more; the old head is kept as a branch, see RV(kept_as).
      - Prefer O(since), which leaves the history as it was.
    type: str
  rollout:
    description:
      - Name of the rollout. With O(phase) and O(change), only commits with this trailer C(Rollout)
        count, and a merge by hand of O(change.branch) if it has no such trailer.
      - It must be told if several rollouts landed what has the same name.
    type: str
  later:
    description:
      - What to do about what landed later and stands on what goes. It stands on it if it touches
        the same files, or is of a phase in O(required_by). With O(phase) and O(change) only.
    type: str
    choices:
      refuse: Fail, and name it.
      revert: Take it back, too, and what stands on it in turn.
      keep: Let it stay. Fails if taking back conflicts with it.
    default: refuse
  required_by:
    description: Phases that by the plan stand on what goes, whichever files they touch.
    type: list
    elements: str
    default: []
  reason:
    description: Why it is taken back, for the messages of the commits.
    type: str
  trailers:
    description:
      - Trailers of the commits, besides C(Rollout), C(Phase) and C(Change) of what is taken back.
    type: dict
    default: {}
  identity:
    description: Author and committer of the commits, as C(Name <mail>).
    type: str
    default: phased.rollout <rollout@localhost>
  expected_tree:
    description: Full id of the tree that the result must have, usually the one that was tested.
    type: str
  push:
    description: Whether to push the branch to O(remote).
    type: bool
    default: false
seealso:
  - module: phased.rollout.git_merge
"""

EXAMPLES = r"""
- name: Take phase 2 back unless phase 3 stands on it
  phased.rollout.git_revert:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    branch: main
    phase: "2"
    rollout: tower-ssot
    required_by: ["3"]
    reason: The decision capture ratio fell below 100 %.
    push: true

- name: Take one change back, and what stands on it
  phased.rollout.git_revert:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    branch: main
    change:
      id: ssot-bridge
      branch: feature/phase1-ssot-bridge-implementation
    later: revert
    push: true

- name: Have the tree of the last good release again
  phased.rollout.git_revert:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    branch: main
    since: v1.0.0-ssot-phase1
    push: true
"""

RETURN = r"""
before:
  description: Commit at the head of O(branch) before.
  returned: success
  type: str
after:
  description: Commit of the result; the same as RV(before) if there was nothing to do.
  returned: success
  type: str
tree:
  description: The tree of RV(after).
  returned: success
  type: str
reverts:
  description:
    - What was taken back (C(sha), C(subject), its change C(id) and C(phase), V(null) if its message
      names none) and the C(commit) that did so, newest first.
    - C(state) is V(reverted), or V(gone) if it was taken back before; without a C(commit) if that
      was done by hand, so that undoing it changes nothing.
    - What was landed again is taken back by a revert of the commit that did so, which is C(sha)
      then.
  returned: success
  type: list
  elements: dict
later:
  description:
    - What landed later and stands on what goes (C(commit), C(subject), C(phase), and the C(files)
      that it shares), newest first. With O(later=revert) it is in RV(reverts), too.
    - On a conflict, what touched the files in RV(conflicts) since.
  returned: success, on a conflict, or if something must not go alone
  type: list
  elements: dict
kept_as:
  description:
    - Ref that keeps the old head for O(reset_to), C(refs/heads/rollback/), the name of the branch
      and the first ten digits of the old head. V(null) without.
  returned: success
  type: str
pushed:
  description: Refs that were pushed, in check mode those that would be.
  returned: success
  type: list
  elements: str
conflicts:
  description: Files (C(path)) that conflict, and how (C(kind)).
  returned: on a conflict
  type: list
  elements: dict
moved:
  description: Refs of the remote (C(ref), C(from), C(to)) that moved since they were fetched.
  returned: on a lost race
  type: list
  elements: dict
rejected:
  description: Refs that the remote refused (C(ref), C(reason)).
  returned: if the remote refused the push
  type: list
  elements: dict
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import REPOSITORY_SPEC
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import opened, secrets_of
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    parse_identity,
)
from ansible_collections.phased.rollout.plugins.module_utils._revert import RevertRequest
from ansible_collections.phased.rollout.plugins.module_utils._take_back import take_back

_WHAT = ("change", "phase", "since", "reset_to")
ARGUMENT_SPEC = {
    "repository": REPOSITORY_SPEC["repository"],
    "remote": REPOSITORY_SPEC["remote"],
    "branch": {"type": "str", "required": True},
    "change": {
        "type": "dict",
        "options": {**REPOSITORY_SPEC["changes"]["options"], "branch": {"type": "str"}},
    },
    "phase": {"type": "str"},
    "since": {"type": "str"},
    "reset_to": {"type": "str"},
    "rollout": {"type": "str"},
    "later": {"type": "str", "choices": ["refuse", "revert", "keep"], "default": "refuse"},
    "required_by": {"type": "list", "elements": "str", "default": []},
    "reason": {"type": "str"},
    "trailers": {"type": "dict", "default": {}},
    "identity": {"type": "str", "default": "phased.rollout <rollout@localhost>"},
    "expected_tree": {"type": "str"},
    "push": {"type": "bool", "default": False},
}


def revert_request(asked: dict[str, Any]) -> RevertRequest:
    """Return what the module's options ask to take back. Raises GitError if they do not say it."""
    change = asked["change"] or {}
    if not any([change.get("id"), asked["phase"], asked["since"], asked["reset_to"]]):
        raise GitError("It is not said what to take back: the name of it is empty")
    return RevertRequest(
        branch=asked["branch"],
        identity=parse_identity(asked["identity"]),
        change=change.get("id") or "",
        tip=change.get("sha") or change.get("branch") or "",
        phase=asked["phase"] or "",
        since=asked["since"] or "",
        reset_to=asked["reset_to"] or "",
        rollout=asked["rollout"] or "",
        later=asked["later"],
        required_by=asked["required_by"],
        reason=asked["reason"] or "",
        trailers={key: str(value) for key, value in asked["trailers"].items()},
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[_WHAT],
        required_one_of=[_WHAT],
        supports_check_mode=True,
    )
    asked = module.params
    module.no_log_values |= secrets_of(asked["remote"])
    try:
        request = revert_request(asked)
        with opened(Path(asked["repository"]), asked["remote"], push=asked["push"]) as repository:
            result = take_back(
                repository,
                request,
                now=int(time.time()),
                push=asked["push"],
                expected_tree=asked["expected_tree"],
                check_mode=module.check_mode,
            )
    except (GitError, OSError) as exc:
        module.fail_json(
            msg=f"Cannot take back from {asked['branch']}: {exc}", **getattr(exc, "details", {})
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
