# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


# This plugin util is PRIVATE to the collection.
"""Which hosts a deployment takes at a time."""

from __future__ import annotations

from collections.abc import Sequence


def split(hosts: Sequence[str], batches: Sequence[int | str]) -> list[list[str]]:
    """Return the hosts in batches, in their order.

    batches: numbers of hosts, or shares of all hosts such as 50%, at least one host each. The last
    one is repeated until every host has its batch.
    Raises ValueError if a batch is neither, or is empty.
    """
    left = list(hosts)
    found: list[list[str]] = []
    sizes = [_size(batch, len(hosts)) for batch in batches]
    if not sizes and left:
        raise ValueError("there are no batches: write for example [1, 50%, 100%]")
    while left:
        size = sizes[min(len(found), len(sizes) - 1)]
        found.append(left[:size])
        left = left[size:]
    return found


def _size(batch: int | str, hosts: int) -> int:
    text = str(batch)
    number = text.removesuffix("%")
    if isinstance(batch, bool) or not number.isdigit() or int(number) == 0:
        raise ValueError(f"a batch is {batch!r}: write a number of hosts or 1% to 100%")
    return max(1, hosts * int(number) // 100) if text.endswith("%") else int(number)
