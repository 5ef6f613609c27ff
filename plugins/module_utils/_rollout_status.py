# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a rollout: where each phase stands, what blocks it, and what is next. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.phased.rollout.plugins.module_utils._known import Known
from ansible_collections.phased.rollout.plugins.module_utils._next_step import next_step
from ansible_collections.phased.rollout.plugins.module_utils._phase_blocks import UNRELEASED
from ansible_collections.phased.rollout.plugins.module_utils._phase_status import (
    PhaseStatus,
    phase_status,
)
from ansible_collections.phased.rollout.plugins.module_utils._reviews import open_reviews
from ansible_collections.phased.rollout.plugins.module_utils._spoken import iso


def status(known: Known) -> Dict[str, Any]:
    """Return the status of a rollout as JSON holds it. Raises ShapeError.

    phases: by their key. blocked_by: what blocks the phases up to the next one to start.
    """
    phases = [phase_status(known, record) for record in known.phases]
    lease = known.live_lease
    return {
        "rollout": known.rollout,
        "now": iso(known.now),
        "phases": {one.record["key"]: one.as_dict() for one in phases},
        "blocked_by": [block.as_dict() for one in _at_hand(phases) for block in one.blocks],
        "next": next_step(known, phases),
        "reviews": [one.as_dict() for one in open_reviews(known.entries, known.now)],
        "signed": known.signatures is not None,
        "lease": lease.as_dict() if lease else None,
    }


def _at_hand(phases: List[PhaseStatus]) -> List[PhaseStatus]:
    """Return the phases up to and with the first that is not released."""
    found: List[PhaseStatus] = []
    for one in phases:
        found.append(one)
        if one.position.place in UNRELEASED:
            break
    return found
