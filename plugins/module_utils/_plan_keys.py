# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a plan: the one table that checks, records and the JSON Schema are made from.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from datetime import timezone

from ansible_collections.phased.rollout.plugins.module_utils._duration import (
    WITH_UNITS,
    whole_seconds,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import RISKS
from ansible_collections.phased.rollout.plugins.module_utils._plan_kinds import (
    Key,
    Listed,
    Named,
    Table,
    anything,
    choice,
    flag,
    matching,
    text,
    whole,
    written,
)
from ansible_collections.phased.rollout.plugins.module_utils._plan_planned import (
    DAYS_PLANNED,
    HOURS,
    read_hours,
    read_planned_days,
)
from ansible_collections.phased.rollout.plugins.module_utils._window_parts import (
    CLOCK,
    WEEKDAYS,
    read_clock,
    read_days,
    read_moment,
    read_zone,
)

STAGES = ("integration", "staging", "production")
SOURCES = ("prometheus", "sql", "decisions", "http", "websocket", "command", "junit", "value")
STRATEGIES = ("rolling", "blue_green")
#: What this version deploys. Of the others it checks that the plan is right, and refuses to run it.
DEPLOYED_STRATEGIES = ("rolling",)
DEFAULT_DEPLOY = {"strategy": "rolling", "batches": [1, "100%"]}
DEFAULT_INTERVAL_SECONDS = 300

_DURATION = written(whole_seconds, WITH_UNITS)
_NAMES = Listed(text("error_ratio"))
_BATCH = matching(r"[1-9]\d*|(?:100|[1-9]?[1-9]|[1-9]0)%", "a number of hosts or 1% to 100%")
_ZONE = Key(
    written(read_zone, r"[A-Za-z0-9_+/-]+"), "Time zone of these times.", default=timezone.utc
)
_RISK = choice(*RISKS)

_PLANNED = Named(
    Table({
        "hours": Key(written(read_hours, HOURS, "number"), "Hours it is to take, as 12 or 16-20."),
        "people": Key(whole(), "How many people it needs."),
        "days": Key(written(read_planned_days, DAYS_PLANNED, "integer"),
                    "Days of the project, as 3 or 7-9."),
    })
)  # fmt: skip
_PLANNED_KEY = Key(_PLANNED, "What each step is to take, for the report; `total` is the whole.")

_CHANGE = Table({
    "id": Key(text("bridge"), "What it is called everywhere.", "bridge"),
    "branch": Key(text("feature/bridge"), "Branch to merge, or a commit.", "feature/bridge"),
    "owner": Key(text("backend"), "Who answers for it."),
    "risk": Key(_RISK, "How much care it needs; by default as much as its phase."),
    "depends_on": Key(_NAMES, "Changes that must be merged before it.", default=[]),
    "migration": Key(choice("expand", "contract"), "Whether its migrations add, or take away."),
    "rollback": Key(
        Table({"within": Key(_DURATION, "How long it may take to take it back.")}),
        "How it is taken back.",
    ),
    "planned": _PLANNED_KEY,
})  # fmt: skip

_REQUEST = Table({
    "path": Key(text("/health"), "Path, below the URL of the stage.", "/health"),
    "method": Key(text("POST"), "Method, by default POST."),
    "body": Key(anything(), "What is sent, as JSON."),
    "status": Key(anything(), "Wanted status, or a list; by default 200."),
})  # fmt: skip
_TRACED = Table({
    "query": Key(text("SELECT count(*) FROM ..."), "Counts the records that the request has left."
                 " It is asked again until there is one; the answer's JSON gives its parameters.",
                 "SELECT count(*) FROM ..."),
})  # fmt: skip
_VALIDATION = Table({
    "name": Key(text("smoke"), "What it is called.", "smoke"),
    "command": Key(
        Listed(text("tests/smoke.sh"), least=1, example="[tests/smoke.sh, --fast], program first"),
        "Program and arguments, run in a checkout of the tree.",
    ),
    "request": Key(_REQUEST, "Request to the stage, instead of a command."),
    "traced": Key(_TRACED, "How the record of the request is found in the database."),
    "timeout": Key(whole(), "Seconds that the command may take."),
    "critical": Key(flag("a hotfix must pass it"), "Whether a hotfix must pass it.", default=False),
})  # fmt: skip

_REQUIREMENT = Table({
    "phase": Key(whole(), "Number of the phase.", "1"),
    "stable_for": Key(_DURATION, "How long its watch must have held.", "48h"),
})  # fmt: skip
_APPROVAL = Table({
    "role": Key(text("cto"), "In which role somebody approves.", "cto"),
    "count": Key(whole(), "How many persons.", default=1),
    "persons": Key(Listed(text("ada"), least=1, example="[ada]"),
                   "Who may, by default those of rollout_roles."),
    "expires": Key(_DURATION, "How long an approval counts, by default until the plan changes."),
    "exclude_runner": Key(flag("whoever runs the phase may not approve it"),
                          "Whether whoever runs the phase may not approve it.", default=False),
})  # fmt: skip
_WINDOW = Table({
    "days": Key(written(read_days, WEEKDAYS), "Days on which it opens, as mon-thu or mon,wed.",
                default=read_days("mon-sun")),
    "from": Key(written(read_clock, CLOCK), "When it opens.", default=0),
    "to": Key(written(read_clock, CLOCK), "When it closes; before `from`, on the next day.",
              default=24 * 60),
    "timezone": _ZONE,
    "low_traffic": Key(Table({"objective": Key(text("traffic"), "Its name.", "traffic")}),
                       "An objective that must hold at the time, such as few requests."),
})  # fmt: skip
_WATCH = Table({
    "duration": Key(_DURATION, "How long it is watched after its deployment.", "48h"),
    "interval": Key(_DURATION, "How often it is measured.", default=DEFAULT_INTERVAL_SECONDS),
    "objectives": Key(Listed(text("error_ratio"), least=1, example="[error_ratio]"),
                      "What must hold, by default its gate."),
    "on_breach": Key(choice("reset", "pause", "fail"), "What a breach does to the time that it"
                     " has been stable.", default="reset"),
    "critical": Key(_NAMES, "Those of the objectives whose breach takes the phase back.",
                    default=[]),
})  # fmt: skip
_ROLLBACK = Table({
    "within": Key(_DURATION, "How long it may take; by default the shortest of its changes."),
    "database": Key(choice("restore", "migrate", "keep", "refuse"), "What happens to the database.",
                    default="keep"),
    "policy": Key(choice("automatic", "freeze"), "Whether it starts by itself, or everything stops"
                  " for a person to decide.", default="automatic"),
    "rehearsed": Key(text("rollback_rehearsed"), "Objective that says it was rehearsed; it becomes"
                     " a prerequisite."),
})  # fmt: skip
_CONTACT = Table({
    "person": Key(text("ada"), "Who is called.", "ada"),
    "contact": Key(text("+41 44 123 45 67"), "How."),
    "after": Key(_DURATION, "How long after it began, by default at once.", default=0),
    "for": Key(text("security"), "For which kind of trouble, by default for all."),
})  # fmt: skip
_DEPLOY = Table({
    "strategy": Key(choice(*STRATEGIES), "How production is switched.",
                    default=DEFAULT_DEPLOY["strategy"]),
    "batches": Key(Listed(_BATCH, least=1, example='[1, "100%"]'),
                   "How many hosts at a time, one entry a batch.",
                   default=DEFAULT_DEPLOY["batches"]),
})  # fmt: skip

PHASE = Table({
    "id": Key(whole(), "Its number; a phase can only stand on lower ones.", "1"),
    "name": Key(text("SSOT bridge foundation"), "What it brings.", "SSOT bridge foundation"),
    "risk": Key(_RISK, "How much care it needs; each risk requires controls.", default="medium"),
    "changes": Key(Listed(_CHANGE, least=1, example="[{id: bridge, branch: feature/bridge}]"),
                   "What is merged, in this order.", "[{id: bridge, branch: feature/bridge}]",
                   []),
    "requires": Key(Listed(_REQUIREMENT), "Phases that must have been stable.", default=[]),
    "prerequisites": Key(_NAMES, "Objectives that must hold to begin.", default=[]),
    "gate": Key(_NAMES, "Objectives that must hold in the end.", default=[]),
    "inherits": Key(Listed(whole()), "Phases whose gates its gate contains.", default=[]),
    "validations": Key(
        Table({stage: Key(Listed(_VALIDATION), f"On {where}.", default=[])
               for stage, where in zip(STAGES, ("the candidate", "staging", "production"))}),
        "What is run and sent to see whether it works."),
    "approvals": Key(Listed(_APPROVAL), "Who must approve.", default=[]),
    "window": Key(_WINDOW, "When it may be released and deployed."),
    "deploy": Key(_DEPLOY, "How production is deployed."),
    "watch": Key(_WATCH, "How it is watched after its deployment."),
    "rollback": Key(_ROLLBACK, "How it is taken back."),
    "escalation": Key(Listed(_CONTACT), "Who is called, in this order.", default=[]),
    "planned": _PLANNED_KEY,
    "tag": Key(text("v1.0.0"), "Tag of its release.", "v1.0.0"),
})  # fmt: skip
FREEZE = Table({
    "from": Key(written(read_moment, r"\d{4}-\d\d-\d\d.*"), "Its first day, or when it begins.",
                "2026-12-24"),
    "to": Key(written(read_moment, r"\d{4}-\d\d-\d\d.*"), "Its last day, or when it ends.",
              "2026-12-26"),
    "reason": Key(text("Christmas"), "Why.", "Christmas"),
    "timezone": _ZONE,
})  # fmt: skip

PHASES = Listed(PHASE, least=1, example="[{id: 1, name: ...}]")
FREEZES = Listed(FREEZE)
ROLES = Named(Listed(text("ada"), least=1, example="[ada]"))
