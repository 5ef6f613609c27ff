# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain that the entries of one rollout form, and whether it is whole. Pure.

Every entry has a body, which is canonical JSON, the hash of the entry before it, and a hash over
both. Who changes, removes or adds an entry has to change every one after it, and the last of them
stands in release tags.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from operator import itemgetter
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError

#: What the first entry of a chain has in place of the hash of the one before it.
GENESIS = "0" * 64
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_DECODER = json.JSONDecoder()
_quoted = json.encoder.encode_basestring
_HEX = frozenset("0123456789abcdef")


class Head(NamedTuple):
    """The entry that a chain has come to. tag: of the release that vouches for it, if any."""

    sequence: int
    hash: str
    tag: str = ""


class Stored(NamedTuple):
    """A row of the ledger as it is stored, the columns that repeat the body first."""

    actor: str
    at: str
    fence: Optional[int]
    key: str
    kind: str
    phase: Optional[str]
    rollout: str
    run: str
    sequence: int
    step: Optional[str]
    previous: str
    hash: str
    body: str


class Break(NamedTuple):
    """The first entry that breaks a chain.

    problem: gap, previous, hash, form, column, time or head. key: None if the entry is missing.
    """

    sequence: int
    key: Optional[str]
    problem: str
    message: str


class ChainResult(NamedTuple):
    """What verifying a chain came to. entries: how many are in order. head: the last of them."""

    entries: int
    head: Optional[Head]
    broken: Optional[Break]

    @property
    def ok(self) -> bool:
        """Return whether the chain is whole."""
        return self.broken is None

    def as_dict(self) -> Dict[str, Any]:
        """Return the result as a module returns it."""
        head = {"sequence": self.head.sequence, "hash": self.head.hash} if self.head else None
        broken = self.broken._asdict() if self.broken else None
        return {"ok": self.ok, "entries": self.entries, "head": head, "broken": broken}


_IN_BODY = Stored._fields[: Stored._fields.index("step")]
_KEYS = {*_IN_BODY, "data"}
_of_body = itemgetter(*_IN_BODY)


def canonical(content: Any) -> str:
    """Return content as JSON that is written in one way only: keys sorted, no spaces, no NaN."""
    return _ENCODER.encode(content)


def link(previous: str, body: str) -> str:
    """Return the hash of the entry with this body that follows the one with hash previous."""
    return hashlib.sha256((previous + body).encode()).hexdigest()


def stamp(at: datetime) -> str:
    """Return a moment as a body holds it: in UTC, always with microseconds."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Return the moment that stands in a body."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def read_heads(raw: Sequence[Mapping[str, Any]], path: str = "heads") -> List[Head]:
    """Return the heads that release tags state, as tag, sequence and hash. Raises ShapeError."""
    return [_head(Fields(entry, f"{path}[{index}]")) for index, entry in enumerate(raw)]


def verify(rows: Iterable[Stored], heads: Sequence[Head] = ()) -> ChainResult:
    """Return whether rows, in order of sequence, are a whole chain, and its first broken entry.

    heads: what release tags vouch for; a chain that ends before one of them has lost its tail.
    """
    vouched: Dict[int, List[Head]] = {}
    for one in heads:
        vouched.setdefault(one.sequence, []).append(one)
    count, previous, last_at = 0, GENESIS, ""
    for row in rows:
        broken = _broken(row, count + 1, previous, last_at)
        if broken is None and row.sequence in vouched:
            broken = _denied(row, vouched.pop(row.sequence))
        if broken:
            return ChainResult(count, Head(count, previous) if count else None, broken)
        count, previous, last_at = row.sequence, row.hash, row.at
    head = Head(count, previous) if count else None
    return ChainResult(count, head, _lost_tail(vouched, count))


def _broken(row: Stored, sequence: int, previous: str, last_at: str) -> Optional[Break]:
    """Return what is wrong with the row that should be the one of this sequence."""
    if row.sequence != sequence:
        return Break(
            sequence,
            None,
            "gap",
            f"entry {sequence} is missing: the next one is {row.sequence} ({row.key})",
        )
    if row.previous != previous:
        return _wrong(row, "previous", f"follows {row.previous}, but the one before is {previous}")
    digest = link(previous, row.body)
    if row.hash != digest:
        return _wrong(row, "hash", f"has hash {row.hash}, but its content gives {digest}")
    if not _is_in_form(row):
        return _out_of_form(row)
    if row.at < last_at:
        return _wrong(row, "time", f"is of {row.at}, before {last_at} of the one before it")
    return None


def _is_in_form(row: Stored) -> bool:
    """Return whether the body is canonical and says what the columns say.

    Only the data has to be read for that: around it stands what the columns give.
    """
    before = f'{{"actor":{_quoted(row.actor)},"at":{_quoted(row.at)},"data":'
    after = (
        f',"fence":{"null" if row.fence is None else row.fence},"key":{_quoted(row.key)}'
        f',"kind":{_quoted(row.kind)}'
        f',"phase":{"null" if row.phase is None else _quoted(row.phase)}'
        f',"rollout":{_quoted(row.rollout)},"run":{_quoted(row.run)},"sequence":{row.sequence}}}'
    )
    if not (row.body.startswith(before) and row.body.endswith(after)):
        return False
    text = row.body[len(before) : -len(after)]
    try:
        data = _DECODER.raw_decode(text)[0]
        if not isinstance(data, dict) or canonical(data) != text:
            return False
    except (ValueError, RecursionError):
        return False
    return row.step == (data.get("step") if row.kind == "step" else None)


def _out_of_form(row: Stored) -> Break:
    """Return what is wrong with a row that is not in form."""
    try:
        content = json.loads(row.body)
        if content.keys() != _KEYS or canonical(content) != row.body:
            return _wrong(row, "form", "is not in canonical form")
        if not _is_typed(content):
            return _wrong(row, "form", "has something in its body that should be something else")
        told = (*_of_body(content), content["data"].get("step") if row.kind == "step" else None)
    except (ValueError, AttributeError, RecursionError):
        return _wrong(row, "form", "has a body that is no entry")
    for name, column, body in zip(Stored._fields, row, told):
        if column != body:
            text = f"has {name} {column!r} in its column, but {body!r} in its body"
            return _wrong(row, "column", text)
    return _wrong(row, "form", "is not in canonical form")


def _is_typed(content: Mapping[str, Any]) -> bool:
    """Return whether nothing is what merely equals what it should be, as true equals 1."""
    numbers = {type(content["sequence"]), type(content["fence"] or 0)}
    return numbers == {int} and isinstance(content["data"], dict)


def _denied(row: Stored, heads: Sequence[Head]) -> Optional[Break]:
    for head in heads:
        if head.hash != row.hash:
            return _wrong(row, "head", f"has hash {row.hash}, but {_vouches(head)}")
    return None


def _lost_tail(vouched: Mapping[int, Sequence[Head]], count: int) -> Optional[Break]:
    """Return the first entry that a tag vouches for and that is not there."""
    if not vouched:
        return None
    head = vouched[min(vouched)][0]
    text = f"entry {count + 1} is missing: the chain ends at {count}, but {_vouches(head)}"
    return Break(count + 1, None, "head", text)


def _vouches(head: Head) -> str:
    return f"tag {head.tag} vouches for entry {head.sequence} with hash {head.hash}"


def _wrong(row: Stored, problem: str, text: str) -> Break:
    return Break(row.sequence, row.key, problem, f"entry {row.sequence} ({row.key}) {text}")


def _head(fields: Fields) -> Head:
    fields.only("tag", "sequence", "hash")
    if fields.raw.get("sequence") is None:
        raise ShapeError(fields.at("sequence"), None, "it must be the number of an entry")
    tag = fields.text("tag", "it must be the name of a release tag")
    digest = fields.text("hash", "it must be a SHA-256 as 64 hexadecimal digits").lower()
    if len(digest) != len(GENESIS) or not _HEX.issuperset(digest):
        raise ShapeError(fields.at("hash"), digest, "it must be a SHA-256 as 64 hexadecimal digits")
    return Head(fields.whole("sequence", 1), digest, tag)
