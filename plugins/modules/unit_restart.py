#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart a systemd unit and prove that it serves what it should."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_restart
short_description: Restart a systemd unit and prove that it serves what it should
version_added: 0.1.0
description:
  - Restarts a unit unless it serves its release already, and proves the restart. The main process
    is another one, the unit is active and stays so for a while, systemd did not have to restart it,
    it answers that it is ready, and it names its release.
  - When any of this does not hold, the module fails with the reason and with the last lines that
    the unit wrote to its journal since the restart.
  - Drop-ins are written before. If C(systemd-analyze verify) says anything about the unit with
    them, they are taken back and the unit is not restarted.
  - In check mode it looks whether the service serves its release, and changes nothing.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - systemd on the host
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  unit:
    description: Name of the unit, without C(.service).
    type: str
    required: true
  release:
    description:
      - The release that the service has to serve, as its O(health) names it under C(release).
      - If it is empty, any release will do, and the unit is restarted only if it does not run, or
        if its unit file or its drop-ins changed.
    type: str
    default: ""
  current:
    description:
      - Link to the release that a restart starts. The last part of its target must be O(release).
      - If it is empty, this is not looked at.
    type: path
    default: ""
  ready:
    description:
      - URL that answers 200 once the service is ready.
      - If it is empty, an active unit counts as ready.
    type: str
    default: ""
  health:
    description: URL that answers with a JSON object that has O(release) under C(release).
    type: str
    default: ""
  drop_ins:
    description:
      - Drop-ins of the unit, name to content.
      - A drop-in with an empty content is removed. Drop-ins that are not named stay.
    type: dict
    default: {}
  timeout:
    description: How long the service may take to become ready, in seconds.
    type: float
    default: 30
  steady:
    description: How long the unit has to stay active once it is ready, in seconds.
    type: float
    default: 2
"""

EXAMPLES = r"""
- name: Serve the release
  phased.rollout.unit_restart:
    unit: tower-anime-production
    release: bf5c0653b0f023ac78e6f942836fed47442daa1c
    current: /opt/tower/current
    ready: http://127.0.0.1:8000/ready
    health: http://127.0.0.1:8000/health
    drop_ins:
      memory.conf: |
        [Service]
        MemoryMax=2G
  become: true
"""

RETURN = r"""
serves:
  description:
    - Whether the service serves its release. Without check mode it does, or the module fails.
  returned: success
  type: bool
proof:
  description: What was proven. Empty in check mode if the service does not serve its release.
  returned: success
  type: dict
  sample:
    release: bf5c0653b0f023ac78e6f942836fed47442daa1c
    active_since: Mon 2026-01-12 09:00:00 UTC
    main_pid: 4711
    restarts: 0
    ready_seconds: 0.6
journal:
  description: The last lines that the unit wrote to its journal since the restart.
  returned: failure
  type: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._ask import ask
from ansible_collections.phased.rollout.plugins.module_utils._unit_files import (
    UnitError,
    environment,
)
from ansible_collections.phased.rollout.plugins.module_utils._unit_restart import Restart, Service

ARGUMENT_SPEC: Dict[str, Any] = {
    "unit": {"type": "str", "required": True},
    "release": {"type": "str", "default": ""},
    "current": {"type": "path", "default": ""},
    "ready": {"type": "str", "default": ""},
    "health": {"type": "str", "default": ""},
    "drop_ins": {"type": "dict", "default": {}},
    "timeout": {"type": "float", "default": 30},
    "steady": {"type": "float", "default": 2},
}


def bring(module: AnsibleModule, restart: Restart) -> Dict[str, Any]:
    """Return what the module answers, once the service serves its release. Raises UnitError."""
    needed = restart.needed()
    if module.check_mode:
        serves = not needed and restart.serves()
        proof = restart.prove(ready_seconds=0, steady_seconds=0) if serves else {}
        return {"changed": needed, "serves": serves, "proof": proof}
    if needed:
        restart.perform()
    steady = module.params["steady"] if needed else 0
    proof = restart.prove(ready_seconds=module.params["timeout"], steady_seconds=steady)
    return {"changed": needed, "serves": True, "proof": proof}


def main() -> None:
    """Restart the unit, or look whether it serves its release."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.run_command_environ_update = environment()
    wanted = {
        name: module.params[name] for name in ("unit", "release", "current", "ready", "health")
    }
    restart = None
    try:
        restart = Restart(module.run_command, ask, Service(**wanted), module.params["drop_ins"])
        result = bring(module, restart)
    except (UnitError, OSError) as exc:
        lines = restart.journal() if restart else ""
        said = f"\nLast lines of its journal:\n{lines}" if lines else ""
        module.fail_json(msg=f"{exc}{said}", journal=lines)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
