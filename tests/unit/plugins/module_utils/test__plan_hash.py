# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._plan_hash import canonical
from ansible_collections.phased.rollout.plugins.module_utils._plan_record import phase_record
from ansible_collections.phased.rollout.tests.plans import GONE, edited


def hash_of(number: int, changes: dict[str, Any] | None = None) -> str:
    found: str = phase_record(edited(changes or {}), number)["plan_hash"]
    return found


ASKED = "objectives/latency/source"
SECRET = "https://probe:secret@{}/health?token=1"


def test_it_is_a_sha256():
    assert len(hash_of(1)) == 64
    assert int(hash_of(1), 16) > 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("phases/1/name", "Three", id="the name"),
        pytest.param("phases/1/risk", "medium", id="the risk"),
        pytest.param("phases/1/changes/0/branch", "feature/x", id="a branch"),
        pytest.param("phases/1/gate", ["latency", "traffic"], id="the gate"),
        pytest.param("phases/0/gate", ["errors", "traffic"], id="a gate that is inherited"),
        pytest.param("phases/0/watch/duration", "96h", id="the watch that it waits for"),
        pytest.param("phases/1/watch/on_breach", "reset", id="what a breach does"),
        pytest.param("phases/1/requires/0/stable_for", "1h", id="how long that must be stable"),
        pytest.param("phases/1/approvals/0/count", 1, id="how many must approve"),
        pytest.param("roles/reviewer", ["ada", "bob"], id="who may approve"),
        pytest.param("phases/1/window/to", "18:00", id="the window"),
        pytest.param("phases/1/rollback/database", "refuse", id="the rollback"),
        pytest.param("phases/1/deploy/batches", ["100%"], id="the batches"),
        pytest.param(
            "phases/1/validations",
            {"staging": [{"name": "x", "command": ["x"]}]},
            id="the validations",
        ),
        pytest.param("freezes", [], id="the freezes"),
        pytest.param("objectives/latency/pass", "< 200ms", id="a limit of its gate"),
        pytest.param("objectives/latency/key", True, id="how an objective counts"),
        pytest.param("objectives/ready/pass", "== 2", id="a limit of a prerequisite"),
        pytest.param("objectives/traffic/pass", "< 90/s", id="a limit of its window"),
        pytest.param("objectives/latency/source/query", "other", id="what an objective asks"),
        pytest.param(ASKED, {"type": "http", "url": "https://a/ok"}, id="which path it asks"),
        pytest.param("objectives/errors/source/query", "other", id="what is asked by inheritance"),
    ],
)
def test_what_decides_how_a_phase_goes_changes_it(path, value):
    assert hash_of(2, {path: value}) != hash_of(2)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("phases/0/name", "Another", id="the name of another phase"),
        pytest.param("phases/0/changes/0/branch", "feature/x", id="what another phase merges"),
        pytest.param("roles/cto", ["bob"], id="a role that it does not ask"),
        pytest.param("baselines/latency", 0.05, id="what is measured today"),
        pytest.param(
            "objectives/spare",
            {"source": {"type": "prometheus", "query": "x"}, "pass": "== 0"},
            id="an objective that nothing asks",
        ),
        pytest.param("objectives/ready/source/value", 2, id="a value that is known by now"),
    ],
)
def test_what_does_not_concern_a_phase_leaves_it(path, value):
    assert hash_of(2, {path: value}) == hash_of(2)


def test_a_later_phase_does_not_concern_an_earlier_one():
    assert hash_of(1, {"phases/1/gate": ["traffic"]}) == hash_of(1)


@pytest.mark.parametrize(
    ("source", "elsewhere"),
    [
        pytest.param(
            {"type": "http", "url": SECRET.format("a.example.com")},
            {"type": "http", "url": SECRET.format("b.example.com").replace("secret", "other")},
            id="another host and password",
        ),
        pytest.param(
            {"type": "http", "url": "https://a/", "headers": {"Authorization": "Bearer 1"}},
            {"type": "http", "url": "https://a/", "headers": {"Authorization": "Bearer 2"}},
            id="another token",
        ),
        pytest.param(
            {"type": "junit", "path": "/home/ada/reports/all.xml", "tests": "/home/ada/app/tests"},
            {"type": "junit", "path": "/home/bob/reports/all.xml", "tests": "/home/bob/app/tests"},
            id="another home",
        ),
        pytest.param(
            {"type": "sql", "query": "SELECT 1", "database": "a", "params": {"tree": None}},
            {"type": "sql", "query": "SELECT 1", "database": "b", "params": {"tree": "87c1eaa8"}},
            id="another database, and a tree that is known by now",
        ),
        pytest.param(
            {
                "type": "http",
                "url": "https://a/",
                "journey": [{"url": "/login", "body": {"p": "1"}}],
            },
            {
                "type": "http",
                "url": "https://b/",
                "journey": [{"url": "/login", "body": {"p": "2"}}],
            },
            id="another password on a journey",
        ),
    ],
)
def test_where_and_as_whom_is_asked_leaves_it(source, elsewhere):
    assert hash_of(2, {ASKED: source}) == hash_of(2, {ASKED: elsewhere})


@pytest.mark.parametrize(
    ("source", "other"),
    [
        pytest.param(
            {"type": "junit", "path": "/home/ada/security.xml"},
            {"type": "junit", "path": "/home/ada/empty.xml"},
            id="another report",
        ),
        pytest.param(
            {"type": "command", "argv": ["tests/check.sh"]},
            {"type": "command", "argv": ["true"]},
            id="another command",
        ),
        pytest.param(
            {"type": "http", "url": "https://a/", "journey": [{"url": "/login"}]},
            {"type": "http", "url": "https://a/", "journey": [{"url": "/ok"}]},
            id="another step of a journey",
        ),
        pytest.param(
            {"type": "sql", "query": "SELECT 1", "params": {"tree": None}},
            {"type": "sql", "query": "SELECT 1", "params": {}},
            id="a parameter that is gone",
        ),
    ],
)
def test_what_is_asked_changes_it(source, other):
    assert hash_of(2, {ASKED: source}) != hash_of(2, {ASKED: other})


def test_the_order_of_keys_leaves_it():
    backwards = {"pass": "< 100ms", "warn": "< 150ms", "unit": "s",
                 "source": {"query": "l", "type": "prometheus"}}  # fmt: skip
    assert hash_of(2, {"objectives/latency": backwards}) == hash_of(2)


def test_null_is_nothing():
    assert hash_of(1, {"phases/0/approvals": None}) == hash_of(1)
    assert hash_of(2, {"phases/1/escalation": GONE}) != hash_of(2)


def test_one_text_for_what_is_the_same():
    assert (
        canonical({"b": [1, None], "a": {"ü": frozenset({2, 1})}})
        == '{"a":{"ü":[1,2]},"b":[1,null]}'
    )
