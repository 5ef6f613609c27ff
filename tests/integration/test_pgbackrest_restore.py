# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters are taken back to where they were, and whatever goes wrong, the live one serves on."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.integration.clusters import (
    STANZA,
    Cluster,
    copy_of,
    template,
)

BACKED_UP, NOW = "1000|500500", "1000|502998"
LOST = {"shop public.orders": 3, "shop public.sessions": 1}


@pytest.fixture(scope="module")
def origin() -> Iterator[Path]:
    """A cluster of which there is a backup."""
    with template() as folder, copy_of(folder) as made:
        assert made.backup(proof="none")["changed"]
        made.stop()
        yield made.folder


@contextmanager
def after_a_mistake(origin: Path, **options: str) -> Iterator[Cluster]:
    with copy_of(origin, **options) as made:
        make_mistake(made)
        yield made


@pytest.fixture
def cluster(origin: Path) -> Iterator[Cluster]:
    with after_a_mistake(origin) as made:
        yield made


def make_mistake(cluster: Cluster) -> None:
    cluster.sql("INSERT INTO orders VALUES (2000), (2001)")
    cluster.sql("UPDATE orders SET what = 'another' WHERE id = 1")
    cluster.sql("DELETE FROM orders WHERE id IN (1000, 503)")


def orders(cluster: Cluster) -> str:
    return cluster.sql("SELECT count(*), sum(id) FROM orders")


def require_untouched(cluster: Cluster) -> None:
    assert cluster.is_up
    assert orders(cluster) == NOW
    assert cluster.sql("SELECT count(*) FROM sessions") == "1"
    assert cluster.left() == {cluster.name}


def require_restored(cluster: Cluster, log: str = "") -> None:
    """The backup is live, takes writes, and archives; what it replaced is kept, and is all."""
    assert orders(cluster) == BACKED_UP
    cluster.sql("INSERT INTO orders VALUES (3000); DELETE FROM orders WHERE id = 3000")
    cluster.run("pgbackrest", f"--config={cluster.config}", f"--stanza={STANZA}", "check")
    timeline = int(cluster.sql("SELECT timeline_id FROM pg_control_checkpoint()"))
    archived = [path.name for path in (cluster.repository / "archive" / STANZA).rglob("*")]
    assert f"{timeline:08X}.history" in archived
    kept = cluster.left() - {cluster.name, log}
    assert len(kept) == 1
    assert kept.pop().startswith(f"{cluster.name}_before_")


def test_check_mode_shows_the_loss_and_touches_nothing(cluster: Cluster) -> None:
    told = cluster.module("pg_cluster_restore", label="one", check_mode=True)
    assert told["changed"]
    restored = told["restored"]
    assert restored["lost"] == LOST
    assert restored["lost_rows"] == 4
    assert restored["exact"]
    assert restored["returning"] == {"shop public.orders": 3}
    assert restored["rows"]["shop"]["public.orders"] == 1000
    assert restored["wal_bytes_lost"] > 0
    assert "kept_as" not in restored
    require_untouched(cluster)


def test_a_restore_swaps_what_was_accepted(cluster: Cluster) -> None:
    refused = cluster.restore(label="one")
    assert refused["loss"]["lost"] == LOST
    assert "accept_loss=4 accepts it" in refused["msg"]
    require_untouched(cluster)
    invariants = {"the backup": f"SELECT count(*) || '|' || sum(id) = '{BACKED_UP}' FROM orders"}
    told = cluster.restore(label="one", accept_loss=4, invariants=invariants)["restored"]
    assert told["lost"] == LOST
    assert told["downtime_seconds"] < told["seconds"]
    require_restored(cluster)
    assert Path(told["kept_as"]).name in cluster.left()
    cluster.stop()
    cluster.data.rename(cluster.data.with_name("restored"))
    Path(told["kept_as"]).rename(cluster.data)
    cluster.start()
    assert orders(cluster) == NOW


def test_a_cluster_goes_back_in_time_again_and_again(cluster: Cluster) -> None:
    """Each restore opens a timeline; a later one must not take the past of one that was left."""
    now = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.USZ')"
    before, lsn = cluster.sql(now), cluster.sql("SELECT pg_current_wal_insert_lsn()")
    cluster.sql("TRUNCATE orders")
    assert cluster.backup(label="wrong", proof="none")["changed"]
    assert "restored" in cluster.restore(to_time=before, accept_loss=1)
    assert orders(cluster) == NOW
    later = cluster.sql(now)
    cluster.sql("DELETE FROM orders")
    told = cluster.restore(to_time=later)
    assert told["restored"]["label"] == "one"
    assert orders(cluster) == NOW
    cluster.sql("DELETE FROM orders WHERE id > 1")
    told = cluster.restore(to_lsn=lsn)
    assert told["restored"]["restored_to"]["lsn"] >= lsn
    assert orders(cluster) == NOW
    cluster.restore(label="wrong", accept_loss=1000)
    assert orders(cluster) == "0|"


def unreachable(cluster: Cluster) -> dict[str, Any]:
    (cluster.folder / "reachable").unlink()
    return cluster.restore(label="one", accept_loss=4)


def lost_while_restoring(cluster: Cluster) -> dict[str, Any]:
    with_ssh = cluster.folder / "ssh"
    gone = f"rm -f {cluster.folder}/reachable; exit 255"
    script = with_ssh.read_text().replace(
        "exec sh", f'case "$*" in *archive-get*) {gone} ;; esac\nexec sh'
    )
    with_ssh.write_text(script)
    return cluster.restore(label="one", accept_loss=4)


def prepared(cluster: Cluster) -> dict[str, Any]:
    text = "BEGIN; INSERT INTO orders VALUES (9); PREPARE TRANSACTION 'open one'"
    cluster.sql("DELETE FROM orders WHERE id = 9")
    cluster.sql(text)
    told = cluster.restore(label="one", accept_loss=4)
    cluster.sql("ROLLBACK PREPARED 'open one'")
    cluster.sql("INSERT INTO orders VALUES (9, 'order 9')")
    return told


def elsewhere(cluster: Cluster) -> dict[str, Any]:
    cluster.run("ln", "-s", "/tmp", cluster.data / "a link")
    told = cluster.restore(label="one", accept_loss=4)
    cluster.run("rm", cluster.data / "a link")
    return told


def with_tablespace(cluster: Cluster) -> dict[str, Any]:
    folder = cluster.folder / "log" / "space"
    cluster.run("mkdir", folder)
    cluster.sql(f"CREATE TABLESPACE other LOCATION '{folder}'")
    told = cluster.restore(label="one", accept_loss=4)
    cluster.sql("DROP TABLESPACE other")
    return told


def in_the_way(cluster: Cluster) -> dict[str, Any]:
    foreign = cluster.data.with_name("main_restoring")
    cluster.run("mkdir", foreign)
    cluster.run("touch", foreign / "precious")
    told = cluster.restore(label="one", accept_loss=4)
    assert (foreign / "precious").exists()
    shutil.rmtree(foreign)
    return told


def does_not_start(cluster: Cluster) -> dict[str, Any]:
    """The backup has an address that is not this host's, so it starts where nobody listens only."""
    cluster.sql("ALTER SYSTEM SET listen_addresses = '203.0.113.1'")
    cluster.backup(label="two", proof="none")
    cluster.sql("ALTER SYSTEM RESET listen_addresses")
    return cluster.restore(label="two", accept_loss=1)


def never_reached(cluster: Cluster) -> dict[str, Any]:
    return cluster.restore(to_lsn="F/0", accept_loss=4)


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        pytest.param(unreachable, "No route to host", id="the repository host is gone"),
        pytest.param(lost_while_restoring, "does not start", id="it goes during the recovery"),
        pytest.param(prepared, "open one", id="a prepared transaction"),
        pytest.param(elsewhere, "a link", id="a part of the cluster is elsewhere"),
        pytest.param(with_tablespace, "tablespaces", id="a tablespace"),
        pytest.param(in_the_way, "is in the way", id="somebody's directory in the way"),
        pytest.param(
            does_not_start, "the old one runs again", id="the restored one does not start"
        ),
        pytest.param(never_reached, "before configured recovery target", id="an LSN to come"),
    ],
)
def test_what_goes_wrong_leaves_the_live_cluster_serving(
    cluster: Cluster, happens: Callable[[Cluster], dict[str, Any]], says: str
) -> None:
    told = happens(cluster)
    assert told.get("failed"), told
    assert says in told["msg"]
    require_untouched(cluster)


@pytest.fixture(scope="module")
def shared(origin: Path) -> Iterator[Cluster]:
    """A cluster that is none the worse for what it is asked to do."""
    with after_a_mistake(origin) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        pytest.param({"label": "two"}, "has no backup two", id="no such label"),
        pytest.param({"set": "x"}, "no backup set x", id="no such set"),
        pytest.param({"to_time": "2026-01-01T00:00:00Z"}, "no backup", id="before any backup"),
        pytest.param({"to_time": "2099-01-01T00:00:00Z"}, "still to come", id="in the future"),
        pytest.param({"to_time": "2026-01-01T00:00:00"}, "time zone", id="no time zone"),
        pytest.param({}, "one of the following", id="no target at all"),
        pytest.param({"label": "one", "accept_loss": -1}, "this one answers", id="uncounted"),
        pytest.param({"label": "one", "accept_loss": 9999}, "far more", id="a blank cheque"),
        pytest.param({"label": "one", "login_port": 1}, ".s.PGSQL.1", id="no server"),
        pytest.param(
            {"label": "one", "invariants": {"it is wrong": "SELECT false"}},
            "it is wrong",
            id="an invariant does not hold",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(shared: Cluster, asked: dict[str, Any], says: str) -> None:
    told = shared.restore(**asked)
    assert told.get("failed"), told
    assert says in told["msg"]
    require_untouched(shared)


def test_a_cluster_that_does_not_start_is_restored_if_that_is_accepted(cluster: Cluster) -> None:
    cluster.stop()
    for path in (cluster.data / "pg_wal").glob("0*"):
        path.unlink()
    told = cluster.restore(label="one", accept_loss=4)
    assert "accept_loss=-1 accepts that" in told["msg"]
    told = cluster.restore(label="one", accept_loss=-1)
    assert told.get("restored"), told
    assert "lost_rows" not in told["restored"]
    require_restored(cluster, log="main.log")  # it was not running, so nobody knew its log


@pytest.mark.parametrize("name", ["odd name = 'é' #", "-dash"])
def test_a_data_directory_may_have_any_name(origin: Path, name: str) -> None:
    with after_a_mistake(origin, name=name) as made:
        assert made.restore(label="one", accept_loss=4).get("restored")
        require_restored(made)


def test_a_link_to_the_data_directory_stays_one(cluster: Cluster) -> None:
    link = cluster.folder / "log" / "link"
    cluster.run("ln", "-s", cluster.data, link)
    cluster.config.write_text(cluster.config.read_text().replace(str(cluster.data), str(link)))
    assert cluster.restore(label="one", accept_loss=4).get("restored")
    assert link.readlink() == cluster.data
    assert orders(cluster) == BACKED_UP


def test_who_writes_during_a_restore_is_counted_and_who_reads_comes_back(cluster: Cluster) -> None:
    done = threading.Event()

    def go_on(statement: str) -> None:
        argv = ["psql", "-XAtq", "-h", str(cluster.folder), "-d", "shop", "-U", "nobody"]
        while not done.wait(0.02):
            subprocess.run([*argv, "-c", statement], capture_output=True, check=False)

    def restore_while(statement: str, accept_loss: int) -> dict[str, Any]:
        done.clear()
        client = threading.Thread(target=go_on, args=(statement,))
        client.start()
        try:
            return cluster.restore(label="one", accept_loss=accept_loss)
        finally:
            done.set()
            client.join()

    told = restore_while("INSERT INTO nothing DEFAULT VALUES", 4)
    assert "would be lost" in told["msg"]
    assert orders(cluster) == NOW
    assert int(cluster.sql("SELECT count(*) FROM nothing")) > 10
    cluster.sql("DELETE FROM nothing; INSERT INTO nothing DEFAULT VALUES")
    assert restore_while("SELECT count(*) FROM orders", 4).get("restored")
    require_restored(cluster)


def test_of_two_restores_at_once_one_waits_for_no_other(cluster: Cluster) -> None:
    given = cluster.arguments({"label": "one", "accept_loss": 4})
    both = [
        subprocess.Popen(
            cluster.argv("pg_cluster_restore"),
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
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    assert sum("another run" in text for text in printed) == 1
    require_restored(cluster)


@pytest.mark.parametrize(
    ("point", "victim"),
    [
        pytest.param("_pgbackrest:PgBackRest.restore", "module", id="restored, the module"),
        pytest.param("_pg_cluster_restore:stop_quietly", "worker", id="stopped, the work"),
        pytest.param("_pg_cluster_restore:stop_quietly", "guard", id="stopped, the guard"),
        pytest.param("_pg_cluster_restore:stop_quietly", "module", id="stopped, the module"),
        pytest.param("_pg_cluster_swap:exchange", "worker", id="swapped, the work"),
        pytest.param("_pg_cluster_swap:exchange", "guard", id="swapped, the guard"),
        pytest.param("_pg_cluster_swap:exchange", "module", id="swapped, the module"),
        pytest.param("_pg_cluster_swap:_wait_until_open", "worker", id="started, the work"),
    ],
)
def test_a_killed_restore_leaves_a_cluster_and_is_finished_by_the_next(
    cluster: Cluster, point: str, victim: str
) -> None:
    given: dict[str, Any] = {"label": "one", "accept_loss": 4}
    told = cluster.module("pg_cluster_restore", kill=(point, "after", victim), **given)
    assert victim == "module" or told["failed"]
    cluster.wait_until_up()
    assert orders(cluster) in {NOW, BACKED_UP}
    again = cluster.restore(**given)
    assert again.get("restored"), again
    require_restored(cluster)
