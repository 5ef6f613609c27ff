#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move traffic between the servers of an nginx upstream."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream
short_description: Move traffic between the servers of an nginx upstream
version_added: 0.1.0
description:
  - Takes servers of an upstream out, puts them back in, and sets their weights. The upstream stands
    in a file of its own, which the configuration of nginx includes.
  - The configuration is checked with C(nginx -t) before nginx is reloaded. If nginx objects, the
    file is as it was before and nothing is reloaded.
  - The reload is proven. New workers take the requests, and the old ones take no more. Where a
    server was taken out, the module waits until the old workers have ended, so no request is with
    it.
  - A server that is put in has to answer before, asked from the front end.
  - A run that was killed between writing and reloading is finished by the next.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - nginx on the host
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
    description: File that holds the upstream and nothing else. It is replaced by every move.
    type: path
    required: true
  upstream:
    description: Name of the upstream.
    type: str
    required: true
  pid_file:
    description: File with the process id of nginx.
    type: path
    default: /run/nginx.pid
"""

EXAMPLES = r"""
- name: Take a server out for its restart
  phased.rollout.nginx_upstream:
    path: /etc/nginx/conf.d/tower-upstream.conf
    upstream: tower
    backends:
      - {name: prod1, address: "prod1:8000", parameters: max_fails=0}
      - {name: prod2, address: "prod2:8000", parameters: max_fails=0}
    change:
      prod1: {state: out}
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
from ansible_collections.phased.rollout.plugins.module_utils._nginx import Nginx

OWN: Dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "upstream": {"type": "str", "required": True},
    "pid_file": {"type": "path", "default": "/run/nginx.pid"},
}


def main() -> None:
    """Move the traffic, or see where it goes."""
    module = AnsibleModule(argument_spec={**ARGUMENT_SPEC, **OWN}, supports_check_mode=True)
    module.run_command_environ_update = {"LC_ALL": "C"}
    params = module.params
    try:
        front_end = Nginx(
            module.run_command,
            path=Path(params["path"]),
            name=params["upstream"],
            backends=read_backends(params["backends"]),
            directives=params["directives"],
            pid_file=Path(params["pid_file"]),
        )
        result = move(front_end, params, dry=module.check_mode)
    except (FrontEndError, BackendError, OSError) as exc:
        module.fail_json(msg=f"Cannot move the traffic of {params['upstream']}: {exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
