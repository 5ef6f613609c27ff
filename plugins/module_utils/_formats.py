# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objectives as other tools write them: a Keptn v1 slo.yaml, an OpenSLO v1 SLO.

They are turned into objectives as our own plans write them, and then read like those. What a format
says and we would judge otherwise is refused, never left out.
https://github.com/keptn/spec/blob/master/service_level_objective.md
https://github.com/OpenSLO/OpenSLO. This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
)
from ansible_collections.phased.rollout.plugins.module_utils._units import read_share

SOURCE_NEEDED = (
    "the file does not say where the value comes from; state in indicators, under this name, a"
    " source: a type and its options, and a unit if it has one"
)
_KEPTN = re.compile(r"(?P<op><=|>=|=|<|>)(?P<sign>[+-]?)(?P<number>\d+(?:\.\d+)?)(?P<percent>%?)")


class Stated(NamedTuple):
    """Objectives as our plans write them, by name, and what else their file says.

    total: as option total. only_passed: whether only a baseline that passed may be compared with.
    """

    objectives: Mapping[str, Any]
    total: Optional[Mapping[str, Any]] = None
    only_passed: bool = False


def read_format(raw: Mapping[str, Any], indicators: Mapping[str, Any]) -> Stated:
    """Return the objectives of a plan, a Keptn file or an OpenSLO document. Raises ShapeError.

    indicators: sources by the name of the indicator, for those that the file does not know.
    """
    if raw.get("spec_version") is not None and not isinstance(raw["spec_version"], Mapping):
        return _keptn(Fields(raw, "objectives"), indicators)
    if raw.get("apiVersion") is not None and not isinstance(raw["apiVersion"], Mapping):
        return _openslo(Fields(raw, "objectives"), indicators)
    if indicators:
        raise ShapeError(
            "indicators", dict(indicators), "it is for a Keptn or OpenSLO file; objectives of a"
            " plan state their source themselves",
        )  # fmt: skip
    return Stated(raw)


def _keptn(fields: Fields, indicators: Mapping[str, Any]) -> Stated:
    fields.only("spec_version", "filter", "comparison", "objectives", "total_score")
    comparison = Fields(fields.raw.get("comparison") or {}, fields.at("comparison"))
    comparison.only(
        "compare_with", "include_result_with_score", "number_of_comparison_results",
        "aggregate_function", "scope",
    )  # fmt: skip
    included = comparison.choice(
        "include_result_with_score", ("pass", "pass_or_warn", "all"), "all"
    )
    total = fields.section("total_score", "it must state the score to pass, such as pass: '90%'")
    total.only("pass", "warning")
    objectives: Dict[str, Any] = {}
    for index, raw in enumerate(_list(fields, "objectives")):
        stated = Fields(raw, f"{fields.at('objectives')}[{index}]")
        name = stated.text("sli", "it must be the name of the indicator")
        if name in objectives:
            raise ShapeError(stated.at("sli"), name, "it is the name of an earlier objective too")
        objectives[name] = _keptn_objective(stated, indicators.get(name))
    return Stated(
        objectives,
        {"pass": total.raw.get("pass"), "warn": total.raw.get("warning")},
        included == "pass",
    )


def _keptn_objective(fields: Fields, indicator: Any) -> Dict[str, Any]:
    fields.only("sli", "displayName", "pass", "warning", "weight", "key_sli")
    source = _source(indicator, fields)
    unit = source.pop("unit", None)
    passes = _keptn_sets(fields, "pass", unit)
    return {
        "description": fields.optional_text("displayName"),
        "source": source,
        "unit": unit,
        "pass": passes,
        "warn": _keptn_sets(fields, "warning", unit),
        "key": fields.flag("key_sli"),
        "weight": fields.number("weight", 1),
        "dry_run": passes is None,  # Keptn shows it for information
    }


def _keptn_sets(fields: Fields, key: str, unit: Optional[str]) -> Optional[Dict[str, Any]]:
    """Return criteria sets: one must hold, and all of it."""
    sets = []
    for index, raw in enumerate(_list(fields, key)):
        stated = Fields(raw, f"{fields.at(key)}[{index}]")
        stated.only("criteria")
        sets.append(
            [
                _keptn_criterion(str(text), f"{stated.at('criteria')}[{place}]", unit or "")
                for place, text in enumerate(_list(stated, "criteria"))
            ]
        )
    return {"any": sets} if sets else None


def _keptn_criterion(text: str, path: str, unit: str) -> str:
    """Return a criterion as our plans write it. In Keptn a percentage is always a change."""
    found = _KEPTN.fullmatch(text.replace(" ", ""))
    if not found:
        raise ShapeError(path, text, "it must be a criterion such as '<=+10%', '<600' or '>=-5'")
    op = "==" if found["op"] == "=" else found["op"]
    if found["percent"]:
        return f"{op} {found['sign'] or '+'}{found['number']}% of baseline"
    relative = " of baseline" if found["sign"] else ""
    return f"{op} {found['sign']}{found['number']}{unit}{relative}"


def _openslo(fields: Fields, indicators: Mapping[str, Any]) -> Stated:
    fields.only("apiVersion", "kind", "metadata", "spec")
    fields.choice("apiVersion", ("openslo/v1",))
    fields.choice("kind", ("SLO",))
    name = fields.section("metadata", "it must have a name").text("name", "it must be a name")
    spec = fields.section("spec", "it must state the objectives")
    spec.only(
        "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod",
        "objectives", "alertPolicies",
    )  # fmt: skip
    method = spec.raw.get("budgetingMethod")
    if method not in (None, "Occurrences"):
        raise ShapeError(
            spec.at("budgetingMethod"), method,
            "only Occurrences can be judged: no source here counts good and bad slices of time",
        )  # fmt: skip
    source = _openslo_source(spec, indicators)
    objectives: Dict[str, Any] = {}
    listed = _list(spec, "objectives")
    for index, raw in enumerate(listed):
        stated = Fields(raw, f"{spec.at('objectives')}[{index}]")
        own = stated.raw.get("displayName") or index + 1
        ours = name if len(listed) == 1 else f"{name} {own}"
        if ours in objectives:
            raise ShapeError(
                stated.at("displayName"), own, "it is the name of an earlier objective too"
            )
        objectives[ours] = {
            "description": stated.raw.get("displayName") or spec.optional_text("description"),
            "source": {key: value for key, value in source.items() if key != "unit"},
            "unit": source.get("unit"),
            "pass": _openslo_target(stated),
        }
    return Stated(objectives)


def _openslo_target(fields: Fields) -> str:
    """Return the target as a criterion. Raises ShapeError."""
    for key in ("timeSliceTarget", "timeSliceWindow"):
        if fields.raw.get(key) is not None:
            raise ShapeError(
                fields.at(key), fields.raw[key],
                "slices of time cannot be judged; leave it out and count events (Occurrences)",
            )  # fmt: skip
    fields.only("displayName", "target", "targetPercent")
    if (fields.raw.get("target") is None) == (fields.raw.get("targetPercent") is None):
        raise ShapeError(
            fields.at("target"), fields.raw.get("target"),
            "it must be the share of good events, such as 0.995, or else targetPercent, such as"
            " 99.5",
        )  # fmt: skip
    if fields.raw.get("target") is not None:
        percent = 100 * read_share(fields, "target", below=1)
    else:
        shown = {"targetPercent": f"{fields.raw['targetPercent']}%"}
        percent = 100 * read_share(Fields(shown, fields.path), "targetPercent", below=1)
    return f">= {percent.normalize():f}%"


def _openslo_source(spec: Fields, indicators: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the source of the indicator: the stated one, else the queries it holds."""
    if spec.raw.get("indicatorRef") is not None:
        name = spec.text("indicatorRef", "it must be the name of an indicator")
        return _source(indicators.get(name), spec, name)
    inline = spec.section("indicator", "it must be an indicator, or else indicatorRef a name")
    inline.only("metadata", "spec")
    metadata = Fields(inline.raw.get("metadata") or {}, inline.at("metadata"))
    name = metadata.optional_text("name") or ""
    held = inline.section("spec", "it must hold a ratioMetric")
    if held.raw.get("thresholdMetric") is not None:
        raise ShapeError(
            held.at("thresholdMetric"), held.raw["thresholdMetric"],
            "a threshold on single values cannot be counted here; state a ratioMetric of good and"
            " total events",
        )  # fmt: skip
    held.only("description", "ratioMetric")
    ratio = held.section("ratioMetric", "it must be a ratio of good and total events")
    if name in indicators:
        return _source(indicators[name], spec, name)
    return _openslo_queries(ratio) or _source(None, spec, name)


def _openslo_queries(ratio: Fields) -> Optional[Dict[str, Any]]:
    """Return the source that the queries make, None if they are not for Prometheus.

    A counter only ever grows: what it says is of all time, not of a window.
    """
    ratio.only("counter", "good", "bad", "total", "raw", "rawType")
    good, bad, total, raw = (_promql(ratio.raw.get(key)) for key in ("good", "bad", "total", "raw"))
    if ratio.flag("counter"):
        return None
    if raw:
        success = ratio.choice("rawType", ("success", "failure")) == "success"
        return {"type": "prometheus", "query": raw if success else f"1 - ({raw})", "unit": "ratio"}
    if total and bad and not good:
        good = f"({total}) - ({bad})"
    return {"type": "prometheus", "good": good, "total": total} if good and total else None


def _promql(metric: Any) -> Optional[str]:
    source = metric.get("metricSource") if isinstance(metric, Mapping) else None
    if not isinstance(source, Mapping) or str(source.get("type")).lower() != "prometheus":
        return None
    held = source.get("spec")
    query = held.get("query") if isinstance(held, Mapping) else None
    return query if isinstance(query, str) and query.strip() else None


def _source(indicator: Any, fields: Fields, name: str = "") -> Dict[str, Any]:
    """Return a copy of the stated source. Raises ShapeError if there is none."""
    if not isinstance(indicator, Mapping):
        named = name or fields.raw.get("sli") or "the indicator"
        raise ShapeError(f"indicators.{named}", indicator, SOURCE_NEEDED)
    return dict(indicator)


def _list(fields: Fields, key: str) -> List[Any]:
    """Return the list under a key, empty if there is none. Raises ShapeError."""
    found = fields.raw.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise ShapeError(fields.at(key), found, "it must be a list")
    return found
