# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables a statement of SQL touches, makes, or reaches through an index.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._sql_text import (
    NAME,
    WORD,
    Statement,
    Token,
)


class Name(NamedTuple):
    """A name as the server knows it: folded to small letters unless it was quoted."""

    schema: Optional[str]
    name: str

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class Touched:
    """What a statement touches.

    tables: whose size decides how long it takes. indexes: those whose tables it touches.
    made: the table that it makes; maybe_made: it does so only IF NOT EXISTS.
    index: the index that it makes.
    """

    tables: Tuple[Name, ...] = ()
    indexes: Tuple[Name, ...] = ()
    made: Optional[Name] = None
    maybe_made: bool = False
    index: Optional[Name] = None


class _Reader:
    """The tokens of a statement, read from left to right."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str:
        """Return the keyword that comes next, empty if none does."""
        return self._tokens[self._at].word if self._at < len(self._tokens) else ""

    def rest(self) -> _Reader:
        """Return a reader of what is left."""
        return _Reader(self._tokens[self._at :])

    def skip(self, *words: str) -> bool:
        """Pass over these words if all of them come next."""
        found = [token.word for token in self._tokens[self._at : self._at + len(words)]]
        if found != list(words):
            return False
        self._at += len(words)
        return True

    def skip_any(self, *words: str) -> None:
        """Pass over any of these words, as long as one comes."""
        while self.peek() in words and self.peek():
            self._at += 1

    def skip_parentheses(self) -> None:
        """Pass over what stands in parentheses, if they come next."""
        if self._symbol() != "(":
            return
        depth = 0
        while self._at < len(self._tokens):
            depth += (self._symbol() == "(") - (self._symbol() == ")")
            self._at += 1
            if depth == 0:
                return

    def find(self, word: str) -> bool:
        """Pass over everything up to a word and over it; to the end if it does not come."""
        while self._at < len(self._tokens):
            self._at += 1
            if self._tokens[self._at - 1].word == word:
                return True
        return False

    def name(self) -> Optional[Name]:
        """Return the name that comes next, and pass over it."""
        parts = [self._part()]
        while parts[-1] is not None and self._symbol() == ".":
            self._at += 1
            parts.append(self._part())
        found = [part for part in parts if part is not None]
        if not found or len(found) != len(parts):
            return None
        return Name(found[-2] if len(found) > 1 else None, found[-1])

    def names(self) -> Tuple[Name, ...]:
        """Return the names in a list that comes next."""
        found: List[Name] = []
        while True:
            self.skip_any("ONLY")
            name = self.name()
            if name is None:
                return tuple(found)
            found.append(name)
            if self._symbol() == "*":
                self._at += 1
            if self._symbol() != ",":
                return tuple(found)
            self._at += 1

    def _part(self) -> Optional[str]:
        if self._at >= len(self._tokens):
            return None
        token = self._tokens[self._at]
        if token.kind not in (WORD, NAME):
            return None
        self._at += 1
        return token.text[1:-1].replace('""', '"') if token.kind == NAME else token.text.lower()

    def _symbol(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""


def touched_by(statement: Statement) -> Touched:
    """Return what a statement touches; nothing where its text does not tell."""
    reader = _Reader(statement.tokens)
    read = _READERS.get(reader.peek())
    return read(reader) if read else Touched()


def _alter(reader: _Reader) -> Touched:
    reader.skip_any("ALTER", "FOREIGN", "MATERIALIZED")
    if reader.skip("INDEX"):
        reader.skip("IF", "EXISTS")
        return Touched(indexes=_some(reader.name()))
    if not (reader.skip("TABLE") or reader.skip("VIEW")):
        return Touched()
    reader.skip("IF", "EXISTS")
    reader.skip_any("ONLY")
    return Touched(tables=_some(reader.name()) + _further(reader))


def _create(reader: _Reader) -> Touched:
    reader.skip("CREATE", "OR", "REPLACE")
    reader.skip_any(*("CREATE", "UNIQUE", "GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED"))
    if reader.skip("INDEX"):
        reader.skip_any("CONCURRENTLY")
        maybe = reader.skip("IF", "NOT", "EXISTS")
        index = None if maybe or reader.peek() == "ON" else reader.name()
        return Touched(tables=_after_on(reader), index=index)
    if reader.skip("TABLE"):
        maybe = reader.skip("IF", "NOT", "EXISTS")
        made = reader.name()
        return Touched(tables=_further(reader), made=made, maybe_made=maybe)
    reader.skip_any("CONSTRAINT")
    if reader.peek() in ("TRIGGER", "POLICY"):
        return Touched(tables=_after_on(reader))
    return Touched()


def _drop(reader: _Reader) -> Touched:
    reader.skip_any("DROP", "FOREIGN", "MATERIALIZED")
    what = reader.peek()
    reader.skip_any(what, "CONCURRENTLY")
    reader.skip("IF", "EXISTS")
    if what == "INDEX":
        return Touched(indexes=reader.names())
    if what in ("TABLE", "VIEW"):
        return Touched(tables=reader.names())
    return Touched(tables=_after_on(reader) if what in ("TRIGGER", "POLICY", "RULE") else ())


def _reindex(reader: _Reader) -> Touched:
    reader.skip("REINDEX")
    reader.skip_parentheses()
    what = reader.peek()
    reader.skip_any(what, "CONCURRENTLY")
    name = _some(reader.name())
    if what == "INDEX":
        return Touched(indexes=name)
    return Touched(tables=name if what == "TABLE" else ())


def _listed(*before: str) -> Callable[[_Reader], Touched]:
    """Return a reader of statements in which tables follow some of these words."""

    def read(reader: _Reader) -> Touched:
        reader.skip_any(*before)
        reader.skip_parentheses()
        return Touched(tables=reader.names())

    return read


def _further(reader: _Reader) -> Tuple[Name, ...]:
    """Return the partitions and parents in an ALTER or CREATE TABLE.

    A table that is referenced is locked for as long as the other one is read, which decides.
    """
    found: Tuple[Name, ...] = ()
    for word, no_name in (("PARTITION", "BY"), ("INHERIT", "NOT")):
        rest = reader.rest()
        while rest.find(word):
            rest.skip("OF")
            if rest.peek() != no_name:
                found += _some(rest.name())
    return found


def _after_on(reader: _Reader) -> Tuple[Name, ...]:
    if not reader.find("ON"):
        return ()
    reader.skip_any("ONLY")
    return _some(reader.name())


def _some(name: Optional[Name]) -> Tuple[Name, ...]:
    return () if name is None else (name,)


_READERS: Dict[str, Callable[[_Reader], Touched]] = {
    "ALTER": _alter,
    "CREATE": _create,
    "DROP": _drop,
    "REINDEX": _reindex,
    "TRUNCATE": _listed("TRUNCATE", "TABLE"),
    "LOCK": _listed("LOCK", "TABLE"),
    "CLUSTER": _listed("CLUSTER", "VERBOSE"),
    "VACUUM": _listed("VACUUM", "FULL", "FREEZE", "VERBOSE", "ANALYZE"),
    "REFRESH": _listed("REFRESH", "MATERIALIZED", "VIEW", "CONCURRENTLY"),
    "UPDATE": _listed("UPDATE"),
    "DELETE": _listed("DELETE", "FROM"),
    "INSERT": _listed("INSERT", "INTO"),
    "COPY": _listed("COPY"),
}
