# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a plan, so that nothing after it meets what it does not expect. Pure.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ansible_collections.phased.rollout.plugins.module_utils._baseline import (
    Baseline,
    read_baselines,
)
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    Objective,
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding
from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import (
    FREEZES,
    PHASES,
    ROLES,
    SOURCES,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_kinds import Report
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._window import Freeze, Window
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import begin_of, end_of

#: A phase, a change or a part of one as read: every key is there.
Read = Mapping[str, Any]


class Stated(NamedTuple):
    """An objective, and what the plan says of it."""

    objective: Objective
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A plan as read. findings: what could not be, without which the rest is to be understood.

    phases: by the path at which each stands, in order. raw: each of them as written, by its id.
    names: of all objectives; only those that can be read are in objectives.
    """

    phases: Mapping[str, Read]
    raw: Mapping[int, Mapping[str, Any]]
    objectives: Mapping[str, Stated]
    names: Sequence[str] = ()
    freezes: Sequence[Freeze] = ()
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    findings: Sequence[Finding] = ()

    @property
    def by_id(self) -> Dict[int, Read]:
        """Return the phases by number, the first one of each."""
        found: Dict[int, Read] = {}
        for phase in self.phases.values():
            if phase["id"] is not None:
                found.setdefault(phase["id"], phase)
        return found


def read_plan(
    phases: Sequence[Mapping[str, Any]],
    objectives: Mapping[str, Mapping[str, Any]],
    freezes: Sequence[Mapping[str, Any]] = (),
    roles: Optional[Mapping[str, Sequence[str]]] = None,
    baselines: Optional[Mapping[str, Any]] = None,
) -> Plan:
    """Return the plan; what cannot be read stands in its findings and is None where it stood.

    baselines: what the objectives measure today, as in gate_baselines.
    """
    found: List[Finding] = []
    read = PHASES.read("rollout_phases", phases, found.append)
    return Plan(
        phases={f"rollout_phases[{n}]": one for n, one in enumerate(read) if one is not None},
        raw={raw["id"]: raw for one, raw in zip(read, phases) if one and one["id"] is not None},
        objectives=_objectives(objectives, found.append),
        names=[str(name) for name in objectives],
        freezes=_freezes(freezes, found.append),
        roles=ROLES.read("rollout_roles", roles or {}, found.append),
        baselines=_baselines(baselines or {}, found.append),
        findings=found,
    )


def present(entries: Optional[Iterable[Any]]) -> Iterator[Tuple[int, Any]]:
    """Yield the entries of a list that could be read, each with its place."""
    return ((index, entry) for index, entry in enumerate(entries or ()) if entry is not None)


def gate_of(by_id: Mapping[int, Mapping[str, Any]], phase_id: int) -> List[str]:
    """Return the objectives of a phase's gate with all that it inherits, each once."""
    names: Dict[str, None] = {}
    for _index, inherited in present(by_id[phase_id].get("inherits")):
        if inherited in by_id and inherited < phase_id:
            names.update(dict.fromkeys(gate_of(by_id, inherited)))
    names.update(dict.fromkeys(name for _index, name in present(by_id[phase_id].get("gate"))))
    return list(names)


def window_of(phase: Read) -> Optional[Window]:
    """Return the window of a phase, None if it has none or it could not be read."""
    read = phase["window"]
    if read is None or None in (read["days"], read["from"], read["to"], read["timezone"]):
        return None
    return Window(read["days"], read["from"], read["to"], read["timezone"])


def _freezes(raw: Sequence[Mapping[str, Any]], report: Report) -> List[Freeze]:
    found = []
    for index, read in present(FREEZES.read("rollout_freezes", raw, report)):
        zone = read["timezone"]
        if None in (read["from"], read["to"], read["reason"], zone):
            continue
        freeze = Freeze(begin_of(read["from"], zone), end_of(read["to"], zone), read["reason"])
        if freeze.since < freeze.until:
            found.append(freeze)
        else:
            path = f"rollout_freezes[{index}].to"
            report(Finding(path, "it ends before it begins", "name a later day", rule="freeze"))
    return found


def _objectives(raw: Mapping[str, Mapping[str, Any]], report: Report) -> Dict[str, Stated]:
    found = {}
    for name, stated in raw.items():
        path = f"rollout_objectives.{name}"
        try:
            fields = Fields(stated, path)
            objective = read_objective(name, fields)
            source = fields.section(
                "source", "say where to measure, for example {type: prometheus}"
            )
            source.choice("type", SOURCES)
            found[str(name)] = Stated(objective, stated)
        except ShapeError as exc:
            report(Finding(exc.path, exc.problem, exc.needed))
    return found


def _baselines(raw: Mapping[str, Any], report: Report) -> Dict[str, Baseline]:
    try:
        return read_baselines(raw)
    except ShapeError as exc:
        report(Finding(exc.path, exc.problem, exc.needed))
        return {}
