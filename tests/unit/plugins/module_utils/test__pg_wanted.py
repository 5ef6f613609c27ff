# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import Facts
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_wanted import Wanted
from ansible_collections.phased.rollout.tests.unit.plugins.module_utils.test__pg_preflight import (
    FACTS,
)

PARAMS: dict[str, Any] = {
    "login_db": "app",
    "label": "pre-phase-1",
    "directory": "/backups",
    "jobs": 2,
    "proof": "database",
    "scratch_directory": None,
    "invariants": {},
    "version_query": None,
    "git_tree": None,
    "keep": False,
    "retention": None,
    "encryption": None,
    "copies": [],
}
AGE = {"method": "age", "recipients": ["age1x"]}
MANIFEST: dict[str, Any] = {
    **dict.fromkeys(
        ["server_version_num", "taken_at", "tables", "roles", "properties", "superuser", "proof"]
    ),
    "database": "app",
    "system_identifier": "7",
    "git_tree": "4f2b",
    "keep": False,
    "encryption": None,
    "bytes": 1,
    "seconds": 1,
}


def test_where_the_backup_will_be() -> None:
    wanted = Wanted.of(PARAMS)
    assert wanted.folder == Path("/backups/pre-phase-1")
    assert wanted.proof.scratch == Path("/backups")
    assert Wanted.of({**PARAMS, "scratch_directory": "/big"}).proof.scratch == Path("/big")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        pytest.param({"label": "../x"}, "label '../x' is not usable", id="a label that leaves"),
        pytest.param({"jobs": 0}, "jobs is 0: at least 1", id="no jobs"),
        pytest.param(
            {"retention": {"count": 0, "age": None, "labels": []}},
            "must stay",
            id="no backup stays",
        ),
        pytest.param(
            {"copies": [{"host": "-x", "directory": "/"}]}, "no name of a host", id="a copy"
        ),
        pytest.param(
            {"encryption": {"method": "age", "recipients": []}},
            "recipients",
            id="nobody can read it",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(PgError, match=says):
        Wanted.of({**PARAMS, **params})


@pytest.mark.parametrize(
    ("params", "manifest"),
    [
        pytest.param({"git_tree": "4f2b"}, {}, id="the same in every way"),
        pytest.param({}, {}, id="no tree was asked for"),
        pytest.param({"encryption": AGE}, {"encryption": AGE}, id="encrypted for the same"),
        pytest.param({}, {"encryption": AGE}, id="encrypted, which was not asked for"),
    ],
)
def test_a_backup_that_is_the_one_that_is_wanted(
    params: dict[str, Any], manifest: dict[str, Any]
) -> None:
    Wanted.of({**PARAMS, **params}).require_same({**MANIFEST, **manifest}, Facts(**FACTS))


@pytest.mark.parametrize(
    ("params", "manifest", "says"),
    [
        pytest.param(
            {}, {"database": "other"}, "is a backup of database other, not of app", id="a database"
        ),
        pytest.param(
            {}, {"system_identifier": "8"}, "comes from the server 8, not from", id="a server"
        ),
        pytest.param(
            {"git_tree": "aaaa"}, {}, "with the tree 4f2b in production, not aaaa", id="a tree"
        ),
        pytest.param(
            {"git_tree": "aaaa"}, {"git_tree": None}, r"the tree \(none stated\)", id="no tree"
        ),
        pytest.param({"encryption": AGE}, {}, "is not encrypted", id="not encrypted"),
        pytest.param(
            {"encryption": AGE},
            {"encryption": {"method": "age", "recipients": ["age1y"]}},
            r"encrypted with age for \['age1y'\]",
            id="encrypted for others",
        ),
    ],
)
def test_a_backup_that_differs_says_in_what(
    params: dict[str, Any], manifest: dict[str, Any], says: str
) -> None:
    wanted = Wanted.of({**PARAMS, **params})
    with pytest.raises(PgError, match=f"label pre-phase-1 is taken: .*{says}.* choose another"):
        wanted.require_same({**MANIFEST, **manifest}, Facts(**FACTS))


def test_a_manifest_of_something_else_is_no_backup_of_this() -> None:
    with pytest.raises(PgError, match=r"its manifest lacks system_identifier, .* and 8 more"):
        Wanted.of(PARAMS).require_same({"database": "app", "files": {}}, Facts(**FACTS))
