# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one criterion came to, and what several of them come to together.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Iterable, List, NamedTuple, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._criteria import Criterion


class Finding(NamedTuple):
    """Whether something holds; None if that cannot be told, and why_open then says why.

    text: the criterion as written. shown: the same with the numbers it was compared with.
    criterion, limit: for one that states a limit; the limit is in base units.
    needed: how many further samples or events would tell.
    """

    text: str
    holds: Optional[bool]
    shown: str = ""
    why_open: str = ""
    needed: Optional[int] = None
    criterion: Optional[Criterion] = None
    limit: Optional[Decimal] = None


def all_hold(findings: Sequence[Finding]) -> Optional[bool]:
    """Return whether all hold; False for none at all; None if it cannot be told."""
    outcomes = [finding.holds for finding in findings]
    if not outcomes or False in outcomes:
        return False
    return None if None in outcomes else True


def first_that_holds(alternatives: Sequence[Sequence[Finding]]) -> Optional[Sequence[Finding]]:
    """Return the first alternative of which all hold, None if there is none."""
    for findings in alternatives:
        if all_hold(findings):
            return findings
    return None


def left_open(alternatives: Sequence[Sequence[Finding]]) -> List[Finding]:
    """Return what cannot be told in the first alternative that is not out of the question."""
    for findings in alternatives:
        if all_hold(findings) is None:
            return [finding for finding in findings if finding.holds is None]
    return []


def misses(alternatives: Sequence[Sequence[Finding]]) -> List[Finding]:
    """Return what does not hold, each once."""
    found = [one for findings in alternatives for one in findings if one.holds is False]
    return found if len(alternatives) < 2 else list({one.text: one for one in found}.values())


def texts(findings: Iterable[Finding]) -> str:
    """Return the criteria as they were written."""
    return " and ".join([finding.text for finding in findings])
