# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The features of this release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tower.decisions import DecisionTracking

if TYPE_CHECKING:
    from tower.config import Settings
    from tower.database import Database
    from tower.faults import Faults
    from tower.feature import Feature


def all_features(settings: Settings, database: Database, faults: Faults) -> list[Feature]:
    """Return the features in the order in which they see a generation."""
    return [DecisionTracking(faults)]
