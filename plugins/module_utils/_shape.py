# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what a person wrote, key by key, and naming the path of what is wrong.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import difflib
import math
from typing import Any, Iterable, List, Mapping, Optional


class ShapeError(ValueError):
    """Something a person wrote cannot be understood: its path, what was found, what is needed."""

    def __init__(self, path: str, found: object, needed: str) -> None:
        self.path = path
        self.problem = "is missing" if found is None else f"is {found!r}"
        self.needed = needed
        super().__init__(f"{path} {self.problem}: {needed}")


def to_number(raw: object, path: str) -> float:
    """Return a number given as such or as a string (surveys and -e give strings); may be NaN.

    Raises ShapeError if it is none.
    """
    if isinstance(raw, (int, float, str)) and not isinstance(raw, bool):
        try:
            return float(raw)
        except (ValueError, OverflowError):
            pass
    raise ShapeError(path, raw, "it must be a number")


class Fields:
    """One mapping, and its path in what the person wrote."""

    def __init__(self, raw: object, path: str) -> None:
        """Raise ShapeError if raw is not a mapping."""
        if not isinstance(raw, Mapping):
            raise ShapeError(path, raw, "it must be a mapping of options")
        self.raw: Mapping[str, Any] = raw
        self.path = path

    def at(self, key: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def only(self, *known: str) -> None:
        """Raise ShapeError if there is any other key: a typo must not take a limit away."""
        for key in self.raw:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise ShapeError(self.at(key), self.raw[key], f"there is no such option; {hint}")

    def section(self, key: str, needed: str) -> Fields:
        """Return the mapping under a key. Raises ShapeError if there is none."""
        if self.raw.get(key) is None:
            raise ShapeError(self.at(key), None, needed)
        return Fields(self.raw[key], self.at(key))

    def optional_text(self, key: str) -> Optional[str]:
        """Return the text under a key, or None."""
        found = self.raw.get(key)
        if found is None or isinstance(found, str):
            return found
        raise ShapeError(self.at(key), found, "it must be a text")

    def text(self, key: str, needed: str, default: Optional[str] = None) -> str:
        """Return the text under a key. Raises ShapeError if it is missing or empty."""
        found = self.optional_text(key) or default
        if not found or not found.strip():
            raise ShapeError(self.at(key), self.raw.get(key), needed)
        return found

    def texts(self, key: str) -> List[str]:
        """Return the list of texts under a key; one text is a list of one, none is empty."""
        found = self.raw.get(key)
        listed = [] if found is None else found if isinstance(found, list) else [found]
        for entry in listed:
            if not isinstance(entry, str):
                raise ShapeError(self.at(key), found, "it must be a text or a list of texts")
        return listed

    def choice(self, key: str, choices: Iterable[str], default: Optional[str] = None) -> str:
        """Return the one of the choices that stands under a key."""
        found = self.raw.get(key, default)
        if found not in (known := list(choices)):
            raise ShapeError(self.at(key), found, f"it must be one of {', '.join(known)}")
        return str(found)

    def number(self, key: str, default: float, *, above: Optional[float] = None) -> float:
        """Return the finite number under a key: at least 0, or more than `above`."""
        value = to_number(default if self.raw.get(key) is None else self.raw[key], self.at(key))
        if not (math.isfinite(value) and (value >= 0 if above is None else value > above)):
            limit = "at least 0" if above is None else f"above {above:g}"
            raise ShapeError(self.at(key), self.raw[key], f"it must be a number {limit}")
        return value

    def whole(self, key: str, default: int) -> int:
        """Return the whole number under a key, 1 or more."""
        value = self.number(key, default, above=0)
        if value != int(value):
            raise ShapeError(self.at(key), self.raw[key], "it must be a whole number")
        return int(value)

    def flag(self, key: str) -> bool:
        """Return the boolean under a key, False if there is none."""
        found = self.raw.get(key, False)
        words = {"true": True, "yes": True, "false": False, "no": False}
        if isinstance(found, bool):
            return found
        if isinstance(found, str) and found.lower() in words:
            return words[found.lower()]
        raise ShapeError(self.at(key), found, "it must be true or false")
