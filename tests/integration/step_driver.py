# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module that halts at one of its steps: step_driver.py MODULE FOLDER.

A step is a program that was started, a statement that is about to be sent, or a file that is about
to be made, renamed, removed, encrypted or copied. FOLDER/steps gets the name of each, FOLDER/argv
what each program was given. At the step that FOLDER/halt names, FOLDER/halted appears, and the run
goes on when FOLDER/go does.
"""

from __future__ import annotations

import importlib
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ansible_collections.phased.rollout.plugins.module_utils import _pg_server, _psql

FOLDER, MODULE = Path(sys.argv.pop()), sys.argv.pop()
LONGEST_NAME = 120
FILE_EVENTS = {"os.mkdir", "os.rename", "os.remove", "shutil.rmtree"}
TOOLS = {"age", "gpg", "rsync", "ssh"}
# How a session asks for rows.
WRAPPED = "SELECT coalesce(jsonb_agg(to_jsonb(answer)), '[]'::jsonb) FROM ( "
seen: set[str] = set()
lock = threading.Lock()


def pass_by(name: str) -> None:
    """Take note of a step, and halt if it is the one. Steps of one name are one step."""
    with lock:
        if name in seen:
            return
        seen.add(name)
        with (FOLDER / "steps").open("a") as steps:
            steps.write(f"{name}\n")
    halt = FOLDER / "halt"
    if halt.exists() and halt.read_text() == name:
        (FOLDER / "halted").touch()
        while not (FOLDER / "go").exists():
            time.sleep(0.005)


def name_of(statement: str) -> str:
    """Return a name that is the same in every run."""
    words = " ".join(statement.split()).replace(WRAPPED, "")
    words = re.sub(r"\d{8}T\d{6}Z|[0-9A-F]{8}-[0-9A-F]{8}-\d+|/tmp/\S*/|\b\d[\w-]*", "N", words)
    return words[:LONGEST_NAME]


ask, start = _psql.Session._ask, _pg_server.Server.start


def halting_ask(self: _psql.Session, statement: str) -> str:
    if not statement.startswith("SET ") or statement.startswith("SET TRANSACTION"):
        pass_by(name_of(f"in {self.database}: {statement}"))
    return ask(self, statement)


def halting_start(self: _pg_server.Server, name: str, *arguments: str, **streams: Any) -> Any:
    process = start(self, name, *arguments, **streams)
    pass_by(name_of(f"started {name} {' '.join(arguments)}"))
    return process


def halting_files(event: str, args: tuple[Any, ...]) -> None:
    # Other files, such as what Python compiles, do not matter.
    if event in FILE_EVENTS and "/backups/" in str(args[0]):
        pass_by(f"{event} {Path(args[0]).name}")
    if event == "subprocess.Popen":
        with (FOLDER / "argv").open("a") as argv:
            argv.write(f"{args[1]}\n")
    if event == "subprocess.Popen" and Path(args[0]).name in TOOLS:
        pass_by(name_of(f"starting {Path(args[0]).name} {Path(args[1][-1]).name}"))


_psql.Session._ask = halting_ask  # type: ignore[method-assign]
_pg_server.Server.start = halting_start  # type: ignore[method-assign]
sys.addaudithook(halting_files)
importlib.import_module(f"ansible_collections.phased.rollout.plugins.modules.{MODULE}").main()
