#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move traffic between the servers of an HAProxy backend."""

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_backend
short_description: Move traffic between the servers of an HAProxy backend
version_added: 0.1.0
description:
  - Takes servers of a backend out, puts them back in, and sets their weights, through HAProxy's
    socket, so no session ends. The socket is asked afterwards whether it is so.
  - The backend also stands in a file of its own, which HAProxy reads beside its main configuration,
    so a restart keeps it. HAProxy is reloaded only when it does not know the servers yet.
  - The configuration is checked with C(haproxy -c) before. If HAProxy objects, the file is as it
    was before and nothing is moved.
  - A server that is put in has to answer before, asked from the front end.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - HAProxy 2.2 or later on the host, its socket at level admin
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.backends
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  path:
    description: File that holds the backend and nothing else. It is replaced by every move.
    type: path
    required: true
  backend:
    description: Name of the backend.
    type: str
    required: true
  configuration:
    description: The main configuration, which is checked together with O(path).
    type: path
    default: /etc/haproxy/haproxy.cfg
  control:
    description: HAProxy's socket, at level admin.
    type: path
    default: /run/haproxy/admin.sock
"""

EXAMPLES = r"""
- name: Give the new release a twentieth of the traffic
  phased.rollout.haproxy_backend:
    path: /etc/haproxy/tower.cfg
    backend: tower
    backends:
      - {name: blue, address: "prod1:8000", parameters: check}
      - {name: green, address: "prod1:8001", parameters: check, state: out}
    change:
      blue: {weight: 95}
      green: {weight: 5}
    probe: /ready
  become: true
"""

RETURN = r"""
backends:
  description: All backends as the front end has them now.
  returned: success
  type: list
  elements: dict
  sample:
    - name: prod1
      address: prod1:8000
      parameters: max_fails=0
      state: in
      weight: 1
kept:
  description: Backends that were left in because nobody else would be left to serve.
  returned: success
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: success
  type: float
"""

from pathlib import Path
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    BackendError,
    read_backends,
)
from ansible_collections.phased.rollout.plugins.module_utils._front_end import FrontEndError
from ansible_collections.phased.rollout.plugins.module_utils._front_end_options import (
    ARGUMENT_SPEC,
    move,
)
from ansible_collections.phased.rollout.plugins.module_utils._haproxy import Haproxy

OWN: Dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "backend": {"type": "str", "required": True},
    "configuration": {"type": "path", "default": "/etc/haproxy/haproxy.cfg"},
    "control": {"type": "path", "default": "/run/haproxy/admin.sock"},
}


def main() -> None:
    """Move the traffic, or see where it goes."""
    module = AnsibleModule(argument_spec={**ARGUMENT_SPEC, **OWN}, supports_check_mode=True)
    module.run_command_environ_update = {"LC_ALL": "C"}
    params = module.params
    try:
        front_end = Haproxy(
            module.run_command,
            path=Path(params["path"]),
            name=params["backend"],
            backends=read_backends(params["backends"]),
            directives=params["directives"],
            configuration=Path(params["configuration"]),
            control=Path(params["control"]),
        )
        result = move(front_end, params, dry=module.check_mode)
    except (FrontEndError, BackendError, OSError) as exc:
        module.fail_json(msg=f"Cannot move the traffic of {params['backend']}: {exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
