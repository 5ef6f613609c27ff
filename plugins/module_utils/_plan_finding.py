# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong in a plan, and where. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Iterable, List, Tuple, Union

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """Something wrong in a plan: where it stands, what it is, and what would be right.

    rule: which check found it, as docs/plan.md lists them. severity: an error forbids to run the
    plan, a warning is shown.
    """

    path: str
    problem: str
    suggestion: str
    severity: str = ERROR
    rule: str = "shape"


def doubt(path: str, problem: str, suggestion: str, *, rule: str) -> Finding:
    """Return a finding that is shown and forbids nothing."""
    return Finding(path, problem, suggestion, WARNING, rule)


def did_you_mean(found: object, known: Iterable[object]) -> str:
    """Return a suggestion: the name that is nearest to what was found, or all that there are."""
    names = sorted(str(name) for name in known)
    close = difflib.get_close_matches(str(found), names, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(names) or '(none)'}"


def stands_in(path: str, place: str) -> bool:
    """Return whether a path is that of a place, or of something in it."""
    return path == place or path.startswith((f"{place}.", f"{place}["))


def in_order(findings: Iterable[Finding]) -> List[Finding]:
    """Return the findings, each once, errors first, then by their path."""
    return sorted(
        dict.fromkeys(findings), key=lambda one: (one.severity != ERROR, _place(one.path))
    )


def _place(path: str) -> List[Tuple[int, Union[int, str]]]:
    """Return what sorts a path so that [10] comes after [9]."""
    return [
        (1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path) if part
    ]
