# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify an exported ledger offline: python3 verify_ledger.py FILE [SEQUENCE:HASH ...]

Prints OK, the number of entries and the head, and exits with 0; or the first broken line, and 1.
SEQUENCE:HASH: what a release tag vouches for; without one, a tail that was cut off is not missed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

KEYS = {"actor", "at", "data", "fence", "key", "kind", "phase", "rollout", "run", "sequence"}
JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def check(line: str, number: int, last: tuple[str, ...]) -> tuple[str, ...]:
    """Return hash, time and rollout of the entry in a line, given those of the one before it."""
    stored = json.loads(line)
    body, entry = stored["body"], json.loads(stored["body"])
    digest = hashlib.sha256((last[0] + body).encode()).hexdigest()
    faults = {
        f"its sequence is not {number}": repr(entry["sequence"]) != str(number),
        "its previous is not the hash of the entry before it": stored["previous"] != last[0],
        "its content does not give its hash": stored["hash"] != digest,
        "it is not in canonical form": JSON.encode(entry) != body,
        "it is no entry": entry.keys() != KEYS or not isinstance(entry["data"], dict),
        "it is older than the entry before it": entry["at"] < last[1],
        f"it is not of rollout {last[2]}": entry["rollout"] != (last[2] or entry["rollout"]),
    }
    for fault in (fault for fault, is_found in faults.items() if is_found):
        raise ValueError(f"entry {entry['sequence']} ({entry['key']}): {fault}")
    return digest, entry["at"], entry["rollout"]


def main(path: str, *vouched: str) -> int:
    """Verify a file, print what came of it, and return the exit code."""
    last: tuple[str, ...] = ("0" * 64, "", "")
    number, heads = 0, set(vouched)
    try:
        with Path(path).open(encoding="utf-8") as lines:
            for line in lines:
                last = check(line, number + 1, last)
                number += 1
                heads.discard(f"{number}:{last[0]}")
        if heads or number == 0:
            raise ValueError(f"there is no entry {', '.join(sorted(heads)) or 'at all'}")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as exc:
        print(f"BROKEN: line {number + 1}: {exc if isinstance(exc, ValueError) else repr(exc)}")
        return 1
    print(f"OK: {number} entries of {last[2]}, head {number}:{last[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
