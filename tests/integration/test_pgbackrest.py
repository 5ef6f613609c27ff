# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of whole clusters: taken, proven, found again, and refused when they would be none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.clusters import (
    STANZA,
    Cluster,
    copy_of,
    template,
)

WAL = "SELECT archived_count, pg_walfile_name(pg_current_wal_lsn()) FROM pg_stat_archiver"
TREE, OTHER_TREE = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def origin() -> Iterator[Path]:
    with template() as folder:
        yield folder


@pytest.fixture
def cluster(origin: Path) -> Iterator[Cluster]:
    with copy_of(origin) as made:
        yield made
        assert made.is_up
        assert made.sql("SELECT count(*) FROM orders") == "1000"
        assert made.left() == {"main"}


def sets(cluster: Cluster) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.pgbackrest("--output=json", "info"))
    backups: list[dict[str, Any]] = found[0]["backup"]
    return backups


def labels(cluster: Cluster) -> list[str]:
    return [found["annotation"]["label"] for found in sets(cluster)]


def test_a_backup_is_taken_proven_and_found_again(cluster: Cluster) -> None:
    taken = cluster.backup(
        invariants={"all orders are there": "SELECT count(*) = 1000 FROM orders"},
        version_query="SELECT version_num FROM version_num",
        git_tree=TREE,
        keep=True,
    )
    backup = taken["backup"]
    assert taken["changed"]
    assert backup["rows"]["shop"] == {
        "public.nothing": 1,
        "public.orders": 1000,
        "public.version_num": 1,
        "large objects": 1,
    }
    assert set(backup["rows"]) == {"postgres", "shop", "odd = 'name'"}
    known: dict[str, Any] = {
        "label": "one",
        "method": "pgbackrest",
        "stanza": STANZA,
        "type": "full",
    }
    known |= {"migration_version": "0007", "git_tree": TREE, "keep": True, "proven": True}
    assert {name: backup[name] for name in known} == known
    assert backup["restore_seconds"] > 0
    assert backup["bytes"] > 0
    again = cluster.backup(git_tree=TREE)
    assert not again["changed"]
    assert {**again["backup"], "rows": backup["rows"]} == backup


def test_check_mode_takes_nothing_and_archives_nothing(cluster: Cluster) -> None:
    before = cluster.sql(WAL)
    told = cluster.module("pg_cluster_backup", label="one", check_mode=True)
    assert told["changed"]
    assert told["backup"]["label"] == "one"
    assert not told["backup"]["proven"]
    assert sets(cluster) == []
    assert cluster.sql(WAL) == before


def test_what_was_not_proven_is_proven_when_it_is_asked_for(cluster: Cluster) -> None:
    first = cluster.backup(proof="none")["backup"]
    assert not first["proven"]
    assert first["restore_seconds"] is None
    told = cluster.backup()
    assert told["changed"]
    assert told["backup"]["proven"]
    assert told["backup"]["set"] == first["set"]
    assert told["backup"]["hash"] == first["hash"]
    assert not cluster.backup(proof="none")["changed"]


def test_a_label_stands_for_one_tree_only(cluster: Cluster) -> None:
    cluster.backup(proof="none", git_tree=TREE)
    told = cluster.backup(proof="none", git_tree=OTHER_TREE)
    assert "label one is taken" in told["msg"]
    assert TREE in told["msg"]
    assert OTHER_TREE in told["msg"]


def break_invariant(cluster: Cluster) -> dict[str, Any]:
    return cluster.backup(invariants={"it is empty": "SELECT count(*) = 0 FROM orders"})


def lose_repository(cluster: Cluster) -> dict[str, Any]:
    (cluster.folder / "reachable").unlink()
    return cluster.backup()


def stop_archiving(cluster: Cluster) -> dict[str, Any]:
    cluster.sql("ALTER SYSTEM SET archive_command = 'false pgbackrest'", "postgres")
    cluster.sql("SELECT pg_reload_conf()")
    return cluster.backup(archive_timeout=2)


def stop_server(cluster: Cluster) -> dict[str, Any]:
    cluster.stop()
    told = cluster.backup()
    cluster.start()
    return told


def ask_another_server(cluster: Cluster) -> dict[str, Any]:
    config = cluster.config.read_text()
    cluster.config.write_text(config.replace(f"pg1-path={cluster.data}", "pg1-path=/nowhere"))
    return cluster.backup()


def damage_repository(cluster: Cluster) -> dict[str, Any]:
    name = cluster.backup(proof="none")["backup"]["set"]
    bundles = (cluster.repository / "backup" / STANZA / name / "bundle").iterdir()
    largest = max(bundles, key=lambda path: path.stat().st_size)
    with largest.open("r+b") as bundle:
        bundle.seek(largest.stat().st_size // 2)
        bundle.write(b"damaged" * 1000)
    return cluster.backup()


def damage_manifest(cluster: Cluster) -> dict[str, Any]:
    name = cluster.backup(proof="none")["backup"]["set"]
    for manifest in (cluster.repository / "backup" / STANZA / name).glob("backup.manifest*"):
        manifest.write_text(manifest.read_text().replace("[backup]", "[backup]\nx=1"))
    return cluster.backup(proof="none")


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        pytest.param(break_invariant, "it is empty", id="an invariant does not hold"),
        pytest.param(lose_repository, "No route to host", id="the repository host is gone"),
        pytest.param(stop_archiving, "archive_command has failed", id="no WAL arrives"),
        pytest.param(stop_server, "No such file or directory", id="the server is down"),
        pytest.param(ask_another_server, "/nowhere", id="another server answers"),
        pytest.param(damage_repository, "failed", id="the repository is damaged"),
        pytest.param(damage_manifest, "checksum", id="the manifest of a backup is damaged"),
        pytest.param(lambda c: c.backup(stanza="other"), "stanza other", id="no such stanza"),
        pytest.param(lambda c: c.backup(label="../up"), "'../up'", id="a label with a path"),
        pytest.param(lambda c: c.backup(jobs=0), "jobs is 0", id="no jobs"),
        pytest.param(lambda c: c.backup(login_db="nobody"), "nobody", id="no such database"),
        pytest.param(
            lambda c: c.backup(scratch_directory="/proc"), "/proc", id="a scratch directory of none"
        ),
        pytest.param(
            lambda c: c.backup(git_tree="x'; id"), "cannot be handed", id="a value for a shell"
        ),
    ],
)
def test_what_is_no_proven_backup_is_an_error(
    cluster: Cluster, happens: Callable[[Cluster], dict[str, Any]], says: str
) -> None:
    told = happens(cluster)
    assert told.get("failed"), told
    assert says in told["msg"]
    (cluster.folder / "reachable").touch()
    assert not [found for found in sets(cluster) if "proven" in found["annotation"]]


def test_a_full_disk_ends_the_proof_and_leaves_nothing(cluster: Cluster) -> None:
    """What stands in for a disk is a limit on the size of any file."""
    wrap(cluster, "pgbackrest", '*" restore") trap "" XFSZ; ulimit -f 1000 ;;')
    told = cluster.backup()
    assert "unable to write" in told["msg"]
    assert labels(cluster) == ["one"]
    cluster.environment = {}
    assert cluster.backup()["backup"]["proven"]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param('*" backup") kill -9 $PPID', id="before the backup"),
        pytest.param('*" restore") (sleep 0.5; kill -9 $PPID) &', id="during the restore"),
        pytest.param('*" archive-get "*) kill -9 $ROLLOUT_TEST_PID', id="during the recovery"),
        pytest.param('*" annotate") kill -9 $PPID', id="before the proof is noted"),
    ],
)
def test_a_killed_run_is_finished_by_the_next(cluster: Cluster, moment: str) -> None:
    wrap(cluster, "pgbackrest", f"{moment} ;;")
    wrap(cluster, "ssh", f"{moment} ;;", folder=cluster.folder)
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            'export ROLLOUT_TEST_PID=$$; exec "$0" "$@"',
            *cluster.argv("pg_cluster_backup"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=cluster.module_environment,
    )
    given = {"label": "one", "scratch_directory": str(cluster.scratch)}
    printed, _errors = process.communicate(cluster.arguments(given), timeout=120)
    assert process.returncode == -9, printed
    cluster.environment = {}
    cluster.configure()
    told = cluster.backup()
    assert told["backup"]["proven"], told
    assert labels(cluster) == ["one"]


def test_two_runs_of_one_label_take_one_backup(cluster: Cluster) -> None:
    given = cluster.arguments({"label": "one", "proof": "none"})
    both = [
        subprocess.Popen(
            cluster.argv("pg_cluster_backup"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=cluster.module_environment,
        )
        for _each in range(2)
    ]
    for process in both:
        assert process.stdin
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
    told = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert not [each["msg"] for each in told if each.get("failed")]
    assert len({each["backup"]["set"] for each in told}) == 1
    assert labels(cluster) == ["one"]


def test_retention_takes_what_nobody_needs(cluster: Cluster) -> None:
    backups: dict[str, dict[str, Any]] = {
        "kept": {"type": "full", "keep": True},
        "base": {"type": "full"},
        "middle": {"type": "incr"},
    }
    for label, args in backups.items():
        cluster.backup(label=label, proof="none", **args)
    given: dict[str, Any] = {"label": "last", "proof": "none", "retention": {"count": 1}}
    planned = cluster.module("pg_cluster_backup", check_mode=True, **given)
    assert planned["expired"] == []  # the base is needed
    told = cluster.backup(**given, type="full")
    assert told["expired"] == ["middle", "base"]
    assert labels(cluster) == ["kept", "last"]


def wrap(cluster: Cluster, name: str, case: str, folder: Path | None = None) -> None:
    """Let a line of shell run when a program is called with arguments that match."""
    folder = folder or cluster.folder / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / name
    real = path.with_name(f"real-{name}")
    if path.exists():
        path.rename(real)
    else:
        real = Path(subprocess.check_output(["which", name], text=True).strip())
    path.write_text(f'#!/bin/sh\ncase " $*" in {case}\nesac\nexec {real} "$@"\n')
    path.chmod(0o755)
    cluster.environment = {"PATH": f"{cluster.folder / 'bin'}:{cluster.path}"}
