# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the modules of all front ends share, and what becomes of them.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.phased.rollout.plugins.module_utils._ask import ask
from ansible_collections.phased.rollout.plugins.module_utils._front_end import FrontEnd, Move

ARGUMENT_SPEC: Dict[str, Any] = {
    "backends": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "parameters": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["in", "out"], "default": "in"},
        },
    },
    "directives": {"type": "list", "elements": "str", "default": []},
    "change": {"type": "dict", "default": {}},
    "keep_last": {"type": "bool", "default": False},
    "probe": {"type": "str", "default": ""},
    "probe_timeout": {"type": "float", "default": 10},
    "drain_timeout": {"type": "float", "default": 30},
}


def move(front_end: FrontEnd, params: Mapping[str, Any], *, dry: bool) -> Dict[str, Any]:
    """Return what a module answers once the traffic goes as asked.

    Raises FrontEndError or BackendError.
    """
    asked = Move(
        wanted=params["change"],
        keep_last=params["keep_last"],
        probe=params["probe"],
        probe_seconds=params["probe_timeout"],
        drain_seconds=params["drain_timeout"],
    )
    return front_end.move(asked, ask, dry=dry)
