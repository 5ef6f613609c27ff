# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_restore against a real server: what comes back, what is lost, what is kept."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.restorer import (
    LABEL,
    Live,
    new_live,
    quoted,
)

RunModule = Callable[..., dict[str, Any]]
MakeLive = Callable[..., Live]
MORE = "INSERT INTO generations SELECT n, 'video' FROM generate_series(101, 112) n"
ODD_NAMES = [
    "a b",
    "it's",
    'quo"ted',
    "host=evil",
    "postgresql://x/y",
    "-d",
    "back\\slash",
    "ümläut",
    "x" * 63,
    "ü" * 31,
]


@pytest.fixture
def make_live(postgresql: Postgresql, tmp_path: Path, run_module: RunModule) -> Iterator[MakeLive]:
    """Return a function that makes a live database, which is gone after the test."""
    made: list[Live] = []

    def make(name: str = "", **options: Any) -> Live:
        made.append(new_live(postgresql, tmp_path / "backups", run_module, name, **options))
        return made[-1]

    yield make
    for live in made:
        live.drop()


@pytest.fixture
def live(make_live: MakeLive) -> Live:
    """A live database and its backup."""
    made = make_live()
    made.back_up()
    return made


def restored(told: dict[str, Any]) -> dict[str, Any]:
    assert not told.get("failed"), told["msg"]
    return told


def test_what_was_backed_up_comes_back_and_what_was_there_is_kept(live: Live) -> None:
    backed_up = live.content()
    live.execute(f"{MORE}; UPDATE generations SET kind = 'lost' WHERE id = 1")
    replaced = live.content()
    told = restored(live.restore(accept_loss=13))
    assert told["changed"]
    assert live.content() == backed_up
    assert live.kept() == [told["kept_as"]]
    assert live.content(told["kept_as"]) == replaced
    assert (told["lost"], told["exact"]) == ({"public.generations": 13}, True)
    assert told["returning"] == {"public.generations": 1}
    assert live.databases() == {live.name, told["kept_as"]}
    assert 0 < told["downtime_seconds"] < told["seconds"]


def test_the_same_command_again_has_nothing_to_do(live: Live) -> None:
    live.execute(MORE)
    first = restored(live.restore(accept_loss=12))
    second = restored(live.restore(accept_loss=12))
    assert (first["changed"], second["changed"]) == (True, False)
    assert (second["kept_as"], second["undo"]) == (first["kept_as"], first["undo"])
    assert second["lost_rows"] == 0
    assert live.kept() == [first["kept_as"]]


def test_a_database_that_holds_the_backup_is_left_alone(live: Live) -> None:
    before = live.server.execute(f"SELECT oid FROM pg_database WHERE datname = '{live.name}'")
    told = restored(live.restore())
    assert not told["changed"]
    assert told["kept_as"] is None
    query = f"SELECT oid FROM pg_database WHERE datname = '{live.name}'"
    assert live.server.execute(query) == before


@pytest.mark.parametrize(
    ("statements", "comes_back"),
    [
        pytest.param(
            "CREATE INDEX later ON generations (kind)",
            "SELECT to_regclass('later') IS NULL",
            id="an index",
        ),
        pytest.param(
            "ALTER TABLE generations ALTER kind DROP NOT NULL",
            "SELECT attnotnull FROM pg_attribute"
            " WHERE attrelid = 'generations'::regclass AND attname = 'kind'",
            id="a constraint",
        ),
        pytest.param(
            "CREATE VIEW later AS SELECT 1 AS one",
            "SELECT to_regclass('later') IS NULL",
            id="a view",
        ),
        pytest.param(
            "ALTER TABLE decisions ADD later int",
            "SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'later')",
            id="a column",
        ),
        pytest.param(
            "GRANT SELECT ON generations TO PUBLIC",
            "SELECT relacl IS NULL FROM pg_class WHERE relname = 'generations'",
            id="a right",
        ),
    ],
)
def test_a_difference_in_the_schema_alone_is_put_right(
    live: Live, statements: str, comes_back: str
) -> None:
    live.execute(statements)
    told = restored(live.restore())
    assert (told["changed"], told["lost_rows"]) == (True, 0)
    assert live.execute(comes_back) == [(True,)]
    assert not restored(live.restore())["changed"]


LOSSES = [
    pytest.param("SELECT 1", {}, {}, id="nothing"),
    pytest.param(MORE, {"public.generations": 12}, {}, id="rows inserted"),
    pytest.param(
        "UPDATE generations SET kind = 'x' WHERE id <= 7",
        {"public.generations": 7},
        {"public.generations": 7},
        id="rows changed",
    ),
    pytest.param("DELETE FROM decisions WHERE id <= 3", {}, {"public.decisions": 3}, id="deleted"),
    pytest.param(
        f"{MORE}; DELETE FROM generations WHERE id > 110",
        {"public.generations": 10},
        {},
        id="some of the new rows deleted again",
    ),
    pytest.param("TRUNCATE decisions", {}, {"public.decisions": 50}, id="a table emptied"),
    pytest.param("DROP TABLE decisions", {}, {"public.decisions": 50}, id="a table dropped"),
    pytest.param(
        "CREATE TABLE later AS SELECT n FROM generate_series(1, 4) n",
        {"public.later": 4},
        {},
        id="a new table",
    ),
    pytest.param("CREATE TABLE later (a int)", {"public.later": 0}, {}, id="a new empty table"),
    pytest.param(
        'CREATE SCHEMA "S"; CREATE TABLE "S"."odd t" (a int); INSERT INTO "S"."odd t" VALUES (1)',
        {'"S"."odd t"': 1},
        {},
        id="a table with an odd name",
    ),
    pytest.param(
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES"
        " IN (1); INSERT INTO p VALUES (1), (1)",
        {"public.p1": 2},
        {},
        id="a partition",
    ),
    pytest.param(
        "CREATE UNLOGGED TABLE later AS SELECT 1 AS a", {"public.later": 1}, {}, id="unlogged"
    ),
    pytest.param("CREATE TEMP TABLE later AS SELECT 1 AS a", {}, {}, id="a temporary table"),
    pytest.param(
        "ALTER TABLE generations ADD at timestamptz DEFAULT clock_timestamp()",
        {"public.generations": 100},
        {"public.generations": 100},
        id="a table written anew",
    ),
    pytest.param("SELECT lo_from_bytea(0, 'x')", {"large objects": 1}, {}, id="a large object"),
    pytest.param(
        "BEGIN; INSERT INTO generations VALUES (101, 'x'); ROLLBACK", {}, {}, id="taken back"
    ),
    pytest.param(
        "UPDATE generations SET kind = kind; VACUUM FULL generations", {}, {}, id="no real change"
    ),
]


@pytest.mark.parametrize(("statements", "lost", "returning"), LOSSES)
def test_what_would_be_lost_is_counted(
    live: Live, statements: str, lost: dict[str, int], returning: dict[str, int]
) -> None:
    live.execute(statements)
    told = restored(live.forecast())
    assert told["lost"] == lost
    assert told["returning"] == returning
    assert told["lost_rows"] == sum(lost.values())
    assert told["exact"]
    assert (told["refusal"] is None) == (sum(lost.values()) == 0)


def test_columns_that_the_backup_lacks_are_named(live: Live) -> None:
    live.execute('ALTER TABLE generations ADD "Quality" int DEFAULT 5; CREATE TABLE t (a int)')
    told = restored(live.forecast())
    assert told["columns_lost"] == {"public.generations": ["Quality"], "public.t": ["a"]}
    assert told["lost_rows"] == 0


def test_large_objects_count_whatever_was_changed_in_them(make_live: MakeLive) -> None:
    live = make_live(tables="SELECT lo_from_bytea(1001, 'a'), lo_from_bytea(1002, 'b')")
    live.back_up()
    live.execute("SELECT lo_put(1001, 0, 'x'), lo_create(1003), lo_unlink(1002)")
    told = restored(live.forecast())
    assert told["lost"] == {"large objects": 2}
    restored(live.restore(accept_loss=2))
    query = "SELECT loid, data FROM pg_largeobject ORDER BY loid"
    assert [(loid, bytes(data)) for loid, data in live.execute(query)] == [
        (1001, b"a"),
        (1002, b"b"),
    ]


@pytest.mark.parametrize(
    ("accept_loss", "says"),
    [
        pytest.param(0, "accept_loss=12 accepts it", id="nothing accepted"),
        pytest.param(11, "12 rows were written after the backup", id="one too few"),
        pytest.param(12, None, id="as shown"),
        pytest.param(112, None, id="a hundred more, which may have come since"),
        pytest.param(113, "accepts far more than the 12 rows", id="a blank cheque"),
        pytest.param(-1, "at least 0 is needed", id="less than nothing"),
    ],
)
def test_a_loss_must_be_accepted_as_it_was_shown(
    live: Live, accept_loss: int, says: str | None
) -> None:
    live.execute(MORE)
    before = live.content()
    told = live.restore(accept_loss=accept_loss)
    assert bool(told.get("failed")) == bool(says)
    if says:
        assert says in told["msg"]
        assert live.content() == before
        assert live.databases() == {live.name}
    if says and accept_loss >= 0:
        assert "public.generations 12" in told["msg"]
        assert told["lost"] == {"public.generations": 12}


def test_check_mode_shows_all_and_touches_nothing(live: Live) -> None:
    live.execute(MORE)
    before = (live.content(), live.databases(), sorted(live.directory.iterdir()))
    told = restored(live.forecast())
    assert (live.content(), live.databases(), sorted(live.directory.iterdir())) == before
    assert told["changed"]
    assert told["kept_as"].startswith(f"{live.name}_before_")
    assert told["kept_as"] in told["undo"]
    assert "accept_loss=12 accepts it" in told["refusal"]
    assert told["downtime_seconds"] is None
    assert told["backup"]["label"] == LABEL
    assert restored(live.forecast(accept_loss=12))["refusal"] is None
    assert "far more" in restored(live.forecast(accept_loss=500))["refusal"]


def test_how_long_it_will_take_is_known_from_the_proof(make_live: MakeLive) -> None:
    live = make_live()
    live.back_up(proof="database")
    live.execute(MORE)
    assert 0 < restored(live.forecast())["restore_seconds"] < 60


def test_numbers_of_another_server_are_not_compared(live: Live) -> None:
    live.change_manifest(system_identifier="7000000000000000000")
    live.execute(MORE)
    told = restored(live.forecast())
    assert (told["lost"], told["exact"]) == ({"public.generations": 112}, False)
    assert "up to 112 rows" in told["refusal"]


def test_a_database_that_was_restored_since_counts_whole_tables(live: Live) -> None:
    live.execute(MORE)
    restored(live.restore(accept_loss=12))
    live.execute("INSERT INTO decisions (generation) VALUES (1)")
    told = restored(live.forecast())
    assert (told["lost"], told["exact"]) == ({"public.decisions": 51}, False)


def test_rows_that_were_being_written_during_the_backup_count(live: Live) -> None:
    """They may be in the backup or not: what is certain is only that some others are newer."""
    with psycopg2.connect(live.server.dsn_of(live.name)) as connection:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO generations VALUES (201, 'open')")
        live.execute("INSERT INTO generations VALUES (202, 'seen')")
        live.back_up("during")
    live.execute("INSERT INTO generations VALUES (203, 'new')")
    told = restored(live.forecast("during"))
    assert (told["lost"], told["exact"]) == ({"public.generations": 3}, False)


def test_the_way_back_leads_back(live: Live) -> None:
    live.execute(f"{MORE}; COMMENT ON DATABASE {live.name} IS 'it''s ours'")
    replaced = live.content()
    told = restored(live.restore(accept_loss=12))
    comment = comment_of(live, told["kept_as"])
    assert comment.endswith(told["undo"])
    assert f"replaced by backup {LABEL}" in comment
    run_sql(live, told["undo"])
    assert live.content() == replaced
    assert comment_of(live, live.name) == "it's ours"
    # It is the very database that was backed up, so that its rows can be told apart again.
    again = restored(live.forecast())
    assert (again["lost"], again["exact"]) == ({"public.generations": 12}, True)


def test_owner_rights_settings_and_limits_come_back(make_live: MakeLive) -> None:
    live = make_live()
    role, name = f"{live.name}_owner", live.name
    live.server.execute(
        f"CREATE ROLE {role}; ALTER DATABASE {name} OWNER TO {role};"
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {role};"
        f"ALTER DATABASE {name} SET default_transaction_read_only = on;"
        f"ALTER DATABASE {name} SET statement_timeout = '10ms';"
        f'ALTER ROLE {role} IN DATABASE {name} SET search_path = a, "B c";'
        f"ALTER DATABASE {name} CONNECTION LIMIT 3; COMMENT ON DATABASE {name} IS 'ours'"
    )
    asked = (
        "SELECT pg_get_userbyid(datdba), datacl::text, datconnlimit,"
        " shobj_description(oid, 'pg_database'), datallowconn, (SELECT array_agg(s.setconfig::text"
        " ORDER BY setrole) FROM pg_db_role_setting s WHERE setdatabase = oid)"
        f" FROM pg_database WHERE datname = '{name}'"
    )
    before = live.server.execute(asked)
    assert before[0][2:5] == (3, "ours", True)
    live.back_up()
    live.execute(f"SET default_transaction_read_only = off; SET statement_timeout = 0; {MORE}")
    live.server.execute(
        f"ALTER DATABASE {name} RESET ALL; ALTER DATABASE {name} CONNECTION LIMIT -1;"
        f"GRANT ALL ON DATABASE {name} TO PUBLIC"
    )
    told = restored(live.restore(accept_loss=12))
    assert live.server.execute(asked) == before
    live.drop()
    live.server.execute(f"DROP ROLE {role}")
    assert told["changed"]


def test_a_database_that_is_gone_is_made_again(live: Live) -> None:
    backed_up = live.content()
    live.server.execute(f"DROP DATABASE {live.name}")
    foreseen = restored(live.forecast())
    assert (foreseen["changed"], foreseen["kept_as"]) == (True, None)
    assert live.databases() == set()
    told = restored(live.restore())
    assert (told["changed"], told["kept_as"], told["undo"]) == (True, None, None)
    assert live.content() == backed_up


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_may_be_odd(make_live: MakeLive, name: str) -> None:
    live = make_live(name)
    live.back_up()
    backed_up = live.content()
    live.execute(MORE)
    replaced = live.content()
    told = restored(live.restore(accept_loss=12))
    assert live.content() == backed_up
    assert live.content(told["kept_as"]) == replaced
    assert len(told["kept_as"].encode()) <= 63
    run_sql(live, told["undo"])
    assert live.content() == replaced
    assert restored(live.restore(accept_loss=12))["kept_as"] != told["kept_as"]


def test_a_copy_is_made_beside_the_live_database(live: Live) -> None:
    backed_up = live.content()
    live.execute(MORE)
    current, copy = live.content(), f"{live.name}_rehearsal"
    told = restored(live.restore(into=copy))
    assert (told["changed"], told["database"], told["kept_as"]) == (True, copy, None)
    assert told["lost"] == {}
    assert live.content(copy) == backed_up
    assert live.content() == current
    assert live.databases() == {live.name, copy}


def test_a_copy_that_was_used_is_made_anew(live: Live) -> None:
    copy = f"{live.name}_rehearsal"
    restored(live.restore(into=copy))
    assert not restored(live.restore(into=copy))["changed"]
    backed_up = live.content(copy)
    live.execute("DROP TABLE decisions", copy)
    assert restored(live.forecast(into=copy))["changed"]
    assert "public.decisions" not in live.content(copy)
    assert restored(live.restore(into=copy))["changed"]
    assert live.content(copy) == backed_up


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("NULL", id="somebody's database"),
        pytest.param("'phased.rollout: scratch, may be dropped'", id="a scratch database"),
        pytest.param(
            "'phased.rollout: copy of backup other of database \"x\", may be dropped'",
            id="a copy of another backup",
        ),
    ],
)
def test_no_other_database_is_taken_for_a_copy(live: Live, comment: str) -> None:
    other = f"{live.name}_other"
    live.server.execute(f"CREATE DATABASE {other}; COMMENT ON DATABASE {other} IS {comment}")
    live.execute("CREATE TABLE precious (a int)", other)
    told = live.restore(into=other)
    assert f"database {other} exists, and not as a copy of backup {LABEL}" in told["msg"]
    assert live.content(other) == {"public.precious": []}
    assert "the database itself" in live.restore(into=live.name)["msg"]


def test_invariants_must_hold_before_the_swap(live: Live) -> None:
    live.execute(MORE)
    current = live.content()
    wrong = {"all are videos": "SELECT NOT EXISTS (SELECT FROM generations WHERE kind <> 'video')"}
    told = live.restore(accept_loss=12, invariants=wrong)
    assert "all are videos (it gives False instead of true)" in told["msg"]
    assert (live.content(), live.databases()) == (current, {live.name})
    right = {"there are some": "SELECT count(*) = 100 FROM generations"}
    assert restored(live.restore(accept_loss=12, invariants=right))["changed"]


def test_replaced_databases_go_when_every_limit_lets_them(live: Live) -> None:
    for number in (1, 2, 3):
        live.execute(f"CREATE TABLE t{number} (a int)")
        restored(live.restore())
    kept = live.kept()
    other, renamed = f"{live.name}_before_20200101T000000Z", f"{live.name}_renamed"
    live.server.execute(f"CREATE DATABASE {quoted(other)}")
    assert restored(live.restore(expire_replaced={"age": "1h"}))["expired"] == []
    live.server.execute(f"ALTER DATABASE {quoted(kept[0])} RENAME TO {renamed}")
    assert restored(live.restore(expire_replaced={"count": 2}))["expired"] == []
    live.server.execute(f"ALTER DATABASE {renamed} RENAME TO {quoted(kept[0])}")
    foreseen = restored(live.forecast(expire_replaced={"count": 2}))
    assert (foreseen["changed"], foreseen["expired"]) == (True, [kept[0]])
    assert kept[0] in live.databases()
    told = restored(live.restore(expire_replaced={"count": 2}))
    assert (told["changed"], told["expired"]) == (True, [kept[0]])
    with psycopg2.connect(live.server.dsn_of(kept[1])):
        told = restored(live.restore(expire_replaced={"count": 1, "age": "0.001s"}))
        assert (told["changed"], told["expired"]) == (False, [])
        assert f"{kept[1]} is in use and stays for now" in str(told["warnings"])
    assert live.databases() == {live.name, kept[1], kept[2], other}


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"count": 0}, "expire_replaced.count is 0: at least 1 database must stay"),
        ({"age": "soon"}, "expire_replaced.age"),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    live: Live, limits: dict[str, Any], says: str
) -> None:
    assert says in live.restore(expire_replaced=limits)["msg"]


def test_subscriptions_are_left_out_and_said(make_live: MakeLive) -> None:
    live = make_live()
    live.execute(
        "CREATE PUBLICATION all_of_it FOR TABLE generations;"
        "CREATE SUBSCRIPTION feed CONNECTION 'dbname=x' PUBLICATION p"
        " WITH (connect = false, slot_name = NONE)"
    )
    live.back_up()
    live.execute(f"DROP SUBSCRIPTION feed; {MORE}")
    assert restored(live.forecast())["left_out"] == ["feed"]
    told = restored(live.restore(accept_loss=12))
    assert told["left_out"] == ["feed"]
    assert live.execute("SELECT pubname FROM pg_publication") == [("all_of_it",)]
    query = "SELECT 1 FROM pg_subscription WHERE subname = 'feed'"
    assert live.server.execute(query) == []


def test_an_encrypted_backup_is_restored_with_its_key(make_live: MakeLive, tmp_path: Path) -> None:
    key, scratch = tmp_path / "key", tmp_path / "scratch"
    scratch.mkdir()
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    made = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True)
    live = make_live()
    live.back_up(encryption={"method": "age", "recipients": [made.stdout.strip()]})
    backed_up = live.content()
    live.execute(MORE)
    options: dict[str, Any] = {"accept_loss": 12, "scratch_directory": str(scratch)}
    assert "name the file with the secret key" in live.restore(**options)["msg"]
    told = restored(live.restore(identity_file=str(key), **options))
    assert told["changed"]
    assert live.content() == backed_up
    assert list(scratch.iterdir()) == []


def comment_of(live: Live, database: str) -> str:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname ="
    ((comment,),) = live.server.execute(f"{query} '{database}'")
    return str(comment)


def run_sql(live: Live, sql: str) -> None:
    """Run SQL as the documentation says."""
    psql = shutil.which("psql")
    assert psql
    subprocess.run(
        [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", live.server.dsn, "-c", sql],
        check=True,
        capture_output=True,
    )
