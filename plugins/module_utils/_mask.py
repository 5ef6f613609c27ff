# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking secrets out of what becomes evidence. They are masked, not refused.

A step that failed must be able to say so even where the reason it was given holds a password. What
is masked is always masked in the same way, so that writing the same again changes nothing.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Sequence

MASK = "***"
#: A shorter secret is masked only where it is the whole value: it would be found in any hash.
SHORTEST_INSIDE = 4
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = {
    *("password", "passwords", "passwd", "passphrase", "pwd", "secret", "secrets", "token"),
    *("tokens", "credential", "credentials", "authorization", "cookie", "apikey"),
}
_SECRET_ENDS = ("password", "passwd", "passphrase")
_SECRET_KEYS = {("api", "key"), ("private", "key"), ("access", "key")}
#: What stands in these is under names that people chose, such as that of a change.
_NAMED_BY_PEOPLE = (".changes", ".versions")
_NAMED = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key)[\w-]*"
_PATTERNS = [
    # scheme://user:password@host; the last @ before the path ends the password.
    re.compile(r"(?P<before>://[^/\s:@]*:)[^/\s]+(?=@)"),
    re.compile(rf"(?i)(?P<before>{_NAMED}[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s\"',;&]+)"),
    re.compile(r"(?i)(?P<before>\bauthorization\s*[=:]\s*(?:\w+\s+)?)\S+"),
    re.compile(r"(?i)(?P<before>\bbearer\s+)[\w.~+/=-]{8,}"),
    re.compile(
        r"(?s)(?P<before>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?"
        r"(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    ),
]


class Masked(NamedTuple):
    """Data without secrets, and the paths of what was masked."""

    data: Any
    paths: List[str]


def mask(data: Any, secrets: Sequence[str] = ()) -> Masked:
    """Return data with every secret in it masked.

    That is what stands under a key such as password or api_key, what looks like a secret inside a
    text (the password of a URL, password=..., a bearer token, a private key), and every given
    secret wherever it stands. Keys are left as they are.
    """
    paths: List[str] = []
    given = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    return Masked(_masked(data, given, "data", paths, hide=False), paths)


def mask_text(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a text with every secret in it masked."""
    masked: str = mask(text, secrets).data
    return masked


def _masked(data: Any, secrets: Sequence[str], path: str, paths: List[str], *, hide: bool) -> Any:
    if isinstance(data, dict):
        found: Dict[Any, Any] = {}
        people = path.endswith(_NAMED_BY_PEOPLE)
        for key, value in data.items():
            inside = hide or (not people and _names_secret(str(key)))
            found[key] = _masked(value, secrets, f"{path}.{key}", paths, hide=inside)
        return found
    if isinstance(data, (list, tuple)):
        return [
            _masked(value, secrets, f"{path}[{index}]", paths, hide=hide)
            for index, value in enumerate(data)
        ]
    if data is None or isinstance(data, bool):
        return data
    clean = MASK if (hide and data != "") or str(data) in secrets else data
    if isinstance(clean, str):
        clean = _without(clean, secrets)
    if clean != data:
        paths.append(path)
    return clean


def _names_secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    pairs = zip(words, words[1:])
    return any(
        word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words
    ) or not _SECRET_KEYS.isdisjoint(pairs)


def _without(text: str, secrets: Sequence[str]) -> str:
    """Return a text in which nothing is left to be masked."""
    before = None
    while text != before:
        before = text
        for secret in secrets:
            if len(secret) >= SHORTEST_INSIDE:
                text = text.replace(secret, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<before>{MASK}", text)
    return text
