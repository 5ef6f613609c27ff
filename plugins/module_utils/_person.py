# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who: names, addresses, and whether two of them may be the same person. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Sequence

_AUTHOR = re.compile(r"\s*(?P<name>.*?)\s*<(?P<address>[^<>]*)>\s*")


def identity(person: str) -> str:
    """Return a name or address as it is compared: without case and surrounding space."""
    return " ".join(person.split()).casefold()


def may_be_same(person: str, other: str) -> bool:
    """Return whether both may be one person. other may be an author, as git writes it.

    A bare name and an address are one person if the name is what stands before the @: AWX and the
    system know ada, git knows ada@example.com.
    """
    one = identity(person)
    return bool(one) and any(
        one == name or one == name.partition("@")[0] or one.partition("@")[0] == name
        for name in _names(other)
    )


def distinct(persons: Iterable[str]) -> List[str]:
    """Return the persons that are surely different ones, each as first written.

    A bare name is not counted beside an address that may be the same person's.
    """
    first: Dict[str, str] = {}
    for person in persons:
        first.setdefault(identity(person), person)
    local = {one.partition("@")[0] for one in first if "@" in one}
    return [person for one, person in first.items() if one and ("@" in one or one not in local)]


def among(person: str, persons: Sequence[str]) -> bool:
    """Return whether a person is one of those listed."""
    return identity(person) in {identity(one) for one in persons}


def _names(author: str) -> List[str]:
    match = _AUTHOR.fullmatch(author)
    names = [match["name"], match["address"]] if match else [author]
    return [identity(name) for name in names if name.strip()]
