# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash of a plan, to which approvals are bound. Pure.

It holds what decides how a phase goes: its record, what its objectives ask and which limits they
have, what it requires of earlier phases, and the freezes. Left out is what differs from run to run
or from one control node to the next, though the plan is the same: hosts, folders, credentials, and
values that are known only when they are measured. This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import Any, Dict, Iterable, Mapping, Tuple
from urllib.parse import urlsplit

from ansible_collections.phased.rollout.plugins.module_utils._plan_controls import watched
from ansible_collections.phased.rollout.plugins.module_utils._plan_read import Plan

#: Of these options of a source only that they are there counts.
_UNSTABLE = frozenset({
    "value", "headers", "body", "environment", "database",
    "login_host", "login_port", "login_user", "login_password", "login_db",
})  # fmt: skip
#: Of these only the last part counts, which is the same on every control node.
_FOLDERS = frozenset({"path", "chdir", "tests", "ca_cert"})


def plan_hash(record: Mapping[str, Any], plan: Plan) -> str:
    """Return the SHA-256, in hex, of what decides how the phase of this record goes."""
    required = [plan.by_id[one["phase"]] for one in record["requires"]]
    content = {
        "phase": record,
        "objectives": {name: _objective(plan.objectives[name].raw) for name in _named(record)},
        "requires": {
            phase["id"]: {"tag": phase["tag"], "watch": phase["watch"],
                          "watched": watched(phase, plan.by_id)}
            for phase in required
        },
        "freezes": [(one.since.isoformat(), one.until.isoformat(), one.reason)
                    for one in plan.freezes],
    }  # fmt: skip
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: Any) -> str:
    """Return one text for what is the same: keys sorted, no spaces, sets as sorted lists."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)


def _named(record: Mapping[str, Any]) -> Iterable[str]:
    watch = (record["watch"] or {}).get("objectives") or ()
    return sorted({*record["prerequisites"], *record["gate"], *watch})


def _objective(raw: Mapping[str, Any]) -> Dict[str, Any]:
    return {**raw, "source": _stable(raw["source"])}


def _stable(asked: Any) -> Any:
    """Return what is asked without where and as whom it is asked."""
    if isinstance(asked, list):
        return [_stable(one) for one in asked]
    if not isinstance(asked, Mapping):
        return asked
    return dict(_option(str(key), value) for key, value in asked.items())


def _option(key: str, value: Any) -> Tuple[str, Any]:
    if key in _UNSTABLE:
        return key, None
    if key == "params":
        return key, sorted(value) if isinstance(value, Mapping) else None
    if key == "url":
        return key, urlsplit(str(value)).path
    if key in _FOLDERS:
        return key, PurePosixPath(str(value)).name
    return key, _stable(value)
