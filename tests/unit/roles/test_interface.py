# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role says the same of its options in defaults/ and in argument_specs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

ROLES = sorted(path for path in Path(__file__).parents[3].glob("roles/*") if path.is_dir())


def specs_of(role: Path) -> dict[str, dict[str, Any]]:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {entry: spec.get("options", {}) for entry, spec in specs.items()}


def test_there_are_roles():
    assert len(ROLES) >= 8


def stated_default(option: dict[str, Any]) -> Any:
    """Return the default that an option states; a template stands in its description.

    Where a caller passes the option, a default in the specification would be rendered all the same.
    """
    if "default" in option:
        return option["default"]
    found = re.fullmatch(r"By default C\((.*)\)\.", option["description"][-1])
    return f"{{{{ {found[1]} }}}}" if found else None


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_defaults_match_argument_specs(role):
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    stated: dict[str, Any] = {}
    for options in specs_of(role).values():
        for name, option in options.items():
            default = stated_default(option)
            if not option.get("required"):
                assert default is not None, f"{name} is neither required nor has a default"
                assert stated.setdefault(name, default) == default
    assert defaults == stated


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_options_are_named_after_the_role(role):
    names = {name for options in specs_of(role).values() for name in options}
    assert [name for name in names if not name.startswith(f"{role.name}_")] == []


def role_calls(found: Any) -> Iterator[dict[str, str]]:
    """Yield every include_role, however deep it stands."""
    if isinstance(found, list):
        for entry in found:
            yield from role_calls(entry)
    elif isinstance(found, dict):
        for key, entry in found.items():
            if key == "ansible.builtin.include_role":
                yield entry
            yield from role_calls(entry)


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_entry_point_that_playbooks_use_has_a_spec(role):
    files = role.parents[1].glob("playbooks/**/*.yml")
    calls = [call for file in files for call in role_calls(yaml.safe_load(file.read_text()))]
    name = f"phased.rollout.{role.name}"
    used = {call.get("tasks_from", "main") for call in calls if call["name"] == name}
    assert used
    assert used <= set(specs_of(role))


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_no_specification_holds_a_template(role):
    assert "{{" not in (role / "meta/argument_specs.yml").read_text()
