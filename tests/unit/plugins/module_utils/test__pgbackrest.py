# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest import (
    PgBackRest,
    Target,
    errors_of,
)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        pytest.param(
            Target(),
            ["--type=immediate", "--recovery-option=recovery_target_timeline=current"],
            id="the end of the backup",
        ),
        pytest.param(
            Target("time", "2026-01-12 09:00:00+00:00", "3"),
            ["--type=time", "--target=2026-01-12 09:00:00+00:00", "--target-timeline=3"],
            id="a time",
        ),
        pytest.param(
            Target("lsn", "0/3000148", "1"),
            ["--type=lsn", "--target=0/3000148", "--target-timeline=1"],
            id="an LSN",
        ),
    ],
)
def test_a_restore_stops_at_its_target_and_opens_there(target: Target, options: list[str]) -> None:
    assert sorted(target.options()) == sorted([*options, "--target-action=promote"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("no such thing", "no such thing", id="other words"),
        pytest.param(
            "WARN: old\nERROR: [082]: WAL was not archived\n       HINT: check it\n",
            "ERROR: [082]: WAL was not archived HINT: check it",
            id="a warning, an error and a hint",
        ),
        pytest.param("P00  ERROR: [050]: locked\n--------", "ERROR: [050]: locked", id="a process"),
    ],
)
def test_what_went_wrong_is_said_on_one_line(words: str, said: str) -> None:
    assert errors_of(words) == said


def test_a_stanza_without_a_data_directory_is_not_of_this_host() -> None:
    with pytest.raises(PgError, match="no pg1-path for stanza main"):
        PgBackRest("main").data_directory  # noqa: B018
