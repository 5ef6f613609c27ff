# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that look at changes in a git repository."""

from __future__ import annotations


class ModuleDocFragment:
    """The repository with its remote, and the changes of a plan."""

    DOCUMENTATION = r"""
requirements:
  - git 2.39 or newer
options:
  repository:
    description:
      - Path of a local repository, bare or not.
      - With O(remote), path of its bare mirror, which is made if it does not exist.
    type: path
    required: true
  remote:
    description:
      - URL or path of the remote to mirror in O(repository). Without it O(repository) is taken as
        it is.
      - Branches and tags of the mirror become those of the remote; refs below C(refs/rollout/)
        stay.
      - Runs with the same O(repository) wait for each other.
    type: str
"""

    CHANGES = r"""
options:
  changes:
    description: The changes, as in a plan.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Name of the change.
        type: str
        required: true
      branch:
        description: Branch, tag or commit of the change.
        type: str
        required: true
      owner:
        description: Who answers for the change.
        type: str
      risk:
        description: How much care the change needs.
        type: str
        choices: [minimal, low, medium, high, critical]
      sha:
        description: Full id of the commit that O(changes[].branch) must be at.
        type: str
      depends_on:
        description:
          - Names of changes that must come before it; otherwise the order is kept. A name that
            is not in O(changes) is taken to have landed earlier.
        type: list
        elements: str
        default: []
"""
