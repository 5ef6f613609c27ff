# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five verdicts, and which of several counts.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from enum import Enum
from typing import Dict, Iterable


class Verdict(str, Enum):
    """What judging can come to, best to worst."""

    PASS = "pass"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    FAIL = "fail"


SEVERITY: Dict[Verdict, int] = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict. Having judged nothing is inconclusive."""
    return max(verdicts, key=SEVERITY.__getitem__, default=Verdict.INCONCLUSIVE)
