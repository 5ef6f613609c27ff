# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_restore when something is wrong or goes wrong: the live database serves on, as it was."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.module_utils import (
    _pg_moment,
    _pg_restore_checks,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore import restore
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session
from ansible_collections.phased.rollout.tests.integration.restorer import (
    LABEL,
    Cluster,
    Halting,
    Live,
    new_live,
    own_cluster,
)
from ansible_collections.phased.rollout.tests.integration.test_pg_backup_faults import small_server

RunModule = Callable[..., dict[str, Any]]
NOISE = " SELECT gen_random_bytes(1000) AS noise FROM generate_series(1, {}) n"
MORE = "INSERT INTO generations SELECT n, 'video' FROM generate_series(101, 112) n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster("--max_prepared_transactions=5", "--wal_level=logical") as started:
        yield started


@pytest.fixture
def live(cluster: Cluster, tmp_path: Path, run_module: RunModule) -> Iterator[Live]:
    """A live database, its backup, and 12 rows that came after that."""
    made = new_live(cluster.server, tmp_path / "backups", run_module)
    made.back_up()
    made.execute(MORE)
    yield made
    made.drop()


@pytest.fixture
def intact(live: Live) -> Iterator[Callable[[], None]]:
    """Return a check that live is as it was and nothing is beside it, which is made at the end."""
    before = live.content()

    def check() -> None:
        assert live.databases() == {live.name}
        assert live.content() == before
        live.execute("CREATE TABLE serves (a int); DROP TABLE serves")
        assert [path.name for path in live.directory.iterdir() if path.name.startswith(".")] == []

    yield check
    check()


def append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"x")


def data_of(folder: Path) -> Path:
    return max(folder.glob("dump/*.gz"), key=lambda path: path.stat().st_size)


DAMAGES = [
    pytest.param(lambda folder: append(data_of(folder)), "is damaged", id="a file grew"),
    pytest.param(
        lambda folder: data_of(folder).write_bytes(data_of(folder).read_bytes()[:-8]),
        "is damaged: dump/",
        id="a file was cut",
    ),
    pytest.param(
        lambda folder: data_of(folder).unlink(), "does not hold the files", id="a file is gone"
    ),
    pytest.param(
        lambda folder: (folder / "dump" / "other.dat").touch(),
        r"does not hold the files that its manifest lists: dump/other.dat",
        id="a foreign file",
    ),
    pytest.param(
        lambda folder: (folder / "manifest.json").write_text("{}"),
        "is no backup: its manifest.json cannot be read",
        id="an empty manifest",
    ),
    pytest.param(
        lambda folder: (folder / "manifest.json").unlink(),
        "is no backup: its manifest.json cannot be read",
        id="no manifest",
    ),
    pytest.param(
        lambda folder: folder.rename(folder.with_name("elsewhere")),
        r"there is no backup .*/pre-phase-2; .*/backups has none",
        id="no such backup",
    ),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
@pytest.mark.usefixtures("intact")
def test_what_is_no_backup_is_not_restored(
    live: Live, damage: Callable[[Path], Any], says: str
) -> None:
    damage(live.directory / LABEL)
    assert re.search(says, live.restore(accept_loss=12)["msg"])
    assert re.search(says, live.forecast()["msg"])


MANIFESTS = [
    pytest.param({"database": "other"}, "is a backup of database other, not of", id="foreign"),
    pytest.param({"label": "other"}, "holds the backup other: it was renamed", id="renamed"),
    pytest.param(
        {"server_version_num": 990001, "server_version": "99.1"},
        r"is of PostgreSQL 99.1, which 15.* cannot restore; use a server of version 99 or newer",
        id="from a newer server",
    ),
    pytest.param({"roles": ["nobody_knows"]}, "no role nobody_knows; .*/roles.sql", id="a role"),
    pytest.param({"tables": None}, "its manifest lacks tables", id="without sums"),
    pytest.param(
        {"database_bytes": 1 << 50}, "1125.9 TB|1.1 PB|1125899", id="larger than any disk"
    ),
    pytest.param(
        {"tables": {"public.generations": {"rows": 100, "sum": "7"}}},
        "does not hold what was backed up: public.decisions should not be there, public.gen",
        id="not what was summed",
    ),
]


@pytest.mark.parametrize(("changes", "says"), MANIFESTS)
@pytest.mark.usefixtures("intact")
def test_what_does_not_fit_is_not_restored(
    live: Live, cluster: Cluster, changes: dict[str, Any], says: str
) -> None:
    live.change_manifest(**changes)
    # By the socket, the server's disk can be seen.
    told = live.restore(accept_loss=150, login_host=str(cluster.folder))
    assert re.search(says, told["msg"])


@pytest.mark.usefixtures("intact")
def test_a_label_cannot_leave_the_directory(live: Live) -> None:
    assert "label '../x' is not usable" in live.restore("../x")["msg"]


@pytest.mark.usefixtures("intact")
def test_the_backups_that_there_are_get_named(live: Live) -> None:
    assert f"/backups has {LABEL}" in live.restore("pre-phase-3")["msg"]


@pytest.mark.usefixtures("intact")
def test_a_dump_that_cannot_be_restored_leaves_nothing(live: Live) -> None:
    live.server.execute("CREATE ROLE passing")
    live.execute("CREATE TABLE theirs (a int); ALTER TABLE theirs OWNER TO passing")
    live.back_up("with-role")
    live.execute("DROP TABLE theirs")
    live.server.execute("DROP ROLE passing")
    assert "no role passing" in live.restore("with-role")["msg"]
    live.change_manifest("with-role", roles=[])
    told = live.restore("with-role")
    assert re.search(r"pg_restore failed .*role \"passing\" does not exist", told["msg"], re.DOTALL)


def test_an_extension_that_is_not_there_is_named(live: Live) -> None:
    listing = "2; 3079 16390 EXTENSION - plpgsql \n3; 3079 16391 EXTENSION - no such \n"
    with Session(server_of(live), "postgres") as session:
        _pg_restore_checks.require_extensions(session, listing.splitlines()[0])
        with pytest.raises(PgError, match="does not have the extension no such, which the backup"):
            _pg_restore_checks.require_extensions(session, listing)


@pytest.mark.usefixtures("intact")
@pytest.mark.parametrize(
    ("login", "says"),
    [
        pytest.param({"login_password": "wr0ng"}, "password authentication failed", id="password"),
        pytest.param({"login_user": "nobody_knows"}, "authentication failed", id="no such role"),
        pytest.param({"login_port": 1}, "Connection refused", id="nobody listens"),
        pytest.param({"login_db": "no_such"}, "is a backup of database live", id="other database"),
    ],
)
def test_who_cannot_connect_is_told(live: Live, login: dict[str, Any], says: str) -> None:
    told = live.restore(**login)
    assert says in told["msg"]
    assert "wr0ng" not in told["msg"]


@pytest.mark.usefixtures("intact")
def test_who_has_too_few_rights_is_told_which(live: Live) -> None:
    name = f"{live.name}_limited"
    live.server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    told = live.restore(accept_loss=12, login_user=name, login_password="x")
    for right in ("CREATEDB", "pg_signal_backend", "pg_read_all_data", "membership in"):
        assert right in told["msg"]
    live.server.execute(f"DROP ROLE {name}")


def test_who_is_no_superuser_may_restore_what_is_its_own(live: Live) -> None:
    name = f"{live.name}_owner"
    live.server.execute(
        f"CREATE ROLE {name} LOGIN PASSWORD 'x' CREATEDB;"
        f"GRANT pg_signal_backend, pg_read_all_data TO {name};"
        f"ALTER DATABASE {live.name} OWNER TO {name}"
    )
    live.execute(f"ALTER TABLE generations OWNER TO {name}; ALTER TABLE decisions OWNER TO {name}")
    live.back_up("own")
    backed_up = live.content()
    live.execute("DELETE FROM decisions; INSERT INTO generations VALUES (500, 'x')")
    told = live.restore("own", accept_loss=1, login_user=name, login_password="x")
    assert told.get("changed"), told
    assert live.content() == backed_up
    live.drop()
    live.server.execute(f"DROP ROLE {name}")


BLOCKERS = [
    pytest.param(
        "BEGIN; INSERT INTO decisions (generation) VALUES (1); PREPARE TRANSACTION 'two phases'",
        "has prepared transactions two phases: COMMIT PREPARED",
        "ROLLBACK PREPARED 'two phases'",
        id="a prepared transaction",
    ),
    pytest.param(
        "SELECT pg_create_logical_replication_slot('feed', 'test_decoding')",
        "has logical replication slots feed: whoever follows them",
        "SELECT pg_drop_replication_slot('feed')",
        id="a replication slot",
    ),
    pytest.param(
        "CREATE SUBSCRIPTION feed CONNECTION 'dbname=x' PUBLICATION p"
        " WITH (connect = false, slot_name = NONE)",
        "has subscriptions feed: they would go on in the database that is kept",
        "DROP SUBSCRIPTION feed",
        id="a subscription",
    ),
]


@pytest.mark.parametrize(("block", "says", "remove"), BLOCKERS)
def test_what_binds_the_live_database_is_named(
    live: Live, block: str, says: str, remove: str
) -> None:
    before = live.content()
    live.execute(block)
    assert says in live.restore(accept_loss=12)["msg"]
    assert says in live.forecast()["msg"]
    assert (live.content(), live.databases()) == (before, {live.name})
    live.execute(remove)
    assert live.restore(accept_loss=12).get("changed")


def test_a_database_that_takes_no_connections_is_not_guessed_at(live: Live) -> None:
    name = live.name
    live.server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    assert "has the property ALLOW_CONNECTIONS false" in live.restore(accept_loss=12)["msg"]
    assert live.databases() == {name}
    live.server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert live.restore(accept_loss=12).get("changed")


def test_a_database_without_free_connections_is_restored(live: Live) -> None:
    live.server.execute(f"ALTER DATABASE {live.name} CONNECTION LIMIT 1")
    with closing(psycopg2.connect(live.server.dsn_of(live.name))):
        assert live.restore(accept_loss=12).get("changed")


@pytest.mark.usefixtures("intact")
def test_a_standby_is_not_restored_to(live: Live, cluster: Cluster) -> None:
    marker = cluster.folder / "data" / "standby.signal"
    cluster.stop(signal.SIGINT)
    marker.touch()
    cluster.start()
    told = live.restore(accept_loss=12)
    cluster.stop(signal.SIGINT)
    marker.unlink()
    cluster.start()
    assert "the server is a standby, where nothing can be restored" in told["msg"]


@pytest.mark.usefixtures("intact")
def test_a_database_that_does_not_count_writes_is_not_replaced(live: Live) -> None:
    live.server.execute(f"ALTER DATABASE {live.name} SET track_counts = off")
    assert "track_counts is off" in live.restore(accept_loss=12)["msg"]
    live.server.execute(f"ALTER DATABASE {live.name} RESET track_counts")


def server_of(live: Live) -> Server:
    own = live.server
    names = {"PGHOST": own.host, "PGPORT": own.port, "PGUSER": own.user, "PGPASSWORD": own.password}
    return Server({name: str(value) for name, value in names.items()})


@pytest.mark.usefixtures("intact")
def test_a_table_that_somebody_keeps_locked_is_not_waited_for_long(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pg_moment, "LOCK_SECONDS", 1)
    request = Request(live.name, LABEL, live.directory, 1, live.directory, accept_loss=12)
    holder = psycopg2.connect(live.server.dsn_of(live.name), application_name="long migration")
    with closing(holder):
        holder.cursor().execute("LOCK generations IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(PgError, match="AccessExclusiveLock of long migration"):
            restore(server_of(live), request, check_mode=False)


@pytest.fixture
def halting(live: Live, tmp_path: Path) -> Halting:
    return Halting(live, tmp_path / "halting")


#: The step before the swap, when all is restored and counted.
BEFORE_SWAP = 'in postgres: ALTER DATABASE "LIVE_scratch_restore" CONNECTION LIMIT -N'
RENAMING = (
    "SELECT 1 FROM pg_locks JOIN pg_database d ON objid = d.oid AND datname = '{}'"
    " WHERE mode = 'AccessExclusiveLock' AND classid = 'pg_database'::regclass"
)
LAST_MOMENTS = [
    pytest.param(
        "INSERT INTO generations SELECT n, 'late' FROM generate_series(201, 203) n",
        12,
        "15 rows were written after the backup",
        id="rows that were not accepted",
    ),
    pytest.param(
        "INSERT INTO generations SELECT n, 'late' FROM generate_series(201, 203) n",
        15,
        {"public.generations": 15},
        id="rows that were accepted",
    ),
    pytest.param(
        "DELETE FROM generations WHERE id = 101",
        12,
        {"public.generations": 11},
        id="a row that is gone",
    ),
    pytest.param(
        "INSERT INTO generations VALUES (300, 'x'); DELETE FROM generations WHERE id = 300",
        12,
        {"public.generations": 12},
        id="a row that came and went",
    ),
    pytest.param("SELECT lo_create(77)", 12, "13 rows were written", id="a large object"),
    pytest.param("CREATE TABLE late AS SELECT 1 AS a", 12, "13 rows were", id="a new table"),
    pytest.param(
        "ALTER TABLE generations ADD late timestamptz DEFAULT clock_timestamp()",
        12,
        "112 rows were written",
        id="a table written anew",
    ),
    pytest.param("SELECT pg_stat_reset()", 12, "the statistics .* were reset", id="the counters"),
    pytest.param(
        "BEGIN; DELETE FROM decisions; PREPARE TRANSACTION 'late'",
        12,
        "has prepared transactions late",
        id="a prepared transaction",
    ),
]


@pytest.mark.parametrize(("statements", "accept_loss", "comes_to"), LAST_MOMENTS)
def test_what_is_written_at_the_last_moment_counts(
    live: Live,
    halting: Halting,
    statements: str,
    accept_loss: int,
    comes_to: str | dict[str, int],
) -> None:
    told = halting.run(
        BEFORE_SWAP.replace("LIVE", live.name),
        lambda process: live.execute(statements),
        accept_loss=accept_loss,
    )
    if isinstance(comes_to, dict):
        assert (told.get("changed"), told.get("lost")) == (True, comes_to), told
        assert len(live.content(told["kept_as"])["public.generations"]) == 100 + sum(
            comes_to.values()
        )
        return
    assert re.search(comes_to, told["msg"])
    assert live.databases() == {live.name}
    assert len(live.content()["public.generations"]) >= 112
    if "PREPARE" in statements:
        live.execute("ROLLBACK PREPARED 'late'")


def test_who_is_connected_is_disconnected_whatever_he_does(live: Live, halting: Halting) -> None:
    with (
        closing(psycopg2.connect(live.server.dsn_of(live.name))) as idle,
        closing(psycopg2.connect(live.server.dsn_of(live.name))) as writing,
    ):
        idle.autocommit = True
        writing.cursor().execute("INSERT INTO generations VALUES (900, 'never committed')")
        told = live.restore(accept_loss=12)
        assert told.get("changed"), told
        for connection in (idle, writing):
            with pytest.raises(psycopg2.OperationalError):
                connection.cursor().execute("SELECT 1")
    assert len(live.content(told["kept_as"])["public.generations"]) == 112


@pytest.mark.usefixtures("intact")
def test_a_connection_that_does_not_end_stops_the_swap(live: Live, halting: Halting) -> None:
    """A process that is stopped does not end, nor lets it the server drop a database."""
    with closing(psycopg2.connect(live.server.dsn_of(live.name))) as connection:
        pid = connection.info.backend_pid
        os.kill(pid, signal.SIGSTOP)

        def see_it_give_up(process: Any) -> None:
            for renaming in (True, False):
                while (live.server.execute(RENAMING.format(live.name)) != []) != renaming:
                    assert process.poll() is None
                    time.sleep(0.01)
            # Nobody else is kept out by then.
            live.execute("SELECT 1")
            os.kill(pid, signal.SIGCONT)

        try:
            told = halting.run(happens=see_it_give_up, accept_loss=12)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert f"stays in use: rollout_test from 127.0.0.1 (process {pid}) did not end" in told["msg"]


def test_the_second_of_two_is_told_who_is_at_it(live: Live, halting: Halting) -> None:
    second: dict[str, Any] = {}
    first = halting.run(
        f'in postgres: COMMENT ON DATABASE "{live.name}_scratch_restore" IS'
        " 'phased.rollout: scratch, may be dropped'",
        lambda process: second.update(live.restore(accept_loss=12)),
        accept_loss=12,
    )
    assert re.search(
        rf"restore {live.name} is being worked on by phased.rollout restore of {LABEL} from"
        r" 127.0.0.1(/32)? \(process \d+, since .* UTC\); wait for it",
        second["msg"],
    )
    assert first.get("changed"), first
    assert live.databases() == {live.name, first["kept_as"]}


def test_the_restore_stops_before_the_server_needs_what_is_free(
    live: Live, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gets full as soon as the scratch database is there."""
    before = live.content()
    usage = namedtuple("usage", "total used free")

    def disk_usage(path: Path) -> Any:
        return usage(10**12, 0, 10**9 if len(live.databases()) > 1 else 10**11)

    monkeypatch.setattr("shutil.disk_usage", disk_usage)
    # Over the socket it is known to be on this host.
    environment = {**server_of(live).environment, "PGHOST": str(cluster.folder)}
    request = Request(live.name, LABEL, live.directory, 1, live.directory, accept_loss=12)
    with pytest.raises(
        PgError, match=r"has 1\.0 GB free: the restore was stopped, and 1\.1 GB must"
    ):
        restore(Server(environment), request, check_mode=False)
    assert (live.content(), live.databases()) == (before, {live.name})


def test_the_disk_gets_full_while_it_restores(tmp_path: Path, run_module: RunModule) -> None:
    """The server does not see it coming, since it is reached over the network."""
    with small_server("128m") as server:
        noise = "CREATE EXTENSION pgcrypto; CREATE TABLE noise AS" + NOISE.format(30_000)
        live = new_live(server, tmp_path / "backups", run_module, tables=noise)
        live.back_up()
        # A new database takes its room only with the next checkpoint.
        live.execute(f"CREATE TABLE later AS {NOISE.format(35_000)}; CHECKPOINT")
        told = live.restore(accept_loss=35_000)
        assert re.search("pg_restore failed .*No space left on device", told["msg"], re.DOTALL)
        assert live.databases() == {live.name}, told["msg"]
        assert live.execute("SELECT count(*) FROM later") == [(35_000,)]
        live.execute("DROP TABLE later; CREATE TABLE later (a int)")
        assert live.restore().get("changed")
