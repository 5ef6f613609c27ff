# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pgBackRest on the database host, and on the repository host what can only be done there.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    end_with_parent,
    ended,
    listed,
    said,
)
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_config import (
    check_stanza,
    load_settings,
    plain,
    to_repository,
)
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_sets import (
    BackupSet,
    read_sets,
    stanza_of,
)

#: Another process of pgBackRest holds the lock of the stanza.
LOCKED = 50
_LOCK_POLL_SECONDS = 1.0
_SSH_FAILED = 255


class PgBackRestError(PgError):
    """pgBackRest failed. code: its exit code, which is the number of its error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Target:
    """Up to where a restore recovers: the end of the backup, a time or an LSN (type, value)."""

    kind: str = "immediate"
    value: Optional[str] = None
    timeline: str = "current"

    def options(self) -> List[str]:
        """Return the target as options of pgbackrest restore."""
        options = [f"--type={self.kind}", "--target-action=promote"]
        if self.value is None:
            # pgBackRest has no option for it here, and the newest one may have been left long ago.
            return [*options, f"--recovery-option=recovery_target_timeline={self.timeline}"]
        return [*options, f"--target={self.value}", f"--target-timeline={self.timeline}"]


@dataclass(frozen=True)
class PgBackRest:
    """pgBackRest for one stanza. config: a file in place of its own configuration."""

    stanza: str
    config: Optional[str] = None
    repository_command: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> PgBackRest:
        """Return pgBackRest as a module's parameters and its configuration say. Raises PgError."""
        stanza = check_stanza(params["stanza"])
        command = params.get("repository_command") or ()
        return cls(
            stanza, params["config"], command, load_settings(stanza, params["config"], os.environ)
        )

    @property
    def lock_directory(self) -> Path:
        """Where processes on this host keep out of each other's way."""
        return Path(self.settings.get("lock-path", "/tmp/pgbackrest"))

    @property
    def data_directory(self) -> Path:
        """The data directory of the cluster on this host. Raises PgError if nothing says it."""
        path = self.settings.get("pg1-path")
        if not path:
            raise PgError(
                f"pgBackRest's configuration on this host has no pg1-path for stanza {self.stanza}:"
                " check the name, and that this is the database host"
            )
        return Path(path)

    def sets(self) -> List[BackupSet]:
        """Return the backups in the repository, oldest first. Raises PgError."""
        return read_sets(self._info())

    def tablespaces_of(self, found: BackupSet) -> List[str]:
        """Return the tablespaces in a backup, after its manifest was read and found intact."""
        (entry,) = self._info(f"--set={found.name}")["backup"]
        return [space["name"] for space in entry.get("tablespace") or []]

    def check(self, archive_seconds: float) -> None:
        """See that a WAL file gets into the repository. Raises PgBackRestError if none does."""
        self._run(f"--archive-timeout={archive_seconds:g}", "check")

    def backup(
        self,
        kind: str,
        annotations: Mapping[str, str],
        *,
        archive_seconds: float,
        lock_seconds: float,
        done: Callable[[], bool],
    ) -> None:
        """Take a backup, and remove none, unless done() says that it is there. Raises PgError.

        If somebody else is taking one now, such as a run that was killed here and goes on there,
        this waits for it.
        """
        options = [
            *(f"--annotation={name}={value}" for name, value in annotations.items()),
            f"--type={kind}",
            f"--archive-timeout={archive_seconds:g}",
            *("--start-fast", "--no-expire-auto"),
        ]
        deadline = time.monotonic() + lock_seconds
        while not done():
            try:
                self._run(*options, "backup", on_repository=True)
                return
            except PgBackRestError as exc:
                if exc.code != LOCKED or time.monotonic() > deadline:
                    raise
            time.sleep(_LOCK_POLL_SECONDS)

    def annotate(self, found: BackupSet, annotations: Mapping[str, str]) -> None:
        """Write annotations to a backup, for everyone who asks about it. Raises PgError."""
        options = [f"--annotation={name}={value}" for name, value in annotations.items()]
        self._run(f"--set={found.name}", *options, "annotate", on_repository=True)

    def expire(self, found: BackupSet) -> None:
        """Remove one backup, those that build on it, and the WAL that nobody needs then."""
        self._run(f"--set={found.name}", "expire", on_repository=True)

    def restore(
        self, found: BackupSet, into: Path, target: Target, *, jobs: int, spaces: Optional[Path]
    ) -> None:
        """Restore a backup into an empty directory. spaces: where tablespaces go. Raises PgError.

        Recovery fetches WAL wherever the directory is at that time: it is renamed later.
        """
        fetch = ["pgbackrest", f"--stanza={self.stanza}", '--pg1-path="$(pwd -P)"']
        fetch += [f'--config="{self.config}"'] if self.config else []
        self._run(
            f"--set={found.name}",
            f"--pg1-path={into}",
            f"--process-max={jobs}",
            *([f"--tablespace-map-all={spaces}"] if spaces else []),
            *target.options(),
            f'--recovery-option=restore_command={" ".join(fetch)} archive-get %f "%p"',
            "restore",
        )

    def _info(self, *options: str) -> Dict[str, Any]:
        text = self._run(*options, "--output=json", "info")
        try:
            return stanza_of(json.loads(text), self.stanza)
        except ValueError as exc:
            raise PgError(f"pgbackrest info gave no JSON: {text[:200]!r}") from exc

    def _run(self, *arguments: str, on_repository: bool = False) -> str:
        """Return what pgbackrest printed."""
        options = [
            f"--stanza={self.stanza}",
            *("--log-level-console=off", "--log-level-stderr=warn", "--no-log-timestamp"),
            *arguments,
        ]
        away = list(self.repository_command) or to_repository(self.settings)
        if on_repository and away:
            return _run([*away, *plain(options)])
        return _run(["pgbackrest", *([f"--config={self.config}"] if self.config else []), *options])


def _run(argv: List[str]) -> str:
    """Return what a program printed. It ends when this process does. Raises PgBackRestError."""
    program = shutil.which(argv[0])
    if not program:
        raise PgError(f"{argv[0]} is not installed on this host, or not in its PATH; install it")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        # run_command does not end what it started when the module is killed.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function,subprocess-popen-preexec-fn
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )
        code = process.wait()
        if code != 0:
            raise PgBackRestError(code, _failure(argv, code, said(errors)))
        return said(out, most=None)


def _failure(argv: List[str], code: int, words: str) -> str:
    command = argv[-1]
    what = f"pgbackrest {command}"
    if argv[0] != "pgbackrest":
        where = listed([argument for argument in argv if "@" in argument][:1])
        what += f" on {where or argv[0]}"
        if code == _SSH_FAILED:
            return f"{what}: the repository host cannot be reached: {words}"
    return f"{what} failed ({ended(code)}): {errors_of(words)}"


def errors_of(words: str) -> str:
    """Return what pgBackRest says went wrong, on one line, without warnings that went before."""
    lines = [re.sub(r"^P\d+ +", "", line.strip()) for line in words.splitlines()]
    first = next((n for n, line in enumerate(lines) if line.startswith(("ERROR", "ASSERT"))), 0)
    return " ".join(line for line in lines[first:] if line and not line.startswith("---"))
