# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drop-ins of a systemd unit: written together, checked by systemd, taken back if it objects.

This module util is PRIVATE to the collection. It runs on managed hosts: standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._unit_state import DROP_IN_NAME

#: Runs argv and returns (exit code, standard output, standard error).
Run = Callable[[List[str]], Tuple[int, str, str]]
UNITS = Path("/etc/systemd/system")


class UnitError(Exception):
    """A unit is not as it has to be. The message says which one, and why."""


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file as a whole. Whoever reads it sees the old text or the new one."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.chmod(mode)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_text(path: Path) -> Optional[str]:
    """Return what is in a file, None if there is none. Raises OSError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


class DropIns:
    """The drop-ins of one unit that are in this collection's hands, by name."""

    def __init__(self, run: Run, unit: str, wanted: Mapping[str, str]) -> None:
        """wanted: name to content; an empty content means that there is to be none.

        Raises UnitError if a name could be anything but a drop-in of this unit.
        """
        odd = sorted(name for name in wanted if not DROP_IN_NAME.fullmatch(name))
        if odd:
            raise UnitError(f"drop-in {odd[0]!r} of {unit} needs a name such as memory.conf")
        self._run = run
        self._unit = unit
        self._folder = UNITS / f"{unit}.service.d"
        self._wanted = {name: text if text.strip() else None for name, text in wanted.items()}
        self._found = {name: read_text(self._folder / name) for name in wanted}

    @property
    def differ(self) -> bool:
        """Return whether what is there is not what is wanted."""
        return self._found != self._wanted

    def put(self) -> None:
        """Write what is wanted."""
        self._write(self._wanted)

    def take_back(self) -> None:
        """Write again what was found at first."""
        self._write(self._found)

    def _write(self, files: Mapping[str, Optional[str]]) -> None:
        self._folder.mkdir(mode=0o755, exist_ok=True)
        for name, text in files.items():
            if text is None:
                (self._folder / name).unlink(missing_ok=True)
            else:
                write_text(self._folder / name, text)


def check_unit(run: Run, unit: str) -> None:
    """Let systemd read a unit with all its drop-ins.

    Raises UnitError if it says anything: with a key that it does not know it still ends with 0.
    """
    code, _out, said = run(["systemd-analyze", "verify", "--man=no", f"{unit}.service"])
    if code != 0 or said.strip():
        raise UnitError(
            f"systemd-analyze verify objects to {unit}.service, so it was not restarted:"
            f" {said.strip() or f'exit code {code}'}"
        )


def environment() -> Dict[str, str]:
    """Return what systemd's programs need to print plain text that can be read again."""
    return {"LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
