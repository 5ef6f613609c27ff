# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a backup is restored to be proven: a scratch database, or a server of its own.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Mapping, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    MAINTENANCE,
    SCRATCH_COMMENT,
    Properties,
    create_like,
    drop_scratch,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import BusyError
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError, Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_turn import take_turn
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session, literal

#: NAMEDATALEN less one: longer names are cut by the server, without a word.
_MOST_NAME_BYTES = 63
_DIGEST = 12
#: What is left of the beginning of a long name.
_MOST_PREFIX_BYTES = _MOST_NAME_BYTES - _DIGEST - 1
#: sun_path of a socket, less its last byte and the name ".s.PGSQL.5432".
_MOST_SOCKET_BYTES = 107 - len("/.s.PGSQL.5432")
_START_SECONDS = 60


def scratch_name(database: str, purpose: str) -> str:
    """Return the name of a scratch database, of at most 63 bytes; the same every time."""
    name = f"{database}_scratch_{purpose}"
    if len(name.encode()) <= _MOST_NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    cut = name.encode()[:_MOST_PREFIX_BYTES].decode("utf-8", "ignore")
    return f"{cut}_{digest}"


@contextmanager
def scratch_database(server: Server, name: str, properties: Properties) -> Iterator[None]:
    """Keep an empty database like another one while the block runs, and drop it afterwards.

    What a killed run left under this name is dropped first. Raises PgError.
    """
    with _reserved(server, name) as session:
        try:
            drop_scratch(session, name)
            create_like(session, name, properties)
            yield
        except BaseException as exc:
            _drop_after(exc, server, session, name)
            raise
        _drop(server, session, name)


def leftovers(session: Session, database: str) -> List[str]:
    """Return the scratch databases of a database: killed runs left them, or they are in use."""
    prefix = f"{database}_scratch_".encode()[:_MOST_PREFIX_BYTES].decode("utf-8", "ignore")
    comment = "coalesce(shobj_description(oid, 'pg_database'), '')"
    query = (
        f"SELECT datname AS name FROM pg_database WHERE starts_with(datname, {literal(prefix)})"
        f" AND ({comment} = {literal(SCRATCH_COMMENT)}"
        f" OR {comment} = '' AND NOT datallowconn AND datconnlimit = 0)"
    )
    return [row["name"] for row in session.rows(query)]


def drop_leftovers(server: Server, names: Sequence[str]) -> None:
    """Drop those of some scratch databases that no run is working on. Raises PgError."""
    with Session(server, MAINTENANCE) as session:
        for name in names:
            try:
                take_turn(session, f"scratch {name}", wait_seconds=0)
            except BusyError:
                continue
            drop_scratch(session, name)


@contextmanager
def _reserved(server: Server, name: str) -> Iterator[Session]:
    """Yield a session while which no other run has a scratch database of this name."""
    with Session(server, MAINTENANCE) as session:
        take_turn(session, f"scratch {name}")
        yield session


@contextmanager
def scratch_server(
    folder: Path, superuser: str, major: int, settings: Mapping[str, str]
) -> Iterator[Server]:
    """Run a new PostgreSQL server, with some settings, in an existing folder while the block runs.

    It listens on a socket in the folder only, which nobody else may enter. Raises PgError.
    """
    _require_possible(folder)
    server = Server({"PGHOST": str(folder), "PGPORT": "5432", "PGUSER": superuser}, major)
    data = folder / "data"
    server.run(
        *("initdb", "-D", str(data), "-U", superuser, "-A", "trust", "--no-instructions"),
        *("-E", "UTF8", "--locale=C", "--no-sync"),
    )
    with (folder / "log").open("wb") as log:
        private = {"listen_addresses": "", "unix_socket_permissions": "0700"}
        process = server.start(
            *("postgres", "-D", str(data), "-k", str(folder)),
            *(f"--{name}={value}" for name, value in {**settings, **private}.items()),
            orphaned=signal.SIGQUIT,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_ready(server, process, folder / "log")
            yield server
        finally:
            # Nothing in it is worth a checkpoint.
            process.send_signal(signal.SIGQUIT)
            process.wait()


def _drop_after(exc: BaseException, server: Server, session: Session, name: str) -> None:
    """Drop the database after something went wrong."""
    try:
        _drop(server, session, name)
    except PgError as left:
        raise PgError(
            f"{exc}; database {name} could not be dropped ({left}), which the next run does"
        ) from exc


def _drop(server: Server, session: Session, name: str) -> None:
    """Drop the database, unless another run has it by now."""
    try:
        drop_scratch(session, name)
    except PgError:  # the session may be what went wrong, so another one takes its turn
        session.close()
        with _reserved(server, name) as other:
            drop_scratch(other, name)


def _require_possible(folder: Path) -> None:
    if os.geteuid() == 0:
        raise PgError("PostgreSQL's server does not run as root; use become_user: postgres")
    if len(os.fsencode(folder)) > _MOST_SOCKET_BYTES:
        raise PgError(
            f"{folder} is too long for the name of a socket, by"
            f" {len(os.fsencode(folder)) - _MOST_SOCKET_BYTES} bytes: choose a shorter"
            " scratch_directory or label"
        )


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            Session(server, MAINTENANCE).close()
        except PgError as exc:
            if process.poll() is not None or time.monotonic() > deadline:
                words = log.read_text(encoding="utf-8", errors="replace").strip()[-1000:]
                raise PgError(f"the scratch server did not start: {words}") from exc
            time.sleep(0.05)
        else:
            return
