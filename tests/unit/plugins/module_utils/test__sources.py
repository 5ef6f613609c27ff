# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _plan, _sources
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, Source
from ansible_collections.phased.rollout.plugins.module_utils._sources import SOURCES, read_source


def read(**raw: Any) -> Source:
    return read_source(Fields(raw, "objectives.a.source"), Context(login=Login()))


def test_a_plan_may_name_every_source() -> None:
    assert sorted(_plan.SOURCES) == sorted(SOURCES)


def test_every_source_file_is_named() -> None:
    files = {path.stem for path in Path(_sources.__file__).parent.glob("_source_*.py")}
    assert files == {f"_source_{name}" for name in SOURCES}


def test_a_source_is_read_by_its_type() -> None:
    assert read(type="value", value=1).measure().value == 1.0


def test_a_source_has_its_own_timeout() -> None:
    assert read(type="value", value=1).timeout_seconds == 10
    assert read(type="value", value=1, timeout="2.5").timeout_seconds == 2.5


def test_a_source_that_is_asked_again_has_time_for_every_try() -> None:
    source = read(type="value", value=1, timeout=2, retries="2", retry_delay=0.5)
    assert (source.timeout_seconds, source.kind) == (7.0, SOURCES["value"])
    assert source.measure().value == 1.0


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"retries": 1.5}, "whole number", id="one and a half retries"),
        pytest.param({"retries": -1}, "at least 0", id="fewer than none"),
        pytest.param({"retry_delay": "soon"}, "must be a number", id="no delay"),
    ],
)
def test_retries_that_cannot_be_are_refused(raw: dict[str, Any], problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(type="value", value=1, **raw)


@pytest.mark.parametrize("kind", [None, "prometeus", 7])
def test_an_unknown_type_is_refused_with_the_known_ones(kind: Any) -> None:
    with pytest.raises(ShapeError, match=rf"source\.type is .*one of {', '.join(SOURCES)}"):
        read(type=kind)
