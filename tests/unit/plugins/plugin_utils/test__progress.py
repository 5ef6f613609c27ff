# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._progress import (
    Checklist,
    Failure,
    State,
    Step,
    as_strings,
    split_name,
)


def made(**counts: int) -> Step:
    step = Step("key", "Phase 1 | Deploy")
    step.worked, step.changed = counts.get("worked", 0), counts.get("changed", 0)
    for kind in ("failed", "unreachable", "handled"):
        failure = Failure("h", "t", unreachable=kind == "unreachable", handled=kind == "handled")
        step.failures += [failure] * counts.get(kind, 0)
    return step


@pytest.mark.parametrize(
    ("step", "state"),
    [
        pytest.param(made(), State.SKIPPED, id="no task ran: nothing to do"),
        pytest.param(made(worked=2), State.OK, id="tasks ran and changed nothing"),
        pytest.param(made(worked=2, changed=1), State.CHANGED, id="one change counts"),
        pytest.param(made(worked=2, changed=1, failed=1), State.FAILED, id="a failure hides it"),
        pytest.param(made(unreachable=1), State.UNREACHABLE, id="a host that is gone"),
        pytest.param(made(unreachable=1, failed=1), State.FAILED, id="failed is worse than gone"),
        pytest.param(made(worked=1, handled=1), State.OK, id="a rescued failure is none"),
    ],
)
def test_state_of_a_step(step: Step, state: State) -> None:
    assert step.state is state


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Phase 1 | Release", ("Phase 1", "Release"), id="title and label"),
        pytest.param("Deploy", ("", "Deploy"), id="a generic play has no title"),
        pytest.param("A | b | c", ("A", "b | c"), id="only the first bar divides"),
        pytest.param("", ("", ""), id="an empty name"),
    ],
)
def test_split_name(name: str, expected: tuple[str, str]) -> None:
    assert split_name(name) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, [], id="nothing"),
        pytest.param("a", ["a"], id="a string"),
        pytest.param(["a", 1], ["a", "1"], id="a list of anything"),
        pytest.param({"a": 1}, ["{'a': 1}"], id="something else"),
    ],
)
def test_as_strings(value: object, expected: list[str]) -> None:
    assert as_strings(value) == expected


def test_batches_of_a_play_are_one_step_and_a_later_play_of_that_name_another() -> None:
    checklist = Checklist()
    checklist.begin("a", "Deploy", ["prod1"], 1.0)
    checklist.begin("a", "Deploy", ["prod2"], 2.0)
    checklist.begin("b", "Deploy", ["prod1"], 3.0)
    assert [(step.batch, step.hosts) for step in checklist.steps] == [
        (2, ["prod2"]),
        (1, ["prod1"]),
    ]


def test_bookkeeping_is_no_work() -> None:
    checklist = Checklist()
    step = checklist.begin("a", "Deploy", [], 0.0)
    for action in ("ansible.builtin.validate_argument_spec", "gather_facts", "include_role"):
        checklist.count(action, changed=False)
    assert step.worked == 0
    checklist.count("ansible.builtin.command", changed=True)
    assert (step.worked, step.changed) == (1, 1)


def test_remaining_names_what_has_not_started() -> None:
    checklist = Checklist()
    checklist.plan([("a", "Phase 1 | A"), ("b", "Phase 1 | B"), ("c", "Phase 1 | C")])
    assert checklist.remaining() == []
    checklist.begin("a", "Phase 1 | A", [], 0.0)
    assert checklist.remaining() == ["B", "C"]


def test_settle_forgives_hosts_that_ansible_does_not_count_as_failed() -> None:
    checklist = Checklist()
    step = checklist.begin("a", "A", [], 0.0)
    step.failures = [Failure("rescued", "t"), Failure("broken", "t")]
    checklist.settle(["broken"])
    assert [failure.host for failure in step.open_failures] == ["broken"]


@pytest.mark.parametrize("known", [True, False], ids=["a rescued one", "none at all"])
def test_settle_never_calls_a_failed_run_good(known: bool) -> None:
    checklist = Checklist()
    step = checklist.begin("a", "A", [], 0.0)
    step.failures = [Failure("broken", "t", handled=True)] if known else []
    checklist.settle(["broken"])
    assert checklist.failed
