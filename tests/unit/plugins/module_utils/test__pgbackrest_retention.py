# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_retention import Retention
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_retention import expendable
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import BackupSet

NOW = datetime(2026, 1, 31, tzinfo=timezone.utc)
PROVEN: Dict[str, Any] = {"proven": "x"}
KEPT: Dict[str, Any] = {"keep": "true"}


def made(day: int, *references: int, damaged: bool = False, **annotations: Any) -> BackupSet:
    at = datetime(2026, 1, day, tzinfo=timezone.utc)
    label = {"label": f"b{day}"}
    return BackupSet(
        name=f"set{day}",
        kind="full",
        started_at=at,
        stopped_at=at,
        stop_lsn=day,
        timeline=1,
        bytes=1,
        repository_bytes=1,
        system_identifier=7,
        server_major="15",
        damaged=damaged,
        references=tuple(f"set{number}" for number in references),
        annotations={**label, **annotations},
    )


@pytest.mark.parametrize(
    ("sets", "retention", "gone"),
    [
        pytest.param([made(1), made(2), made(3)], Retention(count=1), ["b2", "b1"], id="too many"),
        pytest.param([made(1), made(3)], Retention(count=2), [], id="not too many"),
        pytest.param(
            [made(1), made(3)], Retention(age=timedelta(days=29)), ["b1"], id="one is too old"
        ),
        pytest.param(
            [made(1, **KEPT), made(2), made(3)], Retention(count=1), ["b2"], id="one is to keep"
        ),
        pytest.param(
            [made(1, **PROVEN), made(2), made(3)],
            Retention(count=1),
            ["b2"],
            id="the last one that is proven",
        ),
        pytest.param(
            [made(1, **PROVEN), made(2, **PROVEN), made(3)],
            Retention(count=1),
            ["b1"],
            id="one was proven after it",
        ),
        pytest.param(
            [made(1), made(2, 1, **KEPT), made(3)],
            Retention(count=1),
            [],
            id="one to keep needs it",
        ),
        pytest.param(
            [made(1), made(2, 1), made(3)], Retention(count=1), ["b2", "b1"], id="all of a chain"
        ),
        pytest.param(
            [made(1), made(2, 1, label=""), made(3)],
            Retention(count=1),
            [],
            id="somebody else's needs it",
        ),
        pytest.param([made(1, label=""), made(3)], Retention(count=1), [], id="somebody else's"),
        pytest.param([made(1, damaged=True), made(3)], Retention(count=1), [], id="damaged"),
        pytest.param(
            [made(1), made(2), made(3)],
            Retention(count=1, labels=("b2*", "b3*")),
            ["b2"],
            id="only some labels",
        ),
        pytest.param([made(3), made(4)], Retention(count=1), [], id="younger than this one"),
    ],
)
def test_what_retention_lets_go(
    sets: List[BackupSet], retention: Retention, gone: List[str]
) -> None:
    found = expendable(sets, retention, label="b3", now=NOW)
    assert [each.label for each in found] == gone
