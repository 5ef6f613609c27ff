# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain as one file that can be verified offline, by playbooks/files/verify_ledger.py.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Iterable, Iterator, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._chain import (
    ChainResult,
    Head,
    Stored,
    canonical,
    verify,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger


def export(ledger: Ledger, rollout: str, path: Path, heads: Sequence[Head] = ()) -> ChainResult:
    """Write all entries of a rollout to a file of JSON lines, and return how its chain stands.

    A broken chain is written as it is. The file is readable by its owner only, and appears under
    its name when it is complete. Raises OSError, LedgerError; an older file is left alone then.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            with ledger.stored(rollout) as rows:
                written = _written(rows, file)
                result = verify(written, heads)
                for _row in written:
                    pass
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
    return result


def _written(rows: Iterable[Stored], file: IO[str]) -> Iterator[Stored]:
    for row in rows:
        line = {"previous": row.previous, "body": row.body, "hash": row.hash}
        file.write(canonical(line) + "\n")
        yield row
