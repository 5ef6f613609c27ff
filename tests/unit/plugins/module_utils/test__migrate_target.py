# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database that an environment names, and how a command is brought to another one."""

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._migrate_target import (
    Target,
    parse_url,
    target_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

OPTIONS, MARK = "-c lock_timeout=3000", "phased.rollout.migrate 1"
URL = "postgresql://owner:p%40ss@db.example.com:5433/tower"


def target(variables: dict[str, str], database: str | None = None) -> Target:
    return target_of(
        variables, "DATABASE_URL", database=database, options=OPTIONS, application=MARK
    )


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        pytest.param(
            URL,
            {"user": "owner", "password": "p@ss", "host": "db.example.com", "port": "5433",
             "dbname": "tower"},
            id="all parts",
        ),
        pytest.param("postgres://db/t", {"host": "db", "dbname": "t"}, id="the short scheme"),
        pytest.param("postgresql+psycopg2://u@db/t", {"user": "u", "host": "db", "dbname": "t"},
                     id="a driver's name"),
        pytest.param("postgresql:///t?host=/run/postgresql&sslmode=require",
                     {"dbname": "t", "host": "/run/postgresql", "sslmode": "require"},
                     id="a socket"),
        pytest.param("postgresql://%2Frun%2Fpostgresql/t", {"host": "/run/postgresql",
                     "dbname": "t"}, id="a socket in place of the host"),
        pytest.param("postgresql://[::1]:5432/t", {"host": "::1", "port": "5432", "dbname": "t"},
                     id="an address of IPv6"),
        pytest.param("postgresql://a:1,b:2/t", {"host": "a,b", "port": "1,2", "dbname": "t"},
                     id="several hosts"),
        pytest.param("postgresql://a,b/t", {"host": "a,b", "dbname": "t"},
                     id="several hosts without ports"),
        pytest.param("postgresql://u:a:b#?c@db/t%20%22%2F", {"user": "u", "password": "a:b#?c",
                     "host": "db", "dbname": 't "/'}, id="odd letters"),
        pytest.param("postgresql://", {}, id="nothing but the scheme"),
    ],
)  # fmt: skip
def test_parse_url(url, parts):
    assert parse_url(url, "DATABASE_URL").parts == parts


@pytest.mark.parametrize("url", ["mysql://a/b", "host=db dbname=t", "postgresql:db", "secret"])
def test_what_is_no_url_is_not_shown(url):
    with pytest.raises(PgError, match="APP_DB is no URL of a PostgreSQL database") as caught:
        parse_url(url, "APP_DB")
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "server"),
    [
        pytest.param(
            {"DATABASE_URL": URL},
            {"PGHOST": "db.example.com", "PGPORT": "5433", "PGUSER": "owner",
             "PGPASSWORD": "p@ss", "PGDATABASE": "tower"},
            id="a URL",
        ),
        pytest.param({"PGHOST": "db", "PGDATABASE": "tower", "PGAPPNAME": "tower", "X": "1"},
                     {"PGHOST": "db", "PGDATABASE": "tower"}, id="the variables of libpq"),
        pytest.param({"PGHOST": "db", "PGUSER": "tower"},
                     {"PGHOST": "db", "PGUSER": "tower", "PGDATABASE": "tower"},
                     id="the database of the user's name"),
        pytest.param({"DATABASE_URL": "postgresql://a/t", "PGHOST": "b", "PGUSER": "u"},
                     {"PGHOST": "a", "PGUSER": "u", "PGDATABASE": "t"},
                     id="a URL goes before the variables"),
        pytest.param({"DATABASE_URL": "postgresql://a/t?connect_timeout=3&unknown=1"},
                     {"PGHOST": "a", "PGDATABASE": "t", "PGCONNECT_TIMEOUT": "3"},
                     id="the parameters of a URL"),
    ],
)  # fmt: skip
def test_the_server_of_the_watch(variables, server):
    found = target(variables)
    assert {"PGCONNECT_TIMEOUT": "10", **server} == found.server.environment
    assert found.database == server["PGDATABASE"]


@pytest.mark.parametrize(
    ("variables", "database", "overlay"),
    [
        pytest.param({"DATABASE_URL": URL}, None, {"PGOPTIONS": OPTIONS}, id="the same database"),
        pytest.param({"DATABASE_URL": URL, "PGOPTIONS": "-c work_mem=5MB"}, None,
                     {"PGOPTIONS": f"-c work_mem=5MB {OPTIONS}"}, id="options of its own"),
        pytest.param(
            {"DATABASE_URL": f"{URL}?options=-c%20lock_timeout%3D0&sslmode=require"}, None,
            {"PGOPTIONS": OPTIONS,
             "DATABASE_URL": f"{URL}?options=-c%20lock_timeout%3D0%20-c%20lock_timeout%3D3000"
                             "&sslmode=require"},
            id="options in the URL, which go before the environment",
        ),
        pytest.param({"DATABASE_URL": f"{URL}?application_name=tower"}, None,
                     {"PGOPTIONS": OPTIONS, "DATABASE_URL": URL}, id="a name in the URL"),
        pytest.param({"DATABASE_URL": f"{URL}?sslmode=require"}, 'a/b "ü"',
                     {"PGOPTIONS": OPTIONS, "PGDATABASE": 'a/b "ü"',
                      "DATABASE_URL": "postgresql://owner:p%40ss@db.example.com:5433/"
                                      "a%2Fb%20%22%C3%BC%22?sslmode=require"},
                     id="another database"),
        pytest.param({"PGDATABASE": "tower"}, "copy",
                     {"PGOPTIONS": OPTIONS, "PGDATABASE": "copy"}, id="another, without a URL"),
    ],
)  # fmt: skip
def test_what_is_set_on_top_for_the_command(variables, database, overlay):
    assert target(variables, database).overlay == {"PGAPPNAME": MARK, **overlay}


def test_no_database_at_all():
    with pytest.raises(PgError, match="neither DATABASE_URL nor PGDATABASE is set"):
        target({"DATABASE_URL": "", "X": "1"})


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        pytest.param("DB_NAME", "tower", True, id="its name"),
        pytest.param("REPLICA_URL", "jdbc:postgresql://db/tower?ssl=1", True, id="a URL"),
        pytest.param("DSN", "host=db dbname=tower", True, id="a list of parts"),
        pytest.param("DB_USER", "tower", False, id="a user of the same name"),
        pytest.param("DB_NAME", "tower_other", False, id="a longer name"),
        pytest.param("SERVICE", "tower", False, id="something else of the same name"),
    ],
)
def test_a_second_way_to_the_live_database_is_refused(name, value, refused):
    variables = {"DATABASE_URL": URL, name: value}
    assert target(variables).database == "tower"
    if refused:
        with pytest.raises(PgError, match=f"{name} in the environment names database tower"):
            target(variables, "copy")
    else:
        assert target(variables, "copy").database == "copy"


def test_secrets_are_masked_the_longest_first():
    found = target(
        {"DATABASE_URL": URL, "API_TOKEN": "p@ss-and-more", "USE_KEY": "1", "PGPASSWORD": "pw"}
    )
    shown = found.mask("p@ss-and-more p%40ss p@ss pw 1")
    assert shown == "******** ******** ******** ******** 1"
    assert "p@ss" not in repr(found)
