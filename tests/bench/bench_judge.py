# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long judging takes, as a ratio against comparing bare floats.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_judge.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._criteria import parse_criterion
from ansible_collections.phased.rollout.plugins.module_utils._judge import Result, judge
from ansible_collections.phased.rollout.plugins.module_utils._objective import Objective
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._units import unit_named

MEASUREMENTS, ROUNDS, LIMIT, BASELINE = 10_000, 7, 2.0, Baseline(1.5)


def median_ms(work: Callable[[], object]) -> float:
    """Return the median time of a few rounds in milliseconds."""
    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def judge_each(objective: Objective, measurements: list[Measurement]) -> list[Result]:
    """Return the result of each measurement."""
    return [judge(objective, measurement, BASELINE) for measurement in measurements]


def main() -> None:
    """Print one line for each kind of objective."""
    values = [4 * number / MEASUREMENTS for number in range(MEASUREMENTS)]
    measurements = [Measurement(value=value) for value in values]
    bare = median_ms(lambda: [value < LIMIT for value in values])
    print(f"{MEASUREMENTS} bare comparisons of floats: {bare:.2f} ms")
    for criteria in (["< 2s"], ["< 2000ms", "<= +10% of baseline"]):
        objective = Objective("o", (tuple(map(parse_criterion, criteria)),), unit=unit_named("s"))
        judged = median_ms(partial(judge_each, objective, measurements))
        shown = " and ".join(criteria)
        print(f"judged by {shown}: {judged:.0f} ms, {judged / bare:.0f} times the bare comparison")


if __name__ == "__main__":
    main()
