# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context
from ansible.utils.display import Display

from ansible_collections.phased.rollout.plugins.callback.progress import CallbackModule

ODD: list[Any] = [None, 0, "x", b"\xff", [], [None, 1], {}, {"a": [None]}, ...]


OPTIONS = {"marks": "ascii", "live": True, "heartbeat_seconds": 30.0}


def made() -> Any:
    plugin = CallbackModule()
    plugin._plugin_options = OPTIONS
    return plugin


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A callback as ansible-playbook makes it, in the middle of a step."""
    monkeypatch.setattr(context, "CLIARGS", {"check": False, "tags": ["all"]})
    plugin = made()
    deploy, watch = a_play("Phase 1 | Deploy"), a_play("Phase 1 | Watch")
    plugin.v2_playbook_on_start(
        SimpleNamespace(_file_name="x.yml", get_plays=lambda: [deploy, watch])
    )
    plugin.v2_playbook_on_play_start(deploy)
    plugin.v2_playbook_on_task_start(a_task(), False)
    yield plugin
    plugin.v2_playbook_on_stats(some_stats())


def a_play(name: str) -> Any:
    inventory = SimpleNamespace(get_hosts=lambda _pattern: [a_host()])
    return SimpleNamespace(
        _uuid=name,
        serial=[],
        hosts="all",
        get_name=lambda: name,
        get_variable_manager=lambda: SimpleNamespace(_inventory=inventory),
    )


def a_host(name: str = "prod1") -> Any:
    return SimpleNamespace(get_name=lambda: name)


def a_task(action: str = "ansible.builtin.debug", **more: Any) -> Any:
    values: dict[str, Any] = {
        "name": "Say it",
        "loop": None,
        "run_once": False,
        "delegate_to": None,
    }
    values |= {"ignore_unreachable": None, "_parent": None, "_uuid": "t", "get_path": lambda: None}
    return SimpleNamespace(action=action, **{**values, **more})


def a_result(result: Any, **task: Any) -> Any:
    return SimpleNamespace(host=a_host(), task=a_task(**task), result=result)


def some_stats(**failures: int) -> Any:
    def summarize(host: str) -> dict[str, int]:
        return {"failures": failures.get(host, 0), "unreachable": 0}

    return SimpleNamespace(failures=failures, dark={}, summarize=summarize)


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("key", ["msg", "results", "rollout_say", "diff", "warnings", "attempts"])
@pytest.mark.parametrize("action", ["ansible.builtin.debug", "phased.rollout.slo_check"])
def test_no_shape_of_a_result_raises(callback: Any, action: str, key: str, odd: Any) -> None:
    for event in (
        "v2_runner_on_ok",
        "v2_runner_on_failed",
        "v2_runner_on_unreachable",
        "v2_runner_on_skipped",
        "v2_runner_item_on_ok",
        "v2_runner_item_on_failed",
        "v2_runner_retry",
    ):
        getattr(callback, event)(a_result({key: odd, "failed": True}, action=action))


def test_a_result_outside_any_play_does_not_raise() -> None:
    plugin = made()
    plugin.v2_runner_on_ok(a_result({"msg": "early"}))
    plugin.v2_runner_on_failed(a_result({"msg": "early"}))


def block_of(task: Any, *, rescue: list[Any]) -> Any:
    return SimpleNamespace(_uuid="b", block=[task], rescue=rescue, _parent=None)


@pytest.mark.parametrize(
    ("rescue", "ignored", "handled"),
    [
        pytest.param([], False, False, id="a plain failure counts"),
        pytest.param([], True, True, id="an ignored one does not"),
        pytest.param(["task"], False, True, id="nor does a rescued one"),
    ],
)
def test_which_failures_count(
    callback: Any, rescue: list[Any], ignored: bool, handled: bool
) -> None:
    result = a_result({"msg": "no"})
    result.task._parent = block_of(a_task(), rescue=rescue)
    callback.v2_runner_on_failed(result, ignore_errors=ignored)
    assert callback._run.checklist.failed is not handled


def test_a_failure_in_the_rescue_itself_counts(callback: Any) -> None:
    result = a_result({"msg": "no"})
    result.task._parent = block_of(a_task(_uuid="another"), rescue=[result.task])
    callback.v2_runner_on_failed(result)
    assert callback._run.checklist.failed


def test_the_display_is_left_as_it_was(callback: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert "display" in vars(Display())
    callback.v2_playbook_on_stats(some_stats(prod1=1))
    assert "display" not in vars(Display())
    out = capsys.readouterr().out
    assert 'Phase 1 FAILED in "Deploy"' in out
    assert "not run    Watch" in out
