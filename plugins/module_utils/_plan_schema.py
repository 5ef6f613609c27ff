# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of a plan, for editors; from the same table as the checks.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.phased.rollout.plugins.module_utils._objective import OPTIONS
from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import (
    FREEZES,
    PHASES,
    ROLES,
    SOURCES,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_kinds import TEMPLATE

_OBJECTIVE_ABOUT = {
    "description": "What it says, in a line.",
    "source": "Where it is measured; see docs/sources.md.",
    "unit": "Unit of what is measured.",
    "pass": 'What must hold, as ">= 99.5%" or "<= +10% of baseline"; every entry of a list.',
    "warn": "What is a warning, and no failure.",
    "key": "Whether it decides alone, whatever the score.",
    "weight": "How much it counts in the score.",
    "baseline": "Release whose measurement it is compared with.",
    "confidence": "How sure the verdict on a counted share must be.",
    "compare": "How its samples are compared with those of the baseline.",
    "burn": "How fast the error budget may be spent.",
    "ratchet": "Until when it may miss, as long as it gets no worse.",
    "dry_run": "Whether it is only shown.",
    "failure_limit": "How many failures are allowed, measured again and again.",
    "consecutive_error_limit": "How many errors in a row are allowed.",
    "inconclusive_limit": "How many times it may not be told.",
}


def json_schema() -> Dict[str, Any]:
    """Return the JSON Schema of a file of group_vars that holds a plan."""
    properties: Dict[str, Any] = {name: {"description": _OBJECTIVE_ABOUT[name]} for name in OPTIONS}
    kind = {"enum": [*SOURCES]}
    properties["source"].update(
        type="object", required=["type"], properties={"type": {"anyOf": [kind, TEMPLATE]}}
    )
    objective = {
        "type": "object",
        "required": ["source"],
        "additionalProperties": False,
        "properties": properties,
    }
    parts = {
        "phases": ("The phases, in their order.", PHASES.schema()),
        "objectives": (
            "What can be measured and judged, by name.",
            {"type": "object", "additionalProperties": objective},
        ),
        "freezes": ("Periods in which nothing is rolled out.", FREEZES.schema()),
        "roles": ("Who may approve, by role.", ROLES.schema()),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of phased.rollout",
        "type": "object",
        "properties": {
            f"rollout_{name}": {"description": about, "anyOf": [found, TEMPLATE]}
            for name, (about, found) in parts.items()
        },
    }
