# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import (
    BackupSet,
    format_lsn,
    labelled,
    named,
    newest_before,
    parse_history,
    parse_lsn,
    parse_time,
    read_sets,
    stanza_of,
)

ENTRY: Dict[str, Any] = {
    "name": "main",
    "status": {"code": 0, "message": "ok"},
    "repo": [{"key": 1, "status": {"code": 0, "message": "ok"}}],
    "db": [
        {"id": 1, "repo-key": 1, "system-id": 7, "version": "14"},
        {"id": 2, "repo-key": 1, "system-id": 8, "version": "15"},
    ],
    "backup": [
        {
            "label": "20260112-090000F_20260113-090000I",
            "type": "incr",
            "annotation": {"label": "two", "proven": "2026-01-13T09:01:00+00:00"},
            "archive": {"start": "0000000B0000000000000005", "stop": "0000000B0000000000000006"},
            "database": {"id": 2, "repo-key": 1},
            "error": True,
            "info": {"size": 100, "repository": {"size": 10}},
            "lsn": {"start": "0/5000028", "stop": "1/6000050"},
            "reference": ["20260112-090000F"],
            "timestamp": {"start": 1768294800, "stop": 1768294804},
        },
        {
            "label": "20260112-090000F",
            "type": "full",
            "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"},
            "database": {"id": 1, "repo-key": 1},
            "error": None,
            "info": {"size": 90, "repository": {"size": 9}},
            "lsn": {"start": "0/2000028", "stop": "0/2000138"},
            "reference": None,
            "timestamp": {"start": 1768208400, "stop": 1768208403},
        },
    ],
}


def made(number: int, **changed: Any) -> BackupSet:
    at = datetime(2026, 1, number, tzinfo=timezone.utc)
    known: Dict[str, Any] = {
        "name": f"set{number}",
        "kind": "full",
        "started_at": at,
        "stopped_at": at,
        "stop_lsn": number * 100,
        "timeline": 1,
        "bytes": 1,
        "repository_bytes": 1,
        "system_identifier": 7,
        "server_major": "15",
        "damaged": False,
        "references": (),
        "annotations": {"label": f"label{number}"},
    }
    return BackupSet(**{**known, **changed})


def test_backups_are_read_oldest_first_each_with_its_cluster() -> None:
    first, second = read_sets(ENTRY)
    assert (first.name, first.system_identifier, first.server_major) == (
        "20260112-090000F",
        7,
        "14",
    )
    assert (first.label, first.proven, first.damaged, first.references) == (None, False, False, ())
    assert (second.system_identifier, second.label, second.timeline) == (8, "two", 11)
    assert (second.proven, second.damaged) == (True, True)
    assert second.references == ("20260112-090000F",)
    assert second.stop_lsn == (1 << 32) + 0x6000050


def test_a_backup_is_described_as_roles_hand_it_on() -> None:
    annotations = {"label": "one", "keep": "true", "restore_seconds": "4.210", "proven": "x"}
    told = made(1, annotations=annotations).describe("main")
    assert told["path"] == "main/set1"
    assert told["keep"] is True
    assert told["restore_seconds"] == 4.21
    assert told["server_version"] == "15"
    assert len(told["hash"]) == 64


def test_the_hash_is_of_the_backup_and_not_of_what_is_noted_on_it() -> None:
    assert made(1).digest == made(1, annotations={"proven": "x"}).digest
    assert made(1).digest != made(1, stop_lsn=101).digest


@pytest.mark.parametrize(
    ("status", "repository", "says"),
    [
        pytest.param({"code": 1, "message": "missing stanza path"}, "ok", "has no stanza main"),
        pytest.param({"code": 3, "message": "missing data"}, "ok", "stanza-create"),
        pytest.param(
            {"code": 99, "message": "other"}, "[X] no\nroute", r"cannot be read: \[X\] no"
        ),
        pytest.param({"code": 5, "message": "mixed"}, "mismatch", "cannot be read: mismatch"),
    ],
    ids=["no stanza", "no data of it", "the repository is away", "repositories that differ"],
)
def test_what_the_repository_cannot_tell_is_an_error(
    status: Dict[str, Any], repository: str, says: str
) -> None:
    repo = [{"status": {"code": 1, "message": repository}}]
    with pytest.raises(PgError, match=says):
        stanza_of([{**ENTRY, "status": status, "repo": repo}], "main")


def test_a_stanza_without_backups_is_none_the_worse() -> None:
    entry = {**ENTRY, "status": {"code": 2, "message": "no valid backups"}, "backup": []}
    assert read_sets(stanza_of([entry], "main")) == []
    with pytest.raises(PgError, match="has no stanza other"):
        stanza_of([entry], "other")


def test_a_label_names_one_backup_or_none() -> None:
    assert labelled([made(1), made(2)], "label2") == made(2)
    assert labelled([made(1)], "label2") is None
    with pytest.raises(PgError, match=r"more than one backup .set1, set2."):
        labelled([made(1), made(2, annotations={"label": "label1"})], "label1")


def test_a_set_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(PgError, match=r"set9; it has set2 .label2., set1 .no label."):
        named([made(1, annotations={}), made(2)], "set9")


@pytest.mark.parametrize(
    ("backup", "reachable"),
    [
        pytest.param(made(3), True, id="on the timeline itself"),
        pytest.param(made(3, timeline=0, stop_lsn=40), True, id="on a parent before it was left"),
        pytest.param(made(3, timeline=0, stop_lsn=60), False, id="on a parent after it was left"),
        pytest.param(made(3, timeline=9), False, id="on a timeline that was abandoned"),
        pytest.param(made(3, damaged=True), False, id="damaged"),
        pytest.param(made(6), False, id="after the target"),
    ],
)
def test_only_backups_of_the_same_past_can_reach_a_target(
    backup: BackupSet, reachable: bool
) -> None:
    target = datetime(2026, 1, 5, tzinfo=timezone.utc)
    chosen = newest_before([made(2), backup], {0: 50}, timeline=1, time=target)
    assert (chosen == backup) == reachable
    assert (newest_before([made(2), backup], {0: 50}, timeline=1, lsn=500) == backup) == reachable


def test_a_target_before_all_backups_is_an_error() -> None:
    with pytest.raises(PgError, match="ended before 0/32: the repository has set1"):
        newest_before([made(1)], {}, timeline=1, lsn=50)


@pytest.mark.parametrize("text", ["0/0", "0/3000148", "A/FF", "FFFFFFFF/FFFFFFFF"])
def test_a_location_is_written_as_it_was_read(text: str) -> None:
    assert format_lsn(parse_lsn(text)) == text


@pytest.mark.parametrize("text", ["", "3000148", "0/", "0/G", "0/123456789", "0/1 or so"])
def test_what_is_no_location_is_an_error(text: str) -> None:
    with pytest.raises(PgError, match="no WAL location"):
        parse_lsn(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("soon", "no time", id="no time"),
        pytest.param("2026-01-12T09:00:00", "any time zone", id="no zone"),
    ],
)
def test_a_time_that_could_be_another_is_an_error(text: str, says: str) -> None:
    with pytest.raises(PgError, match=says):
        parse_time(text)


@pytest.mark.parametrize("text", ["2026-01-12T09:00:00Z", "2026-01-12 10:00:00+01:00"])
def test_a_time_is_a_moment(text: str) -> None:
    assert parse_time(text) == datetime(2026, 1, 12, 9, tzinfo=timezone.utc)


def test_a_history_says_where_timelines_were_left() -> None:
    text = "1\t0/5000000\tno recovery target specified\n\n# note\n2\t1/0\tbefore 2026\n"
    assert parse_history(text) == {1: 0x5000000, 2: 1 << 32}
