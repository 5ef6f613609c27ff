# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    MissingLibraryError,
    UnreachableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_decisions import (
    DecisionsSource,
)

TRACKERS = {"runs": {"time": "at", "type": "kind"}, "odd": {"tiem": "at"}}


def read(login: Optional[Login] = None, **raw: Any) -> DecisionsSource:
    fields = Fields({"type": "decisions", "tracker": "runs", "metric": "count", **raw}, "source")
    login = login or Login(database="tower", password="s3cret")
    return DecisionsSource.read(fields, Context(login=login, trackers=TRACKERS))


@pytest.mark.parametrize(
    ("raw", "asked"),
    [
        pytest.param({}, "count of runs in the last 1h", id="the last hour"),
        pytest.param(
            {"window": "24h", "of_type": "video"},
            "count of runs of type video in the last 1d",
            id="of a type in the last day",
        ),
    ],
)
def test_what_is_asked(raw: Any, asked: str) -> None:
    assert read(**raw).asked == asked


def test_another_database_and_timeout() -> None:
    source = read(database="other", timeout="2")
    assert (source.login.database, source.timeout_seconds) == ("other", 2)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"tracker": None}, r"source\.tracker is missing", id="no tracker"),
        pytest.param({"tracker": "run"}, r"one of the trackers: odd, runs", id="an unknown one"),
        pytest.param({"tracker": "odd"}, r"trackers\.odd\.tiem", id="one that makes no sense"),
        pytest.param({"metric": "cuont"}, r"source\.metric is 'cuont'", id="an unknown metric"),
        pytest.param({"metric": "success_ratio"}, r"runs\.outcome is missing", id="not described"),
        pytest.param({"of_type": 7}, r"source\.of_type is 7", id="a type that is no text"),
        pytest.param({"metric": "integrity", "of_type": "a"}, r"source\.of_type", id="untyped"),
        pytest.param({"window": "soon"}, r"source\.window is 'soon'", id="no window"),
        pytest.param({"windw": "1h"}, r"did you mean window", id="a typo"),
        pytest.param({"login": Login()}, r"source\.database is missing", id="no database"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingLibraryError, match=r"^psycopg2$"):
        read()


def test_a_server_that_cannot_be_reached_is_worth_another_try() -> None:
    login = Login(host="127.0.0.1", port=1, database="tower", password="s3cret")
    with pytest.raises(UnreachableError, match="Connection refused") as caught:
        read(login).measure()
    assert "s3cret" not in str(caught.value)
