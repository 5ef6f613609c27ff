# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are none of PostgreSQL's: they encrypt, decrypt and copy backups.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    end_with_parent,
    ended,
    said,
)


def run_tool(name: str, *arguments: str, environment: Optional[Mapping[str, str]] = None) -> str:
    """Return what a program printed. It gets no input, and ends when this process does.

    Raises PgError with the program's own words if it fails, or if it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise PgError(f"{name} is not installed on this host; install it")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        # run_command would not end it with the module.
        code = subprocess.Popen(  # pylint: disable=ansible-bad-function,subprocess-popen-preexec-fn
            [path, *arguments],
            env={**os.environ, **(environment or {}), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            preexec_fn=end_with_parent,  # noqa: PLW1509
        ).wait()
        if code != 0:
            raise PgError(f"{name} failed ({ended(code)}): {said(errors)}")
        return said(out, most=None)
