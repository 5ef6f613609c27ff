# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that pgBackRest backs up: each test gets one of its own, with a repository.

The repository is reached as if it were on another host: what stands in for ssh runs the command on
this one, as long as the file `reachable` is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.phased.rollout.tests.integration.conftest import (
    hand_over,
    unprivileged,
)

STANZA = "main"
DRIVER = Path(__file__).with_name("kill_driver.py")
SCHEMA = """
CREATE DATABASE shop;
CREATE DATABASE "odd = 'name'";
\\connect shop
CREATE TABLE orders (id int PRIMARY KEY, what text);
INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 1000) AS n;
CREATE UNLOGGED TABLE sessions (id int);
INSERT INTO sessions VALUES (1);
CREATE TABLE version_num (version_num text);
INSERT INTO version_num VALUES ('0007');
SELECT lo_from_bytea(0, 'large');
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
"""
SSH = """#!/bin/sh
if ! test -e {folder}/reachable; then
  echo 'ssh: connect to host vault: No route to host' >&2
  exit 255
fi
while [ "$1" != "pgbackrest@vault" ]; do shift; done
shift
exec sh -c "$*"
"""


@dataclass
class Cluster:
    """A cluster and its repository. Everything is in one folder, owned by who runs it."""

    folder: Path
    name: str = "main"
    extra: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "pg" / self.name

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def config(self) -> Path:
        return self.folder / "pgbackrest.conf"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def configure(self, *, remote: bool = True) -> None:
        """Write pgBackRest's configuration for both ends, and the server's."""
        for name in ("lock", "scratch", "log"):
            (self.folder / name).mkdir(exist_ok=True)
            hand_over(self.folder / name)
        ssh, far = self.folder / "ssh", self.folder / "vault.conf"
        ssh.write_text(SSH.format(folder=self.folder))
        ssh.chmod(0o755)
        (self.folder / "reachable").touch()
        both = f"log-level-file=off\nlock-path={self.folder}/lock\nspool-path={self.folder}/lock\n"
        both += "job-retry=0\n"
        where = f"pg1-path={self.data}\npg1-socket-path={self.folder}\npg1-port=5432\n"
        there = f"repo1-path={self.repository}\nrepo1-bundle=y\nrepo1-retention-full=9999999\n"
        there += "compress-type=lz4\narchive-timeout=10\n"
        here = f"repo1-host=vault\nrepo1-host-config={far}\ncmd-ssh={ssh}\n" if remote else there
        self.config.write_text(f"[global]\n{both}{here}\n[{STANZA}]\n{where}")
        far.write_text(f"[global]\n{both}{there}\n[{STANZA}]\n{where}")
        push = f"pgbackrest --config={self.config} --stanza={STANZA} archive-push %p"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "shared_buffers": "16MB",
            "archive_mode": "on",
            "archive_command": push,
            "max_prepared_transactions": "5",
            **self.extra,
        }
        text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        # As Debian does it: a restore brings back the data, and not these.
        self.write(self.folder / "postgresql.conf", text)
        for name in ("pg_hba.conf", "pg_ident.conf"):
            self.write(self.folder / name, (self.data / name).read_text())

    def write(self, path: Path, text: str) -> None:
        path.write_text(text)
        hand_over(path)

    def run(self, *argv: Any, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program as the user who owns the cluster."""
        env = {**os.environ, "PGHOST": str(self.folder), "PGPORT": "5432", "LC_ALL": "C"}
        env["HOME"] = str(self.folder)
        words = [*unprivileged(), *map(str, argv)]
        # Its output goes to files: a server that it starts would keep pipes open.
        with (self.folder / "out").open("w+") as out:
            done = subprocess.run(
                words, env=env, cwd="/", stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            out.seek(0)
            done.stdout = out.read()
        assert not check or done.returncode == 0, f"{argv}: {done.stdout}"
        return done

    def pg_ctl(self, what: str, *options: str) -> None:
        self.run(
            program("pg_ctl"),
            what,
            "-D",
            self.data,
            "-w",
            "-l",
            self.folder / "log" / "pg",
            *options,
        )

    def start(self) -> None:
        self.pg_ctl("start", "-o", f"-c config_file={self.folder}/postgresql.conf")

    def stop(self, mode: str = "fast") -> None:
        if self.is_up:
            self.run(program("pg_ctl"), "stop", "-D", self.data, "-w", "-m", mode, check=False)

    @property
    def is_up(self) -> bool:
        return self.run(program("pg_isready"), check=False).returncode == 0

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 30
        while not self.is_up:
            assert time.monotonic() < deadline, (self.folder / "log" / "pg").read_text()
            time.sleep(0.1)

    def sql(self, query: str, database: str = "shop") -> str:
        return self.run("psql", "-XAtq", "-d", database, "-c", query).stdout.strip()

    def file(self, path: Path, database: str) -> None:
        self.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", path)

    def pgbackrest(self, *arguments: Any) -> str:
        """Run pgbackrest where the repository is."""
        far = f"--config={self.folder / 'vault.conf'}"
        return self.run("pgbackrest", far, f"--stanza={STANZA}", *arguments).stdout

    def argv(self, module: str, kill: tuple[str, ...] = ()) -> list[str]:
        name = f"ansible_collections.phased.rollout.plugins.modules.{module}"
        how = [str(DRIVER), *kill, name] if kill else ["-m", name]
        return [*unprivileged(), sys.executable, *how]

    def arguments(self, args: dict[str, Any], *, check_mode: bool = False) -> str:
        given = {
            "stanza": STANZA,
            "config": str(self.config),
            "login_host": str(self.folder),
            "login_db": "shop",
            "archive_timeout": 10,
            **args,
            "_ansible_check_mode": check_mode,
            "_ansible_remote_tmp": str(self.folder),
        }
        return json.dumps({"ANSIBLE_MODULE_ARGS": given})

    @property
    def path(self) -> str:
        return os.environ["PATH"]

    @property
    def module_environment(self) -> dict[str, str]:
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        return {**os.environ, "PYTHONPATH": path, "HOME": str(self.folder), **self.environment}

    def module(
        self, name: str, *, check_mode: bool = False, kill: tuple[str, ...] = (), **args: Any
    ) -> dict[str, Any]:
        """Return what a module said; {} if it was killed."""
        done = subprocess.run(
            self.argv(name, kill), input=self.arguments(args, check_mode=check_mode),
            env=self.module_environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if kill and not done.stdout:
            return {}
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def backup(self, label: str = "one", **args: Any) -> dict[str, Any]:
        given = {"label": label, "scratch_directory": str(self.scratch), **args}
        return self.module("pg_cluster_backup", **given)

    def restore(self, **args: Any) -> dict[str, Any]:
        return self.module("pg_cluster_restore", **args)

    def left(self) -> set[str]:
        """Return what is in the scratch directory and beside the data directory."""
        return {path.name for path in (*self.scratch.iterdir(), *self.data.parent.iterdir())}


def program(name: str) -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found, "PostgreSQL is missing: apt-get install postgresql-15"
    return found[-1]


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Make a folder that the unprivileged user owns, where writing to disk costs no time."""
    shared = Path("/dev/shm")
    parent = shared if os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="rollout-", dir=parent))
    hand_over(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def template() -> Iterator[Path]:
    """Make a cluster with a stanza that others are copies of."""
    assert shutil.which("pgbackrest"), "pgBackRest is missing: apt-get install pgbackrest"
    with memory_folder() as folder:
        made = Cluster(folder)
        for path in (folder / "pg", made.repository):
            path.mkdir()
            hand_over(path)
        made.run(
            program("initdb"), f"--pgdata={made.data}", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--no-sync", "--data-checksums",
        )  # fmt: skip
        made.configure()
        made.start()
        try:
            schema = folder / "schema.sql"
            made.write(schema, SCHEMA)
            made.file(schema, "postgres")
            made.pgbackrest("stanza-create")
        finally:
            made.stop()
        yield folder


@contextmanager
def copy_of(origin: Path, name: str = "main", **extra: str) -> Iterator[Cluster]:
    """Run a copy of the template, whose data directory has that name."""
    with memory_folder() as folder:
        made = Cluster(folder, name, extra)
        for part in ("pg", "repository"):
            subprocess.run(["cp", "-a", origin / part, folder / part], check=True)
        if name != "main":
            (folder / "pg" / "main").rename(made.data)
        made.configure()
        made.start()
        try:
            yield made
        finally:
            made.stop("immediate")
