# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL cluster on this host: its directory, its programs, and what it says of itself.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import MAINTENANCE
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

#: It hashes rows.
_OLDEST_VERSION = 14
_FACTS = """
SELECT current_setting('data_directory') AS data_directory,
       split_part(current_setting('server_version'), ' ', 1) AS server_version,
       current_setting('server_version_num')::int / 10000 AS major,
       current_setting('shared_preload_libraries') AS libraries,
       current_setting('archive_mode') AS archive_mode,
       current_setting('max_prepared_transactions')::int AS max_prepared,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
       (SELECT sum(pg_database_size(oid)) FROM pg_database) AS bytes,
       pg_is_in_recovery() AS in_recovery
"""


@dataclass(frozen=True)
class Control:
    """The control file of a data directory, by the names that pg_controldata prints."""

    values: Mapping[str, str]

    @classmethod
    def read(cls, programs: Path, data: Path) -> Control:
        """Return the control file of a data directory. Raises PgError if it has none."""
        argv = [str(programs / "pg_controldata"), "-D", str(data)]
        environment = {**os.environ, "LC_ALL": "C"}
        # Not run_command: this is also called where no module is.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            argv, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise PgError(f"{data} is no data directory: {done.stderr.strip()}")
        return cls(parse_control(done.stdout))

    @property
    def system_identifier(self) -> int:
        """The number that tells this cluster and its copies from all others."""
        return int(self.values["Database system identifier"])

    @property
    def timeline(self) -> int:
        """The timeline of the latest checkpoint."""
        return int(self.values["Latest checkpoint's TimeLineID"])

    @property
    def state(self) -> str:
        """Whether it runs, was shut down, or recovers, in PostgreSQL's words."""
        return self.values["Database cluster state"]

    @property
    def has_checksums(self) -> bool:
        """Whether every page has a checksum."""
        return self.values["Data page checksum version"] != "0"

    @property
    def next_transaction(self) -> int:
        """The next transaction's 64-bit number at the latest checkpoint."""
        epoch, number = self.values["Latest checkpoint's NextXID"].split(":")
        return (int(epoch) << 32) + int(number)

    @property
    def max_prepared(self) -> int:
        """How many prepared transactions there may be."""
        return int(self.values["max_prepared_xacts setting"])


def parse_control(text: str) -> Dict[str, str]:
    """Return what pg_controldata printed, by name."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _separator, value in pairs}


@dataclass(frozen=True)
class Live:
    """A cluster that runs on this host. data is its real directory, no link."""

    server: Server
    data: Path
    programs: Path
    facts: Mapping[str, Any]

    @classmethod
    def ask(cls, server: Server, expected: Path) -> Live:
        """Return the cluster that the server runs, which must have the expected data directory.

        Raises PgError if it does not answer, or is not the one that is backed up.
        """
        with Session(server, MAINTENANCE) as session:
            facts = session.row(_FACTS)
        data = Path(facts["data_directory"])
        if os.path.realpath(data) != os.path.realpath(expected):
            raise PgError(
                f"the server that answers has its data in {data}, but pgBackRest backs up"
                f" {expected}: check login_host and login_port, and pg1-path"
            )
        if facts["in_recovery"]:
            raise PgError("the server is a standby; run this on the host of the primary")
        require_version(int(facts["major"]))
        real = Path(os.path.realpath(data))
        return cls(server, real, programs_of(real), facts)

    @property
    def system_identifier(self) -> int:
        """The number that tells this cluster and its copies from all others."""
        return int(self.facts["system_identifier"])


def require_version(major: int) -> None:
    """Raise PgError if PostgreSQL is older than what is supported."""
    if major < _OLDEST_VERSION:
        raise PgError(f"PostgreSQL {major} is too old for this: {_OLDEST_VERSION} is needed")


def programs_of(data: Path) -> Path:
    """Return the folder with the programs of the version that a data directory is of.

    Raises PgError if they are not on this host.
    """
    pid = running(data)
    try:
        if pid:
            return Path(f"/proc/{pid}/exe").readlink().parent
    except PermissionError:  # root in a container need not be allowed to look
        pass
    try:
        version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as exc:
        raise PgError(f"{data} is no data directory: {exc.strerror}: {exc.filename}") from exc
    found = shutil.which("postgres")
    candidates = [Path(f"/usr/lib/postgresql/{version}/bin"), Path(f"/usr/pgsql-{version}/bin")]
    for folder in candidates + ([Path(found).parent] if found else []):
        if (folder / "postgres").exists():
            return folder
    raise PgError(f"the programs of PostgreSQL {version} are not on this host; install them")


def running(data: Path) -> Optional[int]:
    """Return the process id of the server that runs on a data directory, None if none does."""
    name = ""
    try:
        lines = (data / "postmaster.pid").read_bytes().splitlines()
        pid = abs(int(lines[0]))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        # The number may be another program's by now: the server is where its data is.
        works_in = str(Path(f"/proc/{pid}/cwd").readlink())
    except PermissionError:
        return pid if name == "postgres" else None
    except (OSError, ValueError, IndexError):
        return None
    return pid if works_in == os.path.realpath(data) else None


def require_one_directory(data: Path) -> None:
    """Raise PgError if parts of a cluster are elsewhere, where renaming does not reach them."""
    spaces = sorted(entry.name for entry in (data / "pg_tblspc").iterdir())
    links = sorted(entry.name for entry in data.iterdir() if entry.is_symlink())
    if spaces:
        raise PgError(
            f"{data} has tablespaces ({listed(spaces)}) in other directories, which cannot be"
            " swapped in one step; restore this cluster with pgbackrest by hand"
        )
    if links:
        raise PgError(
            f"{data} has links to other directories ({listed(links)}), which cannot be swapped in"
            " one step; restore this cluster with pgbackrest by hand"
        )
    if os.path.ismount(data):
        raise PgError(
            f"{data} is the root of a file system and cannot be renamed; move the cluster into a"
            " directory on it"
        )


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raise PgError if a folder cannot take so many bytes, and a tenth more."""
    free, wanted = shutil.disk_usage(folder).free, needed + needed // 10
    if free < wanted:
        raise PgError(
            f"{folder} has {free} bytes free, {what} needs {wanted}: free some, or choose another"
            " directory"
        )
