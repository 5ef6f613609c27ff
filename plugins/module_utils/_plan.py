# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what is wrong with a plan before anything runs. Pure: no I/O, no Ansible.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._duration import SECONDS
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import RISKS
from ansible_collections.phased.rollout.plugins.module_utils._objective import read_objective
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

STRATEGIES = ("rolling", "blue_green", "canary")
DEPLOY_KEYS = ("strategy", "batches", "gate", "keep_warm", "weights")
STAGES = ("integration", "staging", "production")
PHASE_KEYS = (
    *("id", "name", "risk", "changes", "tag", "deploy", "validations"),
    *("requires", "prerequisites", "gate", "inherits", "approvals"),
)
CHANGE_KEYS = ("id", "branch", "owner", "risk", "depends_on")
VALIDATION_KEYS = ("name", "command", "request", "traced", "timeout", "critical")
SOURCES = ("prometheus", "sql", "decisions", "http", "websocket", "command", "junit", "value")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_BATCH = re.compile(r"[1-9]\d*|(?:100|[1-9]?[1-9]|[1-9]0)%")


@dataclass(frozen=True)
class Finding:
    """Something wrong in a plan: where it stands, what it is, and what would be right."""

    path: str
    problem: str
    suggestion: str
    severity: str = "error"


@dataclass(frozen=True)
class Hotfix:
    """What is to take the short path: a branch, its commit, and what the plan has released so far.

    tag: name of the release, made up if it is empty. released: tags of phases. review_within: how
    long after the release somebody has to have reviewed it, for example 48h.
    """

    branch: str
    commit: str
    released: Sequence[str]
    review_within: str
    tag: str = ""


def check_plan(
    phases: Sequence[Mapping[str, Any]], objectives: Mapping[str, Mapping[str, Any]]
) -> List[Finding]:
    """Return what is wrong with a plan, in the order in which it stands there."""
    findings = list(_check_ids(phases))
    known = {phase.get("id") for phase in phases}
    for index, phase in enumerate(phases):
        path = f"rollout_phases[{index}]"
        findings += _check_keys(path, phase, PHASE_KEYS)
        findings += _check_phase(path, phase)
        findings += _check_references(path, phase, objectives)
        findings += _check_order(path, phase, known)
    for name, objective in objectives.items():
        findings += _check_objective(f"rollout_objectives.{name}", name, objective)
    return findings


def phase_record(phases: Sequence[Mapping[str, Any]], phase_id: int) -> Dict[str, Any]:
    """Return the phase with that id, complete: every key present, inherited gates resolved.

    Objectives stay names: what they ask may hold facts that are known only when they are measured.
    Raises KeyError if no phase has that id.
    """
    by_id = {phase["id"]: phase for phase in phases}
    if phase_id not in by_id:
        raise KeyError(f"no phase has id {phase_id}; the plan has {sorted(by_id)}")
    phase = by_id[phase_id]
    return {
        "id": phase_id,
        "key": f"phase-{phase_id}",
        "name": phase["name"],
        "title": f"phase {phase_id}, {phase['name']}",
        "risk": phase.get("risk", "medium"),
        "changes": [dict(change) for change in phase["changes"]],
        "requires": list(phase.get("requires", [])),
        "approvals": list(phase.get("approvals", [])),
        "prerequisites": list(phase.get("prerequisites", [])),
        "gate": gate_of(by_id, phase_id),
        "validations": {s: list(phase.get("validations", {}).get(s, [])) for s in STAGES},
        "deploy": deploy_record(phase.get("deploy", {})),
        "tag": phase["tag"],
        "label": f"pre-phase-{phase_id}-deployment",
    }


def deploy_record(deploy: Mapping[str, Any]) -> Dict[str, Any]:
    """Return how a phase is deployed, complete. keep_warm_seconds: how long the old colour runs on.

    blue_green is canary with the one step of all traffic.
    """
    strategy = deploy.get("strategy", "rolling")
    weights = deploy.get("weights", [5, 25, 50, 100]) if strategy == "canary" else [100]
    return {
        "strategy": strategy,
        "batches": list(deploy.get("batches", [1, "100%"])),
        "gate": list(deploy.get("gate", [])),
        "weights": [int(weight) for weight in weights],
        "keep_warm_seconds": to_seconds(deploy.get("keep_warm", "1h"), "keep_warm"),
    }


def hotfix_record(phases: Sequence[Mapping[str, Any]], hotfix: Hotfix) -> Dict[str, Any]:
    """Return a hotfix as the record of a phase, with the gate of the newest phase released.

    Its only change is the very commit, so that nothing can join it on its way. What it is called
    comes from branch and commit, so that the same hotfix is the same phase when it is run again.
    Raises ValueError if nothing is released, or if nothing would judge it.
    """
    released = [phase for phase in phases if phase["tag"] in hotfix.released]
    if not released:
        tags = ", ".join(str(phase["tag"]) for phase in phases)
        raise ValueError(
            f"no phase of the plan is released (there is none of the tags {tags}), so nothing says"
            " what must hold in production: let the fix go with the first phase"
        )
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", hotfix.branch)
    key = f"{slug}-{hotfix.commit[:7]}"
    return {
        **phase_record(phases, released[-1]["id"]),
        "id": key,
        "key": key,
        "name": hotfix.branch,
        "title": hotfix.branch,
        "changes": [{"id": hotfix.branch, "branch": hotfix.commit}],
        "requires": [],
        "approvals": [],
        "prerequisites": [],
        "validations": critical_validations(released),
        "tag": hotfix.tag or key,
        "label": f"pre-{key}",
        "review_within_seconds": to_seconds(hotfix.review_within, "review_within"),
    }


def critical_validations(phases: Sequence[Mapping[str, Any]]) -> Dict[str, List[Any]]:
    """Return by stage the validations of phases that are marked as critical, each once.

    Raises ValueError if none of them would judge what is about to be released.
    """
    found: Dict[str, List[Any]] = {stage: [] for stage in STAGES}
    for phase in phases:
        for stage, items in (phase.get("validations") or {}).items():
            wanted = (item for item in items or [] if item.get("critical"))
            found[stage] += [item for item in wanted if item not in found[stage]]
    if not found["integration"]:
        judging = ", ".join(f"phase {phase['id']}" for phase in phases)
        raise ValueError(
            f"no integration validation of {judging} is marked critical: true, so nothing would"
            " judge the hotfix before its release: mark those that it must pass"
        )
    return found


def to_seconds(duration: str, what: str) -> int:
    """Return the seconds of a duration such as 48h. Raises ValueError, saying what it is for."""
    match = _DURATION.fullmatch(duration)
    if not match:
        raise ValueError(f"{what} is {duration!r}: write a number and s, m, h, d or w, as 48h")
    return int(float(match[1]) * SECONDS[match[2]])


def gate_of(by_id: Mapping[int, Mapping[str, Any]], phase_id: int) -> List[str]:
    """Return the objectives of a phase's gate with all that it inherits, each once."""
    names: Dict[str, None] = {}
    for inherited in by_id[phase_id].get("inherits", []):
        names.update(dict.fromkeys(gate_of(by_id, inherited)))
    names.update(dict.fromkeys(by_id[phase_id].get("gate", [])))
    return list(names)


def _check_keys(path: str, found: Mapping[str, Any], allowed: Sequence[str]) -> Iterator[Finding]:
    for key in found:
        if key not in allowed:
            yield Finding(f"{path}.{key}", "there is no such key", _did_you_mean(str(key), allowed))


def _did_you_mean(found: str, known: Iterable[str]) -> str:
    names = sorted(str(name) for name in known)
    close = difflib.get_close_matches(found, names, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(names) or '(none)'}"


def _check_ids(phases: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    if not phases:
        yield Finding("rollout_phases", "the plan has no phases", "list at least one phase")
    seen: Dict[Any, str] = {}
    for index, phase in enumerate(phases):
        own = [(f"rollout_phases[{index}].{key}", phase.get(key)) for key in ("id", "tag")]
        for number, change in enumerate(phase.get("changes") or []):
            where = f"rollout_phases[{index}].changes[{number}]"
            own += [(f"{where}.id", change.get("id")), (f"{where}.branch", change.get("branch"))]
        for path, value in own:
            kind = path.rsplit(".", 1)[-1] + ("" if "changes" not in path else " of a change")
            first = seen.setdefault((kind, value), path)
            if value is not None and first != path:
                yield Finding(
                    path, f"{value!r} is already used by {first}", "give each one its own"
                )


def _check_phase(path: str, phase: Mapping[str, Any]) -> Iterator[Finding]:
    for key, kind, example in (
        ("id", int, "1"),
        ("name", str, "SSOT bridge foundation"),
        ("tag", str, "v1.0.0"),
        ("changes", list, "[{id: bridge, branch: feature/bridge}]"),
        ("gate", list, "[error_ratio]"),
    ):
        value = phase.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or not value:
            yield Finding(f"{path}.{key}", f"found {value!r}", f"set it, for example {example}")
    yield from _check_risk(path, phase)
    for index, change in enumerate(phase.get("changes") or []):
        where = f"{path}.changes[{index}]"
        yield from _check_keys(where, change, CHANGE_KEYS)
        yield from _check_risk(where, change)
        for key in ("id", "branch"):
            if not change.get(key):
                yield Finding(f"{where}.{key}", f"found {change.get(key)!r}", "set it")
    yield from _check_validations(f"{path}.validations", phase.get("validations") or {})
    yield from _check_deploy(f"{path}.deploy", phase.get("deploy") or {})


def _check_risk(path: str, item: Mapping[str, Any]) -> Iterator[Finding]:
    risk = item.get("risk", "medium")
    if risk not in RISKS:
        yield Finding(f"{path}.risk", f"found {risk!r}", _did_you_mean(str(risk), RISKS))


def _check_validations(path: str, validations: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _check_keys(path, validations, STAGES)
    for stage, items in validations.items():
        for index, item in enumerate(items or []):
            where = f"{path}.{stage}[{index}]"
            yield from _check_keys(where, item, VALIDATION_KEYS)
            if ("command" in item) == ("request" in item) or not item.get("name"):
                yield Finding(where, f"found {sorted(item)}", "set name, and command or request")
            if "command" in item and not isinstance(item["command"], list):
                yield Finding(
                    f"{where}.command",
                    f"found {item['command']!r}",
                    "write it as a list, program first: [tests/smoke.sh, --fast]",
                )
            yield from _check_critical(f"{where}.critical", stage, item.get("critical", False))


def _check_critical(path: str, stage: str, critical: Any) -> Iterator[Finding]:
    if not isinstance(critical, bool):
        yield Finding(path, f"found {critical!r}", "set true if a hotfix must pass it, or false")
    elif critical and stage == "staging":
        yield Finding(
            path, "a hotfix does not pass staging", "mark one of integration or production instead"
        )


def _check_deploy(path: str, deploy: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _check_keys(path, deploy, DEPLOY_KEYS)
    strategy = deploy.get("strategy", "rolling")
    if strategy not in STRATEGIES:
        yield Finding(
            f"{path}.strategy", f"found {strategy!r}", _did_you_mean(str(strategy), STRATEGIES)
        )
    if not _DURATION.fullmatch(str(deploy.get("keep_warm", "1h"))):
        found = f"found {deploy['keep_warm']!r}"
        yield Finding(f"{path}.keep_warm", found, "a time, as 1h")
    weights = deploy.get("weights", [100])
    if not _rising_to_all(weights):
        yield Finding(f"{path}.weights", f"found {weights!r}", "rising shares, as [5, 25, 50, 100]")
    for index, batch in enumerate(deploy.get("batches", [1])):
        if not _BATCH.fullmatch(str(batch)):
            yield Finding(
                f"{path}.batches[{index}]", f"found {batch!r}", "a number of hosts or 1% to 100%"
            )


def _rising_to_all(weights: Any) -> bool:
    if not isinstance(weights, list) or not all(type(weight) is int for weight in weights):
        return False
    return weights[-1:] == [100] and weights == sorted(set(weights)) and weights[0] > 0


def _check_references(
    path: str, phase: Mapping[str, Any], objectives: Mapping[str, Any]
) -> Iterator[Finding]:
    deploy = phase.get("deploy") or {}
    for key, names in (
        ("prerequisites", phase.get("prerequisites")),
        ("gate", phase.get("gate")),
        ("deploy.gate", deploy.get("gate")),
    ):
        for index, name in enumerate(names or []):
            if name not in objectives:
                yield Finding(
                    f"{path}.{key}[{index}]",
                    f"objective {name!r} is not defined in rollout_objectives",
                    _did_you_mean(str(name), objectives),
                )


def _check_order(path: str, phase: Mapping[str, Any], known: set[Any]) -> Iterator[Finding]:
    own = phase.get("id")
    pairs = [(f"inherits[{i}]", other) for i, other in enumerate(phase.get("inherits") or [])]
    for index, required in enumerate(phase.get("requires") or []):
        where = f"{path}.requires[{index}]"
        yield from _check_keys(where, required, ("phase", "stable_for"))
        pairs.append((f"requires[{index}].phase", required.get("phase")))
        if not _DURATION.fullmatch(str(required.get("stable_for", ""))):
            yield Finding(
                f"{where}.stable_for", f"found {required.get('stable_for')!r}", "a time, as 48h"
            )
    for where, other in pairs:
        if other not in known:
            numbers = sorted(map(str, known))
            yield Finding(
                f"{path}.{where}", f"no phase has id {other!r}", f"use one of {', '.join(numbers)}"
            )
        elif isinstance(own, int) and isinstance(other, int) and other >= own:
            yield Finding(
                f"{path}.{where}",
                f"phase {own} cannot stand on phase {other}, which does not come before it",
                f"name a phase below {own}",
            )


def _check_objective(path: str, name: str, raw: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        fields = Fields(raw, path)
        objective = read_objective(name, fields)
        source = fields.section("source", "say where to measure, for example {type: prometheus}")
        source.choice("type", SOURCES)
    except ShapeError as exc:
        yield Finding(exc.path, exc.problem, exc.needed)
        return
    if not (objective.passes or objective.compare or objective.burn):
        yield Finding(
            f"{path}.pass", "there is nothing to judge by", 'set it, for example ">= 99%"'
        )
    for criterion in (one for each in objective.passes + objective.warns for one in each):
        unit = criterion.unit
        if unit and unit.symbol == "%" and not 0 <= criterion.number <= 100:
            yield Finding(
                path, f"{criterion.text!r} is no percentage", "a limit between 0% and 100%"
            )
