# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On random histories, a change that lands again leaves what it would have without the revert."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._merge import Merger
from ansible_collections.phased.rollout.plugins.module_utils._merge_request import MergeRequest
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

WORDS = "".join(f"{n}\n" for n in range(30))


@pytest.mark.parametrize("seed", range(25))
def test_random_changes_land_again_as_if_they_had_never_gone(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {f"d{n % 3}/f{n}": f"{n}\n{WORDS}" for n in range(9)})

    def work(branch: str, lines: range) -> None:
        chosen = chance.sample(range(9), 3)
        found: dict[str, Optional[str]] = {f"new/{branch}{chance.random()}": "new\n"}
        sandbox.git("checkout", "-q", branch)
        for n in chosen:
            path = sandbox.work / f"d{n % 3}/f{n}"
            text = path.read_text().splitlines() if path.exists() else ["again"]
            text[min(chance.choice(lines), len(text) - 1)] = f"{branch} {chance.random()}"
            found[f"d{n % 3}/f{n}"] = "\n".join(text) + "\n"
        sandbox.commit(branch, found)

    sandbox.commit("feature", {"feature": "f\n"})
    work("feature", range(1, 5))
    work("main", range(20, 25))
    merge = sandbox.merge("main", "feature")
    sandbox.git("branch", "kept", merge)
    sandbox.revert("main", merge)
    work("main", range(10, 15))
    sandbox.git("checkout", "-q", "kept")
    sandbox.git("cherry-pick", "--allow-empty", "main")
    work("feature", range(1, 5))
    sandbox.merge("kept", "feature")
    request = MergeRequest("main", [Change("feature", "feature")], ("A", "a@x"))
    after = Merger(Repository(sandbox.work), request).compute(1_800_000_000).after
    assert sandbox.tree(after) == sandbox.tree("kept")
