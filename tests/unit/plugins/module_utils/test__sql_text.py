# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL is cut into statements where PostgreSQL cuts it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._sql_text import (
    normalise,
    statements_of,
)


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" ;; -- a comment\n ;/* and; another */", [], id="nothing but comments"),
        pytest.param("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"], id="two statements"),
        pytest.param("SELECT ';';", ["SELECT ';'"], id="a string"),
        pytest.param("SELECT 'it''s;';", ["SELECT 'it''s;'"], id="a string with a quote"),
        pytest.param(r"SELECT E'\';';x", [r"SELECT E'\';'", "x"], id="a string with escapes"),
        pytest.param(r"SELECT '\';x", [r"SELECT '\'", "x"], id="a string without escapes"),
        pytest.param('ALTER TABLE ";""" x; y', ['ALTER TABLE ";""" x', "y"], id="a quoted name"),
        pytest.param("DO $$ a; $x$ b; $$; c", ["DO $$ a; $x$ b; $$", "c"], id="dollar quotes"),
        pytest.param("DO $a$ $$;$$ $a$; c", ["DO $a$ $$;$$ $a$", "c"], id="tagged dollar quotes"),
        pytest.param("SELECT $1; b", ["SELECT $1", "b"], id="a parameter"),
        pytest.param("a /* ; /* ; */ ; */ b; c", ["a /* ; /* ; */ ; */ b", "c"],
                     id="comments in comments"),
        pytest.param("a -- ;\nb; c", ["a -- ;\nb", "c"], id="a comment to the end of the line"),
        pytest.param("CREATE RULE r AS ON INSERT TO t DO (a; b); c",
                     ["CREATE RULE r AS ON INSERT TO t DO (a; b)", "c"], id="parentheses"),
        pytest.param("CREATE FUNCTION f() BEGIN ATOMIC a; SELECT CASE WHEN b THEN c END; END; d",
                     ["CREATE FUNCTION f() BEGIN ATOMIC a; SELECT CASE WHEN b THEN c END; END",
                      "d"], id="the body of a function"),
        pytest.param("BEGIN; a; COMMIT; b", ["BEGIN", "a", "COMMIT", "b"], id="a transaction"),
        pytest.param("a) ; b", ["a)", "b"], id="a parenthesis too many"),
        pytest.param("a 'open; b", ["a 'open; b"], id="a string that is not closed"),
        pytest.param("a /* open; b", ["a"], id="a comment that is not closed"),
        pytest.param("tä$b; \"ü\"; 名", ["tä$b", '"ü"', "名"], id="letters of other alphabets"),
    ],
)  # fmt: skip
def test_statements_of(sql, statements):
    assert [statement.text for statement in statements_of(sql)] == statements


def test_a_statement_knows_its_line_and_its_keywords():
    first, second = statements_of("-- a\n\nAlter\ntable \"Set\" x;\n /* b\n */ select 'drop'")
    assert (first.line, first.words) == (3, ["ALTER", "TABLE", "", "X"])
    assert (second.line, second.words) == (6, ["SELECT", ""])


@pytest.mark.parametrize(
    ("text", "normal"),
    [("a\r\nb", "a\nb"), ("a\rb", "a\nb"), ("\ufeffa", "a"), ("a\n", "a\n")],
)
def test_normalise(text, normal):
    assert normalise(text) == normal


PIECES = [
    *("a", "ü", ";", "(", ")", "'", '"', "E'", "\\", "$$", "$x$", "/*", "*/", "--", "\n"),
    *("BEGIN ATOMIC", "CASE", "END"),
]


@given(st.lists(st.sampled_from(PIECES)))
def test_statements_are_pieces_of_the_text_in_order(parts):
    text = " ".join(parts)
    end = 0
    for statement in statements_of(text):
        assert end <= statement.start < statement.end
        end = statement.end
        assert text[statement.start : end] == statement.text
