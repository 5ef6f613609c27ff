#!/usr/bin/python
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer questions about tables of decisions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: decision_info
short_description: Answer questions about tables of decisions
version_added: 0.1.0
description:
  - Tells how many decisions were recorded, whether everything that should have been decided was,
    how it went, whether that gets better, whether the records can be trusted, and how long the
    database took to tell.
  - A tracker describes the tables, so any application's tables will do. Whatever a tracker does
    not describe is not asked.
  - All questions see the same rows, in one read-only transaction with a statement timeout. A role
    with C(SELECT) on the columns that the tracker names suffices. If rows are hidden from the role
    by a policy, the module fails rather than count what is left.
  - No rows are no data. The value is then null and the note says so.
  - The source V(decisions) of M(phased.rollout.slo_check) gives the same answers to objectives.
author:
  - The phased.rollout authors (@phased-rollout)
requirements:
  - psycopg2
extends_documentation_fragment:
  - phased.rollout.attributes
  - phased.rollout.attributes.info_module
  - phased.rollout.attributes.actiongroup_rollout
  - phased.rollout.login
options:
  trackers:
    description:
      - The tables of decisions, each under a name. Names of tables and columns are written as they
        are in the database, upper and lower case included, and are always quoted.
      - C(table) is the table or view, by default the name of the tracker. A schema goes before it
        as in V(tower.decisions), or in a list if a name has a dot of its own.
      - C(time) is the column that says when the decision was made, a timestamp. It is the only
        part that must be given. C(timezone) is where times without a zone are from, by default
        V(UTC).
      - C(key) is the column that says what was decided on. C(several) says that a key may have
        several records, which are then no duplicates. C(type) is the column with the type.
      - C(where) maps columns to the value, or list of values, of the records that count. Null
        equals nothing, so that a value that is not known leaves no data.
      - C(subject) describes what should have been decided, with C(table), C(time), C(key) (by
        default as above), C(type) and C(where). C(types) lists the types that must occur. C(same)
        lists columns that must agree between a record and its subject. C(delay) is how long after
        its subject a record may come. A younger subject is not counted yet.
      - C(outcome) has C(column) and C(good), the values of a decision that went well.
      - C(effectiveness) describes what came of decisions, with C(table), C(time), C(column) and
        C(key), which equals C(decision_key) (by default of the same name) in the table of
        decisions. With C(good) it is the share of good values, otherwise the mean of a number, or
        with C(before), another column, of what the number gained.
      - C(clock_tolerance) is by how much clocks may differ, by default V(1s). C(longest_gap) is how
        long there may be no record at all.
    type: dict
    required: true
  metrics:
    description:
      - What to tell. By default all that a tracker can answer.
      - V(count) and V(rate) are of records in the window, the rate also by interval.
      - V(capture_ratio) is the share of subjects that have a record, overall and by type.
        V(lowest_capture_ratio) is that of the type with the lowest one. It has no value if a type
        that must occur did not.
      - V(success_ratio) is the share of records whose outcome is good, overall and by type.
      - V(effectiveness) is over the window. V(effectiveness_trend) is the certainty, in percent,
        that it rises from interval to interval, by the one-sided Mann-Kendall test with ties
        counted. It is exact up to 40 intervals and has no value below 8 intervals with effects.
      - V(integrity) is the number of faults. Looked for are NULL in time, key and type, times in
        the future, duplicates, records without a subject, before it or in contradiction to it,
        subjects without a time, effects without a decision, and gaps.
      - V(query_time) is how long counting the window took.
    type: list
    elements: str
    choices:
      - count
      - rate
      - capture_ratio
      - lowest_capture_ratio
      - success_ratio
      - effectiveness
      - effectiveness_trend
      - integrity
      - query_time
  window:
    description: How far back to look, for example V(90s), V(15m), V(1h), V(7d) or V(2w).
    type: str
    default: 1h
  by:
    description:
      - Length of an interval, of which the window holds a whole number. By default a twelfth of
        the window.
    type: str
  wait_for:
    description:
      - A record to wait for before anything is told, such as that of a smoke request. The module
        fails if it does not come.
    type: dict
    suboptions:
      tracker:
        description: Name of the tracker.
        type: str
        required: true
      key:
        description: The value in its key column.
        type: str
        required: true
      timeout:
        description: How long to wait.
        type: str
        default: 30s
  propose_indexes:
    description:
      - Whether to return the indexes that the questions to large tables need and that are not
        there, as SQL. Nothing is created.
    type: bool
    default: false
  timeout:
    description: How long one query may take, in seconds.
    type: float
    default: 10.0
"""

EXAMPLES = r"""
- name: Tell how decisions were tracked in the last day
  phased.rollout.decision_info:
    login_host: db.example.com
    login_user: rollout_reader
    login_password: "{{ rollout_reader_password }}"
    login_db: tower_consolidated
    window: 24h
    trackers:
      generation_decisions:
        time: timestamp
        key: generation_id
        type: kind
        subject:
          table: generations
          time: created_at
          type: kind
          types: [image, video, upscale]
          same: [project_id]
      ai_consultations:
        time: timestamp
        key: generation_id
        type: kind
        outcome: {column: succeeded, good: [true]}
        effectiveness:
          table: consultation_effectiveness
          key: consultation_id
          time: timestamp
          column: quality_after
          before: quality_before
  register: decisions

- name: Wait for the decision on a smoke request
  phased.rollout.decision_info:
    login_db: tower_consolidated
    trackers:
      generation_decisions: {time: timestamp, key: generation_id}
    metrics: []
    wait_for:
      tracker: generation_decisions
      key: "{{ smoke['json']['generation_id'] }}"
      timeout: 30s
"""

RETURN = r"""
trackers:
  description:
    - Each tracker's metrics, by name. A metric has C(value) (null is no data), C(unit), C(good) and
      C(total) where a share was counted, C(samples), C(note), C(seconds) in the database, and
      C(asked), the SQL with names in place of values.
    - C(by_type) is the share of each type, C(series) the intervals from old to new, C(faults) the
      number of each fault, and C(improves) whether a rise is 95 % certain, null if nothing can be
      said.
  returned: success
  type: dict
  sample:
    generation_decisions:
      capture_ratio:
        value: 99.8
        unit: "%"
        good: 998
        total: 1000
        samples: 1000
        note: null
        seconds: 0.0042
        asked: SELECT ...
        by_type:
          image: {value: 100.0, good: 998, total: 998}
          video: {value: 0.0, good: 0, total: 2}
          upscale: {value: null, good: 0, total: 0}
query_seconds:
  description: How long the database took for all metrics together.
  returned: success
  type: float
as_of:
  description: The server's time at which the window ends.
  returned: success
  type: str
  sample: '2026-01-12T09:00:00+00:00'
waited:
  description: How the record was waited for, null if none was.
  returned: success
  type: dict
  sample: {tracker: generation_decisions, key: '17', records: 1, seconds: 0.41, polls: 3}
indexes:
  description: Indexes that are missing.
  returned: when O(propose_indexes=true)
  type: list
  elements: dict
  contains:
    tracker:
      description: Name of the tracker.
      type: str
    statement:
      description: The SQL.
      type: str
    reason:
      description: Why it is needed.
      type: str
"""

from datetime import timezone
from typing import Any, Dict, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import (
    as_dict,
    read_span,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_inquiry import (
    inquire,
    moment,
    propose_indexes,
    wait_for_record,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_time import duration
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import (
    Tracker,
    read_trackers,
)
from ansible_collections.phased.rollout.plugins.module_utils._decisions import (
    METRICS,
    answerable,
    require_answerable,
)
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    MissingLibraryError,
    SourceError,
)

ARGUMENT_SPEC: Dict[str, Any] = {
    "trackers": {"type": "dict", "required": True},
    "metrics": {"type": "list", "elements": "str", "choices": list(METRICS)},
    "window": {"type": "str", "default": "1h"},
    "by": {"type": "str"},
    "wait_for": {
        "type": "dict",
        "options": {
            "tracker": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "timeout": {"type": "str", "default": "30s"},
        },
    },
    "propose_indexes": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 10.0},
    **LOGIN_ARGUMENT_SPEC,
}


def tell(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what there is to tell. Raises ShapeError, SourceError, MissingLibraryError."""
    options = Fields(params, "")
    trackers = read_trackers(params["trackers"])
    if not trackers:
        raise ShapeError("trackers", {}, "it must describe at least one table")
    metrics = {name: _metrics(tracker, params["metrics"]) for name, tracker in trackers.items()}
    span, limit = read_span(options), options.number("timeout", 10, above=0)
    told: Dict[str, Any] = {"trackers": {}}
    query_seconds = 0.0
    with Snapshot(Login.of(params), limit) as snapshot:
        told["waited"] = _wait(snapshot, trackers, params["wait_for"])
        snapshot.renew()
        now = moment(snapshot)
        for name, tracker in trackers.items():
            inquiry = inquire(snapshot, tracker, span, now)
            told["trackers"][name] = {
                metric: as_dict(inquiry.answer(METRICS[metric])) for metric in metrics[name]
            }
            query_seconds += inquiry.seconds
        if params["propose_indexes"]:
            told["indexes"] = [
                proposal._asdict()
                for tracker in trackers.values()
                for proposal in propose_indexes(snapshot, tracker)
            ]
    as_of = now.astimezone(timezone.utc).isoformat()
    return {**told, "query_seconds": round(query_seconds, 6), "as_of": as_of}


def _metrics(tracker: Tracker, wanted: Optional[List[str]]) -> List[str]:
    """Return the metrics to tell; what was asked for and cannot be answered is an error."""
    if wanted is None:
        return answerable(tracker)
    for metric in wanted:
        require_answerable(tracker, metric, None, "metrics")
    return wanted


def _wait(
    snapshot: Snapshot, trackers: Mapping[str, Tracker], raw: Optional[Mapping[str, Any]]
) -> Optional[Dict[str, Any]]:
    if raw is None:
        return None
    fields = Fields(raw, "wait_for")
    tracker = trackers[fields.choice("tracker", trackers)]
    if tracker.key is None:
        raise ShapeError(f"{tracker.path}.key", None, "wait_for needs the column of the key")
    key = fields.text("key", "it must be the key of the record to wait for")
    timeout = duration(fields, "timeout") or 30
    return wait_for_record(snapshot, tracker, key, timeout)._asdict()


def main() -> None:
    """Answer the questions."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        told = tell(module.params)
    except (ShapeError, SourceError) as exc:
        module.fail_json(msg=f"Cannot tell about decisions: {exc}")
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(str(exc)), exception=exc.__cause__)
    module.exit_json(changed=False, **told)


if __name__ == "__main__":
    main()
