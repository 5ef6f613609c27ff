# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that do not do what a plan wants of them. Pure.

A plan runs commands as validations and as sources of objectives; neither may change anything. This
module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, NamedTuple, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._plan_finding import Finding, doubt
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan, present

_ROLLBACK = "leave it to the rollback of the phase"


class Dead(NamedTuple):
    """A command by its words, what it does instead, and what would be right."""

    words: str
    problem: str
    suggestion: str


DEAD = (
    Dead(r"git .*\brevert\b(?!.*(?:\s-m|\s--mainline))",
         "git revert without -m 1 fails on a merge", _ROLLBACK),
    Dead(r"git .*\breset\b.*\s--hard\b", "git reset --hard throws work away", _ROLLBACK),
    Dead(r"git .*\bpush\b.*\s(?:--force(?!-with-lease)|-f)\b",
         "git push --force overwrites what others have pushed", _ROLLBACK),
    Dead(r"git .*\b(?:checkout\s+-b|switch\s+-c)\b",
         "it fails when it is run again: the branch is there", "use checkout -B or switch -C"),
    Dead(r"gh .*\bpr\s+close\b", "closing a pull request that is merged takes nothing back",
         _ROLLBACK),
    Dead(r"gcloud .*\brun\s+services\s+update\b.*\s--revision\b",
         "it does not send the traffic to another revision",
         "use gcloud run services update-traffic NAME --to-revisions REVISION=100"),
    Dead(r"(?i)\bdrop\s+(?:table|database|schema|column)\b",
         "it destroys data, which no backup was taken for", "use a migration, or the rollback"),
)  # fmt: skip


def command_findings(plan: Plan) -> Iterator[Finding]:
    """Yield commands that are known not to work, and those that ask the wrong environment."""
    for path, argv in _commands(plan):
        text = " ".join(argv)
        for dead in DEAD:
            if re.search(dead.words, text):
                yield doubt(path, dead.problem, dead.suggestion, rule="dead_command")
        if ".validations.production[" in path and re.search(r"\bstaging\b", text):
            yield doubt(
                path,
                "a validation of production names staging",
                "let it ask production",
                rule="wrong_environment",
            )


def _commands(plan: Plan) -> Iterator[Tuple[str, List[str]]]:
    for path, phase in plan.phases.items():
        for stage, items in (phase["validations"] or {}).items():
            for index, item in present(items):
                where = f"{path}.validations.{stage}[{index}].command"
                yield where, [word for _n, word in present(item["command"])]
    for name, stated in plan.objectives.items():
        argv: Any = stated.raw["source"].get("argv")
        if isinstance(argv, list):
            yield f"rollout_objectives.{name}.source.argv", [str(word) for word in argv]
