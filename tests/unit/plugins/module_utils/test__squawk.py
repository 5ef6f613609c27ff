# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What squawk reports is read to the letter, and what cannot be read is never clean."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._program import Ended
from ansible_collections.phased.rollout.plugins.module_utils._squawk import (
    LintError,
    find_squawk,
    place_of,
    read_report,
)

TEXT = 'SELECT 1;\nALTER TABLE "tü" ADD c int;\n'
ENTRY: dict[str, Any] = {
    "file": "migration.sql", "line": 1, "column": 18, "line_end": 1, "column_end": 27,
    "level": "Warning", "message": "Bad.", "help": None, "rule_name": "adding-field",
}  # fmt: skip


def ended(*entries: dict[str, Any], code: int | None = None, stderr: bytes = b"") -> Ended:
    status = (1 if entries else 0) if code is None else code
    return Ended(status, json.dumps(entries).encode(), stderr)


def test_read_report():
    (found,) = read_report(TEXT, ended(ENTRY))
    assert (found.rule, found.message, found.help) == ("adding-field", "Bad.", "")
    assert TEXT[found.start :].startswith("ADD c int")
    (found,) = read_report(TEXT, ended({**ENTRY, "help": "Do."}))
    assert found.help == "Do."
    assert read_report(TEXT, ended()) == []


@pytest.mark.parametrize(
    ("report", "says"),
    [
        pytest.param(Ended(1, b"", b"Configuration error: x\nmore"), "Configuration error: x",
                     id="it failed"),
        pytest.param(Ended(0, b"", b""), "no report that can be read (exit code 0)",
                     id="it said nothing"),
        pytest.param(Ended(-11, b"[]", b""), "exit code -11", id="it crashed"),
        pytest.param(Ended(0, b"{}", b""), "do not go together", id="no list"),
        pytest.param(ended(code=1), "do not go together", id="a failure without a finding"),
        pytest.param(ended(ENTRY, code=0), "do not go together", id="a finding without a failure"),
        pytest.param(Ended(1, b'[{"line": 1', b""), "no report", id="half a report"),
        pytest.param(ended({**ENTRY, "line": 99}), "line 100 is not in the SQL",
                     id="a line that is not there"),
        pytest.param(ended({**ENTRY, "line": -1}), "is not in the SQL", id="a line before it"),
        pytest.param(ended({"line": 1}), "no report", id="another shape"),
        pytest.param(ended({**ENTRY, "rule_name": "syntax-error", "level": "Error"}),
                     "squawk cannot read line 2 of the SQL: Bad.", id="SQL that cannot be read"),
        pytest.param(ended({**ENTRY, "level": "Error"}), "squawk cannot read line 2",
                     id="any other error"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error(report, says):
    with pytest.raises(LintError) as caught:
        read_report(TEXT, report)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "column", "rest"),
    [
        (0, 0, "SELECT"), (0, 7, "1;"), (1, 0, "ALTER"), (1, 13, "tü"), (1, 18, "ADD"), (2, 0, ""),
    ],
)  # fmt: skip
def test_a_column_counts_bytes(line, column, rest):
    assert TEXT[place_of(TEXT, line, column) :].startswith(rest)


def test_squawk_is_looked_for_beside_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_squawk("/opt/squawk") == "/opt/squawk"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "")
    assert find_squawk(None) == "squawk"
    program = tmp_path / "squawk"
    program.touch(mode=0o755)
    assert find_squawk(None) == str(program)
