# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that move traffic at a front end."""

from __future__ import annotations


class ModuleDocFragment:
    """The backends of a front end, and what is to become of them."""

    DOCUMENTATION = r"""
options:
  backends:
    description: All servers that stand behind the front end.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the server is called.
        type: str
        required: true
      address:
        description: Where the front end reaches it, with the port.
        type: str
        required: true
      parameters:
        description: Further words of its line in the configuration, for example V(max_fails=0).
        type: str
        default: ""
      state:
        description: Whether it gets traffic when the front end sees it for the first time.
        type: str
        choices: [in, out]
        default: in
  directives:
    description: Lines to put before the servers, for example V(keepalive 16).
    type: list
    elements: str
    default: []
  change:
    description:
      - What is to become of some of the backends, by name. C(state) is V(in) or V(out), C(weight)
        its share beside the weights of the others. A weight of 0 is V(out).
      - Backends that are not named stay as the front end has them.
      - A change that would leave nobody to serve is refused.
    type: dict
    default: {}
  keep_last:
    description: Leave in, instead of refusing, what would leave nobody to serve.
    type: bool
    default: false
  probe:
    description:
      - Path that a backend has to answer with 200, asked from the front end, before it gets
        traffic.
      - If it is empty, nothing is asked.
    type: str
    default: ""
  probe_timeout:
    description: How long to ask, in seconds.
    type: float
    default: 10
  drain_timeout:
    description:
      - How long to wait for the requests that are with a backend which is taken out, in seconds.
      - With V(0) nobody waits.
    type: float
    default: 30
"""
