# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/plan.md names every key, every rule, every control and every trap."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._objective import OPTIONS
from ansible_collections.phased.rollout.plugins.module_utils._plan_hash import _FOLDERS, _UNSTABLE
from ansible_collections.phased.rollout.plugins.module_utils._plan_keys import FREEZES, PHASES
from ansible_collections.phased.rollout.plugins.module_utils._plan_kinds import (
    Kind,
    Listed,
    Named,
    Table,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_risk import CONTROLS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/plan.md").read_text()
NAMED = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", TEXT))))
CODE = "".join(file.read_text() for file in ROOT.glob("plugins/module_utils/_plan_*.py"))
RULES = {"shape", *re.findall(r'rule="(\w+)"', CODE), *re.findall(r'if watch else "(\w+)"', CODE)}


def keys_of(kind: Kind) -> Iterator[str]:
    """Yield the keys that may stand in a kind, however deep."""
    if isinstance(kind, (Listed, Named)):
        yield from keys_of(kind.entry)
    elif isinstance(kind, Table):
        for name, key in kind.keys.items():
            yield name
            yield from keys_of(key.kind)


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its first two lines."""
    part = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (found,) = [one for one in part if one.startswith(heading)]
    lines = [line for line in found.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("key", sorted({*keys_of(PHASES), *keys_of(FREEZES), *OPTIONS}))
def test_every_key_is_explained(key):
    assert key in NAMED


def test_every_rule_is_explained_and_there_is_no_other():
    told = {rule for cells in rows("What is checked") for rule in re.findall(r"`(\w+)`", cells[0])}
    assert told == RULES


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_a_test(rule):
    tests = ROOT.glob("tests/unit/plugins/module_utils/test__plan_*.py")
    assert [file for file in tests if f'"{rule}"' in file.read_text()]


def test_every_control_is_explained():
    told = [(cells[0].strip("`"), cells[1]) for cells in rows("Risk")]
    risks = [risk for risk, _name in told]
    for index, risk in enumerate(risks):
        risks[index] = risk or risks[index - 1]
    controls = [(control.risk, control.name) for control in CONTROLS]
    assert [(risk, name) for risk, (_risk, name) in zip(risks, told)] == controls


def test_every_trap_is_found_or_has_a_default_or_cannot_be_told():
    traps = rows("The traps")
    assert [cells[0] for cells in traps] == [str(number) for number in range(1, 31)]
    for number, _trap, answer in traps:
        rules = RULES & set(re.findall(r"`(\w+)`", answer))
        assert rules or answer.startswith(("default:", "cannot be told")), number


@pytest.mark.parametrize("option", sorted(_FOLDERS | _UNSTABLE))
def test_what_the_hash_leaves_out_is_told(option):
    assert option in NAMED or (option.startswith("login_") and "`login_*`" in TEXT)


def test_what_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
