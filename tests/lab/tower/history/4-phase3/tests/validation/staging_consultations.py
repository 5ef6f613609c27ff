# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What phase 3 adds to the validation of staging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.validation.metrics import parse_metric
from tests.validation.surroundings import KINDS, require, require_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.validation.staging import Staging


def echo_brain_advises(staging: Staging) -> str:
    """Require that Echo Brain is deployed and its advice is taken."""

    def answered() -> float:
        text = str(staging.get("/metrics")[1])
        return parse_metric(text, "tower_consultations_total", 'outcome="answered"')

    before = answered()
    require_status([staging.generate(kind) for kind in KINDS], 200)
    advised = answered() - before
    require(advised >= len(KINDS), f"Echo Brain advised {advised:g} of {len(KINDS)} generations")
    return f"{advised:g} consultations"


CHECKS: list[tuple[str, Callable[[Staging], str | None]]] = [
    ("Echo Brain advises", echo_brain_advises),
]
