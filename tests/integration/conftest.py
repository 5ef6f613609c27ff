# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers for the integration tests, and a way to run a module as Ansible would."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.tests.git_histories import WorkTree
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox
from ansible_collections.phased.rollout.tests.integration.control import Control

MODULES = "ansible_collections.phased.rollout.plugins.modules"
START_SECONDS = 30


@dataclass(frozen=True)
class Postgresql:
    """A throw-away PostgreSQL server; user is its superuser."""

    host: str
    port: int
    user: str
    password: str

    @property
    def dsn(self) -> str:
        return self.dsn_of("postgres")

    def dsn_of(self, database: str) -> str:
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def execute(self, statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements, each for itself, and return the rows of the last one."""
        connection = psycopg2.connect(self.dsn_of(database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in filter(str.strip, statements.split(";")):
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def login(self, user: str, password: str, database: str) -> dict[str, Any]:
        """Return the options of a module that connect to a database."""
        return {
            "login_host": self.host,
            "login_port": self.port,
            "login_user": user,
            "login_password": password,
            "login_db": database,
        }


@pytest.fixture
def control(
    sandbox: Sandbox,
    tmp_path: Path,
    run_module: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> Control:
    """A control node, and the remote that the test file makes."""
    return Control(sandbox, tmp_path / "control" / "repository.git", run_module, monkeypatch)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> WorkTree:
    """A work tree for the histories of one test file."""
    return WorkTree(tmp_path_factory.mktemp("git") / "work")


@pytest.fixture
def run_module() -> Callable[..., dict[str, Any]]:
    """Return a function that runs a module of the collection and returns its result."""

    def run(name: str, args: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
        given = {"ANSIBLE_MODULE_ARGS": {**args, "_ansible_check_mode": check_mode}}
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        done = subprocess.run(
            [sys.executable, "-m", f"{MODULES}.{name}"],
            input=json.dumps(given),
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            result: dict[str, Any] = json.loads(done.stdout, parse_constant=_refuse_constant)
        except ValueError:
            pytest.fail(f"{name} gave no JSON: {done.stdout}{done.stderr}")
        assert bool(result.get("failed")) == bool(done.returncode)
        return result

    return run


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """Start a PostgreSQL server of its own in a temporary folder."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert programs, "PostgreSQL is missing: apt-get install postgresql-15"
    programs_folder = programs[-1].parent
    with scratch_folder() as folder:
        data, passwords = folder / "data", folder / "password"
        server = Postgresql("127.0.0.1", free_port(), "rollout_test", secrets.token_hex(8))
        passwords.write_text(server.password)
        hand_over(passwords)
        subprocess.run(
            [
                *unprivileged(),
                programs_folder / "initdb",
                f"--pgdata={data}",
                f"--username={server.user}",
                f"--pwfile={passwords}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
        )
        argv = [programs_folder / "postgres", "-D", data, "-p", str(server.port), "-k", folder]
        settings = {"listen_addresses": server.host, "fsync": "off", "max_connections": "50"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with started([*argv, *options], log=folder / "log", ready=lambda: _answers(server)):
            yield server


@contextmanager
def started(argv: list[Any], *, log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """Run a server while the block runs. It ends with this process, even if that is killed."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*unprivileged("--pdeathsig=INT"), *argv], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{argv[0]} did not start: {log.read_text()}")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(2)
        process.wait(START_SECONDS)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that the unprivileged user owns; its path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="rollout-"))
    hand_over(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def unprivileged(*options: str) -> list[str]:
    """Return the argv that goes before a program that refuses to run as root."""
    who = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *options, *who, "--"]


def hand_over(path: Path) -> None:
    """Give a file or folder to the user that unprivileged() runs as."""
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: Postgresql) -> bool:
    with suppress(psycopg2.OperationalError):
        psycopg2.connect(server.dsn, connect_timeout=2).close()
        return True
    return False


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
