# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_checks import (
    Room,
    require_extensions,
    require_rights,
    require_server,
    require_unblocked,
    subscriptions_in,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server

LISTING = """;
; Archive created at 2026-01-12 09:00:00 UTC
; Selected TOC Entries:
;
2; 3079 16390 EXTENSION - uuid-ossp 
3410; 0 0 COMMENT - EXTENSION "uuid-ossp" 
217; 1259 16401 TABLE public EXTENSION - x owner
3411; 6100 16500 SUBSCRIPTION - my feed tower_owner
4; 3079 16391 EXTENSION - hstore 
"""  # noqa: W291
MANIFEST = {"label": "one", "server_version": "15.8", "server_version_num": 150008}
Usage = namedtuple("Usage", "total used free")
GB = 10**9


class Answers:
    """A session that knows rows by a word of the question."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers

    def rows(self, query: str) -> list[dict[str, Any]]:
        return next((rows for word, rows in self.answers.items() if word in query), [])


def facts(**changes: Any) -> Any:
    known: dict[str, Any] = {
        **{"version_num": 150008, "version": "15.8", "in_recovery": False, "superuser": False},
        **{"user": "ada", "data_directory": "/data", "system_identifier": "7"},
        **changes,
    }
    return SimpleNamespace(major=known["version_num"] // 10000, **known)


@pytest.mark.parametrize("version", [150001, 150008, 160000, 180000])
def test_a_server_of_the_same_version_or_newer_will_do(version: int) -> None:
    require_server(facts(version_num=version), MANIFEST)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"version_num": 140020, "version": "14.20"}, "which 14.20 cannot", id="older"),
        pytest.param({"in_recovery": True}, "the server is a standby", id="a standby"),
    ],
)
def test_any_other_server_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PgError, match=says):
        require_server(facts(**changes), MANIFEST)


def test_rights_that_are_missing_are_named() -> None:
    session: Any = Answers(CREATEDB=[{"name": "CREATEDB"}, {"name": "membership in bob"}])
    with pytest.raises(PgError, match="role ada may not restore: it lacks CREATEDB, membership in"):
        require_rights(session, facts(), ["bob"])
    require_rights(session, facts(superuser=True), ["bob"])
    require_rights(Answers(), facts(), [])  # type: ignore[arg-type]


def test_extensions_that_are_missing_are_named() -> None:
    session: Any = Answers(pg_available_extensions=[{"name": "uuid-ossp"}, {"name": "hstore"}])
    require_extensions(session, LISTING)
    session = Answers(pg_available_extensions=[{"name": "hstore"}])
    with pytest.raises(PgError, match="does not have the extension uuid-ossp, which the backup"):
        require_extensions(session, LISTING)
    require_extensions(session, "")


def test_subscriptions_are_found_whatever_their_name() -> None:
    assert subscriptions_in(LISTING) == ["my feed"]
    assert subscriptions_in("") == []


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("pg_prepared_xacts", "database live has prepared transactions x: COMMIT PREPARED"),
        ("pg_replication_slots", "database live has logical replication slots x: whoever"),
        ("pg_subscription", "database live has subscriptions x: they would go on"),
        ("datallowconn", "database live has the property x: what would be lost"),
    ],
)
def test_what_binds_a_database_is_named(place: str, says: str) -> None:
    with pytest.raises(PgError, match=says):
        require_unblocked(Answers(**{place: [{"name": "x"}]}), "live")  # type: ignore[arg-type]


def test_a_database_that_nothing_binds_will_do() -> None:
    require_unblocked(Answers(), "live")  # type: ignore[arg-type]


SOCKET, NETWORK = Server({"PGHOST": "/run/postgresql"}), Server({"PGHOST": "db.example.com"})


@pytest.mark.parametrize(
    ("usage", "needed", "says"),
    [
        pytest.param(Usage(100 * GB, 0, 50 * GB), 48 * GB, None, id="it fits"),
        pytest.param(
            Usage(100 * GB, 0, 50 * GB), 49 * GB, "needs 49.0 GB, and 1.1 GB must", id="not quite"
        ),
        pytest.param(Usage(GB, 0, GB // 2), 450_000_000, None, id="a twentieth of a small disk"),
        pytest.param(
            Usage(GB, 0, GB // 2), 450_000_001, "needs 450.0 MB, and 50.0 MB must", id="not less"
        ),
    ],
)
def test_a_database_needs_room_beside_the_live_one(
    monkeypatch: pytest.MonkeyPatch, usage: Usage, needed: int, says: str | None
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    room = Room(SOCKET, Answers(), facts(), None)  # type: ignore[arg-type]
    if says is None:
        room.require(needed)
        return
    with pytest.raises(PgError, match=f"/data has .* free: the restored database {says}"):
        room.require(needed)


@pytest.mark.parametrize("full", ["/data", "/data/pg_wal", "/fast/space"])
def test_every_disk_that_the_server_writes_to_is_watched(
    monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    def disk_usage(path: Path) -> Usage:
        return Usage(100 * GB, 0, GB if str(path) == full else 90 * GB)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    session: Any = Answers(pg_tablespace_location=[{"path": "/fast/space"}])
    room = Room(SOCKET, session, facts(), "fast")
    with pytest.raises(PgError, match=f"{full} has 1.0 GB free: the restore was stopped"):
        room.watch()


def test_what_cannot_be_seen_is_left_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_usage(path: Path) -> Usage:
        raise PermissionError(path)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    Room(SOCKET, Answers(), facts(), None).require(GB)  # type: ignore[arg-type]
    Room(NETWORK, Answers(), facts(), None).require(GB)  # type: ignore[arg-type]
    Room(SOCKET, Answers(), facts(data_directory=None), None).watch()  # type: ignore[arg-type]


@pytest.mark.parametrize(("identifier", "seen"), [("7", True), ("8", False)])
def test_a_server_over_the_network_may_be_on_this_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, identifier: str, seen: bool
) -> None:
    (tmp_path / "global").mkdir()
    control = (7).to_bytes(8, sys.byteorder) + b"more"
    (tmp_path / "global" / "pg_control").write_bytes(control)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(GB, 0, 0))
    known = facts(data_directory=str(tmp_path), system_identifier=identifier)
    room = Room(NETWORK, Answers(), known, None)  # type: ignore[arg-type]
    if not seen:
        room.watch()
        return
    with pytest.raises(PgError, match="has 0 bytes free"):
        room.watch()
