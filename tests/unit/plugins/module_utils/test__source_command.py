# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _program
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, SourceError
from ansible_collections.phased.rollout.plugins.module_utils._source_command import CommandSource

Script = Callable[..., str]


def read(*argv: Any, check_mode: bool = False, **raw: Any) -> CommandSource:
    fields = Fields({"type": "command", "argv": list(argv), "timeout": 10, **raw}, "source")
    return CommandSource.read(fields, Context(login=Login(), check_mode=check_mode))


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return a function that writes a shell script and returns its path."""

    def write(text: str, mode: int = 0o755) -> str:
        path = tmp_path / "check.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "good", "note"),
    [
        pytest.param("exit 0", 1, None, id="it ends well"),
        pytest.param("echo no; exit 3", 0, "exit code 3: no", id="it does not"),
        pytest.param("echo a; echo b >&2; exit 1", 0, "exit code 1: b", id="it says why"),
        pytest.param("printf '\\377\\376' >&2; exit 1", 0, "exit code 1: ��", id="in no language"),
    ],
)  # fmt: skip
def test_success(script: Script, text: str, good: int, note: Optional[str]) -> None:
    measurement = read(script(text)).measure()
    assert (measurement.good, measurement.total, measurement.note) == (good, 1, note)


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        pytest.param("echo ' 12.5 '", {}, 12.5, id="all that it prints"),
        pytest.param("echo 1e3; echo warning >&2", {}, 1000.0, id="stderr is no part of it"),
        pytest.param("echo took 12 ms", {"pattern": r"took (\d+) ms"}, 12.0, id="a group"),
        pytest.param("echo -5", {"pattern": r"^(-?\d+)$"}, -5.0, id="a negative one"),
        pytest.param("""echo '{"a": {"b": 7}}'""", {"json": "a.b"}, 7.0, id="in JSON"),
        pytest.param("""echo '[1, 2]'""", {"json": "length(@)"}, 2.0, id="counted in JSON"),
    ],
)
def test_a_number(script: Script, text: str, options: dict[str, Any], value: float) -> None:
    assert read(script(text), measure="number", **options).measure().value == value


@pytest.mark.parametrize(
    ("text", "options", "problem"),
    [
        pytest.param("true", {}, "printed nothing, not a number", id="no output"),
        pytest.param("echo 5 apples", {}, "printed '5 apples', not a number", id="more than it"),
        pytest.param("echo 1_000", {}, "printed '1_000', not a number", id="only Python's number"),
        pytest.param("echo 5; exit 1", {}, "does not count: exit code 1: 5", id="it failed"),
        pytest.param("printf '\\377'", {}, r"check\.sh printed .* no UTF-8 text", id="bytes"),
        pytest.param("kill -9 $$", {}, r"check\.sh was ended by SIGKILL", id="killed"),
        pytest.param("echo 1 2", {"pattern": r"(\d)"}, "2 places in the output", id="two matches"),
        pytest.param("echo no", {"pattern": r"(\d)"}, "0 places in the output", id="no match"),
        pytest.param("echo v1.2.3", {"pattern": "v(.*)"}, "printed '1.2.3', not", id="no number"),
        pytest.param("echo no", {"json": "a"}, r"check\.sh printed no JSON", id="no JSON"),
        pytest.param("echo '{}'", {"json": "a"}, "'a' in what .* finds nothing", id="no path"),
        pytest.param("""echo '{"a": "7"}'""", {"json": "a"}, "must be a number", id="a text"),
        pytest.param("""echo '{"a": NaN}'""", {"json": "a"}, "NaN is no JSON", id="NaN in JSON"),
        pytest.param("yes", {"timeout": 60}, "printed more than 1,000,000 bytes", id="no end"),
    ],
)
def test_no_number(script: Script, text: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read(script(text), measure="number", **options).measure()


@pytest.mark.parametrize(
    ("mode", "text", "problem"),
    [
        pytest.param(0o644, "exit 0", "is not executable for this user; run chmod", id="no x"),
        pytest.param(0o755, None, "there is no such program", id="missing"),
    ],
)
def test_what_cannot_be_run_is_named(
    script: Script, mode: int, text: Optional[str], problem: str
) -> None:
    path = script(text or "", mode)
    if text is None:
        Path(path).unlink()
    with pytest.raises(SourceError, match=f"{path} cannot be run: .*{problem}"):
        read(path).measure()


def test_a_missing_interpreter_is_no_missing_script(tmp_path: Path) -> None:
    path = tmp_path / "check"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(SourceError, match="or its interpreter is missing"):
        read(str(path)).measure()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"true cannot be run: its folder .*/gone is missing"):
        read("true", chdir=str(tmp_path / "gone")).measure()


def test_the_command_runs_in_its_folder_and_without_a_shell(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("7")
    assert read("cat", "number", chdir=str(tmp_path), measure="number").measure().value == 7.0
    source = read("printf", "%s", "$HOME; ls", measure="number")
    assert source.asked == "printf %s '$HOME; ls'"
    with pytest.raises(SourceError, match=r"printed '\$HOME; ls'"):
        source.measure()


def alive(pid: int) -> bool:
    """Return whether a process runs; a dead one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("trap '' TERM; {child} & echo $! >{pids}; wait; wait", id="it ignores TERM"),
        pytest.param("{child} & echo $! >{pids}; exit 0", id="it ends before its child"),
        pytest.param("{child} & echo $! >{pids}; kill -STOP $$", id="it is stopped"),
    ],
)  # fmt: skip
def test_when_time_is_up_nothing_is_left(script: Script, tmp_path: Path, text: str) -> None:
    pids = tmp_path / "pids"
    # The grandchild ignores SIGTERM too, and holds the output.
    child = "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'"
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"check\.sh did not end within 0\.5 s; it was killed"):
        read(script(text.format(child=child, pids=pids)), timeout=0.5).measure()
    assert time.monotonic() - started < 0.5 + _program.TIDY_SECONDS + 1
    left, end = int(pids.read_text()), time.monotonic() + 5
    while alive(left) and time.monotonic() < end:
        time.sleep(0.01)
    assert not alive(left)


def test_a_command_may_tidy_up(script: Script, tmp_path: Path) -> None:
    text = f"trap 'echo tidy >{tmp_path}/tidied; exit' TERM; while :; do sleep 0.02; done"
    with pytest.raises(SourceError, match="did not end"):
        read(script(text), timeout=0.3).measure()
    assert (tmp_path / "tidied").read_text() == "tidy\n"


def test_no_descriptor_is_left_open(script: Script) -> None:
    path = script("sleep 5")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _number in range(3):
        with pytest.raises(SourceError):
            read(path, timeout=0.05).measure()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_command_is_not_run_in_check_mode(script: Script, tmp_path: Path) -> None:
    measurement = read(script(f"touch {tmp_path}/it"), check_mode=True).measure()
    assert (measurement.total, measurement.value) == (None, None)
    assert "not run in check mode" in (measurement.note or "")
    assert not (tmp_path / "it").exists()


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param({"argv": "ls -l"}, "must be a list", id="a line for a shell"),
        pytest.param({"argv": []}, "must be a list", id="nothing to run"),
        pytest.param({"argv": [""]}, "must be a list", id="no name"),
        pytest.param({"argv": ["ls", None]}, "must be a list", id="an argument that is missing"),
        pytest.param({"argv": ["ls", "a\0b"]}, "must be a list", id="a NUL byte"),
        pytest.param({"measure": "speed"}, "success, number", id="an unknown measure"),
        pytest.param({"pattern": "(a)"}, "need number", id="a pattern for an exit code"),
        pytest.param({"measure": "number", "pattern": "a"}, "one group", id="no group"),
        pytest.param({"measure": "number", "pattern": "(a)(b)"}, "one group", id="two groups"),
        pytest.param({"measure": "number", "pattern": "("}, "regular expr", id="no pattern"),
        pytest.param({"measure": "number", "json": "a["}, "JMESPath", id="no path"),
        pytest.param(
            {"measure": "number", "json": "a", "pattern": "(a)"}, "not both", id="two ways"
        ),
        pytest.param({"shell": True}, "no such option", id="a shell"),
    ],
)
def test_what_cannot_be_asked_is_refused(raw: dict[str, Any], problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read(**{"argv": ["true"], **raw})
