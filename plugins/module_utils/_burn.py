# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the error budget is being spent: option `burn`.

The burn rate is the part of events that went wrong, divided by the part that may. A pair of windows
misses its limit if the burn rate is above it over the long and over the short one: the long one
says that it matters, the short one that it still goes on. Limits for a budget of 30 days:
https://sre.google/workbook/alerting-on-slos/. This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
from ansible_collections.phased.rollout.plugins.module_utils._finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._reading import (
    UnusableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import Window
from ansible_collections.phased.rollout.plugins.module_utils._units import read_share

DEFAULT_WINDOWS = [["1h", "5m", 14.4], ["6h", "30m", 6], ["1d", "2h", 3], ["3d", "6h", 1]]
WINDOWS_NEEDED = "it must be a list of [long window, short window, limit], such as [1h, 5m, 14.4]"


class Pair(NamedTuple):
    """Two windows, by name and seconds, and how many times the allowed rate both may reach."""

    long: str
    short: str
    long_seconds: float
    short_seconds: float
    limit: Decimal


class Burn(NamedTuple):
    """allowed: the part of events that may go wrong, in (0, 1)."""

    allowed: Decimal
    pairs: Tuple[Pair, ...]


def read_burn(fields: Fields) -> Burn:
    """Return the burn rates that the fields state. Raises ShapeError."""
    fields.only("objective", "windows")
    windows = fields.raw.get("windows", DEFAULT_WINDOWS)
    if not isinstance(windows, list) or not windows:
        raise ShapeError(fields.at("windows"), windows, WINDOWS_NEEDED)
    pairs = [_pair(raw, fields.at(f"windows[{index}]")) for index, raw in enumerate(windows)]
    return Burn(1 - read_share(fields, "objective", below=1), tuple(pairs))


def _pair(raw: object, path: str) -> Pair:
    if not isinstance(raw, (list, tuple)) or len(raw) != 3:
        raise ShapeError(path, raw, WINDOWS_NEEDED)
    fields = Fields(dict(zip(("long", "short", "limit"), raw)), path)
    long, short = read_duration(fields, "long"), read_duration(fields, "short")
    if not short < long:
        raise ShapeError(path, raw, "the first window must be longer than the second")
    limit = Decimal(repr(fields.number("limit", 0, above=0)))
    return Pair(str(raw[0]), str(raw[1]), long, short, limit)


def burn_findings(rule: Burn, windows: Sequence[Window]) -> Tuple[List[Finding], Optional[float]]:
    """Return what each pair came to, and the burn rate nearest to or furthest above its limit.

    Raises UnusableError if a window holds what cannot be true.
    """
    burns = _burns(rule, windows)
    newest = min(pair.short_seconds for pair in rule.pairs)
    findings, worst = [], None
    for pair in rule.pairs:
        long, short = burns.get(pair.long_seconds), burns.get(pair.short_seconds)
        findings.append(_finding(pair, long, short, newest))
        known = [burn for burn in (long, short) if burn is not None]
        if known and (worst is None or min(known) / pair.limit > worst[0]):
            worst = min(known) / pair.limit, min(known)
    return findings, None if worst is None else float(worst[1])


def _finding(
    pair: Pair, long: Optional[Decimal], short: Optional[Decimal], newest: float
) -> Finding:
    """Return whether the pair is within its limit.

    Within the limit over one window is within it over both, so an empty one need not leave the
    pair open. But only the shortest window of all speaks of now, and without it nothing is known
    of the release that has just gone out: a service that is down counts no events.
    """
    text = f"at most {float(pair.limit):g} times the error budget over {pair.long} and {pair.short}"
    unknown = " and ".join(
        name for name, burn in ((pair.long, long), (pair.short, short)) if burn is None
    )
    within = [burn <= pair.limit for burn in (long, short) if burn is not None]
    silent = short is None and pair.short_seconds == newest
    if unknown and (silent or not any(within)):
        hint = "; choose longer windows where there is little traffic" if silent else ""
        return Finding(text, None, why_open=f"no event is known of the last {unknown}{hint}")
    detail = " and ".join(
        "no events" if burn is None else f"{round(float(burn), 2):g}" for burn in (long, short)
    )
    return Finding(text, any(within), f"{text} ({detail})")


def _burns(rule: Burn, windows: Sequence[Window]) -> Dict[float, Decimal]:
    """Return the burn rates by seconds of the window, without the empty ones."""
    burns: Dict[float, Decimal] = {}
    for window in windows:
        good, total = window.good, window.total
        try:
            seconds = read_duration(Fields({"name": window.name}, "window"), "name")
        except ShapeError as exc:
            raise UnusableError(str(exc)) from None
        if good is None or total is None or total == 0:
            continue
        if not 0 <= good <= total < math.inf or seconds in burns:
            raise UnusableError(
                f"{good:g} good of {total:g} in total within {window.name} cannot be"
                if seconds not in burns
                else f"window {window.name} was measured twice"
            )
        bad = Decimal(repr(total)) - Decimal(repr(good))
        burns[seconds] = bad / Decimal(repr(total)) / rule.allowed
    return burns
