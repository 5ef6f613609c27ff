# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    Backend,
    BackendError,
    changed,
    coming,
    keep_states,
    leaving,
    read_backends,
)

ONE = {"name": "prod1", "address": "prod1:8000", "parameters": "max_fails=0"}
TWO = {"name": "prod2", "address": "prod2:8000"}
BOTH = read_backends([ONE, TWO])


def states(backends: list[Backend]) -> dict[str, Any]:
    return {one.name: one.weight if one.taken else "out" for one in backends}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({}, {"prod1": 1, "prod2": 1}, id="nothing asked, nothing moved"),
        pytest.param({"prod1": {"state": "out"}}, {"prod1": "out", "prod2": 1}, id="one out"),
        pytest.param({"prod1": {"weight": 0}}, {"prod1": "out", "prod2": 1}, id="no weight is out"),
        pytest.param({"prod1": {"weight": "95"}}, {"prod1": 95, "prod2": 1}, id="a weight as text"),
        pytest.param(
            {"prod1": {"state": "out", "weight": 5}}, {"prod1": "out", "prod2": 1}, id="out counts"
        ),
    ],
)
def test_a_change_moves_what_it_names(wanted, expected):
    after, kept = changed(BOTH, wanted, keep_last=False)
    assert states(after) == expected
    assert kept == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param({"prod3": {}}, "no backend prod3.*prod1, prod2", id="an unknown backend"),
        pytest.param({"prod1": {"state": "off"}}, "'off': set in or out", id="an unknown state"),
        pytest.param({"prod1": {"weight": 257}}, "257.*0 to 256", id="too heavy"),
        pytest.param({"prod1": {"weight": "many"}}, "'many'.*0 to 256", id="no number"),
        pytest.param(
            {"prod1": {"state": "out"}, "prod2": {"state": "out"}},
            "without prod1, prod2 nobody would be left to serve.*smaller batches",
            id="nobody left",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(wanted, said):
    with pytest.raises((BackendError, ValueError), match=said):
        changed(BOTH, wanted, keep_last=False)


def test_the_last_one_can_be_kept():
    alone, _ = changed(BOTH, {"prod2": {"state": "out"}}, keep_last=False)
    after, kept = changed(alone, {"prod1": {"state": "out"}}, keep_last=True)
    assert states(after) == {"prod1": 1, "prod2": "out"}
    assert kept == ["prod1"]


def test_nobody_can_be_kept_where_nobody_serves():
    nobody = [Backend("prod1", "prod1:8000", state="out")]
    with pytest.raises(BackendError, match="nobody would be left"):
        changed(nobody, {}, keep_last=True)


def test_who_comes_and_who_leaves():
    after, _ = changed(BOTH, {"prod1": {"state": "out"}}, keep_last=False)
    assert [one.name for one in leaving(BOTH, after)] == ["prod1"]
    assert [one.name for one in coming(after, BOTH)] == ["prod1"]
    assert coming(BOTH, after) == []


def test_the_front_end_knows_better_than_the_inventory():
    found = {"prod1:8000": Backend("x", "prod1:8000", state="out", weight=7)}
    kept = keep_states(BOTH, found)
    assert states(kept) == {"prod1": "out", "prod2": 1}
    assert (kept[0].name, kept[0].weight, kept[0].parameters) == ("prod1", 7, "max_fails=0")


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([], id="none at all"),
        pytest.param([{**ONE, "name": "a b"}], id="a name with a space"),
        pytest.param([{**ONE, "address": "prod1"}], id="an address without a port"),
        pytest.param([{**ONE, "parameters": "max_fails=0; }"}], id="a statement in parameters"),
        pytest.param([{**ONE, "parameters": "# down"}], id="a comment in parameters"),
        pytest.param([ONE, {**TWO, "name": "prod1"}], id="a name twice"),
        pytest.param([ONE, {**TWO, "address": "prod1:8000"}], id="an address twice"),
    ],
)
def test_what_is_no_list_of_backends_is_refused(given):
    with pytest.raises(BackendError):
        read_backends(given)
