# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timezone
from typing import Any

import pytest
import yaml

from ansible_collections.phased.rollout.plugins.modules import plan_info
from ansible_collections.phased.rollout.plugins.modules.plan_info import resolve
from ansible_collections.phased.rollout.tests.plans import GOOD

NOW = datetime(2026, 11, 23, 10, tzinfo=timezone.utc)
PHASES = [{"id": 1, "name": "One", "tag": "v1"}, {"id": 2, "name": "Two", "tag": "v2"}]


def asked(**params: Any) -> dict[str, Any]:
    return {**deepcopy(GOOD), "phase": None, "hotfix": None, **params}


def test_a_plan_comes_with_the_records_of_its_phases():
    found = resolve(asked(), NOW)
    assert (found["findings"], found["phases"], found["phase"]) == ([], PHASES, None)
    assert [record["key"] for record in found["records"]] == ["phase-1", "phase-2"]
    assert found["windows"]["phase-2"]["open"]


def test_one_phase_is_that_of_the_records():
    found = resolve(asked(phase=2), NOW)
    assert found["phase"] == found["records"][1]


def test_a_hotfix_is_no_phase_of_the_plan():
    hotfix = {
        "branch": "hotfix/x",
        "commit": "76d4bb83f8a2cd7a7a6fd4f2a1a6b7e0c9a5d1e3",
        "released": ["v1"],
        "tag": "",
        "review_within": "1h30m",
    }
    found = resolve(asked(hotfix=hotfix), NOW)
    assert found["phase"]["key"] == "hotfix-x-76d4bb8"
    assert found["phase"]["review_within_seconds"] == 5400
    assert len(found["records"]) == 2


def test_a_plan_with_an_error_has_findings_and_nothing_else():
    found = resolve(asked(phase=1, roles={}), NOW)
    (finding,) = found["findings"]
    assert finding == {
        "path": "rollout_phases[1].approvals[0].role",
        "problem": "nobody is named who may approve as 'reviewer'",
        "suggestion": "list them in rollout_roles (as reviewer: [ada]) or in persons",
        "severity": "error",
        "rule": "approvers",
    }
    assert found["phases"] == PHASES
    assert (found["phase"], found["records"], found["windows"]) == (None, [], {})


def test_a_plan_with_a_warning_is_resolved():
    found = resolve(asked(phase=1, baselines={"latency": 9}), NOW)
    assert [finding["severity"] for finding in found["findings"]] == ["warning"]
    assert found["phase"]["key"] == "phase-1"


def test_a_phase_that_there_is_not_is_named():
    with pytest.raises(KeyError, match="no phase has id 9"):
        resolve(asked(phase=9), NOW)


def test_a_plan_is_read_as_ansible_hands_it_over():
    """YAML reads days without quotes as dates, which arrive as texts."""
    text = "[{from: 2026-12-24, to: 2026-12-26 12:00:00, reason: Christmas}]"
    freezes = [{key: str(value) for key, value in one.items()} for one in yaml.safe_load(text)]
    found = resolve(asked(freezes=freezes), datetime(2026, 12, 24, tzinfo=timezone.utc))
    assert found["windows"]["phase-1"]["opens_at"] == "2026-12-26T12:00:00+00:00"


def test_every_option_is_documented():
    documented = yaml.safe_load(plan_info.DOCUMENTATION)["options"]
    assert set(documented) == set(plan_info.ARGUMENT_SPEC)
    for name, option in plan_info.ARGUMENT_SPEC.items():
        assert documented[name]["type"] == option["type"]
        assert documented[name].get("default") == option.get("default")


def test_every_return_value_is_documented():
    assert set(yaml.safe_load(plan_info.RETURN)) == set(resolve(asked(), NOW))
