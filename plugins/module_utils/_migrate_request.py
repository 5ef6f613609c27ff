# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a migration, checked, and the command that follows from it.

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._env_file import parse_env
from ansible_collections.phased.rollout.plugins.module_utils._migrate_runner import Job
from ansible_collections.phased.rollout.plugins.module_utils._migrate_target import (
    Target,
    target_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._migrate_watch import Limits
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

#: In a command, the version that it is to go to or to start from.
VERSION = "{version}"
_READ_ONLY = "-c default_transaction_read_only=on"


@dataclass(frozen=True)
class Request:
    """The options of the module pg_migrate; times are in seconds."""

    command: List[str]
    directory: str
    user: Optional[str]
    environment_file: str
    database_variable: str
    database: Optional[str]
    version_query: str
    no_version: str
    to: Optional[str]
    lock_timeout: float
    statement_timeout: float
    retries: int
    backoff: float
    longest_backoff: float
    longest_transaction: float
    timeout: float
    pending_command: Optional[List[str]]
    find_loss: bool
    expected_loss: List[Mapping[str, Any]]
    accept_loss: int

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Request:
        """Return what a module's parameters ask for.

        Raises PgError if a limit is no limit, which would take its guard away.
        """
        request = cls(**{field.name: params[field.name] for field in fields(cls)})
        for name in ("lock_timeout", "statement_timeout", "longest_transaction", "timeout"):
            value = params[name]
            if not 0 < value < math.inf:
                raise PgError(f"{name} is {value:g}; it must be above 0 seconds")
        if not (request.retries >= 0 and 0 < request.backoff <= request.longest_backoff < math.inf):
            raise PgError(
                f"retries is {request.retries}, backoff {request.backoff:g} and longest_backoff"
                f" {request.longest_backoff:g}; needed are 0 or more retries and a backoff above 0"
                " and at most longest_backoff"
            )
        if not request.command:
            raise PgError("command is empty; it must name a program")
        return request

    @property
    def limits(self) -> Limits:
        """The limits of the command's sessions."""
        return Limits(self.lock_timeout, self.statement_timeout)

    def variables(self) -> Dict[str, str]:
        """Return the application's environment. Raises PgError, OSError."""
        # What libpq finds in this process's environment would lead the watch elsewhere.
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        path = Path(self.environment_file)
        try:
            return parse_env(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as exc:
            raise PgError(f"environment_file {path} is no text in UTF-8: {exc}") from None

    def target(
        self, variables: Mapping[str, str], application: str, *, read_only: bool = False
    ) -> Target:
        """Return the database to migrate, with what brings a command to it. Raises PgError."""
        options = f"{self.limits.options()}{' ' + _READ_ONLY if read_only else ''}"
        return target_of(
            variables,
            self.database_variable,
            database=self.database,
            options=options,
            application=application,
        )

    def job(self, variables: Mapping[str, str], target: Target) -> Job:
        """Return the command that migrates. Raises PgError if it lacks the version to go to."""
        if self.to is None and VERSION in " ".join(self.command):
            raise PgError(f"{VERSION} in the command {self.command} needs the option to")
        return self._job(self.command, self.to, target.database, variables, target)

    def pending_job(
        self, variables: Mapping[str, str], target: Target, present: str
    ) -> Optional[Job]:
        """Return the command that only tells what would run; None if there can be none yet."""
        if not self.pending_command or not Path(self.directory).is_dir():
            return None
        name = f"{target.database}-preview"
        return self._job(self.pending_command, present, name, variables, target)

    def _job(
        self,
        command: List[str],
        version: Optional[str],
        name: str,
        variables: Mapping[str, str],
        target: Target,
    ) -> Job:
        return Job(
            name=name,
            command=[word.replace(VERSION, version or VERSION) for word in command],
            directory=self.directory,
            user=self.user,
            file=self.environment_file,
            variables=variables,
            overlay=target.overlay,
        )
