# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an objective is compared with: an earlier measurement, and whether it can be trusted.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    NoBaselineError,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
    to_number,
)
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

#: A run that failed is no yardstick: compared with it, the next one may be a little worse again.
TRUSTED = frozenset({Verdict.PASS, Verdict.WARN})


class Baseline(NamedTuple):
    """An earlier measurement, in the unit of its objective.

    verdict: what it came to; None if whoever gave it has not said.
    """

    value: Optional[float] = None
    samples: Tuple[float, ...] = ()
    verdict: Optional[Verdict] = None


def trusted(
    baseline: Optional[Baseline], verdicts: AbstractSet[Verdict] = TRUSTED
) -> Optional[Baseline]:
    """Return the baseline, None if there is none. Raises NoBaselineError if it is not trusted."""
    if baseline is None or baseline.verdict is None or baseline.verdict in verdicts:
        return baseline
    raise NoBaselineError(
        f"the verdict on the baseline was {baseline.verdict.value}, so it is no yardstick;"
        " give one that passed"
    )


def read_baselines(raw: Mapping[str, object], path: str = "baselines") -> Dict[str, Baseline]:
    """Return the baselines by objective, without those that are null. Raises ShapeError."""
    return {
        name: _baseline(value, f"{path}.{name}") for name, value in raw.items() if value is not None
    }


def _baseline(raw: object, path: str) -> Baseline:
    if not isinstance(raw, Mapping):
        return Baseline(to_number(raw, path))
    fields = Fields(raw, path)
    fields.only("value", "samples", "verdict")
    value, verdict = raw.get("value"), raw.get("verdict")
    return Baseline(
        value=None if value is None else to_number(value, fields.at("value")),
        samples=read_samples(fields, "samples"),
        verdict=None if verdict is None else Verdict(fields.choice("verdict", list(Verdict))),
    )


def read_samples(fields: Fields, key: str) -> Tuple[float, ...]:
    """Return the list of numbers under a key, empty if there is none; each may be NaN."""
    found = fields.raw.get(key)
    if found is None:
        return ()
    if not isinstance(found, (list, tuple)):
        raise ShapeError(fields.at(key), found, "it must be a list of numbers")
    return tuple(to_number(one, f"{fields.at(key)}[{index}]") for index, one in enumerate(found))
