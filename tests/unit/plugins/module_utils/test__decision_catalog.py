# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._decision_catalog import (
    needs,
    problems,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_indexes import (
    LARGE_BYTES,
    index_name,
    missing_indexes,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Query
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import read_trackers

TRACKER = read_trackers(
    {"runs": {"time": "at", "key": "job", "subject": {"table": "app.jobs", "time": "made"}}}
)["runs"]


def show(query: Query) -> str:
    names = {word: ".".join(parts) for word, parts in query.names.items()}
    return query.template.format(**names)


def column(table: str, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "schema": "app", "name": table, "visible": True, "usable": True, "column": name,
        "type": "timestamp with time zone", "category": "D", "readable": True, "role": "me",
        **changes,
    }  # fmt: skip


RUNS = [column("runs", "at"), column("runs", "job")]
JOBS = [column("jobs", "made"), column("jobs", "job")]


@pytest.mark.parametrize(
    ("runs", "jobs", "expected"),
    [
        pytest.param(RUNS, JOBS, [], id="all is there"),
        pytest.param([], JOBS, ["trackers.runs.table: there is no table or view runs"], id="none"),
        pytest.param(
            [column("runs", "at", visible=False)],
            JOBS,
            ["there is app.runs: name the schema"],
            id="in a schema that is not searched",
        ),
        pytest.param(
            RUNS,
            [column("jobs", "made", schema="other")],
            ["trackers.runs.subject.table: there is no table or view app.jobs"],
            id="in another schema",
        ),
        pytest.param(
            RUNS[:1], JOBS, ["trackers.runs.key: table app.runs has no column job"], id="no column"
        ),
        pytest.param(
            [column("runs", "at", type="date"), RUNS[1]],
            JOBS,
            ["column at of table app.runs is of type date, but must be a timestamp"],
            id="a day is no moment",
        ),
        pytest.param(
            [column("runs", name, readable=False) for name in ("at", "job")],
            [column("jobs", name, usable=False, readable=False) for name in ("made", "job")],
            ["GRANT SELECT ON app.runs TO me", "GRANT USAGE ON SCHEMA app TO me"],
            id="each thing to grant is said once",
        ),
    ],
)
def test_problems(runs: Any, jobs: Any, expected: list[str]) -> None:
    found = problems(needs(TRACKER), {("runs",): runs, ("app", "jobs"): jobs}, show)
    assert len(found) == len(expected)
    for problem, part in zip(found, expected):
        assert part in problem


def index(leads: Any, *, valid: bool = True, large: int = LARGE_BYTES, kind: str = "r") -> Any:
    return {"kind": kind, "bytes": large, "valid": valid, "index": "i", "leads": leads}


RUN_INDEXES = [index("at"), index("job")]
CREATE = "CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_{0}_idx ON app.jobs ({0})"


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        pytest.param([index("made"), index("job")], [], id="all are there"),
        pytest.param([index("made")], [CREATE.format("job")], id="one is missing"),
        pytest.param([index(None)], [CREATE.format("made"), CREATE.format("job")], id="none"),
        pytest.param([index(None, large=LARGE_BYTES - 1)], [], id="a small table needs none"),
        pytest.param([index(None, kind="v")], [], id="a view can have none"),
        pytest.param(
            [index("made", valid=False), index("job")],
            ["DROP INDEX CONCURRENTLY IF EXISTS app.i", CREATE.format("made")],
            id="one that is not valid goes first",
        ),
        pytest.param([index("made", valid=False), *[index("made"), index("job")]], [], id="beside"),
        pytest.param(
            [index("job", kind="p")],
            ["CREATE INDEX IF NOT EXISTS jobs_made_idx ON app.jobs (made)"],
            id="a partitioned table",
        ),
    ],
)
def test_missing_indexes(jobs: Any, expected: list[str]) -> None:
    tables = {("runs",): RUNS[0], ("app", "jobs"): JOBS[0]}
    indexes = {("runs",): RUN_INDEXES, ("app", "jobs"): jobs}
    proposed = missing_indexes(TRACKER, tables, indexes, show)
    assert [proposal.statement for proposal in proposed] == expected
    assert all(proposal.tracker == "runs" and proposal.reason for proposal in proposed)


@pytest.mark.parametrize(
    ("table", "column_name", "expected"),
    [
        pytest.param("runs", "at", "runs_at_idx", id="short"),
        pytest.param("t" * 60, "at", "t" * 56 + "_at_idx", id="a long table"),
        pytest.param("ä" * 30, "ö" * 30, "ä" * 14 + "_" + "ö" * 15 + "_idx", id="long in bytes"),
    ],
)
def test_the_name_of_an_index_is_not_cut_by_the_server(
    table: str, column_name: str, expected: str
) -> None:
    assert index_name(table, column_name) == expected
    assert len(expected.encode()) <= 63
