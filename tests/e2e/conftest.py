# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.tests.e2e.world import lab


@pytest.fixture(scope="module", autouse=True)
def _fresh_lab() -> None:
    """Start every file of tests from the lab as it was before phase 1."""
    lab("reset")
