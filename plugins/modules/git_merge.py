#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge changes into a branch without a work tree."""

from __future__ import annotations

DOCUMENTATION = r"""
module: git_merge
short_description: Merge changes into a branch without a work tree
version_added: 0.1.0
description:
  - Merges one or more changes into a branch, each by a merge commit (C(--no-ff)), in the object
    database of a local repository, and pushes the branch, with a tag if one is wanted, all or
    nothing.
  - A change that the branch contains already is not merged again. If it contains all of them and
    O(update_from) has nothing new for its tree, nothing is done at all.
  - A change that was merged and taken back before lands again whole. First what took it back is
    taken back, then what is new on its branch is merged, and every file of it is compared.
  - If the remote moved in the meantime, it is fetched again, and the push repeated only if the
    result still has the same tree.
  - Fails, and moves no ref of the remote, if a change conflicts, if the result is not the
    O(expected_tree), or if the remote refuses the push.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.repository
  - phased.rollout.repository.changes
attributes:
  check_mode:
    support: full
    details:
      - The merge is computed, in objects of O(repository), which is made and fetched if O(remote)
        is given; no ref of the remote or below C(refs/rollout/) moves.
  diff_mode:
    support: full
options:
  into:
    description: Branch to merge into. It must exist, unless O(onto) is given.
    type: str
    required: true
  update_from:
    description:
      - Branches to bring into O(into) before the changes, fast-forwarded if that is possible, as
        C(git pull) does.
    type: list
    elements: str
    default: []
  onto:
    description:
      - Branch, tag or commit to make O(into) anew of, whatever it holds, as an integration branch
        that is made for a test again and again.
      - If it holds commits, other than merges, that are in no other branch or tag, its old head is
        kept as C(rollback/<into>-<commit>).
    type: str
  commit_message:
    description: Message of the merge commits. The default names the change and the branch.
    type: str
  trailers:
    description: Trailers of the merge commits, besides C(Change).
    type: dict
    default: {}
  identity:
    description: Author and committer of the merge commits, and tagger, as C(Name <mail>).
    type: str
    default: phased.rollout <rollout@localhost>
  candidate:
    description:
      - Ref of O(repository) below C(refs/rollout/) that keeps the result. The same merge computed
        again then has the same commit id.
    type: str
  expected_tree:
    description: Full id of the tree that the result must have, usually the one that was tested.
    type: str
  tag:
    description:
      - Name of an annotated tag to push with the result.
      - A tag that exists already is accepted on a commit of the branch that contains every change
        and has the O(expected_tree).
    type: str
  tag_message:
    description: Message of the tag. The default is O(commit_message), or else the name of the tag.
    type: str
  signing_key:
    description:
      - Key to sign the tag with. For ssh the path of a private key, or of the public key of one
        that the agent holds; for OpenPGP what C(gpg --local-user) takes.
      - A key that asks for a passphrase cannot sign.
    type: str
  signing_format:
    description: Kind of O(signing_key).
    type: str
    choices: [ssh, openpgp]
    default: ssh
  push:
    description: Whether to push the branch and the tag to O(remote).
    type: bool
    default: false
seealso:
  - module: phased.rollout.git_forecast_info
"""

EXAMPLES = r"""
- name: Make the candidate of phase 1
  phased.rollout.git_merge:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    into: development
    update_from: [main]
    changes:
      - id: ssot-bridge
        branch: feature/phase1-ssot-bridge-implementation
    trailers:
      Rollout: tower-ssot
      Phase: "1"
    candidate: refs/rollout/candidate/phase-1
  register: candidate

- name: Make the integration branch of two phases, as often as it takes
  phased.rollout.git_merge:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    into: integration/phase1-phase2-validation
    onto: main
    changes:
      - id: ssot-bridge
        branch: feature/phase1-ssot-bridge-implementation
      - id: workflow-persistence
        branch: feature/phase2-comfyui-workflow-persistence
    push: true

- name: Release exactly what was tested
  phased.rollout.git_merge:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    into: main
    changes:
      - id: phase-1
        branch: "{{ candidate.after }}"
    expected_tree: "{{ candidate.tree }}"
    tag: v1.0.0-ssot-phase1
    push: true
"""

RETURN = r"""
before:
  description: Commit at the head of O(into) before, V(null) if there was no such branch.
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
updates:
  description:
    - What became of each of O(update_from) (C(ref), C(sha), C(commit)), C(state) being
      V(integrated), V(fast-forward) or V(merged).
  returned: success
  type: list
  elements: dict
merges:
  description:
    - What became of each change (C(id), its tip C(sha), its merge C(commit)), C(state) being
      V(merged), V(reapplied) if it had been taken back, or V(integrated) if it was contained.
  returned: success
  type: list
  elements: dict
tag:
  description:
    - The tag (C(name), C(commit)), C(state) being V(created), V(present) if it existed already, or
      V(absent) without O(push). V(null) without O(tag).
  returned: success
  type: dict
kept_as:
  description: Branch that keeps the old head of O(into), V(null) if it needs none.
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
change:
  description: Name of the change that was the reason, V(null) for O(update_from).
  returned: on a conflict, if a change moved, or if it cannot land again whole
  type: str
missing:
  description: Files of a change that would not be as on its branch if it landed again.
  returned: if a change cannot land again whole
  type: list
  elements: str
reverted_by:
  description: The commit that took the change back together with others.
  returned: if a change cannot land again alone
  type: str
moved:
  description: Refs (C(ref), C(from), C(to)) that moved since they were fetched or looked at.
  returned: on a lost race, or if a change is not at its C(sha)
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
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import (
    REPOSITORY_SPEC,
    parse_changes,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import (
    fetch,
    opened,
    secrets_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_tag import Signer
from ansible_collections.phased.rollout.plugins.module_utils._land import land
from ansible_collections.phased.rollout.plugins.module_utils._landing import Landing
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import (
    MergeRequest,
    parse_identity,
)

ARGUMENT_SPEC = {
    **REPOSITORY_SPEC,
    "into": {"type": "str", "required": True},
    "update_from": {"type": "list", "elements": "str", "default": []},
    "onto": {"type": "str"},
    "commit_message": {"type": "str"},
    "trailers": {"type": "dict", "default": {}},
    "identity": {"type": "str", "default": "phased.rollout <rollout@localhost>"},
    "candidate": {"type": "str"},
    "expected_tree": {"type": "str"},
    "tag": {"type": "str"},
    "tag_message": {"type": "str"},
    "signing_key": {"type": "str", "no_log": False},
    "signing_format": {"type": "str", "choices": ["ssh", "openpgp"], "default": "ssh"},
    "push": {"type": "bool", "default": False},
}


def merge_request(asked: dict[str, Any]) -> MergeRequest:
    """Return what the module's options ask to merge. Raises GitError on one that makes no sense."""
    return MergeRequest(
        into=asked["into"],
        changes=parse_changes(asked["changes"]),
        identity=parse_identity(asked["identity"]),
        update_from=asked["update_from"],
        onto=asked["onto"],
        message=asked["commit_message"] or "",
        trailers={key: str(value) for key, value in asked["trailers"].items()},
    )


def landing(asked: dict[str, Any]) -> Landing:
    """Return where the module's options want the merge to go."""
    return Landing(
        push=asked["push"],
        candidate=asked["candidate"],
        expected_tree=asked["expected_tree"],
        tag=asked["tag"],
        tag_message=asked["tag_message"] or "",
        signer=Signer(key, asked["signing_format"]) if (key := asked["signing_key"]) else None,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
    )
    asked = module.params
    module.no_log_values |= secrets_of(asked["remote"])
    try:
        request = merge_request(asked)
        with opened(Path(asked["repository"]), asked["remote"], push=asked["push"]) as repository:
            result = land(
                repository,
                request,
                landing(asked),
                now=int(time.time()),
                check_mode=module.check_mode,
                diff=module.check_mode or module._diff,
                refetch=lambda: fetch(repository, asked["remote"]),
            )
    except (GitError, OSError) as exc:
        module.fail_json(
            msg=f"Cannot merge into {asked['into']}: {exc}",
            **getattr(exc, "details", {}),
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
