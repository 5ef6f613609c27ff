# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role says the same of its options in defaults/ and in argument_specs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in Path(__file__).parents[3].glob("roles/*") if path.is_dir())


def specs_of(role: Path) -> dict[str, dict[str, Any]]:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {entry: spec.get("options", {}) for entry, spec in specs.items()}


def test_there_are_roles():
    assert len(ROLES) >= 8


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_defaults_match_argument_specs(role):
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    stated: dict[str, Any] = {}
    for options in specs_of(role).values():
        for name, option in options.items():
            if "default" in option:
                assert stated.setdefault(name, option["default"]) == option["default"]
    assert defaults == stated


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_options_are_named_after_the_role(role):
    names = {name for options in specs_of(role).values() for name in options}
    assert [name for name in names if not name.startswith(f"{role.name}_")] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_entry_point_that_playbooks_use_has_a_spec(role):
    used = set()
    for playbook in role.parents[1].glob("playbooks/*.yml"):
        for play in yaml.safe_load(playbook.read_text()):
            for task in play.get("pre_tasks", []) + play.get("tasks", []):
                call = task.get("ansible.builtin.import_role", {})
                if call.get("name") == f"phased.rollout.{role.name}":
                    used.add(call.get("tasks_from", "main"))
    assert used
    assert used <= set(specs_of(role))
