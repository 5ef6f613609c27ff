#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch a host to a release that is there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_switch
short_description: Switch a host to a release that is there
version_added: 0.1.0
description:
  - Leads a link to a release folder in one atomic step. Before, what all releases share is linked
    into the release, and the unit files that it brings are installed.
  - Afterwards C(/etc/ansible/facts.d/rollout.fact) says which release the host serves, with its
    commit, tag and phase, and since when. Ansible shows it as C(ansible_local.rollout).
  - M(community.general.deploy_helper) switches as well, but it neither shares files nor says what a
    host serves, and it would remove a release that still runs. See
    M(phased.rollout.release_prune).
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
    description: Directory with C(releases), C(shared) and the links.
    type: path
    required: true
  release:
    description:
      - Name of the release folder, a tree hash. Its C(REVISION) has to name it, which a release
        that was unpacked only in part has not.
      - If it is empty, the link stays where it is, and only what the host says of itself changes.
    type: str
    default: ""
  link:
    description: Name of the link.
    type: str
    default: current
  shared:
    description:
      - Paths within a release that lead to the same path below C(shared). One that ends in V(/) is
        a folder, which is made if it is missing. Any other has to be there.
    type: list
    elements: str
    default: []
  user:
    description: User of the service, who owns the shared folders that are made.
    type: str
    default: root
  units:
    description: Unit files to install, name of the unit to its path within the release.
    type: dict
    default: {}
  about:
    description: What else to say of the release, C(commit), C(tag) and C(phase).
    type: dict
    default: {}
  serves:
    description: Whether this link is the one that gets traffic.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Switch to the release
  phased.rollout.release_switch:
    root: /opt/tower
    release: bf5c0653b0f023ac78e6f942836fed47442daa1c
    shared: [media/, config/local.env]
    user: tower
    units:
      tower-anime-production: systemd/tower-anime-production.service
    about: {tag: v1.0.0-ssot-phase1, phase: phase-1}
  become: true
"""

RETURN = r"""
before:
  description:
    - What the link led to before, as it can be given back to this module. RV(before.release) is
      empty if there was no such link.
  returned: success
  type: dict
  sample:
    release: 5716ca5987cbf97d6bb54920bea6adde242d87e6
    commit: ''
    tag: ''
    phase: ''
facts:
  description: What the host says of itself now.
  returned: success
  type: dict
"""

import pwd
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._release_facts import (
    FACTS_FILE,
    KEYS,
    facts_after,
    read_facts,
    write_facts,
)
from ansible_collections.phased.rollout.plugins.module_utils._release_folder import (
    ReleaseError,
    Releases,
    changed_units,
    install_units,
)
from ansible_collections.phased.rollout.plugins.module_utils._unit_files import (
    read_text,
    write_text,
)

ARGUMENT_SPEC: Dict[str, Any] = {
    "root": {"type": "path", "required": True},
    "release": {"type": "str", "default": ""},
    "link": {"type": "str", "default": "current"},
    "shared": {"type": "list", "elements": "str", "default": []},
    "user": {"type": "str", "default": "root"},
    "units": {"type": "dict", "default": {}},
    "about": {"type": "dict", "default": {}},
    "serves": {"type": "bool", "default": True},
}


def switch(params: Dict[str, Any], *, dry: bool) -> Dict[str, Any]:
    """Return what the module answers. Raises ReleaseError, KeyError (unknown user), OSError."""
    releases, link = Releases(params["root"]), params["link"]
    linked = releases.linked(link)
    found = read_facts(read_text(Path(FACTS_FILE)))
    known = (found.get("links") or {}).get(link) or {}
    before = {key: known.get(key, "") if known.get("release") == linked else "" for key in KEYS}
    release = params["release"] or linked
    about = {**(params["about"] if params["release"] else known), "release": release}
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    facts = facts_after(found, link, about, now=now, serves=params["serves"])
    answer = {"before": {**before, "release": linked}, "facts": facts}
    if dry and not (releases.folder / release).exists():
        return {"changed": True, **answer}
    folder = releases.complete(release)
    shared = releases.shared(folder, params["shared"])
    units = changed_units(folder, params["units"])
    changed = bool(shared or units or linked != release or facts != found)
    if changed and not dry:
        owner = pwd.getpwnam(params["user"])
        releases.link_shared(shared, uid=owner.pw_uid, gid=owner.pw_gid)
        install_units(units)
        releases.switch(link, release)
        Path(FACTS_FILE).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_text(Path(FACTS_FILE), write_facts(facts))
    return {"changed": changed, **answer}


def main() -> None:
    """Switch to the release."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = switch(module.params, dry=module.check_mode)
    except (ReleaseError, KeyError, OSError) as exc:
        link = f"{module.params['root']}/{module.params['link']}"
        module.fail_json(msg=f"Cannot lead {link} to release {module.params['release']}: {exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
