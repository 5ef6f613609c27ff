# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.tests.plans import (
    CRITICAL,
    GONE,
    edited,
    findings,
    found,
    only,
)


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        pytest.param(
            {"roles": {}},
            "approvals[0].role",
            "nobody is named who may approve as 'reviewer'",
            id="a role that nobody has",
        ),
        pytest.param(
            {"roles": {"reviwer": ["ada"]}},
            "approvals[0].role",
            "did you mean reviwer?",
            id="a role with another name",
        ),
        pytest.param(
            {"phases/1/approvals/0/count": 4},
            "approvals[0].count",
            "4 persons must approve as 'reviewer', and only ada, bob, eve may",
            id="more persons than there are",
        ),
        pytest.param(
            {"roles/reviewer": ["ada", "Ada", "ADA"]},
            "approvals[0].count",
            "and only ADA may",
            id="one person under several names",
        ),
    ],
)
def test_an_approval_that_cannot_be_had(changes, where, says):
    only(changes, "approvers", f"rollout_phases[1].{where}", says)


def test_a_role_approves_once():
    role = {"phases/1/approvals/1/role": "reviewer"}
    only(role, "used_twice", "rollout_phases[1].approvals[1].role", "approvals[0] is about")


@pytest.mark.parametrize(
    ("window", "where", "says"),
    [
        pytest.param(
            {"from": "09:00", "to": "09:00"},
            "window.to",
            "mon-sun 09:00-09:00 UTC never opens",
            id="that closes as it opens",
        ),
        pytest.param({"from": "24:00"}, "window.from", 'write "00:00"', id="after the day's end"),
        pytest.param({}, "window", "always open", id="that says nothing"),
        pytest.param({"timezone": "CET"}, "window", "always open", id="that has only a time zone"),
    ],
)
def test_a_window_that_is_none(window, where, says):
    only({"phases/0/window": window}, "window", f"rollout_phases[0].{where}", says)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param({"days": "sat,sun"}, id="days"),
        pytest.param({"from": "22:00", "to": "04:00"}, id="a night"),
        pytest.param({"low_traffic": {"objective": "traffic"}}, id="low traffic"),
    ],
)
def test_a_window_may_say_only_one_thing(window):
    assert findings({"phases/0/window": window}) == []


def test_a_freeze_ends_after_it_begins():
    day = {"freezes/0/to": "2026-12-23"}
    only(day, "freeze", "rollout_freezes[0].to", "it ends before it begins")


def test_a_freeze_of_one_day_is_one():
    assert findings({"freezes/0/to": "2026-12-24"}) == []


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        pytest.param(
            {"phases/1/watch/interval": "1w"},
            "interval",
            "every 1w, and watched for 1w",
            id="that looks once",
        ),
        pytest.param(
            {"phases/1/watch/critical": ["ready"]},
            "critical[0]",
            "'ready' is not watched",
            id="that minds what it does not see",
        ),
    ],
)
def test_a_watch_that_does_not_see(changes, where, says):
    only(changes, "watch", f"rollout_phases[1].watch.{where}", says)


def test_a_watch_without_objectives_and_gate_watches_nothing():
    changes = {"phases/0/risk": "minimal", "phases/0/gate": GONE}
    only(changes, "watch", "rollout_phases[0].watch.objectives", "it watches nothing")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param(
            {"phases/0/watch": GONE}, "nothing watches whether phase 1 is stable", id="not at all"
        ),
        pytest.param(
            {"phases/0/watch/duration": "24h"},
            "phase 1 must be stable for 2d, and is watched for 1d",
            id="not for so long",
        ),
    ],
)
def test_a_stable_time_that_nothing_measures(changes, says):
    only(changes, "stability", "rollout_phases[1].requires[0].stable_for", says)


def test_a_strategy_that_is_not_deployed_yet_is_an_error():
    where = "rollout_phases[1].deploy.strategy"
    assert only(CRITICAL, "strategy", where, "use one of rolling").severity == "error"


def test_what_could_not_be_read_is_not_judged_again():
    changes = {"phases/1/watch/duration": "soon", "phases/1/rollback/within": "soon"}
    assert {(one.rule, one.path) for one in findings(changes)} == {
        ("shape", "rollout_phases[1].watch.duration"),
        ("shape", "rollout_phases[1].rollback.within"),
    }


def test_the_rest_is_checked_all_the_same():
    changes = {"phases/0/watch/duration": "soon", "phases/1/gate": ["latncy"]}
    assert len(found(changes, "not_defined")) == 1
    assert edited(changes).by_id[1]["watch"]["duration"] is None
