# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module, and kills a process of it with -9 before or after a function of it runs.

kill_driver.py MODULE_UTIL:FUNCTION before|after worker|guard|module MODULE
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

UTILS = "ansible_collections.phased.rollout.plugins.module_utils"
#: How many parents up from where the function runs.
VICTIMS = {"worker": 0, "guard": 1, "module": 2}


def kill(generations: int) -> None:
    pid = os.getpid()
    for _each in range(generations):
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGKILL)
    signal.pause()  # the others will find out, and end this one


def killing(function: Callable[..., Any], when: str, generations: int) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            kill(generations)
        result = function(*args, **kwargs)
        kill(generations)
        return result

    return run


def main() -> None:
    point, when, victim, module = sys.argv[1:]
    del sys.argv[1:]  # a module would take them for its own
    util, _separator, path = point.partition(":")
    owner: Any = importlib.import_module(f"{UTILS}.{util}")
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    setattr(owner, name, killing(getattr(owner, name), when, VICTIMS[victim]))
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
