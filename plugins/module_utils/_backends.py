# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backends of a front end get traffic, and how a change moves it. Pure: no I/O, no Ansible.

This module util is PRIVATE to the collection. It runs on front ends: standard library only.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

IN, OUT = "in", "out"
MOST_WEIGHT = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}|\[[0-9A-Fa-f:]+\]:[0-9]{1,5}")
# What ends a line or a statement in the configuration of a front end.
_UNSAFE = re.compile(r"[;{}#\n\r\0\\\"']")


class BackendError(Exception):
    """What was asked of a front end makes no sense or would do harm. The message says why."""


@dataclass(frozen=True)
class Backend:
    """One server behind a front end. state: in or out. weight: its share beside the others'."""

    name: str
    address: str
    parameters: str = ""
    state: str = IN
    weight: int = 1

    @property
    def taken(self) -> bool:
        """Return whether it gets traffic."""
        return self.state == IN

    def public(self) -> Dict[str, Any]:
        """Return it as a module hands it back."""
        return asdict(self)


def read_backends(given: Sequence[Mapping[str, Any]]) -> List[Backend]:
    """Return the backends as the inventory has them, each with the state that it is to start in.

    Raises BackendError if one could not stand in a configuration, or stands there twice.
    """
    found = [
        Backend(
            name=str(one["name"]),
            address=str(one["address"]),
            parameters=" ".join(str(one.get("parameters") or "").split()),
            state=str(one.get("state") or IN),
            weight=_weight(str(one["name"]), one.get("weight") or 1),
        )
        for one in given
    ]
    for one in found:
        if not _NAME.fullmatch(one.name) or not _ADDRESS.fullmatch(one.address):
            raise BackendError(
                f"backend {one.name!r} at {one.address!r} is none: give it a name of letters,"
                " digits, '.', '_' and '-', and an address such as app1.example.com:8000"
            )
        if _UNSAFE.search(one.parameters):
            raise BackendError(
                f"the parameters of backend {one.name} hold {_UNSAFE.findall(one.parameters)[0]!r}:"
                " only words may stand there, such as max_fails=0"
            )
    for what in ("name", "address"):
        values = [getattr(one, what) for one in found]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise BackendError(f"two backends have the {what} {twice[0]}: give each one its own")
    if not found:
        raise BackendError("there is no backend: name the servers that stand behind the front end")
    return found


def keep_states(backends: Sequence[Backend], found: Mapping[str, Backend]) -> List[Backend]:
    """Return the backends with the states that the front end has for their addresses.

    What is new to the front end starts as the inventory says.
    """
    return [
        replace(one, state=found[one.address].state, weight=found[one.address].weight)
        if one.address in found
        else one
        for one in backends
    ]


def changed(
    backends: Sequence[Backend], wanted: Mapping[str, Mapping[str, Any]], *, keep_last: bool
) -> Tuple[List[Backend], List[str]]:
    """Return the backends after a change, and the names of those that were left in all the same.

    wanted: name to state and weight; a weight of 0 is out. keep_last: leave in what would leave
    nobody to serve, instead of raising.
    Raises BackendError for an unknown backend, and if nobody would be left.
    """
    unknown = sorted(set(wanted) - {one.name for one in backends})
    if unknown:
        known = ", ".join(one.name for one in backends)
        raise BackendError(f"there is no backend {unknown[0]} behind this front end, only {known}")
    after = [_change(one, wanted.get(one.name)) for one in backends]
    if any(one.taken for one in after):
        return after, []
    serving = [one.name for one in backends if one.taken]
    if keep_last and serving:
        kept = [
            replace(now, state=IN) if before.taken else now for before, now in zip(backends, after)
        ]
        return kept, serving
    raise BackendError(
        f"without {', '.join(serving) or ', '.join(wanted)} nobody would be left to serve: take out"
        " fewer at a time (smaller batches), or deploy beside what serves (blue_green)"
    )


def coming(before: Sequence[Backend], after: Sequence[Backend]) -> List[Backend]:
    """Return those that get traffic after a change and did not before."""
    taken = {one.name for one in before if one.taken}
    return [one for one in after if one.taken and one.name not in taken]


def leaving(before: Sequence[Backend], after: Sequence[Backend]) -> List[Backend]:
    """Return those that got traffic before a change and do not after it."""
    return coming(after, before)


def _change(backend: Backend, wanted: Optional[Mapping[str, Any]]) -> Backend:
    if wanted is None:
        return backend
    state = str(wanted.get("state") or IN)
    weight = wanted.get("weight")
    if state not in (IN, OUT):
        raise BackendError(f"the state of backend {backend.name} is {state!r}: set in or out")
    if str(weight) == "0":
        state, weight = OUT, None
    return replace(
        backend,
        state=state,
        weight=backend.weight if weight is None else _weight(backend.name, weight),
    )


def _weight(name: str, value: Any) -> int:
    if not str(value).isdigit() or not 0 < int(value) <= MOST_WEIGHT:
        raise BackendError(
            f"the weight of backend {name} is {value!r}: set a number from 0 to {MOST_WEIGHT}"
        )
    return int(value)
