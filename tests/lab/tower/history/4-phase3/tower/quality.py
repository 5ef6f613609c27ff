# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the people who rate what was generated.

Nobody else knows these optima: Echo Brain has to find them through feedback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tower.generation import Parameters

# kind: the best steps and the best cfg_scale
OPTIMA = {"image": (32, 7.5), "video": (26, 6.0), "upscale": (14, 4.0)}
STEPS_WIDTH = 10
CFG_WIDTH = 2.0


def quality(kind: str, parameters: Parameters) -> float:
    """Return how good what these parameters give is, from 0 to 1."""
    steps, cfg_scale = OPTIMA[kind]
    off_steps = (parameters.steps - steps) / STEPS_WIDTH
    off_cfg = (parameters.cfg_scale - cfg_scale) / CFG_WIDTH
    return 1 / (1 + off_steps**2 + off_cfg**2)
