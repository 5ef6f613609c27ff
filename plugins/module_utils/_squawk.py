# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running squawk, the linter of migrations. What it cannot read is an error, never clean.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._lint_rules import Raw
from ansible_collections.phased.rollout.plugins.module_utils._program import (
    Ended,
    ProgramError,
    run_program,
)

_TIMEOUT_SECONDS = 60
_FOUND = 1


class LintError(Exception):
    """The SQL could not be judged. The message says why."""


def find_squawk(path: Optional[str]) -> str:
    """Return the program: the one at path, else beside this Python, else on PATH."""
    if path:
        return path
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return shutil.which("squawk", path=os.pathsep.join(folders)) or "squawk"


def squawk(
    text: str, *, program: str, in_transaction: bool, server_version: Optional[str]
) -> List[Raw]:
    """Return what squawk finds in SQL that is normalised.

    Neither a configuration that lies around nor a comment in the SQL silences a rule.
    Raises LintError.
    """
    with tempfile.TemporaryDirectory(prefix="rollout-lint-") as folder:
        Path(folder, "squawk.toml").touch()
        # The same length, so that places stay the same.
        heard = text.replace("squawk-ignore", "squawk_ignore")
        Path(folder, "migration.sql").write_text(heard, encoding="utf-8")
        argv = [program, "--reporter", "json", "--config", "squawk.toml"]
        argv += ["--assume-in-transaction"] if in_transaction else []
        argv += ["--pg-version", server_version] if server_version else []
        try:
            ended = run_program(
                [*argv, "migration.sql"], folder=folder, timeout_seconds=_TIMEOUT_SECONDS
            )
        except ProgramError as exc:
            raise LintError(f"{exc}; squawk comes with pip install squawk-cli") from None
    return read_report(text, ended)


def read_report(text: str, ended: Ended) -> List[Raw]:
    """Return the findings in squawk's report on a text. Raises LintError."""
    said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    try:
        report = json.loads(ended.stdout)
        if not isinstance(report, list) or ended.code != (_FOUND if report else 0):
            raise ValueError("its exit code and its report do not go together")
        return [_finding(text, entry) for entry in report]
    except (ValueError, KeyError, TypeError) as exc:
        raise LintError(
            f"squawk gave no report that can be read (exit code {ended.code}):"
            f" {said[0] if said else exc}"
        ) from None


def _finding(text: str, entry: Mapping[str, Any]) -> Raw:
    line, column = int(entry["line"]), int(entry["column"])
    if entry["rule_name"] == "syntax-error" or entry["level"] != "Warning":
        raise LintError(f"squawk cannot read line {line + 1} of the SQL: {entry['message']}")
    start = place_of(text, line, column)
    return Raw(str(entry["rule_name"]), start, str(entry["message"]), str(entry["help"] or ""))


def place_of(text: str, line: int, column: int) -> int:
    """Return a place in a text. line and column count from 0, the column in bytes."""
    lines = text.split("\n")
    if not 0 <= line < len(lines):
        raise ValueError(f"line {line + 1} is not in the SQL")
    before = sum(len(earlier) + 1 for earlier in lines[:line])
    return before + len(lines[line].encode()[:column].decode("utf-8", "ignore"))
