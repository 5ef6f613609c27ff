# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of real databases: taken, proven, found again, refused, kept and expired."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_moment
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._pg_backup import back_up
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import locked
from ansible_collections.phased.rollout.plugins.module_utils._pg_proof import Proof
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_wanted import Wanted
from ansible_collections.phased.rollout.tests.integration.backer import (
    ROWS,
    VERSION,
    Source,
    as_a_user,
    drop,
    new_source,
)
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.pg_zoo import (
    ODD_NAMES,
    ROLES,
    TABLES,
    make_zoo,
    quoted,
)


@pytest.fixture
def source(postgresql: Postgresql, tmp_path: Path) -> Iterator[Source]:
    made = new_source(postgresql, tmp_path)
    yield made
    drop(made)


@pytest.fixture(scope="module")
def zoo(postgresql: Postgresql) -> Iterator[str]:
    make_zoo(postgresql, "zoo")
    yield "zoo"
    postgresql.execute("DROP DATABASE zoo WITH (FORCE)")


@pytest.fixture
def role(postgresql: Postgresql) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    postgresql.execute("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN PASSWORD 'plain-secret'")
    yield "plain"
    postgresql.execute("DROP ROLE plain")


def manifest_of(source: Source, label: str = "one") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((source.directory / label / "manifest.json").read_text())
    return found


def test_a_backup_is_proven_and_says_what_it_is(source: Source) -> None:
    result = source.back_up(
        version_query=VERSION,
        git_tree="4f2b",
        invariants={"all are images": "SELECT bool_and(kind = 'image') FROM generations"},
    )
    assert result["changed"]
    backup = result["backup"]
    assert {name: backup[name] for name in ("label", "database", "migration_version")} == {
        "label": "one",
        "database": source.name,
        "migration_version": "0001",
    }
    assert (backup["proven"], backup["readable"], backup["git_tree"]) == (True, True, "4f2b")
    assert backup["tables"]["public.generations"]["rows"] == ROWS
    assert 0 < backup["restore_seconds"] < 60
    assert backup["proof"]["invariants"] == ["all are images"]
    assert backup["path"] == str(source.directory / "one")
    taken_at = datetime.fromisoformat(backup["taken_at"])
    assert abs(datetime.now(timezone.utc) - taken_at) < timedelta(minutes=1)
    assert [entry["label"] for entry in result["backups"]] == ["one"]
    assert source.left() == []


def test_a_backup_is_private_and_its_sums_are_what_coreutils_reads(source: Source) -> None:
    told = source.back_up()["backup"]
    folder = source.directory / "one"
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "dump")} == {0o700}
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True
    )
    (digest,) = subprocess.check_output(["sha256sum", folder / "manifest.json"]).split()[:1]
    assert digest.decode() == told["hash"]


def test_a_backup_can_be_restored_by_hand(source: Source) -> None:
    source.back_up()
    data = subprocess.check_output(
        [
            "pg_restore",
            "--data-only",
            "--table=alembic_version",
            "-f",
            "-",
            source.directory / "one/dump",
        ]
    )
    assert b"\n0001\n" in data
    assert "CREATE ROLE" in (source.directory / "one" / "roles.sql").read_text()


@pytest.mark.parametrize("proof", ["database", "cluster"])
def test_one_of_everything_comes_back_as_it_was(
    postgresql: Postgresql, zoo: str, tmp_path: Path, proof: str
) -> None:
    (tmp_path / "backups").mkdir()
    source = Source(postgresql, zoo, tmp_path / "backups")
    before = postgresql.execute("SELECT sum(n_tup_ins + n_tup_upd) FROM pg_stat_user_tables", zoo)
    result = source.back_up(proof=proof, before=as_a_user())
    assert "backup" in result, result["msg"]
    assert result["backup"]["proof"]["kind"] == proof
    assert result["backup"]["proven"]
    assert set(result["backup"]["tables"]) == TABLES
    assert set(ROLES) <= set(result["backup"]["roles"])
    after = postgresql.execute("SELECT sum(n_tup_ins + n_tup_upd) FROM pg_stat_user_tables", zoo)
    assert before == after
    assert source.left() == []


def test_what_a_setting_says_is_in_the_backup_but_not_in_what_is_returned(
    postgresql: Postgresql, zoo: str, tmp_path: Path
) -> None:
    (tmp_path / "backups").mkdir()
    source = Source(postgresql, zoo, tmp_path / "backups")
    result = source.back_up(proof="list")
    assert "app.secret=setting-secret" in str(manifest_of(source)["properties"])
    assert "secret" not in json.dumps({**result, "invocation": None})


def test_a_list_is_no_proof_until_one_is_made(source: Source) -> None:
    listed = source.back_up(proof="list")["backup"]
    assert (listed["proven"], listed["restore_seconds"], listed["readable"]) == (False, None, True)
    again = source.back_up(proof="list")
    assert not again["changed"]
    proven = source.back_up()
    assert proven["changed"]
    assert proven["backup"]["proven"]
    assert proven["backup"]["taken_at"] == listed["taken_at"]
    assert source.backups() == ["one"]
    for proof in ("database", "list", "cluster"):
        last = source.back_up(proof=proof)
        assert (last["changed"], last["backup"]["proven"]) == (False, True)
    assert source.left() == []


def test_what_was_not_looked_at_is_proven_again(source: Source) -> None:
    source.back_up(invariants={"a": "SELECT true"})
    assert not source.back_up(invariants={"a": "SELECT true"})["changed"]
    again = source.back_up(invariants={"a": "SELECT true", "b": "SELECT true"})
    assert again["changed"]
    assert again["backup"]["proof"]["invariants"] == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "version"),
    [
        (VERSION, "0001"),
        (f"{VERSION};", "0001"),
        ("SELECT version_num FROM alembic_version WHERE false", None),
        ("SELECT version FROM flyway_schema_history", None),
        ("VALUES ('b'), ('a')", "a, b"),
    ],
)
def test_the_version_of_the_schema(source: Source, query: str, version: str | None) -> None:
    result = source.back_up(version_query=query, proof="list")
    assert result["backup"]["migration_version"] == version


def test_names_are_looked_for_as_in_the_original(source: Source) -> None:
    source.execute(
        f'CREATE SCHEMA "s p"; ALTER TABLE generations SET SCHEMA "s p";'
        f'ALTER DATABASE {source.name} SET search_path = "s p"'
    )
    result = source.back_up(
        version_query="SELECT max(id) FROM generations",
        invariants={"there are some": "SELECT count(*) > 0 FROM generations"},
    )
    assert result["backup"]["migration_version"] == str(ROWS)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(
            {"invariants": {"few": "SELECT count(*) < 10 FROM generations", "yes": "SELECT true"}},
            r"breaks what must hold: few \(it gives False instead of true\)",
            id="an invariant that does not hold",
        ),
        pytest.param(
            {"invariants": {"x": "SELECT * FROM no_such"}}, "no_such.*does not exist", id="nonsense"
        ),
        pytest.param(
            {"invariants": {"writes": "SELECT nextval('numbers') > 0"}},
            r"breaks what must hold: writes \(.*in a read-only transaction",
            id="an invariant that writes",
        ),
        pytest.param(
            {"version_query": "SELECT nonsense"},
            "version of the schema cannot be asked",
            id="version",
        ),
        pytest.param({"jobs": 0}, "at least 1", id="no jobs"),
        pytest.param({"directory": "/no/such"}, "/no/such does not exist", id="no directory"),
        pytest.param({"login_password": "wrong"}, "password authentication failed", id="password"),
        pytest.param({"login_port": 1}, "Connection refused", id="nobody listens"),
        pytest.param(
            {"login_db": "no_such_db"}, '"no_such_db" does not exist', id="no such database"
        ),
        pytest.param(
            {"encryption": {"recipients": ["age1xyz"]}}, "malformed recipient", id="a bad recipient"
        ),
        pytest.param(
            {"copies": [{"host": "no-such-host.invalid", "directory": "/srv"}]},
            r"one cannot be copied to no-such-host\.invalid:/srv: ssh failed",
            id="a host that is not there",
        ),
    ],
)
def test_what_fails_says_why_and_leaves_nothing(
    source: Source, options: dict[str, Any], says: str
) -> None:
    assert re.search(says, source.refused(**options))
    assert (source.backups(), source.left(), source.rows()) == ([], [], ROWS)


def test_cluster_proofs_do_not_run_as_root(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(PgError, match="does not run as root"):
        in_process(source, Proof("cluster", source.directory, 2))
    assert (source.backups(), source.left()) == ([], [])


def in_process(source: Source, proof: Proof | None = None) -> dict[str, Any]:
    """Return what the module returns, made in this process, so that a test can change it."""
    login = Login(
        source.server.host, source.server.port, source.server.user, source.server.password
    )
    proof = proof or Proof("list", source.directory, 1)
    wanted = Wanted(source.name, "one", source.directory, 1, proof)
    return back_up(Server.of(login), wanted, check_mode=False)


def test_a_table_that_somebody_else_has_locked_is_not_waited_for_long(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pg_moment, "LOCK_SECONDS", 1)
    holder = psycopg2.connect(source.server.dsn_of(source.name), application_name="long migration")
    holder.cursor().execute("LOCK generations IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(PgError, match=r"lock timeout.*AccessExclusiveLock of long migration"):
        in_process(source)
    holder.close()
    assert (source.backups(), source.left()) == ([], [])
    assert in_process(source)["changed"]


def test_sums_and_dump_are_of_one_moment_while_others_write(source: Source) -> None:
    source.execute(
        "CREATE TABLE accounts (id int, amount int);"
        "INSERT INTO accounts VALUES (1, 500), (2, 500);"
        "CREATE TABLE moves (at timestamptz)"
    )
    done = threading.Event()

    def move() -> None:
        connection = psycopg2.connect(source.server.dsn_of(source.name))
        while not done.is_set():
            with connection, connection.cursor() as cursor:
                cursor.execute("UPDATE accounts SET amount = amount - 1 WHERE id = 1")
                cursor.execute("UPDATE accounts SET amount = amount + 1 WHERE id = 2")
                cursor.execute("INSERT INTO moves VALUES (now())")
        connection.close()

    writers = [threading.Thread(target=move) for _turn in range(2)]
    for writer in writers:
        writer.start()
    total = {"nothing is lost": "SELECT sum(amount) = 1000 FROM accounts"}
    moved = []
    try:
        for label in ("one", "two", "three"):
            result = source.back_up(label, invariants=total)
            assert "backup" in result, result["msg"]
            moved.append(result["backup"]["tables"]["public.moves"]["rows"])
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert moved == sorted(set(moved))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_database_of_any_name_is_backed_up(
    postgresql: Postgresql, tmp_path: Path, name: str
) -> None:
    (tmp_path / "backups").mkdir()
    source = Source(postgresql, name, tmp_path / "backups")
    postgresql.execute(f"CREATE DATABASE {quoted(name)}")
    try:
        result = source.back_up()
        assert "backup" in result, result["msg"]
        assert (result["backup"]["proven"], result["backup"]["database"]) == (True, name)
        assert source.left() == []
    finally:
        drop(source)


def test_an_empty_database_is_backed_up(source: Source) -> None:
    source.execute("DROP TABLE generations; DROP TABLE alembic_version")
    backup = source.back_up(version_query=VERSION)["backup"]
    assert (backup["tables"], backup["proven"], backup["migration_version"]) == ({}, True, None)


def test_the_database_that_every_server_has_is_proven_in_a_cluster(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    (tmp_path / "backups").mkdir()
    source = Source(postgresql, "postgres", tmp_path / "backups")
    result = source.back_up(proof="cluster", before=as_a_user())
    assert "backup" in result, result["msg"]
    assert result["backup"]["proven"]


@pytest.mark.parametrize("proof", ["database", "cluster"])
def test_a_subscription_is_not_set_up_twice(source: Source, proof: str) -> None:
    source.execute(
        "CREATE SUBSCRIPTION news CONNECTION 'host=192.0.2.1 dbname=x' PUBLICATION p"
        " WITH (connect = false)"
    )
    try:
        result = source.back_up(proof=proof, before=as_a_user())
        assert "backup" in result, result["msg"]
        assert result["backup"]["proven"]
        assert source.server.execute("SELECT count(*) FROM pg_subscription") == [(1,)]
    finally:
        source.execute("ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news")


def test_a_tablespace_need_not_be_where_it_is_proven(source: Source, tmp_path: Path) -> None:
    space = source.server.execute("SHOW data_directory")[0][0]
    subprocess.run(
        ["install", "-d", "-o", "nobody", "-g", "nogroup", f"{space}/../space"], check=True
    )
    source.server.execute(f"CREATE TABLESPACE fast LOCATION '{space}/../space'")
    source.execute("CREATE TABLE quick (a int) TABLESPACE fast; INSERT INTO quick VALUES (1)")
    try:
        for proof in ("database", "cluster"):
            result = source.back_up(proof, proof=proof, before=as_a_user())
            assert "backup" in result, result["msg"]
    finally:
        source.execute("DROP TABLE quick; DROP TABLESPACE fast")


@pytest.mark.parametrize("given", [1, 2], ids=["the same", "other options that do not matter"])
def test_the_same_backup_is_not_taken_again(source: Source, given: int) -> None:
    first = source.back_up(version_query=VERSION, git_tree="4f2b")
    source.execute("INSERT INTO generations VALUES (0, 'late')")
    other: dict[str, Any] = {"jobs": 1} if given == 2 else {"git_tree": "4f2b"}
    again = source.back_up(**other)
    assert not again["changed"]
    assert again["backup"]["hash"] == first["backup"]["hash"]


def damage(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: change(next(iter(sorted((folder / "dump").glob("*.dat.gz")))))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            damage(lambda path: path.write_bytes(b"X" + path.read_bytes()[1:])),
            r"is damaged: dump/\d+\.dat\.gz changed",
            id="a changed file",
        ),
        pytest.param(
            damage(lambda path: path.write_bytes(path.read_bytes()[:-1])),
            "is damaged",
            id="truncated",
        ),
        pytest.param(
            damage(lambda path: path.unlink()), "does not hold the files", id="a missing one"
        ),
        pytest.param(
            damage(lambda path: path.rename(path.with_name("1.dat.gz"))),
            "does not hold the files",
            id="a renamed one",
        ),
        pytest.param(
            lambda folder: (folder / "notes.txt").touch(), r"list.*: notes\.txt", id="a foreign one"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").unlink(), "is no backup", id="no manifest"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text('{"files": {}, "database": "x"}'),
            "does not hold the files",
            id="a foreign manifest",
        ),
        pytest.param(
            lambda folder: shutil.rmtree(folder / "dump"), "does not hold the files", id="no dump"
        ),
    ],
)
def test_a_damaged_backup_is_an_error_and_stays_as_it_is(
    source: Source, change: Callable[[Path], object], says: str
) -> None:
    source.back_up(proof="list")
    folder = source.directory / "one"
    change(folder)
    before = sorted(folder.rglob("*"))
    assert re.search(says, source.refused())
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "facts", "says"),
    [
        pytest.param(
            {"git_tree": "aaaa"}, {}, "with the tree 4f2b in production, not aaaa", id="tree"
        ),
        pytest.param({}, {"system_identifier": "1"}, "comes from the server 1, not", id="server"),
        pytest.param(
            {"login_db": "postgres"}, {}, "is a backup of database app.*, not", id="database"
        ),
        pytest.param({"encryption": {"recipients": ["age1x"]}}, {}, "is not encrypted", id="plain"),
    ],
)
def test_a_label_that_is_taken_is_not_overwritten(
    source: Source, options: dict[str, Any], facts: dict[str, Any], says: str
) -> None:
    source.back_up(proof="list", git_tree="4f2b")
    source.restate("one", **facts)
    kept = manifest_of(source)
    message = source.refused(proof="list", **options)
    assert re.search(f"label one is taken: .*{says}", message)
    assert manifest_of(source) == kept


def test_a_renamed_backup_is_not_another_one(source: Source) -> None:
    source.back_up(proof="list")
    (source.directory / "one").rename(source.directory / "two")
    assert "holds the backup one: it was renamed" in source.refused("two")
    result = source.back_up("three", proof="list")
    assert {entry["label"]: entry["problem"] for entry in result["backups"]} == {
        "three": "",
        "two": "it was renamed: it is the backup one",
    }


@pytest.mark.parametrize("label", ["../x", "a/b", ".x", "-x", "", "a b"])
def test_a_label_cannot_leave_the_directory(source: Source, label: str) -> None:
    assert "is not usable" in source.refused(label)
    assert source.backups() == []


def test_check_mode_says_what_would_happen_and_touches_nothing(source: Source) -> None:
    told = source.back_up(check_mode=True, retention={"count": 1})
    assert told["changed"]
    assert (told["backup"]["readable"], told["backup"]["proven"]) == (False, False)
    assert "no_such" in source.refused(check_mode=True, login_db="no_such")
    assert list(source.directory.iterdir()) == []
    source.back_up()
    source.backdate("one", 1)
    (source.directory / ".two~partial").mkdir()
    before = sorted(source.directory.rglob("*"))
    assert not source.back_up(check_mode=True)["changed"]
    assert source.back_up(check_mode=True, keep=True)["changed"]
    assert source.back_up("two", check_mode=True, retention={"count": 1})["expired"] == ["one"]
    assert sorted(source.directory.rglob("*")) == before


def test_retention_lets_go_what_is_over_and_nothing_else(source: Source) -> None:
    ages = {"release": 99, "old": 50, "in-use": 40, "damaged": 30, "other": 20, "young": 1}
    for label in ages:
        source.back_up(label, proof="list", keep=label == "release")
    for label, days in ages.items():
        source.backdate(label, days)
    source.restate("other", database="other")
    (source.directory / "damaged" / "roles.sql").unlink()
    (source.directory / "lost+found").mkdir()
    (source.directory / "lost+found" / "x").touch()
    with locked(source.directory, "in-use", shared=True):
        told = source.back_up(retention={"age": "10d"})
    assert told["expired"] == ["old"]
    there = {path.name for path in source.directory.iterdir()}
    assert there == {"release", "in-use", "damaged", "other", "young", "one", "lost+found"}
    problems = {entry["label"] for entry in told["backups"] if entry["problem"]}
    assert problems == {"damaged", "lost+found"}


def test_retention_without_a_limit_is_refused(source: Source) -> None:
    result = source.back_up(retention={"labels": ["*"]})
    assert "one of the following is required: count, age" in result["msg"]


def test_the_last_proven_backup_outlives_those_that_are_not(source: Source) -> None:
    for days, label in ((4, "proven"), (3, "a"), (2, "b")):
        source.back_up(label, proof="database" if label == "proven" else "list")
        source.backdate(label, days)
    assert source.back_up("c", proof="list", retention={"count": 1})["expired"] == ["a", "b"]
    assert source.backups() == ["c", "proven"]
    source.backdate("c", 1)
    assert source.back_up("d", retention={"count": 1})["expired"] == ["proven", "c"]


def test_a_backup_that_is_kept_stays_kept(source: Source) -> None:
    source.back_up()
    kept = source.back_up(keep=True)
    assert (kept["changed"], kept["backup"]["keep"]) == (True, True)
    again = source.back_up()
    assert (again["changed"], again["backup"]["keep"]) == (False, True)
    assert source.backups() == ["one"]


def test_two_runs_do_not_take_one_label_at_once(source: Source) -> None:
    with locked(source.directory, "one"):
        assert re.search(r"one in .* is in use by another run \(process \d+", source.refused())
        assert source.back_up("two", proof="list")["changed"]
    assert source.back_up("one", proof="list")["changed"]


@pytest.mark.parametrize(
    ("grants", "options", "says"),
    [
        pytest.param(
            "",
            {},
            r"role plain may not read public\.alembic_version, public\.generations",
            id="nothing",
        ),
        pytest.param(
            "GRANT pg_read_all_data TO plain",
            {},
            "may not create the database.*CREATEDB",
            id="reading",
        ),
        pytest.param(
            "GRANT pg_read_all_data TO plain", {"proof": "list"}, None, id="reading is enough"
        ),
        pytest.param(
            "GRANT pg_read_all_data TO plain",
            {"proof": "cluster"},
            None,
            id="to prove it elsewhere",
        ),
        pytest.param(
            "GRANT pg_read_all_data TO plain; ALTER ROLE plain CREATEDB",
            {},
            "must be member of role|must be able to SET ROLE|cannot restore what belongs to",
            id="creating, but not for its owner",
        ),
        pytest.param(
            "GRANT pg_read_all_data TO plain; ALTER TABLE generations ENABLE ROW LEVEL SECURITY",
            {"proof": "list"},
            r"row-level security hides rows of public\.generations from role plain",
            id="rows that are hidden",
        ),
        pytest.param(
            "GRANT SELECT ON generations, alembic_version TO plain; SELECT lo_create(1)",
            {"proof": "list"},
            "has large objects, which role plain may not read",
            id="large objects",
        ),
    ],
)
def test_a_role_gets_what_it_has_a_right_to(
    source: Source, role: str, grants: str, options: dict[str, Any], says: str | None
) -> None:
    if grants:
        source.execute(grants)
    given = {"login_user": role, "login_password": "plain-secret", "before": as_a_user(), **options}
    try:
        if says is None:
            result = source.back_up(**given)
            assert "backup" in result, result["msg"]
            assert source.backups() == ["one"]
        else:
            assert re.search(says, source.refused(**given))
            assert source.backups() == []
        assert source.left() == []
    finally:
        source.execute("DROP OWNED BY plain")


def test_the_owner_of_a_database_proves_it_without_being_a_superuser(
    source: Source, role: str
) -> None:
    source.execute(
        f"ALTER DATABASE {source.name} OWNER TO plain; ALTER ROLE plain CREATEDB;"
        "ALTER TABLE generations OWNER TO plain; ALTER TABLE alembic_version OWNER TO plain"
    )
    try:
        result = source.back_up(login_user=role, login_password="plain-secret")
        assert "backup" in result, result["msg"]
        assert result["backup"]["proven"]
    finally:
        drop(source)
