#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove old releases from a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_prune
short_description: Remove old releases from a host
version_added: 0.1.0
description:
  - Removes release folders, all but those in use and the newest others. A release is in use if
    a link in the root leads to it, or if a process has its working directory in it, whatever the
    links say. It is as new as the last switch to it.
  - Folders that a killed run left half unpacked are removed.
author:
  - The phased.rollout authors (@phased-rollout)
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  root:
    description: Directory with C(releases) and the links.
    type: path
    required: true
  keep:
    description: Number of releases to keep besides those in use.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Keep the release that is served and three others
  phased.rollout.release_prune:
    root: /opt/tower
    keep: 3
  become: true
"""

RETURN = r"""
removed:
  description: The releases that were removed.
  returned: success
  type: list
  elements: str
in_use:
  description: The releases that are in use.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._release_folder import Releases

ARGUMENT_SPEC: Dict[str, Any] = {
    "root": {"type": "path", "required": True},
    "keep": {"type": "int", "default": 5},
}


def main() -> None:
    """Remove what may go."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    releases = Releases(module.params["root"])
    try:
        in_use = releases.needed()
        removed = releases.removable(module.params["keep"], in_use)
        if not module.check_mode:
            releases.remove(removed)
    except OSError as exc:
        module.fail_json(msg=f"Cannot remove old releases from {releases.folder}: {exc}")
    module.exit_json(changed=bool(removed), removed=removed, in_use=sorted(in_use))


if __name__ == "__main__":
    main()
