# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that verifies an exported ledger offline, alone and against what is broken."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._chain import Stored
from ansible_collections.phased.rollout.tests.ledger_chains import (
    BREAKS,
    Chain,
    chain,
    relinked,
    replaced,
    with_body,
)

PROGRAM = Path(__file__).parents[4] / "playbooks" / "files" / "verify_ledger.py"
ROWS = chain(5)
HEAD = ROWS[-1].hash
# What only the database can tell: the file holds bodies, and no columns that repeat them.
IN_COLUMNS = {"a column was changed", "the column of the step was changed"}
Verify = Callable[..., tuple[int, str]]


def line(row: Stored) -> str:
    return json.dumps({"body": row.body, "hash": row.hash, "previous": row.previous})


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_ledger", PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def verify(program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Return a function that verifies rows, or lines, and returns the exit code and the output."""

    def run(rows: Chain | list[str], *heads: str) -> tuple[int, str]:
        lines = [line(row) if isinstance(row, Stored) else row for row in rows]
        (tmp_path / "ledger.jsonl").write_text("".join(f"{one}\n" for one in lines))
        code = program.main(str(tmp_path / "ledger.jsonl"), *heads)
        return code, capsys.readouterr().out

    return run


def test_it_is_short_and_runs_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("".join(f"{line(row)}\n" for row in ROWS))
    done = subprocess.run(
        [sys.executable, "-I", "-S", PROGRAM, tmp_path / "ledger.jsonl", f"5:{HEAD}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"OK: 5 entries of tower, head 5:{HEAD}\n"
    assert len(PROGRAM.read_text().splitlines()) <= 60


@pytest.mark.parametrize("name", [name for name in BREAKS if name not in IN_COLUMNS])
def test_what_breaks_a_chain_is_found(verify: Verify, name: str) -> None:
    change, problem, sequence = BREAKS[name]
    rows = change(ROWS)
    # Without columns to compare with, an adapted hash is betrayed by the next entry only.
    at = 4 if problem == "column" else sequence
    code, output = verify(rows)
    assert code == 1
    assert output.startswith(f"BROKEN: line {at}: ")
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(IN_COLUMNS))
def test_columns_are_not_in_the_file(verify: Verify, name: str) -> None:
    assert verify(BREAKS[name][0](ROWS))[0] == 0


def test_the_broken_entry_is_named(verify: Verify) -> None:
    rows = replaced(ROWS, 2, lambda row: with_body(row, run="78"))
    told = "BROKEN: line 3: entry 3 (key-3): its content does not give its hash\n"
    assert verify(rows) == (1, told)


def test_an_entry_of_another_rollout_is_none_of_this_chain(verify: Verify) -> None:
    rows = relinked(replaced(ROWS, 2, lambda row: with_body(row, rollout="apex")), 2)
    assert verify(rows) == (1, "BROKEN: line 3: entry 3 (key-3): it is not of rollout tower\n")


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        pytest.param([f"5:{HEAD}"], "OK", id="the last entry"),
        pytest.param([f"2:{ROWS[1].hash}", f"4:{ROWS[3].hash}"], "OK", id="two in the middle"),
        pytest.param(
            [f"7:{HEAD}"], f"BROKEN: line 6: there is no entry 7:{HEAD}", id="a lost tail"
        ),
        pytest.param(
            [f"4:{HEAD}"], f"BROKEN: line 6: there is no entry 4:{HEAD}", id="another hash"
        ),
        pytest.param(["v1"], "BROKEN: line 6: there is no entry v1", id="nonsense"),
    ],
)
def test_what_release_tags_vouch_for(verify: Verify, heads: list[str], told: str) -> None:
    code, output = verify(ROWS, *heads)
    assert output.startswith(told)
    assert code == (not told.startswith("OK"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("{", "Expecting property name", id="no JSON"),
        pytest.param("", "Expecting value", id="an empty line"),
        pytest.param("[]", "TypeError", id="a list"),
        pytest.param("7", "TypeError", id="a number"),
        pytest.param("{}", "KeyError", id="no body"),
        pytest.param('{"body": 7}', "TypeError", id="a number as body"),
        pytest.param('{"body": "7"}', "TypeError", id="a number in the body"),
        pytest.param('{"body": "{}", "hash": "", "previous": ""}', "KeyError", id="an empty body"),
        pytest.param('{"body": "[' + "[" * 100_000 + '"}', "RecursionError", id="a deep body"),
    ],
)
def test_a_line_that_is_no_entry(verify: Verify, text: str, told: str) -> None:
    code, output = verify([text])
    assert code == 1
    assert output.startswith("BROKEN: line 1: ")
    assert told in output


def test_nan_is_no_number(verify: Verify) -> None:
    row = ROWS[0]._replace(body=ROWS[0].body.replace("1.5", "NaN"))
    code, output = verify(relinked([row]))
    assert (code, "BROKEN: line 1" in output) == (1, True)


def test_a_file_without_entries_proves_nothing(verify: Verify) -> None:
    assert verify([]) == (1, "BROKEN: line 1: there is no entry at all\n")


def test_a_file_that_is_not_there(program: ModuleType, tmp_path: Path) -> None:
    assert program.main(str(tmp_path / "none")) == 1


def test_bytes_that_are_no_text(program: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b"\xff\n")
    assert program.main(str(tmp_path / "ledger.jsonl")) == 1
