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
    one counts.
  - No data never passes. An empty or broken answer, a missing baseline or a missing criterion is
    V(inconclusive) or V(error), and judging no objective at all is V(inconclusive).
  - The module fails only when it could not do its work, for example because a criterion cannot be
    read. It does not fail because an objective is not met or a source is down. That is a verdict,
    and the role P(phased.rollout.gate#role) turns it into a stop.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - psycopg2, for objectives with a V(sql) source
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
      - An objective may have C(description), C(source), C(unit), C(pass), C(warn), C(key),
        C(weight) and C(baseline). The last one names the run to compare with and is not used here.
        The value to compare with stands in O(baselines).
      - C(pass) and C(warn) are one criterion, or a list of which every one must hold. A criterion
        is a comparison with a limit, such as V(< 100ms), V(>= 99.5%), V(== 0),
        V(<= +10% of baseline) or V(>= -5% of baseline). If C(pass) does not hold and C(warn) does,
        the verdict is V(warn).
      - C(unit) is the unit of the measured value. Known units are V(us), V(ms), V(s), V(min), V(h),
        V(ratio), V(%), V(B), V(kB), V(MB), V(GB), V(TB), V(KiB), V(MiB), V(GiB), V(TiB), V(count),
        V(/s) and V(/min). Limits convert within a dimension. A limit in a unit that does not fit is
        V(error). A value in a unit is never negative, and a share is never above 100 %.
      - C(key) marks an objective that alone decides when it fails. C(weight), by default V(1), is
        its part in the score.
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
      - V(value) has C(value), a number that the caller has measured, or null for no data.
    type: dict
    required: true
  baselines:
    description:
      - Values to compare with, by the name of the objective, each in the unit of its objective.
    type: dict
    default: {}
  prometheus_url:
    description: URL of the Prometheus server for objectives that name none.
    type: str
  settle:
    description:
      - How long to measure again while the verdict is V(inconclusive) for want of a value, in
        seconds. A rate over a window has no value until the window has filled.
    type: float
    default: 0
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
        warn: "< 2.5s"
      health:
        source: {type: http, url: "http://prod.example.com/health", requests: 20}
        pass: ">= 99.5%"
  register: measured

- name: Stop unless all is well
  ansible.builtin.assert:
    that: measured['verdict'] == 'pass'
    fail_msg: "{{ measured['results'][0]['name'] }}: {{ measured['results'][0]['reason'] }}"
"""

RETURN = r"""
verdict:
  description: The worst verdict, V(inconclusive) if there was nothing to judge.
  returned: success
  type: str
  sample: warn
score:
  description:
    - How much was reached, from 0 to 100. Each objective brings its weight for V(pass), half of it
      for V(warn), nothing otherwise. Null if nothing has weight.
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
"""

import time
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._judge import (
    as_dict,
    judge_all,
    overall,
    score,
)
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._measure import measure_all
from ansible_collections.phased.rollout.plugins.module_utils._objective import (
    read_baselines,
    read_objective,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    MissingLibraryError,
)
from ansible_collections.phased.rollout.plugins.module_utils._sources import read_source
from ansible_collections.phased.rollout.plugins.module_utils._verdict import Verdict

ARGUMENT_SPEC: Dict[str, Any] = {
    "objectives": {"type": "dict", "required": True},
    "baselines": {"type": "dict", "default": {}},
    "prometheus_url": {"type": "str"},
    "timeout": {"type": "float", "default": 10.0},
    "settle": {"type": "float", "default": 0.0},
    **LOGIN_ARGUMENT_SPEC,
}
SETTLE_EVERY_SECONDS = 1.0
SOURCE_NEEDED = "it must say where the value comes from: a type and its options"


def check(params: Dict[str, Any], *, check_mode: bool) -> Dict[str, Any]:
    """Return verdict, score and results. Raises ShapeError, MissingLibraryError."""
    context = Context(
        login=Login.of(params),
        prometheus_url=params["prometheus_url"],
        timeout_seconds=Fields(params, "").number("timeout", 10, above=0),
        check_mode=check_mode,
    )
    stated = {name: Fields(raw, f"objectives.{name}") for name, raw in params["objectives"].items()}
    objectives = [read_objective(name, fields) for name, fields in stated.items()]
    sources = {
        name: read_source(fields.section("source", SOURCE_NEEDED), context)
        for name, fields in stated.items()
    }
    baselines = read_baselines(params["baselines"])
    until = time.monotonic() + Fields(params, "options").number("settle", 0)
    while True:
        results = judge_all(objectives, measure_all(sources), baselines)
        left = until - time.monotonic()
        waits = overall(results) is Verdict.INCONCLUSIVE and any(r.value is None for r in results)
        if not waits or left <= 0:
            break
        time.sleep(min(SETTLE_EVERY_SECONDS, left))
    return {
        "verdict": overall(results).value,
        "score": score(results),
        "results": [as_dict(result) for result in results],
    }


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
