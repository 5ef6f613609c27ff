# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import write_manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_replaced import Retention
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

GIVEN: dict[str, Any] = {
    "login_db": "tower",
    "label": "one",
    "directory": "/backups",
    "jobs": 2,
    "accept_loss": 0,
    "into": None,
    "invariants": {},
    "identity_file": None,
    "scratch_directory": None,
    "expire_replaced": None,
}
MANIFEST: dict[str, Any] = {
    "label": "one",
    "database": "tower",
    "server_version": "15.8",
    "server_version_num": 150008,
    "system_identifier": "7",
    "snapshot": "1:1:",
    "tables": {},
    "roles": [],
    "properties": {},
}


@pytest.fixture
def asked(tmp_path: Path) -> Request:
    """A request for a backup that is there."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "dump").write_text("rows")
    write_manifest(folder, MANIFEST)
    return Request.of({**GIVEN, "directory": str(tmp_path)})


def change(request: Request, **changes: Any) -> None:
    path = request.directory / "one" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_is_not_said_has_a_meaning() -> None:
    request = Request.of({**GIVEN, "into": "", "identity_file": ""})
    assert request == Request("tower", "one", Path("/backups"), 2, Path("/backups"))
    assert request.target == "tower"
    assert request.retention == Retention()


def test_a_copy_has_a_name_of_its_own() -> None:
    assert Request.of({**GIVEN, "into": "rehearsal"}).target == "rehearsal"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"jobs": 0}, "jobs is 0: at least 1 is needed", id="nobody to work"),
        pytest.param({"accept_loss": -1}, "accept_loss is -1: at least 0", id="less than none"),
        pytest.param({"into": "tower"}, "into is tower, the database itself", id="into itself"),
        pytest.param({"label": "../x"}, "label '../x' is not usable", id="a path"),
        pytest.param({"expire_replaced": {"count": 0}}, "at least 1 database", id="none kept"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PgError, match=says):
        Request.of({**GIVEN, **changes})


def test_a_backup_is_locked_while_it_is_used(asked: Request) -> None:
    lock = asked.directory / ".one.lock"
    with asked.backup() as manifest, asked.backup():
        assert manifest["database"] == "tower"
        assert lock.exists()
    assert not lock.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"database": "power"}, "is a backup of database power, not of", id="foreign"),
        pytest.param({"label": "two"}, "holds the backup two: it was renamed", id="renamed"),
        pytest.param({"tables": None}, "its manifest lacks tables", id="no sums"),
        pytest.param({"tables": []}, "its manifest lacks tables", id="other sums"),
        pytest.param({"snapshot": 1}, "its manifest lacks snapshot", id="another snapshot"),
        pytest.param({"server_version_num": "15"}, "lacks server_version_num", id="a text"),
    ],
)
def test_a_backup_that_says_too_little_is_none(
    asked: Request, changes: dict[str, Any], says: str
) -> None:
    change(asked, **changes)
    with pytest.raises(PgError, match=says), asked.backup():
        pytest.fail("it was taken for a backup")


def test_a_file_that_changed_is_found(asked: Request) -> None:
    (asked.directory / "one" / "dump").write_text("other rows")
    with pytest.raises(PgError, match="is damaged: dump changed"), asked.backup():
        pytest.fail("it was taken for a backup")


def test_the_backups_that_there_are_get_named(tmp_path: Path) -> None:
    request = Request.of({**GIVEN, "directory": str(tmp_path / "none")})
    with (
        pytest.raises(PgError, match=r"no backup .*/none/one; .* cannot be read"),
        request.backup(),
    ):
        pytest.fail("it was taken for a backup")
    request = Request.of({**GIVEN, "directory": str(tmp_path)})
    with pytest.raises(PgError, match=r"there is no backup .*one; .* has none"), request.backup():
        pytest.fail("it was taken for a backup")
