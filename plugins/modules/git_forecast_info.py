#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say how changes stand against a base branch."""

from __future__ import annotations

DOCUMENTATION = r"""
module: git_forecast_info
short_description: Say how changes stand against a base branch
version_added: 0.1.0
description:
  - Says of each change whether it would merge onto the base, alone, on top of the changes before
    it, and together with each other change; which files conflict, and who wrote and reviewed it.
  - Works in the object database. No work tree is needed, no branch or tag moves, and what the
    forecast writes is gone when it ends.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.repository
  - phased.rollout.repository.changes
options:
  base:
    description: Branch, tag or commit that the changes are to be merged onto.
    type: str
    required: true
  pairwise:
    description: Whether to look at every two changes together, too.
    type: bool
    default: false
  analyse:
    description: Whether to say of every conflict whose commits and which lines meet, see
      RV(analysis).
    type: bool
    default: false
  test_paths:
    description: Where tests are, as patterns of paths (git's C(glob)), for RV(analysis).
    type: list
    elements: str
    default:
      - "tests/**"
      - "test/**"
      - "**/test_*"
      - "**/*_test.*"
      - "**/*.test.*"
      - "**/*.spec.*"
      - "**/spec/**"
  tag:
    description: Tag of a release to look for, see RV(released).
    type: str
seealso:
  - module: phased.rollout.git_merge
"""

EXAMPLES = r"""
- name: See how the changes of phase 1 stand
  phased.rollout.git_forecast_info:
    repository: /var/lib/rollout/tower.git
    remote: ssh://git@forge/srv/git/tower.git
    base: development
    changes:
      - id: ssot-bridge
        branch: feature/phase1-ssot-bridge-implementation
        owner: backend
    tag: v1.0.0-ssot-phase1
  register: forecast
"""

RETURN = r"""
base:
  description: The base, with RV(base.ref), RV(base.sha) and RV(base.tree).
  returned: success
  type: dict
  contains:
    ref:
      description: The base as it was given.
      returned: success
      type: str
    sha:
      description: Its commit.
      returned: success
      type: str
    tree:
      description: The tree of that commit.
      returned: success
      type: str
changes:
  description: How each change stands, in RV(order).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Name of the change.
      returned: success
      type: str
    branch:
      description: Its branch as it was given.
      returned: success
      type: str
    owner:
      description: Who answers for it.
      returned: success
      type: str
    state:
      description:
        - V(integrated) if the base contains it, V(mergeable) or V(conflicting) if it does not.
        - V(reverted) if commits of it were merged and taken back since, so that C(git merge) would
          leave them out without saying so. M(phased.rollout.git_merge) lands it again whole.
        - V(missing) if there is no such branch.
      returned: success
      type: str
    sha:
      description: Commit at the tip of the branch, V(null) if it is missing.
      returned: success
      type: str
    conflicts:
      description: Files (C(path)) that conflict with the base, and how (C(kind)).
      returned: success
      type: list
      elements: dict
    files:
      description: Files that the branch changes.
      returned: success
      type: list
      elements: str
    ahead:
      description: Number of commits that the base does not have.
      returned: success
      type: int
    behind:
      description: Number of commits of the base that it does not have.
      returned: success
      type: int
    author:
      description: Author of the tip.
      returned: success
      type: str
    authors:
      description: Authors of its commits that the base does not have, or of the tip.
      returned: success
      type: list
      elements: str
    reviewed_by:
      description:
        - Who the C(Reviewed-by) trailers of the tip name, by mail address, less everybody who is
          the author of a commit of the change.
      returned: success
      type: list
      elements: str
    reverted_by:
      description: The commit that took it back, if it was reverted.
      returned: success
      type: str
chain:
  description: How the changes merge one after another, those left out that do not.
  returned: success
  type: dict
  contains:
    state:
      description: The worst that happens, as in RV(changes[].state).
      returned: success
      type: str
    tree:
      description: The tree with all the changes, V(null) if not all of them merge.
      returned: success
      type: str
    conflicts:
      description: Which change (C(id)) conflicts with what comes before it, and where (C(files)).
      returned: success
      type: list
      elements: dict
pairs:
  description:
    - How every two changes that have not landed merge onto the base together (C(ids), C(owners),
      C(state), C(conflicts)). A change that conflicts with the base is compared with the other
      change alone. Empty without O(pairwise).
  returned: success
  type: list
  elements: dict
order:
  description:
    - Names of the changes in the order in which the fewest of them have to be resolved against one
      before them, then with the least risk (files in conflict, times the rank of C(risk) of the
      change to resolve), then closest to the plan. Each comes after those that it depends on.
    - It is exact for up to 12 changes that conflict with each other, and good beyond. Without
      O(pairwise) it is the order of the plan.
  returned: success
  type: list
  elements: str
order_conflicts:
  description: How many changes have to be resolved in RV(order), V(null) without O(pairwise).
  returned: success
  type: int
analysis:
  description:
    - The analysis of every conflict with the base, and with O(pairwise) of every two changes.
    - Names of the two sides (C(ids)), C(owners), and C(files) with C(path), C(kind), C(hunks) (the
      lines in conflict, in git's diff3 style), C(sides) (for each side C(id), C(owner) and the
      C(commits) that touch the file) and C(tests) (tests that name the file or changed with it).
    - Empty without O(analyse).
  returned: success
  type: list
  elements: dict
summary:
  description: The forecast in one line.
  returned: success
  type: str
  sample: "4 mergeable, 2 integrated on main (76d4bb83f8); in order: mergeable"
released:
  description: What O(tag) released, V(null) if there is no such tag.
  returned: success
  type: dict
  contains:
    tag:
      description: Name of the tag.
      returned: success
      type: str
    commit:
      description: The commit that it tags.
      returned: success
      type: str
    tree:
      description: The tree of that commit.
      returned: success
      type: str
    base:
      description: What that commit was made on (its first parent), or the commit if it has none.
      returned: success
      type: str
    candidate:
      description: What that commit merged (its second parent), or the commit if it is no merge.
      returned: success
      type: str
    is_head:
      description: Whether that commit is the base.
      returned: success
      type: bool
    in_base:
      description: Whether that commit is the base or in its history.
      returned: success
      type: bool
"""

import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._conflicts import TEST_PATHS
from ansible_collections.phased.rollout.plugins.module_utils._forecast import Forecast
from ansible_collections.phased.rollout.plugins.module_utils._git import GitError, Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import (
    REPOSITORY_SPEC,
    Change,
    parse_changes,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_mirror import opened, secrets_of
from ansible_collections.phased.rollout.plugins.module_utils._pairs import Pairs, analyse

ARGUMENT_SPEC = {
    **REPOSITORY_SPEC,
    "base": {"type": "str", "required": True},
    "pairwise": {"type": "bool", "default": False},
    "analyse": {"type": "bool", "default": False},
    "test_paths": {"type": "list", "elements": "str", "default": [*TEST_PATHS]},
    "tag": {"type": "str"},
}


def forecast(
    repository: Repository, changes: list[Change], asked: dict[str, Any]
) -> dict[str, Any]:
    """Return the module's result. Raises GitError if the base does not exist."""
    with tempfile.TemporaryDirectory(prefix="phased-rollout-") as folder:
        made = Forecast(repository.quarantined(Path(folder)), asked["base"], changes)
        pairs = Pairs(made, changes) if asked["pairwise"] else None
        order, to_resolve = pairs.order() if pairs else ([change.id for change in changes], None)
        return {
            **made.as_dict(tag=asked["tag"]),
            "pairs": pairs.as_list() if pairs else [],
            "order": order,
            "order_conflicts": to_resolve,
            "analysis": analyse(made, pairs, asked["test_paths"]) if asked["analyse"] else [],
        }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    asked = module.params
    module.no_log_values |= secrets_of(asked["remote"])
    try:
        changes = parse_changes(asked["changes"])
        with opened(Path(asked["repository"]), asked["remote"]) as repository:
            result = forecast(repository, changes, asked)
    except (GitError, OSError) as exc:
        module.fail_json(
            msg=f"Cannot forecast the merge onto {asked['base']}: {exc}",
            **getattr(exc, "details", {}),
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
