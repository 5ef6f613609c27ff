# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a draft must be to become an entry of the ledger.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._chain import canonical
from ansible_collections.phased.rollout.plugins.module_utils._entry import (
    KINDS,
    STATUSES,
    STEP,
    Draft,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import EntryError
from ansible_collections.phased.rollout.plugins.module_utils._mask import mask, mask_text

#: What an index can hold, and more evidence than a person would ever read.
MOST_NAME_BYTES, MOST_DATA_BYTES = 500, 1_000_000
#: Deeper data is no evidence, but a way to make whoever reads it run out of stack.
MOST_LEVELS = 50
_MOST_INT = 2**63
_NAMES = ("rollout", "key", "kind", "phase", "actor", "run")


def checked(draft: Draft, secrets: Sequence[str] = ()) -> Draft:
    """Return the draft with the secrets in its data masked.

    secrets: known ones; what looks like one is masked as well. Raises EntryError if the draft
    cannot become an entry.
    """
    for name in _NAMES:
        _check_name(name, getattr(draft, name), secrets)
    if draft.kind not in KINDS:
        raise EntryError(f"kind is {draft.kind!r}: it must be one of {', '.join(KINDS)}")
    if not isinstance(draft.data, dict):
        raise EntryError(f"data is {draft.data!r}: it must be a mapping")
    _check_data(draft.data, "data", secrets, MOST_LEVELS)
    draft = replace(draft, data=mask(draft.data, secrets).data)
    if draft.kind == STEP:
        _check_step(draft)
    size = len(canonical(draft.data).encode())
    if size > MOST_DATA_BYTES:
        raise EntryError(
            f"data has {size:,} bytes, at most {MOST_DATA_BYTES:,} are possible:"
            " keep it in a file, and its SHA-256 here"
        )
    return draft


def _check_name(name: str, value: Optional[str], secrets: Sequence[str]) -> None:
    """Raise EntryError unless value can stand in a column of the ledger."""
    if value is None and name == "phase":
        return
    if not isinstance(value, str) or not value.strip():
        raise EntryError(f"{name} is {value!r}: it must be a text")
    _check_text(value, name)
    if mask_text(value, secrets) != value:
        raise EntryError(f"{name} holds a secret: leave it out")
    if len(value.encode()) > MOST_NAME_BYTES:
        raise EntryError(
            f"{name} has {len(value.encode()):,} bytes, at most {MOST_NAME_BYTES} are possible"
        )


def _check_data(data: Any, path: str, secrets: Sequence[str], levels: int) -> None:
    """Raise EntryError unless data is the same after it was written as JSON and read again."""
    if levels == 0:
        raise EntryError(f"{path} is more than {MOST_LEVELS} levels deep: flatten it")
    if isinstance(data, dict):
        for key, value in data.items():
            _check_key(key, path, secrets)
            _check_data(value, f"{path}.{key}", secrets, levels - 1)
    elif isinstance(data, (list, tuple)):
        for index, value in enumerate(data):
            _check_data(value, f"{path}[{index}]", secrets, levels - 1)
    elif isinstance(data, str):
        _check_text(data, path)
    elif not _is_plain(data):
        raise EntryError(
            f"{path} is {data!r} ({type(data).__name__}): it must be a text, true, false, null,"
            " or a finite number below 2^63"
        )


def _check_key(key: Any, path: str, secrets: Sequence[str]) -> None:
    if not isinstance(key, str):
        raise EntryError(f"{path} has the key {key!r}: keys must be texts")
    _check_text(key, f"a key of {path}")
    if mask_text(key, secrets) != key:
        raise EntryError(f"a key of {path} holds a secret: leave it out")


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -_MOST_INT <= value < _MOST_INT)


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise EntryError(f"{path} holds the character NUL, which PostgreSQL cannot store")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise EntryError(f"{path} is not text: it holds bytes that are no UTF-8") from None


def _check_step(draft: Draft) -> None:
    if draft.phase is None:
        raise EntryError("phase is missing: a step is always one of a phase")
    step, status = draft.data.get("step"), draft.data.get("status")
    _check_name("data.step", step, ())
    if status not in STATUSES:
        raise EntryError(f"data.status is {status!r}: it must be one of {', '.join(STATUSES)}")
