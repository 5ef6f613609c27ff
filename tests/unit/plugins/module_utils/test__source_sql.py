# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
from datetime import timedelta
from decimal import Decimal
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    MissingLibraryError,
    SourceError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_sql import (
    SqlSource,
    read_rows,
    read_samples,
)


def read(login_db: Optional[str] = "tower", **raw: Any) -> SqlSource:
    fields = Fields({"type": "sql", **raw}, "source")
    return SqlSource.read(fields, Context(login=Login(database=login_db, password="s3cret")))


@pytest.mark.parametrize(
    ("columns", "row", "value", "good", "total"),
    [
        pytest.param(["value"], [5], 5.0, None, None, id="a value"),
        pytest.param(["value"], [Decimal("0.5")], 0.5, None, None, id="a numeric"),
        pytest.param(["value"], [None], None, None, None, id="NULL"),
        pytest.param(["good", "total"], [9, 10], None, 9.0, 10.0, id="a share"),
        pytest.param(["total", "good"], [10, 9], None, 9.0, 10.0, id="in the other order"),
        pytest.param(["good", "total"], [None, 0], None, None, 0.0, id="a sum of nothing"),
        pytest.param(["value", "day"], [5, "mon"], 5.0, None, None, id="beside another column"),
    ],
)
def test_read_rows(columns: list[str], row: Any, value: Any, good: Any, total: Any) -> None:
    measurement = read_rows(columns, [row])
    assert (measurement.value, measurement.good, measurement.total) == (value, good, total)
    assert ("is NULL" in (measurement.note or "")) == (None in row)


@pytest.mark.parametrize(
    ("columns", "rows", "problem"),
    [
        pytest.param(["value"], [[1], [2]], "gave 2 rows, but one is needed", id="two rows"),
        pytest.param(["count"], [[1]], "gives the columns count; name one value", id="other names"),
        pytest.param(["good"], [[1]], "two good and total", id="half of a share"),
        pytest.param(["value"], [[True]], r"value is True \(bool\)", id="a boolean"),
        pytest.param(["value"], [["5"]], r"'5' \(str\)", id="a text"),
        pytest.param(["value"], [[timedelta(1)]], r"\(timedelta\)", id="an interval"),
        pytest.param(["value"], [[10**400]], "too large", id="larger than any float"),
    ],
)
def test_what_is_no_single_number_is_an_error(columns: list[str], rows: Any, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read_rows(columns, rows)


def test_every_row_is_a_sample() -> None:
    measurement = read_samples(["day", "value"], [["mon", 3], ["tue", Decimal(1)]], "mean")
    assert (measurement.value, measurement.samples) == (2.0, 2)
    assert measurement.values == (3.0, 1.0)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(None, id="NULL"),
        pytest.param(float("nan"), id="NaN"),
        pytest.param(Decimal("Infinity"), id="infinity"),
    ],
)
def test_samples_that_are_no_number_leave_no_value(bad: Any) -> None:
    measurement = read_samples(["value"], [[1], [bad], [2]], "max")
    assert (measurement.value, measurement.values) == (None, ())
    assert measurement.note == "1 of 3 values are NULL or no number"


def test_samples_need_their_column() -> None:
    with pytest.raises(SourceError, match="gives the columns a, b; name one value"):
        read_samples(["a", "b"], [[1, 2]], "mean")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({}, r"source\.query is missing", id="no query"),
        pytest.param({"query": "x", "reduce": "p9"}, "needs measure=samples", id="one value"),
        pytest.param(
            {"query": "x", "measure": "samples", "reduce": "sum"}, "mean, min", id="no reduce"
        ),
        pytest.param({"query": "x", "database": 1}, "must be a text", id="no name"),
        pytest.param({"query": "x", "params": [1]}, "map names to values", id="params in a list"),
        pytest.param(
            {"query": "x", "measure": "rows"}, "value, seconds, samples", id="unknown measure"
        ),
        pytest.param({"query": "x", "parms": {}}, "did you mean params", id="a typo"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)


def test_a_database_is_needed() -> None:
    with pytest.raises(ShapeError, match=r"source\.database is missing.*login_db"):
        read(login_db=None, query="SELECT 1")


def test_the_objective_s_database_comes_before_login_db() -> None:
    assert read(query="SELECT 1", database="tower_staging").login.database == "tower_staging"


def test_what_was_asked_holds_no_secret() -> None:
    source = read(query=" SELECT %(token)s AS value ", params={"token": "hunter2"})
    assert source.asked == "SELECT %(token)s AS value"
    assert "hunter2" not in repr(source)
    assert "s3cret" not in repr(source)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingLibraryError, match="psycopg2"):
        read(query="SELECT 1")
