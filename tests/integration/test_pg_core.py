# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of psql, the sums of tables, and databases made after another, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    adopt,
    create_like,
    drop_scratch,
    exists,
    properties_of,
    require_roles,
    roles_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    LARGE_OBJECTS,
    sum_tables,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import (
    Session,
    identifier,
    literal,
)
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql

ODD_NAMES = [
    "a b",
    "it's",
    'quo"ted',
    "host=evil",
    "postgresql://x/y",
    "-d",
    "back\\slash",
    "ümläut",
]


@pytest.fixture
def server(postgresql: Postgresql) -> Server:
    return Server(
        {
            "PGHOST": postgresql.host,
            "PGPORT": str(postgresql.port),
            "PGUSER": postgresql.user,
            "PGPASSWORD": postgresql.password,
        }
    )


@pytest.fixture
def maintenance(server: Server) -> Iterator[Session]:
    with Session(server, "postgres") as session:
        yield session


@pytest.fixture
def session(server: Server, postgresql: Postgresql) -> Iterator[Session]:
    postgresql.execute("DROP DATABASE IF EXISTS core WITH (FORCE); CREATE DATABASE core")
    with Session(server, "core") as opened:
        yield opened
    postgresql.execute("DROP DATABASE core WITH (FORCE)")


@pytest.mark.parametrize("text", ["", "x", "it's", "back\\slash", "a\nb", ":name", "$$", "ü", '"'])
def test_a_text_comes_back_as_it_was(session: Session, text: str) -> None:
    found = session.row(f"SELECT {literal(text)} AS {identifier(text or 'x')}")
    assert found == {text or "x": text}


def test_an_error_is_told_and_the_session_lives_on(session: Session) -> None:
    with pytest.raises(PgError, match=r"database core: division by zero \(SQLSTATE 22012\)"):
        session.rows("SELECT 1 / 0")
    assert session.rows("SELECT 1 AS one") == [{"one": 1}]


def test_of_several_statements_the_first_that_fails_counts(session: Session) -> None:
    with pytest.raises(PgError, match="nonsense"):
        session.execute("SELECT nonsense", "SELECT 1")


def test_a_session_that_is_ended_says_so(session: Session, postgresql: Postgresql) -> None:
    pid = session.row("SELECT pg_backend_pid() AS pid")["pid"]
    postgresql.execute(f"SELECT pg_terminate_backend({pid})")
    for _attempt in (1, 2):
        with pytest.raises(PgError, match=r"database core: .*terminat"):
            session.rows("SELECT 1 AS one")


@pytest.mark.parametrize(
    ("database", "environment", "says"),
    [
        pytest.param("no_such", {}, 'database "no_such" does not exist', id="no such database"),
        pytest.param(
            "postgres", {"PGPASSWORD": "wrong"}, "authentication failed", id="wrong password"
        ),
        pytest.param("postgres", {"PGPORT": "1"}, "Connection refused", id="nobody listens"),
    ],
)
def test_no_connection_is_told(
    server: Server, database: str, environment: dict[str, str], says: str
) -> None:
    with pytest.raises(PgError, match=says):
        Session(Server({**server.environment, **environment}), database)


def test_a_transaction_lives_as_long_as_the_session(server: Server, session: Session) -> None:
    session.execute("CREATE TABLE public.kept (a int)")
    with Session(server, "core") as other:
        other.execute("BEGIN", "INSERT INTO public.kept VALUES (1)")
    assert session.row("SELECT count(*) AS n FROM public.kept") == {"n": 0}


ZOO = """
CREATE TABLE public.zoo (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n numeric, f float8, t text, j json, jb jsonb,
  x xml, p point, a int[], b bytea, ts timestamptz, d date, u uuid, ch char(5), iv interval,
  r int4range, i inet, big int8, yes boolean, dbl int GENERATED ALWAYS AS (big::int * 2) STORED)
"""
ROW = {
    "n": "1.0",
    "f": "0.1",
    "t": "'a'",
    "j": """'{"a": 1}'""",
    "jb": """'{"a": 1}'""",
    "x": "'<a/>'",
    "p": "'(1,2)'",
    "a": "'{1,2}'",
    "b": r"'\x00'",
    "ts": "'2026-01-01T00:00:00Z'",
    "d": "'2026-01-01'",
    "u": "'00000000-0000-0000-0000-000000000001'",
    "ch": "'a'",
    "iv": "'1 day'",
    "r": "'[1,2)'",
    "i": "'10.0.0.1'",
    "big": "7",
    "yes": "true",
}
OTHER = {
    "n": "1.00",
    "f": "0.10000000000000002",
    "t": "'a '",
    "j": """'{"a":1}'""",
    "jb": """'{"a": 1.0}'""",
    "x": "'<a></a>'",
    "p": "'(1,3)'",
    "a": "'{2,1}'",
    "b": r"'\x0000'",
    "ts": "'2026-01-01T00:00:00.000001Z'",
    "d": "'2026-01-02'",
    "u": "'00000000-0000-0000-0000-000000000002'",
    "ch": "'b'",
    "iv": "'24 hours'",
    "r": "'[1,3)'",
    "i": "'10.0.0.1/8'",
    "big": "8",
    "yes": "false",
}


@pytest.mark.parametrize("column", list(ROW))
def test_a_sum_sees_every_difference_of_every_type(session: Session, column: str) -> None:
    session.execute(
        ZOO,
        f"INSERT INTO public.zoo ({', '.join(ROW)}) VALUES ({', '.join(ROW.values())})",
    )
    before = sum_tables([session])["public.zoo"]
    session.execute(f"UPDATE public.zoo SET {column} = {OTHER[column]}")
    after = sum_tables([session])["public.zoo"]
    assert before["rows"] == after["rows"] == 1
    assert before["sum"] != after["sum"]
    session.execute(f"UPDATE public.zoo SET {column} = NULL")
    assert sum_tables([session])["public.zoo"]["sum"] not in (before["sum"], after["sum"])


def test_a_sum_does_not_depend_on_the_order_of_rows_or_columns(session: Session) -> None:
    session.execute(
        "CREATE TABLE public.one (a int, b text)",
        "INSERT INTO public.one VALUES (1, 'x'), (2, 'y')",
        "CREATE TABLE public.two (b text, a int)",
        "INSERT INTO public.two VALUES ('y', 2), ('x', 1)",
    )
    sums = sum_tables([session])
    assert sums["public.one"] == sums["public.two"]


def test_a_row_that_stands_twice_is_seen(session: Session) -> None:
    session.execute("CREATE TABLE public.t (a int)", "INSERT INTO public.t VALUES (1)")
    once = sum_tables([session])["public.t"]
    session.execute("INSERT INTO public.t VALUES (1)")
    assert sum_tables([session])["public.t"]["sum"] != once["sum"]


def test_every_table_that_is_dumped_is_summed_and_no_other(session: Session) -> None:
    session.execute(
        'CREATE SCHEMA "o\'dd"',
        'CREATE TABLE "o\'dd"."t""able" ()',
        "CREATE UNLOGGED TABLE public.unlogged (a int)",
        "CREATE TABLE public.parent (a int) PARTITION BY LIST (a)",
        "CREATE TABLE public.part PARTITION OF public.parent DEFAULT",
        "CREATE TABLE public.base (a int)",
        "CREATE TABLE public.child () INHERITS (public.base)",
        "INSERT INTO public.child VALUES (1)",
        "CREATE MATERIALIZED VIEW public.seen AS SELECT 1 AS a",
        "CREATE VIEW public.view AS SELECT 1 AS a",
        "CREATE TEMPORARY TABLE gone (a int)",
    )
    sums = sum_tables([session])
    assert set(sums) == {
        *('"o\'dd"."t""able"', "public.unlogged", "public.part", "public.base", "public.child")
    }
    assert (sums["public.base"]["rows"], sums["public.child"]["rows"]) == (0, 1)


def test_large_objects_are_summed_and_a_hole_is_zeros(session: Session) -> None:
    assert LARGE_OBJECTS not in sum_tables([session])
    session.execute(
        r"SELECT lo_from_bytea(4711, ('\x' || repeat('00', 5000) || '01')::bytea)",
        "SELECT lo_create(4712)",
    )
    whole = sum_tables([session])[LARGE_OBJECTS]
    assert whole["rows"] == 2
    session.execute(
        "SELECT lo_unlink(4711)",
        "SELECT lo_create(4711)",
        r"SELECT lo_put(4711, 5000, '\x01')",
    )
    assert sum_tables([session])[LARGE_OBJECTS] == whole
    session.execute(r"SELECT lo_put(4711, 5000, '\x02')")
    assert sum_tables([session])[LARGE_OBJECTS] != whole


def test_sessions_share_the_work(server: Server, session: Session) -> None:
    names = [f"public.t{number}" for number in range(20)]
    for name in names:
        session.execute(f"CREATE TABLE {name} AS SELECT generate_series(1, 100) AS a")
    with Session(server, "core") as other:
        assert list(sum_tables([session, other])) == sorted(names)
    assert threading.active_count() == 1


def test_what_may_not_be_read_is_an_error(
    server: Server, session: Session, postgresql: Postgresql
) -> None:
    session.execute("CREATE TABLE public.secret (a int)")
    postgresql.execute("DROP ROLE IF EXISTS nosy; CREATE ROLE nosy LOGIN PASSWORD 'n'")
    nosy = Server({**server.environment, "PGUSER": "nosy", "PGPASSWORD": "n"})
    with Session(nosy, "core") as opened:
        with pytest.raises(PgError, match="permission denied for table secret"):
            sum_tables([opened])
        session.execute(
            "GRANT SELECT ON public.secret TO nosy",
            "ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY",
        )
        with pytest.raises(PgError, match="row-level security"):
            sum_tables([opened])
    session.execute("DROP OWNED BY nosy", "DROP ROLE nosy")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_database_is_made_like_another_whatever_its_name(
    server: Server, maintenance: Session, session: Session, name: str
) -> None:
    maintenance.execute(
        'CREATE ROLE "own er"',
        'ALTER DATABASE core OWNER TO "own er"',
        "REVOKE ALL ON DATABASE core FROM PUBLIC",
        "ALTER DATABASE core SET search_path TO \"$user\", 'a b', public",
        "ALTER DATABASE core SET default_transaction_read_only TO on",
        "ALTER ROLE \"own er\" IN DATABASE core SET work_mem TO '5MB'",
        "ALTER DATABASE core CONNECTION LIMIT 7",
        "COMMENT ON DATABASE core IS 'it''s ours'",
    )
    try:
        wanted = properties_of(session)
        assert roles_of(session) == ["own er"]
        create_like(maintenance, name, wanted)
        with Session(server, name) as made:
            made.execute("CREATE TABLE public.t (a int)")
            adopt(maintenance, name, wanted)
            assert properties_of(made) == wanted
        with pytest.raises(PgError, match="left alone"):
            drop_scratch(maintenance, name)
        assert exists(maintenance, name)
        maintenance.execute(f"DROP DATABASE {identifier(name)}")
    finally:
        maintenance.execute(
            'REASSIGN OWNED BY "own er" TO CURRENT_USER',
            'ALTER ROLE "own er" IN DATABASE core RESET ALL',
            'DROP OWNED BY "own er"',
            'DROP ROLE "own er"',
        )


def test_scratch_is_dropped_even_if_somebody_is_in_it(
    server: Server, maintenance: Session, session: Session
) -> None:
    create_like(maintenance, "core_scratch", properties_of(session))
    with Session(server, "core_scratch"):
        drop_scratch(maintenance, "core_scratch")
    assert not exists(maintenance, "core_scratch")
    drop_scratch(maintenance, "core_scratch")


def test_a_role_that_the_server_does_not_have_is_named(maintenance: Session) -> None:
    with pytest.raises(PgError, match=r"no role no_such_role; run roles\.sql"):
        require_roles(maintenance, ["no_such_role"], "run roles.sql")
