# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the limits of one objective make sense. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Iterator, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._baseline import Baseline
from ansible_collections.phased.rollout.plugins.module_utils._criteria import (
    Criterion,
    NoBaselineError,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import Objective
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding, doubt
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan
from ansible_collections.phased.rollout.plugins.module_utils._plan_span import Span, possible, spans
from ansible_collections.phased.rollout.plugins.module_utils._units import UnitError, show

_OWN = "its own baseline"


def limit_findings(plan: Plan) -> Iterator[Finding]:
    """Yield limits that cannot be met or missed, that leave a gap, and that are missed today."""
    for name, stated in plan.objectives.items():
        path, objective = f"rollout_objectives.{name}", stated.objective
        if not (objective.passes or objective.compare or objective.burn):
            yield Finding(
                f"{path}.pass", "there is nothing to judge by", 'set it, for example ">= 99%"'
            )
        impossible = [*_criteria_findings(path, objective)]
        yield from impossible or _span_findings(path, objective)
        if not impossible and name in plan.baselines and objective.ratchet is None:
            yield from _missed_today(path, objective, plan.baselines[name])


def _criteria_findings(path: str, objective: Objective) -> Iterator[Finding]:
    for criterion in (one for each in objective.passes + objective.warns for one in each):
        share = criterion.unit is not None and criterion.unit.symbol == "%"
        if share and not criterion.relative and not 0 <= criterion.number <= 100:
            problem = f"{criterion.text!r} is no percentage"
            yield Finding(path, problem, "a limit between 0% and 100%", rule="percentage")
        elif objective.unit is not None:
            try:
                criterion.limit(objective.unit, 1e9)
            except UnitError as exc:
                yield Finding(path, str(exc), "correct the unit or the limit", rule="unit")
            except NoBaselineError:
                continue  # that depends on what the baseline comes to


def _span_findings(path: str, objective: Objective) -> Iterator[Finding]:
    """Yield limits that nothing meets or nothing misses, and warnings that say nothing."""
    passes, warns = (spans(c, objective.unit, _OWN) for c in (objective.passes, objective.warns))
    stated = _stated(objective.passes)
    for scale, span in passes.items():
        can_be = possible(scale, objective.unit)
        if span.both(can_be).empty:
            problem = f"nothing can meet {stated}"
            yield Finding(f"{path}.pass", problem, "correct a limit", rule="no_value")
        elif can_be.within(span):
            problem = f"nothing can miss {stated}"
            yield doubt(f"{path}.pass", problem, "correct the limit", rule="never_fails")
    if len(passes) == 1 and set(passes) == set(warns):
        ((scale, span),), (warn,) = passes.items(), warns.values()
        can_be = possible(scale, objective.unit)
        words = _stated(objective.warns), stated
        yield from _warning(f"{path}.warn", span, warn, can_be, words)


def _warning(
    path: str, span: Span, warn: Span, can_be: Span, words: Tuple[str, str]
) -> Iterator[Finding]:
    stated, passing = words
    if span.gap(warn):
        yield Finding(
            path,
            f"between {stated} and {passing} lies what fails, though worse only warns",
            "let it begin where pass ends",
            rule="dead_band",
        )
    elif warn.within(span):
        problem = f"what meets {stated} meets {passing} already"
        suggestion = "make it looser than pass, or leave it out"
        yield doubt(path, problem, suggestion, rule="idle_warn")
    elif can_be.within(Span(min(span.low, warn.low), max(span.high, warn.high))):
        problem = f"nothing can fail: what misses {passing} meets {stated}"
        yield doubt(path, problem, "give it a limit as well", rule="never_fails")


def _stated(criteria: Sequence[Sequence[Criterion]]) -> str:
    return " and ".join(f"'{criterion.text}'" for each in criteria for criterion in each)


def _missed_today(path: str, objective: Objective, today: Baseline) -> Iterator[Finding]:
    """Yield a limit that is missed to begin with."""
    unit = objective.unit
    if unit is None or today.value is None or not math.isfinite(today.value):
        return
    value = Decimal(repr(float(today.value))) * unit.factor
    for criterion in objective.passes[0] if len(objective.passes) == 1 else ():
        if criterion.relative or criterion.holds(value, criterion.limit(unit, None)):
            continue
        yield doubt(
            f"{path}.pass",
            f"it is {show(float(today.value), unit)} today, which does not meet '{criterion.text}',"
            " so its gate is closed to begin with",
            "give it a ratchet, as {until: 2026-12-31}, if no phase is to mend it at once",
            rule="missed_today",
        )
