# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases that a restore replaced: how they are named and marked, the way back, their end.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._duration import read_duration
from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    exists,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._psql import (
    Session,
    identifier,
    literal,
)
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

_MOST_NAME_BYTES = 63
_STAMP = "%Y%m%dT%H%M%SZ"
_MARK = (
    "phased.rollout: database {database} until {stamp}, replaced by backup {label}. To go back: "
)
_MARKED = re.compile(r" until (\d{8}T\d{6}Z), replaced by backup (\S+)\. To go back: ")
_COPY = "phased.rollout: copy of backup {label} of database {database}, may be dropped"
_IN_USE = "(SQLSTATE 55006)"
_COMMENTS = """
SELECT datname::text AS name, shobj_description(oid, 'pg_database') AS comment
FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE 'phased.rollout: %'
"""


class Kept(NamedTuple):
    """A database that was replaced: its name now, when, by which backup, and the way back."""

    name: str
    at: datetime
    label: str
    undo: str


@dataclass(frozen=True)
class Retention:
    """How many replaced databases stay, and how long. One goes only if every limit lets it go."""

    count: Optional[int] = None
    age: Optional[timedelta] = None

    @classmethod
    def of(cls, params: Optional[Mapping[str, Any]]) -> Retention:
        """Return what a module's parameter states; nothing goes without any. Raises PgError."""
        given = params or {}
        count, age = given.get("count"), None
        try:
            if given.get("age") is not None:
                age = timedelta(seconds=read_duration(Fields(given, "expire_replaced"), "age"))
        except ShapeError as exc:
            raise PgError(str(exc)) from exc
        except OverflowError as exc:
            raise PgError(f"expire_replaced.age is {given['age']}, which is too long") from exc
        if count is not None and count < 1:
            raise PgError(f"expire_replaced.count is {count}: at least 1 database must stay")
        return cls(count, age)


def cut(database: str, suffix: str) -> str:
    """Return a name of a database: another's name, as much as fits, and a suffix."""
    room = _MOST_NAME_BYTES - len(suffix.encode())
    return database.encode()[:room].decode("utf-8", "ignore") + suffix


def keep(
    session: Session, database: str, label: str, now: datetime, comment: Optional[str]
) -> Kept:
    """Return how a database will be kept that a backup replaces. comment: its own one."""
    while exists(session, _kept_name(database, now)):
        now += timedelta(seconds=1)
    name = _kept_name(database, now)
    return Kept(name, now, label, undo(database, name, comment))


def mark(database: str, kept: Kept) -> str:
    """Return the comment of a database that is kept."""
    stamp = kept.at.strftime(_STAMP)
    return _MARK.format(database=identifier(database), stamp=stamp, label=kept.label) + kept.undo


def undo(database: str, kept: str, comment: Optional[str]) -> str:
    """Return the SQL that puts a database back which was kept, for psql in database postgres."""
    live, aside = identifier(database), identifier(cut(database, f"_after_{kept[-16:]}"))
    return "\n".join(
        [
            # Nobody must come back between the end of the connections and the renaming.
            *("BEGIN;", f"ALTER DATABASE {live} ALLOW_CONNECTIONS false;", "COMMIT;"),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = {literal(database)};",
            *("BEGIN;", f"ALTER DATABASE {live} RENAME TO {aside};"),
            f"ALTER DATABASE {aside} ALLOW_CONNECTIONS true;",
            f"ALTER DATABASE {identifier(kept)} RENAME TO {live};",
            f"COMMENT ON DATABASE {live} IS {literal(comment) if comment else 'NULL'};",
            "COMMIT;",
        ]
    )


def kept_of(session: Session, database: str) -> List[Kept]:
    """Return the databases that restores have replaced, the newest first; only those marked so."""
    found: List[Kept] = []
    begin = f"phased.rollout: database {identifier(database)}"
    for row in session.rows(_COMMENTS):
        name, comment = row["name"], row["comment"]
        marked = _MARKED.match(comment, len(begin)) if comment.startswith(begin) else None
        # One that was given another name is somebody's, whatever its comment says.
        if marked and name == _kept_name(database, _moment(marked[1])):
            found.append(Kept(name, _moment(marked[1]), marked[2], comment[marked.end() :]))
    return sorted(found, key=lambda kept: kept.at, reverse=True)


def expendable(kept: Sequence[Kept], retention: Retention, now: datetime) -> List[Kept]:
    """Return the databases that may go; never the newest. kept: of one database, newest first."""
    if retention.count is None and retention.age is None:
        return []
    too_many = kept[max(1, retention.count or 1) :]
    return [each for each in too_many if retention.age is None or now - each.at > retention.age]


def expire(session: Session, kept: Sequence[Kept]) -> List[str]:
    """Drop databases. Return the names of those that stay because somebody uses them."""
    in_use = []
    for each in kept:
        try:
            session.execute(f"DROP DATABASE {identifier(each.name)}")
        except PgError as exc:
            if _IN_USE not in str(exc):
                raise
            in_use.append(each.name)
    return in_use


def copy_comment(label: str, database: str) -> str:
    """Return the comment of a database that a backup was restored into for a rehearsal."""
    return _COPY.format(label=label, database=identifier(database))


def require_copy(session: Session, name: str, label: str, database: str) -> None:
    """Raise PgError if a database is there that is no copy of this backup."""
    query = (
        "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database"
        f" WHERE datname = {literal(name)}"
    )
    for row in session.rows(query):
        if row["comment"] != copy_comment(label, database):
            raise PgError(
                f"database {name} exists, and not as a copy of backup {label}; it is left alone:"
                " choose another name for into"
            )


def drop_copy(session: Session, name: str, label: str, database: str) -> None:
    """Remove a copy of a backup, whoever uses it. Raises PgError if it is none."""
    require_copy(session, name, label, database)
    session.execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")


def _kept_name(database: str, at: datetime) -> str:
    return cut(database, f"_before_{at.strftime(_STAMP)}")


def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=timezone.utc)
