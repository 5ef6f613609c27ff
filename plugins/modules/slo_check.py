#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure objectives from their sources and judge them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slo_check
short_description: Measure objectives and judge them
version_added: 0.1.0
description:
  - Measures each objective from its source, all at the same time, and compares it with its
    criteria.
  - Verdicts are, best to worst, V(pass), V(warn), V(inconclusive), V(error) and V(fail). The worst
    one counts, or the score if O(total) is given.
  - No data never passes. An empty or broken answer, a missing baseline or a missing criterion is
    V(inconclusive) or V(error), and judging no objective at all is V(inconclusive).
  - The result holds all that was measured. With O(replay) it can be judged again, by the same
    objectives, which gives the same verdict, or by others.
  - The module fails only when it could not do its work, for example because a criterion cannot be
    read. It does not fail because an objective is not met or a source is down. That is a verdict,
    and the role P(phased.rollout.gate#role) turns it into a stop.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - psycopg2, for V(sql) and V(decisions) sources
  - jmespath, for sources that look into JSON
  - websockets, for V(websocket) sources
  - defusedxml, for V(junit) sources
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
attributes:
  check_mode:
    support: full
    details:
      - This module only reads. An V(http) source with a method that may change something, such as
        V(POST), is not sent in check mode and its objective is V(inconclusive).
options:
  objectives:
    description:
      - The objectives, each under its name, as the plan states them.
      - A Keptn v1 C(slo.yaml) and an OpenSLO v1 C(SLO) are accepted as they are, see below.
      - An objective may have C(description), C(source), C(unit), C(pass), C(warn), C(confidence),
        C(compare), C(burn), C(ratchet), C(key), C(weight), C(dry_run), C(baseline) and the limits
        of O(steady), C(failure_limit), C(consecutive_error_limit) and C(inconclusive_limit).
        C(baseline) names the run to compare with and is not used here. What to compare with stands
        in O(baselines).
      - C(pass) and C(warn) are one criterion, or a list of which every one must hold. A criterion
        is a comparison with a limit, such as V(< 100ms), V(>= 99.5%), V(== 0),
        V(<= +10% of baseline), V(>= -5% of baseline) or V(<= +20ms of baseline). If C(pass) does
        not hold and C(warn) does, the verdict is V(warn).
      - Alternatives stand in a list under C(any), each being a criterion or a list of criteria of
        which every one must hold. One alternative is enough.
      - C(unit) is the unit of the measured value. Known units are V(us), V(ms), V(s), V(min), V(h),
        V(ratio), V(%), V(B), V(kB), V(MB), V(GB), V(TB), V(KiB), V(MiB), V(GiB), V(TiB), V(count),
        V(/s) and V(/min). Limits convert within a dimension. A limit in a unit that does not fit is
        V(error). A value in a unit is never negative, and a share is never above 100 %.
      - C(confidence), such as V(0.95), is for a share that was counted, as C(good) of C(total). The
        criteria are then compared with the bounds of an interval instead of the value. It passes if
        the whole interval meets the limit, fails if the whole interval misses it, and is
        V(inconclusive) otherwise, with RV(results[].needed). The bounds are exact binomial ones
        (Clopper-Pearson), each of them one-sided. With V(0.95) a limit of V(>= 99.5%) needs 598
        events without an error. A source without counts is V(error).
      - C(compare) compares all samples of the source with those in O(baselines). C(tolerance), such
        as V(10%), is how much larger the samples may have become. The rank test of Mann and Whitney
        decides. It passes if they are shown to be smaller than the old ones with the tolerance
        added, fails if they are shown to be larger, and is V(inconclusive) otherwise. Not having
        enough samples is thus no pass. C(confidence), by default V(0.98), is that of each of the
        two answers. C(effect), such as V(0.6), adds that in at most this part of all pairs of
        samples the new one may be the larger one. V(0.5) is equal.
      - C(burn) limits how fast the error budget is being spent. The burn rate is the part of events
        that went wrong, divided by the part that C(objective), such as V(99.5%), allows. C(windows)
        is a list of long window, short window and limit, by default V([[1h, 5m, 14.4], [6h, 30m,
        6], [1d, 2h, 3], [3d, 6h, 1]]). It fails if over both windows of one entry the burn rate is
        above the limit. An entry with a window without events is V(inconclusive), unless the other
        window is within the limit. The shortest window of all must have events, as it is the only
        one that tells whether the service works now.
      - What C(compare) and C(burn) state must hold besides C(pass) and C(warn), which may be left
        out.
      - C(ratchet) is for an objective that is red from the start. Up to and including the day
        C(until), such as V(2026-12-31) in UTC, failing its criteria is V(warn) as long as it is
        not worse than its baseline.
      - C(key) marks an objective that alone decides when it fails. C(weight), by default V(1), is
        its part in the score. An objective with C(dry_run) is measured and shown, and does not
        count.
      - C(source) has a C(type), may have a C(timeout) in seconds, and has the options of its type.
      - V(prometheus) has C(query), an instant query that gives one value, and C(url), by default
        O(prometheus_url).
      - V(sql) has C(query), C(params) that are bound by name as in V(%(tree\)s), and C(database),
        by default O(login_db). It runs in a read-only transaction with a statement timeout. Its one
        row has the column C(value), or C(good) and C(total). With V(measure=seconds) the time that
        the query takes is the value.
      - V(http) has C(url), C(method) (by default V(GET)), C(body) (a mapping is sent as JSON),
        C(status) (the wanted one, by default V(200)), C(requests) (how many, one after the other,
        by default V(1)) and C(measure), which is V(success) (the share of wanted answers) or
        V(latency) (their 95th percentile). Redirects are not followed.
      - V(decisions) has C(tracker), a name in O(trackers), C(metric), C(window) (by default
        V(1h)), C(by), C(of_type) and C(database). See M(phased.rollout.decision_info).
      - V(websocket) connects to C(url) and counts what comes, V(command) runs C(argv) and takes its
        exit code or a number that it prints, V(junit) reads the reports at C(path).
      - V(value) has C(value), a number that the caller has measured, or null for no data.
      - All options of every source are in C(docs/sources.md) of the collection.
      - A Keptn C(slo.yaml) is known by its C(spec_version). One of its criteria sets must hold,
        and all of it. Its C(total_score) is used unless O(total) is given. What it compares with
        must be given in O(baselines), and if there is nothing the objective is V(inconclusive),
        where Keptn passes. An objective without C(pass) is for information, as with C(dry_run).
      - An OpenSLO C(SLO) is known by its C(apiVersion). Supported are a C(ratioMetric) and the
        C(budgetingMethod) V(Occurrences). Its queries are used if they are for Prometheus and not
        for counters, and must be for the time that is to be judged.
    type: dict
    required: true
  indicators:
    description:
      - Sources for the indicators of a Keptn or OpenSLO file, by the name of the indicator.
      - Each is as C(source) of an objective, and may also have C(unit), the unit of the value and
        of a Keptn file's criteria.
    type: dict
    default: {}
  baselines:
    description:
      - What to compare with, by the name of the objective, each in the unit of its objective.
      - Either a value, or C(value), C(samples) and C(verdict). A baseline whose verdict was not
        V(pass) or V(warn) is never compared with, except by a ratchet, which is for a red one.
    type: dict
    default: {}
  total:
    description:
      - Lets the score decide. C(pass), such as V(90%), is the lowest score that passes, and C(warn)
        the lowest one that is V(warn).
      - A key objective that fails or cannot be told still decides alone. Anything that could not be
        measured makes the verdict at best V(inconclusive), unless it has no weight.
    type: dict
  replay:
    description:
      - A saved result of this module. It is judged again with its measurements, baselines and date.
        No source is asked.
    type: dict
  prometheus_url:
    description: URL of the Prometheus server for objectives that name none.
    type: str
  settle:
    description:
      - How long to measure again while the verdict is V(inconclusive) for want of a value, in
        seconds. A rate over a window has no value until the window has filled.
      - With O(steady) it must be 0, as O(steady.stabilise) is the time for windows to fill.
    type: float
    default: 0
  steady:
    description:
      - Measures again and again until all has been good, which is V(pass) or V(warn), for
        O(steady.steady_for) without interruption. Without this option all is measured once.
      - It is V(pass) if every measurement passed, and V(warn) if it was steady in the end, but not
        all of them passed.
      - It ends at once, and is not good, when no further measurement can help. That is so if an
        objective breaks one of its limits, unless O(total) is given and the others can outweigh it.
        Limits may also be stated by each objective, and those here are for any that states none.
        Dry runs have none. V(-1) is no limit.
      - It ends at O(steady.timeout), and is V(inconclusive), or worse if the last measurement was.
      - RV(results) are those of the last measurement, but for an objective that broke a limit those
        of the measurement that broke it. A replay judges these, and is never better than what
        came of the whole. What was not steady stays at best V(inconclusive).
    type: dict
    suboptions:
      stabilise:
        description: How long to wait before the first measurement, in seconds.
        type: float
        default: 0
      every:
        description:
          - How long it is from the start of one measurement to that of the next, in seconds. A
            measurement that takes longer is followed by the next one at once.
        type: float
        default: 10
      steady_for:
        description:
          - How long it must be good without interruption, in seconds. With V(0) one good
            measurement is enough.
        type: float
        required: true
      timeout:
        description:
          - How long it may take in all, in seconds. No measurement begins later. There must be time
            for O(steady.stabilise), O(steady.steady_for) and O(steady.every).
        type: float
        required: true
      failure_limit:
        description: How many measurements of one objective may be V(fail).
        type: int
        default: 0
      consecutive_error_limit:
        description: How many measurements of one objective in a row may be V(error).
        type: int
        default: 4
      inconclusive_limit:
        description: How many measurements of one objective may be V(inconclusive).
        type: int
        default: 0
  trackers:
    description:
      - Tables of decisions for V(decisions) sources, as
        O(phased.rollout.decision_info#module:trackers).
    type: dict
    default: {}
  timeout:
    description: How long one source may take, in seconds. A slow source does not hold the others.
    type: float
    default: 10.0
"""

EXAMPLES = r"""
- name: Measure what must hold after phase 1
  phased.rollout.slo_check:
    prometheus_url: http://prometheus.example.com:9090
    login_host: db.example.com
    login_user: rollout_reader
    login_password: "{{ rollout_reader_password }}"
    login_db: tower_consolidated
    baselines:
      generation_latency: 0.42
    objectives:
      decision_capture:
        description: Every generation leaves a decision record
        source:
          type: sql
          query: >-
            SELECT count(decision_id) AS good, count(*) AS total
            FROM generations LEFT JOIN generation_decisions USING (generation_id)
            WHERE created_at > now() - interval '1 hour'
        pass: ">= 100%"
        key: true
      generation_latency:
        source:
          type: prometheus
          query: histogram_quantile(0.95, sum by (le) (rate(tower_generation_seconds_bucket[5m])))
        unit: s
        pass: ["< 2s", "<= +10% of baseline"]
        warn: {any: ["< 2.5s", ["< 3s", "<= +5% of baseline"]]}
      health:
        source: {type: http, url: "http://prod.example.com/health", requests: 20}
        pass: ">= 99.5%"
      upload_success:
        source: {type: http, url: "http://prod.example.com/upload", requests: 600}
        pass: ">= 99.5%"
        confidence: 0.95
  register: measured

- name: Stop unless all is well
  ansible.builtin.assert:
    that: measured['verdict'] == 'pass'
    fail_msg: "{{ measured['results'][0]['name'] }}: {{ measured['results'][0]['reason'] }}"

- name: Wait until the service has been well for five minutes
  phased.rollout.slo_check:
    objectives:
      health:
        source: {type: http, url: "http://prod.example.com/health", requests: 20}
        pass: ">= 99.5%"
        failure_limit: 2
    steady:
      stabilise: 60
      every: 15
      steady_for: 300
      timeout: 900

- name: See what stricter objectives would have said
  phased.rollout.slo_check:
    replay: "{{ measured }}"
    objectives:
      generation_latency:
        unit: s
        pass: "< 1s"

- name: Judge by a Keptn file
  phased.rollout.slo_check:
    objectives: "{{ lookup('ansible.builtin.file', 'slo.yaml') | from_yaml }}"
    indicators:
      response_time_p95:
        type: http
        url: http://prod.example.com/health
        measure: latency
        unit: ms
    baselines:
      response_time_p95: {value: 42, verdict: pass}
"""

RETURN = r"""
verdict:
  description:
    - The worst verdict, or that of the score with O(total). V(inconclusive) if there was nothing to
      judge. With O(steady) that of the whole.
  returned: success
  type: str
  sample: warn
score:
  description:
    - How much was reached, from 0 to 100. Each objective brings its weight for V(pass), half of it
      for V(warn), nothing otherwise. One on a dry run is left out. Null if nothing has weight.
  returned: success
  type: float
  sample: 75.0
results:
  description: One entry for each objective, worst first. A key without a value is null.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the objective.
      type: str
    verdict:
      description: One of V(pass), V(warn), V(inconclusive), V(error), V(fail).
      type: str
    value:
      description: What was measured, in RV(results[].unit).
      type: float
    unit:
      description: Unit of the value.
      type: str
    criterion:
      description: The criterion, or criteria, that decided.
      type: str
    baseline:
      description: What the value was compared with, in RV(results[].unit).
      type: float
    samples:
      description: How many events or answers the value stands for.
      type: int
    good:
      description: Good events, where a share was counted.
      type: float
    total:
      description: All events, where a share was counted.
      type: float
    interval:
      description:
        - With C(confidence) the lower and the upper bound of the value, with C(compare) those of
          RV(results[].shift).
      type: list
      elements: float
    shift:
      description: With C(compare), the median difference between a new and an old sample.
      type: float
    effect:
      description:
        - With C(compare), the part of all pairs in which the new sample is larger. 0.5 is equal.
      type: float
    needed:
      description:
        - How many more events, or samples on either side, would tell if all stays as it is. Null if
          nothing was left open for want of them.
      type: int
    seconds:
      description: How long the source took.
      type: float
    asked:
      description: What the source was asked, without secrets.
      type: str
    reason:
      description: Why the verdict is what it is, for people.
      type: str
    description:
      description: The objective's description.
      type: str
    key:
      description: Whether the objective is a key objective.
      type: bool
    weight:
      description: The objective's weight in the score.
      type: float
    dry_run:
      description: Whether the objective is only shown and does not count.
      type: bool
steady:
  description: What came of measuring again and again. Null without O(steady).
  returned: success
  type: dict
  contains:
    verdict:
      description: What it came to.
      type: str
    reason:
      description: Why it ended, how long it had been good, and what interrupted it last.
      type: str
      sample: >-
        it was not steady for 30 s within 120 s: at the end it had been good for 20 s, last
        interrupted after 100.2 s by health (fail)
    measurements:
      description: How often all was measured.
      type: int
    steady_seconds:
      description:
        - How long it had been good without interruption in the end, from the start of the first
          good measurement to the start of the last one.
      type: float
    limits:
      description: The limits that were broken, by the name of the objective.
      type: dict
      sample: {health: failure_limit}
    counts:
      description: How many measurements came to which verdict, by the name of the objective.
      type: dict
      sample: {health: {pass: 3, warn: 0, inconclusive: 0, error: 0, fail: 1}}
measurements:
  description:
    - What was measured, by the name of the objective, for O(replay). Numbers that are not finite
      are texts.
  returned: success
  type: dict
baselines:
  description: What was compared with, by the name of the objective, for O(replay).
  returned: success
  type: dict
judged_on:
  description: The date in UTC that a ratchet was compared with, for O(replay).
  returned: success
  type: str
  sample: "2026-07-01"
"""

from dataclasses import replace
from datetime import date, datetime, timezone
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._baseline import read_baselines
from ansible_collections.phased.rollout.plugins.module_utils._formats import Stated, read_format
from ansible_collections.phased.rollout.plugins.module_utils._judge import (
    Result,
    as_dict,
    judge_all,
)
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._measure import measure_all
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    Objective,
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._replay import Measured, load, save
from ansible_collections.phased.rollout.plugins.module_utils._score import (
    Total,
    overall,
    read_total,
    score,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    Measurement,
    MissingLibraryError,
    Source,
)
from ansible_collections.phased.rollout.plugins.module_utils._sources import read_source
from ansible_collections.phased.rollout.plugins.module_utils._steady import (
    CLOCK,
    STEADY_SPEC,
    Clock,
    Limits,
    Steady,
    Watch,
    as_steady,
    follow,
    read_limits,
    read_steady,
)
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

ARGUMENT_SPEC: Dict[str, Any] = {
    "objectives": {"type": "dict", "required": True},
    "indicators": {"type": "dict", "default": {}},
    "baselines": {"type": "dict", "default": {}},
    "total": {"type": "dict"},
    "replay": {"type": "dict"},
    "prometheus_url": {"type": "str"},
    "timeout": {"type": "float", "default": 10.0},
    "settle": {"type": "float", "default": 0.0},
    "steady": {"type": "dict", "options": STEADY_SPEC},
    "trackers": {"type": "dict", "default": {}},
    **LOGIN_ARGUMENT_SPEC,
}
SETTLE_EVERY_SECONDS = 1.0
SOURCE_NEEDED = "it must say where the value comes from: a type and its options"
REPLAY_NEEDED = "leave it out: a replay compares with the baselines it has saved"
REPLAY_UNSTEADY = "leave it out: a replay measures nothing"
SETTLE_UNSTEADY = "it must be 0 with steady; state the time for windows to fill as stabilise there"


def check(params: Dict[str, Any], *, check_mode: bool, clock: Clock = CLOCK) -> Dict[str, Any]:
    """Return verdict, score, results and what was measured.

    Raises ShapeError, MissingLibraryError.
    """
    stated = read_format(params["objectives"], params["indicators"])
    total = read_total(params["total"] if params["total"] is not None else stated.total)
    objectives = _objectives(stated)
    told = None
    if params["replay"] is not None:
        for key, needed in (("baselines", REPLAY_NEEDED), ("steady", REPLAY_UNSTEADY)):
            if params.get(key):
                raise ShapeError(key, params[key], needed)
        measured, told = load(params["replay"]), params["replay"].get("steady")
    else:
        sources = _sources(stated, params, check_mode=check_mode)
        baselines = read_baselines(params["baselines"])

        def measure() -> Measured:
            return Measured(measure_all(sources), baselines, datetime.now(timezone.utc).date())

        settle = Fields(params, "").number("settle", 0)
        if params.get("steady") is None:
            measured = _settled(objectives, measure, settle, clock)
        elif settle:
            raise ShapeError("settle", settle, SETTLE_UNSTEADY)
        else:
            steady = read_steady(Fields(params["steady"], "steady"))
            limits = _limits(stated, objectives, steady)
            measured, told = _watched(
                objectives, measure, total, steady=steady, limits=limits, clock=clock
            )
    results = _judged(objectives, measured)
    return {
        "verdict": as_steady(overall(results, total), told).value,
        "score": score(results),
        "results": [as_dict(result) for result in results],
        "steady": told,
        **save(measured),
    }


def _settled(
    objectives: Sequence[Objective], measure: Callable[[], Measured], seconds: float, clock: Clock
) -> Measured:
    """Return what was measured, once there is a value or the time is over."""
    until = clock.now() + seconds
    while True:
        measured = measure()
        left = until - clock.now()
        if not _may_settle(_judged(objectives, measured)) or left <= 0:
            return measured
        clock.sleep(min(SETTLE_EVERY_SECONDS, left))


def _watched(
    objectives: Sequence[Objective],
    measure: Callable[[], Measured],
    total: Optional[Total],
    *,
    steady: Steady,
    limits: Mapping[str, Limits],
    clock: Clock,
) -> Tuple[Measured, Dict[str, Any]]:
    """Return what was measured when it ended, and what came of it."""
    measured = Measured({}, {}, date.min)
    results: Sequence[Result] = ()

    def look() -> Tuple[Mapping[str, Verdict], Mapping[str, Measurement]]:
        nonlocal measured, results
        measured = measure()
        results = _judged(objectives, measured)
        return {one.name: one.verdict for one in results}, measured.measurements

    def on_all(verdicts: Mapping[str, Verdict]) -> Verdict:
        return overall([one._replace(verdict=verdicts[one.name]) for one in results], total)

    watch = Watch(steady, limits, on_all, clock.now())
    follow(watch, look, clock)
    return measured._replace(measurements=watch.evidence), watch.told()


def _limits(
    stated: Stated, objectives: Sequence[Objective], steady: Steady
) -> Mapping[str, Limits]:
    """Return the limits of each objective. What is only shown has none."""
    limits = {
        name: read_limits(Fields(raw, f"objectives.{name}"), steady.limits)
        for name, raw in stated.objectives.items()
    }
    return {one.name: Limits() if one.dry_run else limits[one.name] for one in objectives}


def _objectives(stated: Stated) -> Sequence[Objective]:
    objectives = [
        read_objective(name, Fields(raw, f"objectives.{name}"))
        for name, raw in stated.objectives.items()
    ]
    if not stated.only_passed:
        return objectives
    return [replace(one, yardsticks=frozenset({Verdict.PASS})) for one in objectives]


def _sources(stated: Stated, params: Dict[str, Any], *, check_mode: bool) -> Mapping[str, Source]:
    context = Context(
        login=Login.of(params),
        prometheus_url=params["prometheus_url"],
        timeout_seconds=Fields(params, "").number("timeout", 10, above=0),
        check_mode=check_mode,
        trackers=params["trackers"],
    )
    return {
        name: read_source(
            Fields(raw, f"objectives.{name}").section("source", SOURCE_NEEDED), context
        )
        for name, raw in stated.objectives.items()
    }


def _judged(objectives: Sequence[Objective], measured: Measured) -> Sequence[Result]:
    return judge_all(objectives, measured.measurements, measured.baselines, measured.judged_on)


def _may_settle(results: Sequence[Result]) -> bool:
    """Return whether a value may still come and nothing has failed yet."""
    waits = overall(results) is Verdict.INCONCLUSIVE
    return waits and any(one.value is None for one in results if not one.dry_run)


def main() -> None:
    """Check the objectives and say what they came to."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        outcome = check(module.params, check_mode=module.check_mode)
    except ShapeError as exc:
        module.fail_json(msg=f"Cannot check the objectives: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(changed=False, **outcome)


if __name__ == "__main__":
    main()
