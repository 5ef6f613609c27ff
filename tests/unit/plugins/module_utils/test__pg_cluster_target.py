# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_target import Wanted
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

PARAMS: Dict[str, Any] = {
    "label": None,
    "set": None,
    "to_time": None,
    "to_lsn": None,
    "accept_loss": 0,
    "jobs": 2,
    "archive_timeout": 60.0,
    "login_db": "shop",
    "login_user": None,
    "invariants": {},
}


def test_a_target_is_read_as_what_it_is() -> None:
    wanted = Wanted.of({**PARAMS, "label": "one", "to_time": "2026-01-12T09:00:00Z"})
    assert wanted.label == "one"
    assert wanted.time == datetime(2026, 1, 12, 9, tzinfo=timezone.utc)
    assert Wanted.of({**PARAMS, "to_lsn": "1/0"}).lsn == 1 << 32


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"jobs": 0}, "jobs is 0: at least 1", id="no jobs"),
        pytest.param({"accept_loss": -2}, "accept_loss is -2: at least -1", id="less than nothing"),
        pytest.param({"to_time": "2999-01-01T00:00:00Z"}, "still to come", id="the future"),
        pytest.param({"to_lsn": "here"}, "no WAL location", id="no LSN"),
        pytest.param({"label": "a/b"}, "not usable", id="a label with a path"),
    ],
)
def test_what_makes_no_sense_is_an_error(changed: Dict[str, Any], says: str) -> None:
    with pytest.raises(PgError, match=says):
        Wanted.of({**PARAMS, **changed})
