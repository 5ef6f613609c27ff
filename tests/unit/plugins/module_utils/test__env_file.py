# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files are read as systemd 252 reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._env_file import (
    parse_env,
    render_env,
)


# What `systemd-run --property=EnvironmentFile=… env` printed for these files.
@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("A=plain", {"A": "plain"}, id="a plain value"),
        pytest.param("A=", {"A": ""}, id="an empty value"),
        pytest.param("A=a#b 'c' \"d\"", {"A": "a#b 'c' \"d\""}, id="quotes inside are kept"),
        pytest.param("A='sin gle'", {"A": "sin gle"}, id="single quotes"),
        pytest.param('A="a \\"q\\" \\$x \\\\ `"', {"A": 'a "q" $x \\ `'}, id="double quotes"),
        pytest.param('A="a\\nb"', {"A": "a\\nb"}, id="no other escapes in double quotes"),
        pytest.param('A="two\nlines"', {"A": "two\nlines"}, id="a newline in quotes"),
        pytest.param("A=back\\\\slash\\x", {"A": "back\\slashx"}, id="backslashes"),
        pytest.param("A=con\\\ntinued", {"A": "continued"}, id="a line that goes on"),
        pytest.param('A="con\\\ntinued"', {"A": "continued"}, id="a quoted line that goes on"),
        pytest.param('A="a"b', {"A": "ab"}, id="quoted, then plain"),
        pytest.param("A='a' 'b'", {"A": "ab"}, id="quoted twice"),
        pytest.param(" A = spaced \t", {"A": "spaced"}, id="spaces around"),
        pytest.param("A=kept\\ ", {"A": "kept "}, id="an escaped space"),
        pytest.param("; a\n# b\nA=1", {"A": "1"}, id="comments"),
        pytest.param("# goes on \\\nA=1\nB=2", {"B": "2"}, id="a comment that goes on"),
        pytest.param("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}, id="other newlines"),
        pytest.param("export A=1\nB=2", {"B": "2"}, id="export is no name"),
        pytest.param("A\nB=2", {"B": "2"}, id="a line without a value"),
        pytest.param("A=1\nA=2", {"A": "2"}, id="the last one counts"),
        pytest.param("A='open", {"A": "open"}, id="a quote that is not closed"),
        pytest.param('A="open\\', {"A": "open"}, id="a double quote that is not closed"),
        pytest.param("", {}, id="an empty file"),
    ],
)
def test_parse_env(text, found):
    assert parse_env(text) == found


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    )
)
def test_what_is_written_is_read(variables):
    assert parse_env(render_env(variables)) == variables


@given(st.text())
def test_any_text_is_read_to_its_end(text):
    parse_env(text)
