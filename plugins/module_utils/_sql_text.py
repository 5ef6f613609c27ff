# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL text cut into statements and words, as PostgreSQL cuts it.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, List, NamedTuple, Tuple

#: Kinds of tokens; a name is one in double quotes.
WORD, NAME, STRING, SYMBOL = "word", "name", "string", "symbol"

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'(?:\\.|''|[^'\\])*(?:'|\Z))
    | (?P<plain>(?:[bBxXnN]|[uU]&)?'(?:''|[^'])*(?:'|\Z))
    | (?P<quoted>(?:[uU]&)?"(?:""|[^"])*(?:"|\Z))
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    **{"escaped": STRING, "plain": STRING, "dollar": STRING},
    **{"quoted": NAME, "word": WORD, "number": SYMBOL, "symbol": SYMBOL},
}


class Token(NamedTuple):
    """A piece of SQL. text: as written; start: its place in the whole text."""

    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        """The keyword that it may be, in capitals; empty if it can be none."""
        return self.text.upper() if self.kind == WORD else ""


@dataclass(frozen=True)
class Statement:
    """A statement without its semicolon. line: that of its first token, from 1."""

    text: str
    start: int
    line: int
    tokens: Tuple[Token, ...]

    @property
    def end(self) -> int:
        """The place after its last character."""
        return self.start + len(self.text)

    @property
    def words(self) -> List[str]:
        """Its keywords, in capitals; what can be none is empty."""
        return [token.word for token in self.tokens]


def normalise(text: str) -> str:
    """Return SQL with one kind of newline and no mark of its encoding."""
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def statements_of(text: str) -> List[Statement]:
    """Return the statements of SQL that is normalised."""
    found: List[Statement] = []
    current: List[Token] = []
    depth = atomic = 0
    for token in _tokens(text):
        depth += (token.text == "(") - (token.text == ")")
        atomic = _atomic(atomic, current, token)
        if token.text == ";" and depth <= 0 and not atomic:
            depth = 0
            if current:
                found.append(_statement(text, current))
            current = []
        else:
            current.append(token)
    if current:
        found.append(_statement(text, current))
    return found


def _atomic(level: int, before: List[Token], token: Token) -> int:
    """Return how deep a token stands in the body of a function: there a ; ends no statement."""
    if token.word == "ATOMIC" and before and before[-1].word == "BEGIN":
        return 1
    if level and token.word == "CASE":
        return level + 1
    return level - 1 if level and token.word == "END" else level


def _statement(text: str, tokens: List[Token]) -> Statement:
    start = tokens[0].start
    end = tokens[-1].start + len(tokens[-1].text)
    return Statement(text[start:end], start, text.count("\n", 0, start) + 1, tuple(tokens))


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return
        kind = match.lastgroup if match.lastgroup != "tag" else "dollar"
        if kind == "comment":
            position = _comment_end(text, match.end())
            continue
        if kind in _KINDS:
            yield Token(_KINDS[kind], match[0], position)
        position = match.end()


def _comment_end(text: str, position: int) -> int:
    """Return where a comment ends; comments in it have ends of their own."""
    depth = 1
    for match in re.finditer(r"/\*|\*/", text[position:]):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return position + match.end()
    return len(text)
