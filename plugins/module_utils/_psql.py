# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session of psql that stays open: a transaction or a snapshot lives as long as it.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from types import TracebackType
from typing import Any, Dict, List, Optional, Type

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    conninfo,
    said,
)

#: No other encoding or notation of a value may change what is compared.
_SETTINGS = (
    "SET standard_conforming_strings = on",
    "SET DateStyle = 'ISO'",
    "SET IntervalStyle = 'postgres'",
    "SET extra_float_digits = 3",
    "SET bytea_output = 'hex'",
    "SET TimeZone = 'UTC'",
    "SET lc_monetary = 'C'",
    "SET search_path = pg_catalog",
    # A role whose rows are hidden by a policy gets an error instead of fewer rows.
    "SET row_security = off",
    # A limit that the administrator gave to applications is none for a backup.
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    # What a killed run had asked for does not go on for hours. A server before 14 has neither of
    # these, and shall be told apart by whoever asks for its version.
    "SELECT set_config(name, value, false) FROM pg_settings JOIN"
    " (VALUES ('client_connection_check_interval', '5s'), ('idle_session_timeout', '0'))"
    " AS wanted (name, value) USING (name)",
)


def literal(text: str) -> str:
    """Return a text as a literal of SQL. Sessions have standard_conforming_strings on."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


class Session:
    """One connection to a database, until close() or the end of the with statement.

    Several threads must not use one session at once.
    """

    def __init__(self, server: Server, database: str) -> None:
        """Connect. Raises PgError if that fails, or if psql is missing."""
        self.database = database
        self._mark = secrets.token_hex(8)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._psql = server.start(
            "psql",
            *("-X", "-A", "-t", "-q", "-w", "-d", conninfo(database)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        try:
            self.execute(*_SETTINGS)
        except BaseException:
            self.close()
            raise

    def execute(self, *statements: str) -> None:
        """Run statements in turn. Raises PgError with the server's words if one fails."""
        for statement in statements:
            self._ask(statement)

    def rows(self, query: str) -> List[Dict[str, Any]]:
        """Return the rows of one query. Numbers beyond 64 bits must be cast to text in it."""
        return _read(self._ask(_as_json(query)))

    def row(self, query: str) -> Dict[str, Any]:
        """Return the one row of a query."""
        (found,) = self.rows(query)
        return found

    def prepare(self, name: str, query: str) -> None:
        """Plan a query that is asked again and again, under a name that is an identifier."""
        self.execute(f"PREPARE {name} AS {_as_json(query)}")

    def prepared_row(self, name: str) -> Dict[str, Any]:
        """Return the one row of a query that was prepared."""
        (found,) = _read(self._ask(f"EXECUTE {name}"))
        return found

    def abandon(self) -> None:
        """Let what another thread asks of this session fail now."""
        if self._psql.poll() is None:
            self._psql.kill()

    def close(self) -> None:
        """End the session; what it had not committed is rolled back."""
        self.abandon()
        self._psql.wait()
        for stream in (self._psql.stdin, self._psql.stdout, self._errors):
            try:
                if stream:
                    stream.close()
            except BrokenPipeError:
                pass

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _ask(self, statement: str) -> str:
        """Return what the statement printed."""
        stdin, stdout = self._psql.stdin, self._psql.stdout
        if stdin is None or stdout is None:
            raise PgError("psql has no pipes")
        status = f"\\echo {self._mark} :ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n"
        text = f"{statement};\n{status}\\echo {self._mark}\n"
        answer: List[str] = []
        failed: Optional[str] = None
        try:
            stdin.write(text.encode())
            stdin.flush()
        except BrokenPipeError:
            raise self._lost() from None
        for raw in stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line == self._mark:
                if failed is not None and not failed.startswith("false "):
                    raise PgError(self._failure(failed))
                return "\n".join(answer)
            if failed is None and line.startswith(f"{self._mark} "):
                failed = line[len(self._mark) + 1 :]
            elif failed is None:
                answer.append(line)
        raise self._lost()

    def _failure(self, status: str) -> str:
        _failed, state, message = status.split(" ", 2)
        return f"database {self.database}: {message} (SQLSTATE {state})"

    def _lost(self) -> PgError:
        self._psql.wait()
        lines = said(self._errors).splitlines()
        fatal = [line for line in lines if "FATAL:" in line or "failed: " in line]
        reason = (fatal or lines)[-1].replace("psql: error: ", "")
        return PgError(f"database {self.database}: {reason}")


def _as_json(query: str) -> str:
    return f"SELECT coalesce(jsonb_agg(to_jsonb(answer)), '[]'::jsonb) FROM (\n{query}\n) AS answer"


def _read(answer: str) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = json.loads(answer)
    return found
