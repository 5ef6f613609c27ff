# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which database an application migrates, read from its own environment.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, NamedTuple, Optional
from urllib.parse import quote, unquote

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server

#: What libpq calls the parts of a URL in the environment.
LIBPQ = {
    **{"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER"},
    **{"password": "PGPASSWORD", "passfile": "PGPASSFILE", "dbname": "PGDATABASE"},
    **{"sslmode": "PGSSLMODE", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"},
    **{"sslrootcert": "PGSSLROOTCERT", "sslcrl": "PGSSLCRL", "requirepeer": "PGREQUIREPEER"},
    **{"channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE"},
    **{"krbsrvname": "PGKRBSRVNAME", "service": "PGSERVICE", "options": "PGOPTIONS"},
    **{"connect_timeout": "PGCONNECT_TIMEOUT", "target_session_attrs": "PGTARGETSESSIONATTRS"},
}
# SQLAlchemy names its driver after a +, which libpq does not know.
_URL = re.compile(
    r"(?P<scheme>postgres(?:ql)?(?:\+\w+)?)://"
    r"(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<hosts>[^/?]*)(?:/(?P<dbname>[^?]*))?(?:\?(?P<query>.*))?"
)
#: Variables that may say where a database is; one with a user's name often has the same text.
_ADDRESS = re.compile(r"^(?!.*USER).*(?:DB|DATABASE|DSN|URL|URI)", re.IGNORECASE)
_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
MASK = "********"
# A flag such as USE_KEYS=1 is none, and would mask every 1.
_SHORTEST_SECRET = 4
_CONNECT_SECONDS = "10"


class Url(NamedTuple):
    """A URL of libpq. parts: its parts by libpq's keyword, decoded. secret: the password's text."""

    scheme: str
    authority: str
    parts: Dict[str, str]
    query: Dict[str, str]
    secret: str

    def text(self, database: str, **query: Optional[str]) -> str:
        """Return the URL with this database, and with parameters changed or, if None, removed."""
        merged = {**self.query, **query}
        merged.pop("dbname", None)
        given = [f"{key}={quote(value)}" for key, value in merged.items() if value is not None]
        ending = f"?{'&'.join(given)}" if given else ""
        return f"{self.scheme}://{self.authority}/{quote(database, safe='')}{ending}"


@dataclass(frozen=True)
class Target:
    """A database, and the variables that bring the application's command to it."""

    server: Server
    database: str
    #: Set on top of the environment file: the guards, and the database where it is another one.
    overlay: Mapping[str, str] = field(repr=False)
    secrets: List[str] = field(repr=False)

    def mask(self, text: str) -> str:
        """Return a text without what the environment keeps secret."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


def parse_url(text: str, variable: str) -> Url:
    """Return the URL that a variable holds. Raises PgError; the text is in no message."""
    match = _URL.fullmatch(text.strip())
    if match is None:
        raise PgError(
            f"{variable} is no URL of a PostgreSQL database; needed is"
            " postgresql://user:password@host:port/database"
        )
    query = dict(pair.partition("=")[::2] for pair in (match["query"] or "").split("&") if pair)
    query = {key: unquote(value) for key, value in query.items()}
    hosts = [_host_and_port(entry) for entry in match["hosts"].split(",")]
    named = {
        "user": unquote(match["user"] or ""),
        "password": unquote(match["password"] or ""),
        "host": ",".join(host for host, _port in hosts),
        "port": ",".join(port for _host, port in hosts).strip(","),
        "dbname": unquote(match["dbname"] or ""),
    }
    parts = {**{key: value for key, value in named.items() if value}, **query}
    login = match["user"] or ""
    if match["password"] is not None:
        login += f":{match['password']}"
    authority = f"{login}@{match['hosts']}" if login else match["hosts"]
    return Url(match["scheme"], authority, parts, query, match["password"] or "")


def target_of(
    variables: Mapping[str, str],
    variable: str,
    *,
    database: Optional[str] = None,
    options: str,
    application: str,
) -> Target:
    """Return the database that variables name, or another one on the same server.

    variable: the one that holds its URL; without it those of libpq name the database.
    options, application: what the command's sessions are to be given by libpq.
    Raises PgError if no database is named, or if database is not the only one that is.
    """
    url = parse_url(variables[variable], variable) if variables.get(variable) else None
    libpq = {name: value for name, value in variables.items() if name.startswith("PG")}
    if url:
        libpq.update({LIBPQ[key]: text for key, text in url.parts.items() if key in LIBPQ})
    named = libpq.get("PGDATABASE") or libpq.get("PGUSER")
    if not named:
        raise PgError(f"no database is named: neither {variable} nor PGDATABASE is set")
    if database and database != named:
        _require_single(variables, variable, named)
    target = database or named
    libpq.pop("PGAPPNAME", None)
    overlay = {
        "PGAPPNAME": application,
        "PGOPTIONS": f"{variables.get('PGOPTIONS', '')} {options}".strip(),
        **({"PGDATABASE": target} if database else {}),
    }
    # What a URL says goes before the environment, so the guards must stand in it then.
    if url and (database or url.query.keys() & {"options", "application_name"}):
        told = f"{url.query['options']} {options}" if "options" in url.query else None
        overlay[variable] = url.text(target, options=told, application_name=None)
    return Target(
        Server({"PGCONNECT_TIMEOUT": _CONNECT_SECONDS, **libpq, "PGDATABASE": target}),
        target,
        overlay,
        _secrets(variables, url),
    )


def _host_and_port(entry: str) -> List[str]:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", entry)
    host, port = (match[1], match[2] or "") if match else (entry, "")
    return [unquote(host.strip("[]")), port]


def _require_single(variables: Mapping[str, str], variable: str, named: str) -> None:
    """Raise PgError if a command that is sent to another database could still reach this one."""
    for name, value in variables.items():
        if name in (variable, "PGDATABASE") or not _ADDRESS.search(name):
            continue
        if named in [unquote(word) for word in re.split(r"[/?&=\s]", value)]:
            raise PgError(
                f"{name} in the environment names database {named} as well: a command that is to"
                f" run elsewhere might still reach it; let {variable} alone name the database"
            )


def _secrets(variables: Mapping[str, str], url: Optional[Url]) -> List[str]:
    """Return what must not be shown, the longest first."""
    named = {value for name, value in variables.items() if _SECRET.search(name)}
    found = {value for value in named if len(value) >= _SHORTEST_SECRET}
    found.add(variables.get("PGPASSWORD", ""))
    if url:
        found |= {url.secret, url.parts.get("password", "")}
    return sorted(filter(None, found), key=len, reverse=True)
