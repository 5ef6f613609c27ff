# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README tells people to type does what it says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.tests.e2e.runs import play
from ansible_collections.phased.rollout.tests.e2e.world import CHECKOUT, REMOTE, SSH, run

README = (CHECKOUT / "README.md").read_text()
COMMANDS = [
    line[2:]
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
#: What is running right now cannot run itself.
ELSEWHERE = {"make test"}
MINE = CHECKOUT / "inventories" / "mine"


def block_after(words: str) -> str:
    """Return the first YAML of the README that stands after some words."""
    found = re.search(r"```yaml\n(.*?)```", README.partition(words)[2], re.DOTALL)
    assert found, f"no YAML stands after {words}"
    return found[1]


@pytest.fixture(scope="module")
def own_inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The inventory that the README shows, for a repository that is there."""
    shop = tmp_path_factory.mktemp("shop")
    commit = ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--allow-empty"]
    run(["git", "init", "--quiet", "--initial-branch=main", str(shop)])
    for branch in ("main", "development", "feature/checkout"):
        run(["git", "checkout", "--quiet", "-B", branch], cwd=shop)
        run(["git", *commit, "--quiet", "--message", branch], cwd=shop)
    plan = block_after("`inventories/mine/group_vars/all/plan.yml`")
    plan = plan.replace("ssh://git@git.example.com/shop.git", shop.as_uri())
    plan = re.sub(r"rollout_home: .*", f"rollout_home: {shop / 'home'}", plan)
    assert shop.as_uri() in plan
    (MINE / "group_vars/all").mkdir(parents=True)
    (MINE / "hosts.yml").write_text(block_after("`inventories/mine/hosts.yml`"))
    (MINE / "group_vars/all/plan.yml").write_text(plan)
    yield
    shutil.rmtree(MINE)


def test_the_readme_has_commands():
    assert len(COMMANDS) >= 6
    assert set(COMMANDS) >= ELSEWHERE


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ELSEWHERE])
def test_a_command_of_the_readme_works(command, own_inventory):
    assert run(shlex.split(command), cwd=CHECKOUT)


@pytest.mark.parametrize("inventory", ["lab", "staging", "prod"])
def test_every_inventory_has_a_plan_that_makes_sense(inventory):
    lab = {
        "rollout_repository": {"url": REMOTE, "release": "main", "integration": "development"},
        "rollout_git_environment": {"GIT_SSH_COMMAND": SSH},
        "rollout_home": str(CHECKOUT / ".cache/lab/rollout"),
    }
    ran = play(
        "phase1", "--tags", "always", "-e", shlex.quote(json.dumps(lab)), inventory=inventory
    )
    assert ran.rc == 0, ran.output
    assert "Phase 1, SSOT bridge foundation" in ran.output


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)[^)]*\)", README))))
def test_a_link_of_the_readme_leads_somewhere(link):
    assert Path(CHECKOUT, link).exists()
