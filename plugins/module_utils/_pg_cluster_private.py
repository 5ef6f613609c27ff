# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server for a restored copy of a cluster, which only its owner can reach.

It recovers up to the target and opens, but does nothing of itself: no worker, no subscription and
no vacuum. What of its WAL would be archived waits until the copy goes live, so nothing is missing
in the archive then, and nothing is there if it does not.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Dict, Mapping, Optional, Type

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    end_with_parent,
    listed,
)

_PORT = 5432
_POLL_SECONDS = 0.05
_STOP_SECONDS = 120
#: What the server's log says when it has recovered; of a standby it says it otherwise.
_OPENED = "database system is ready to accept connections"
#: Whatever the copy's own configuration says of these, in any file, does not count here.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "hot_standby": "off",
    "archive_command": "",
    "archive_library": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "primary_conninfo": "",
    "autovacuum": "off",
    "max_worker_processes": "0",
    "max_logical_replication_workers": "0",
    "synchronous_standby_names": "",
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_line_prefix": "",
    "lc_messages": "C",
    "cluster_name": "phased.rollout",
}
#: Settings that older versions do not know.
_NEWER = {"archive_library": 15}
_RUNS_ALONE = "local all all trust\n"


class PrivateServer:
    """A server on a restored data directory, while a with statement runs.

    settings: what the copy cannot do without. user: the role to connect as, by default that of the
    system user. server: how to reach it.
    """

    def __init__(
        self,
        programs: Path,
        data: Path,
        *,
        settings: Mapping[str, str],
        user: Optional[str],
    ) -> None:
        self.data = data
        self._programs = programs
        self._settings = settings
        name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
        # A socket's path may have about a hundred characters, a data directory's more.
        self._folder = Path(tempfile.gettempdir()) / f"phased-rollout-{os.geteuid()}-{name}"
        self._major = int((data / "PG_VERSION").read_text(encoding="ascii"))
        self._process: Optional[subprocess.Popen[bytes]] = None
        role = user or pwd.getpwuid(os.geteuid()).pw_name
        self.server = Server(
            {"PGHOST": str(self._folder), "PGPORT": str(_PORT), "PGUSER": role, "PGPASSWORD": ""}
        )

    def __enter__(self) -> PrivateServer:
        """Start the server and recover. Raises PgError, with the server's words, if it cannot."""
        self._make_folder()
        try:
            self._start()
            self._wait_until_open()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """Stop the server, so that its data can be used by another one. Raises PgError."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            raise PgError(f"the copy in {self.data} did not stop in {_STOP_SECONDS} s") from None
        if code != 0:
            raise PgError(f"the copy in {self.data} did not stop as it should: {self._words()}")

    def _make_folder(self) -> None:
        """Make the folder of the socket, which nobody else may look into."""
        left = self._folder.is_dir() and not self._folder.is_symlink()
        if left and self._folder.stat().st_uid == os.geteuid():
            shutil.rmtree(self._folder)
        try:
            self._folder.mkdir(mode=0o700)
        except FileExistsError:
            raise PgError(f"{self._folder} belongs to somebody else; remove it") from None
        (self._folder / "pg_hba.conf").write_text(_RUNS_ALONE, encoding="ascii")
        for name in ("pg_ident.conf", "postgresql.conf"):
            (self._folder / name).touch()

    def _start(self) -> None:
        files = {
            "config_file": self._folder / "postgresql.conf",
            "hba_file": self._folder / "pg_hba.conf",
            "ident_file": self._folder / "pg_ident.conf",
            "unix_socket_directories": self._folder,
        }
        settings: Dict[str, object] = {**self._settings, **_SETTINGS, **files}
        argv = [str(self._programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            if self._major >= _NEWER.get(name, 0):
                argv += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("wb") as log:
            # run_command waits for the end of a program, and does not end it with the module.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function,subprocess-popen-preexec-fn,consider-using-with
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
                preexec_fn=partial(end_with_parent, signal.SIGQUIT),  # noqa: PLW1509
            )

    def _wait_until_open(self) -> None:
        while True:
            ended = self._process is None or self._process.poll() is not None
            if ended:
                raise PgError(f"the copy in {self.data} does not start: {self._words()}")
            if _OPENED in self._log():
                return
            time.sleep(_POLL_SECONDS)

    def _log(self) -> str:
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def _words(self) -> str:
        """Return why the server stopped, in its own words."""
        lines = self._log().splitlines()
        fatal = [line for line in lines if line.startswith(("FATAL:", "PANIC:", "HINT:"))]
        return listed(fatal or lines[-3:] or ["it said nothing"])
