# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Context,
    MissingLibraryError,
    UnreachableError,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_websocket import (
    WebsocketSource,
)


def read(check_mode: bool = False, **raw: Any) -> WebsocketSource:
    fields = Fields({"type": "websocket", "url": "ws://127.0.0.1:1/", **raw}, "source")
    return WebsocketSource.read(fields, Context(login=Login(), check_mode=check_mode))


def test_a_server_that_is_down_may_come_back() -> None:
    with pytest.raises(UnreachableError, match=r"ws://127\.0\.0\.1:1/ cannot be talked to"):
        read(timeout=1).measure()


def test_what_was_asked_holds_no_secret() -> None:
    source = read(
        url="wss://ada:hunter2@h/", headers={"X": "s3cret"}, send=["p4ss", {"a": 1}], connections=2
    )
    assert source.asked == "connect to wss://h/, send 2 messages, 2 times"
    assert source.send == ("p4ss", '{"a": 1}')
    assert "s3cret" not in repr(source)
    assert "p4ss" not in repr(source)


def test_what_is_sent_may_change_something() -> None:
    measurement = read(send="hello", check_mode=True).measure()
    assert (measurement.total, measurement.value) == (None, None)
    assert "not sent in check mode" in (measurement.note or "")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"url": None}, r"source\.url is missing", id="no URL"),
        pytest.param({"url": "http://h/"}, "must start with ws://", id="a web site"),
        pytest.param({"until": {}}, "must have one of contains", id="until nothing"),
        pytest.param({"until": {"type": "done"}}, "no such option", id="an unknown check"),
        pytest.param({"until": "done"}, "must be a mapping", id="no check"),
        pytest.param({"events": 0}, "above 0", id="no event"),
        pytest.param({"connections": 0}, "above 0", id="no connection"),
        pytest.param({"measure": "latency"}, "success, first_event", id="an unknown measure"),
        pytest.param({"headers": {"A": "b\nC: d"}}, "no line break", id="a header in a header"),
        pytest.param({"reduce": ["p95"]}, "a percentile such as p95", id="a list"),
        pytest.param({"requests": 3}, "no such option", id="an unknown option"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: dict[str, Any], problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**raw)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingLibraryError, match=r"^websockets$"):
        read()
