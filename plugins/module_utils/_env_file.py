# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of environment variables, read as systemd reads them (EnvironmentFile=, systemd.exec(5)).

This module util is PRIVATE to the collection. It runs on application hosts: standard library only.
"""

from __future__ import annotations

import re
from typing import Dict, Mapping, Tuple

_BLANK = re.compile(r"\s+")
# A backslash at the end of a comment's line takes the next line into the comment.
_COMMENT = re.compile(r"[#;](?:\\[\s\S]|[^\\\n\r])*")
_KEY = re.compile(r"([^=\n\r]*)(=?)")
_SPACES = re.compile(r"[^\S\n\r]*")
_SINGLE = re.compile(r"'([^']*)(?:'|\Z)")
_DOUBLE = re.compile(r'"((?:\\[\s\S]|[^"\\])*)(?:"|\\?\Z)')
_PLAIN = re.compile(r"(?:\\[\s\S]|[^\\\n\r])*")
_PART = re.compile(r"\\[\s\S]|[^\\]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = '"\\$`'


def parse_env(text: str) -> Dict[str, str]:
    """Return the variables that systemd sets from a file with this text.

    A line that is no assignment, or whose name is none, is ignored, as systemd does.
    """
    found: Dict[str, str] = {}
    position = 0
    while position < len(text):
        for skipped in (_BLANK, _COMMENT):
            match = skipped.match(text, position)
            if match:
                position = match.end()
                break
        else:
            position = _read_line(text, position, found)
    return found


def render_env(variables: Mapping[str, str]) -> str:
    """Return a file's text from which parse_env, and systemd, read these variables."""
    lines = []
    for name, value in variables.items():
        quoted = "".join(f"\\{char}" if char in _ESCAPED else char for char in value)
        lines.append(f'{name}="{quoted}"\n')
    return "".join(lines)


def _read_line(text: str, position: int, found: Dict[str, str]) -> int:
    """Read one assignment into found and return where it ends."""
    match = _KEY.match(text, position)
    if match is None or not match[2]:
        return match.end() if match else len(text)
    name = match[1].rstrip()
    value, end = _read_value(text, match.end())
    if _NAME.fullmatch(name):
        found[name] = value
    return end


def _read_value(text: str, position: int) -> Tuple[str, int]:
    """Return the value that starts here, and where it ends. Quoted parts may follow each other."""
    value = ""
    while True:
        spaces = _SPACES.match(text, position)
        position = spaces.end() if spaces else position
        single, double = _SINGLE.match(text, position), _DOUBLE.match(text, position)
        if single:
            value, position = value + single[1], single.end()
        elif double:
            value, position = value + _unescape_quoted(double[1]), double.end()
        else:
            break
    plain = _PLAIN.match(text, position)
    if plain is None:
        return value, position
    return value + _unescape_plain(plain[0]), plain.end()


def _unescape_quoted(text: str) -> str:
    """Return what stands between double quotes: only some characters can be escaped there."""

    def char(part: str) -> str:
        if len(part) == 1:
            return part
        return "" if part[1] == "\n" else part[1] if part[1] in _ESCAPED else part

    return "".join(char(part) for part in _PART.findall(text))


def _unescape_plain(text: str) -> str:
    """Return a value without quotes: without the spaces after it, unless they are escaped."""
    parts = _PART.findall(text)
    while parts and parts[-1].isspace():
        parts.pop()
    return "".join(part[-1] for part in parts if part != "\\\n")
