# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding is a stop unless its table is known to be small, new, or out of use."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._lint import (
    MISSING,
    Limits,
    Size,
    locate,
    names_in,
    weigh,
    with_new,
)
from ansible_collections.phased.rollout.plugins.module_utils._lint_rules import Raw
from ansible_collections.phased.rollout.plugins.module_utils._sql_tables import Name
from ansible_collections.phased.rollout.plugins.module_utils._sql_text import statements_of

BIG, SMALL, EMPTY = Size(10_000_000, 2**30), Size(10, 8192), Size(0, 8192)
SIZES = {
    Name(None, "big"): BIG,
    Name("s", "big"): BIG,
    Name(None, "small"): SMALL,
    Name(None, "empty"): EMPTY,
    Name(None, "wide"): Size(10, 2**30),
    Name(None, "many"): Size(100_001, 8192),
    Name(None, "edge"): Size(100_000, 2**26),
    Name(None, "unknown"): Size(None, 8192, "nobody looked"),
    Name(None, "missing"): MISSING,
    Name(None, "big_index"): BIG,
}
TYPE = "ALTER TABLE {} ALTER COLUMN a TYPE text"
RETYPE = "changing-column-type"


def judge(sql: str, rule: str, *, contract: bool = False) -> list[dict[str, Any]]:
    """Return the findings where a rule finds fault with the last statement."""
    statements = statements_of(sql)
    found = locate(statements, [Raw(rule, statements[-1].start, "Bad.", "Do better.")])
    assert names_in(found) <= SIZES.keys() | {Name(None, "else")}
    return weigh(found, with_new(SIZES, statements), Limits(100_000, 2**26, contract))


@pytest.mark.parametrize(
    ("sql", "rule", "severity", "table", "why"),
    [
        (TYPE.format("big"), RETYPE, "stop", "big", "10,000,000 rows in 1,073,741,824 bytes; up"),
        (TYPE.format("s.big"), RETYPE, "stop", "s.big", "10,000,000 rows"),
        (TYPE.format("small"), RETYPE, "note", "small", "10 rows in 8,192 bytes, which takes no"),
        (TYPE.format("edge"), RETYPE, "note", "edge", "100,000 rows"),
        (TYPE.format("many"), RETYPE, "stop", "many", "100,001 rows"),
        (TYPE.format("wide"), RETYPE, "stop", "wide", "10 rows in 1,073,741,824 bytes"),
        (TYPE.format("unknown"), RETYPE, "stop", "unknown", "is not known: nobody looked."),
        (TYPE.format("missing"), RETYPE, "stop", "missing", "no such table in the database"),
        (TYPE.format("else"), RETYPE, "stop", "else", "it was not looked up."),
        ("DROP INDEX big_index", "require-concurrent-index-deletion", "stop", "big_index", "rows"),
        ("CREATE INDEX i ON small (a); DROP INDEX i", "require-concurrent-index-deletion", "note",
         "small", "10 r"),
        ("ALTER DOMAIN d ADD CHECK (a)", RETYPE, "stop", None, "the statement names no table."),
        ("DROP TABLE small, big", "require-concurrent-reindex", "stop", "big", "rows"),
        ("DROP TABLE big, unknown", "require-concurrent-reindex", "stop", "unknown", "not known"),
        ("CREATE TABLE n (a int); " + TYPE.format("n"), RETYPE, "note", "n", "by this migration"),
        ("CREATE TABLE n (a int)", RETYPE, "note", "n", "made by this migration"),
        ("CREATE TABLE big (a int); " + TYPE.format("s.big"), RETYPE, "stop", "s.big", "rows"),
        ("CREATE TABLE IF NOT EXISTS big (a int); " + TYPE.format("big"), RETYPE, "stop", "big",
         "10,000,000 rows"),
        ("CREATE TABLE IF NOT EXISTS missing (a int); " + TYPE.format("missing"), RETYPE, "note",
         "missing", "0 rows"),
        ("ALTER TABLE small ATTACH PARTITION big DEFAULT", RETYPE, "stop", "big", "rows"),
        ("ALTER TABLE small ADD d int NOT NULL", "adding-required-field", "stop", "small", "10 r"),
        ("ALTER TABLE empty ADD d int NOT NULL", "adding-required-field", "note", "empty", "0 r"),
        ("ALTER TABLE empty RENAME TO b", "renaming-table", "stop", "empty", "release before may"),
        ("CREATE TABLE n (a int); ALTER TABLE n RENAME TO b", "renaming-table", "note", "n",
         "made by this migration"),
        ("ALTER TABLE big ADD d int", "prefer-bigint-over-int", "note", "big", "stops nothing"),
        ("ALTER TABLE small ADD d int", "a-rule-of-tomorrow", "stop", "small", "whatever the"),
        ("CREATE TABLE n (a int)", "ban-uncommitted-transaction", "stop", "n", "whatever the"),
    ],
    ids=str,
)  # fmt: skip
def test_a_finding_is_weighed(sql, rule, severity, table, why):
    (told,) = judge(sql, rule)
    assert (told["severity"], told["table"]) == (severity, table)
    assert told["message"].startswith("Bad. ")
    assert why in told["message"]
    assert (told["rule"], told["help"]) == (rule, "Do better.")


@pytest.mark.parametrize(
    ("sql", "rule", "severity"),
    [
        ("DROP TABLE big", "ban-drop-table", "note"),
        ("ALTER TABLE big DROP COLUMN a", "ban-drop-column", "note"),
        (TYPE.format("big"), RETYPE, "stop"),
        ("ALTER TABLE small ADD d int NOT NULL", "adding-required-field", "stop"),
    ],
    ids=str,
)
def test_a_contract_migration_may_take_away_what_nobody_uses(sql, rule, severity):
    assert [told["severity"] for told in judge(sql, rule, contract=True)] == [severity]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("DO $$ BEGIN END $$", [("unreadable-statement", "stop")]),
        ("CALL rebuild()", [("unreadable-statement", "stop")]),
        ("\\i other.sql", [("unreadable-statement", "stop")]),
        ("VACUUM FULL big", [("rewriting-table", "stop")]),
        ("VACUUM (FULL) small", [("rewriting-table", "note")]),
        ("VACUUM ANALYZE big", []),
        ("CLUSTER big", [("rewriting-table", "stop")]),
        ("CLUSTER", [("rewriting-table", "stop")]),
        ("REFRESH MATERIALIZED VIEW big", [("rewriting-table", "stop")]),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY big", []),
        ("ALTER TABLE big SET UNLOGGED", [("rewriting-table", "stop")]),
        ("ALTER TABLE big SET ACCESS METHOD heap", [("rewriting-table", "stop")]),
        ("ALTER TABLE big SET (fillfactor = 70)", []),
        ("ALTER TABLE small SET TABLESPACE ssd", [("rewriting-table", "note")]),
        ("TRUNCATE small", [("destroying-rows", "stop")]),
        ("TRUNCATE empty", [("destroying-rows", "note")]),
        ("DELETE FROM small", [("destroying-rows", "stop")]),
        ("DELETE FROM small WHERE a", []),
        ("UPDATE big SET a = 1", [("rewriting-rows", "stop")]),
        ("UPDATE small SET a = 1", [("rewriting-rows", "note")]),
        ("UPDATE big SET a = 1 WHERE a", []),
        ("SELECT 1", []),
    ],
    ids=str,
)
def test_what_the_linter_has_no_rule_for(sql, found):
    statements = statements_of(sql)
    told = weigh(locate(statements, []), SIZES, Limits(100_000, 2**26, False))
    assert [(one["rule"], one["severity"]) for one in told] == found


def test_findings_keep_the_order_of_the_text_and_its_lines():
    text = "BEGIN;\nDROP TABLE small;\n\n  UPDATE  big\nSET a = '" + "x" * 300 + "';"
    statements = statements_of(text)
    raw = [Raw("ban-drop-table", text.index("TABLE"), "a", ""), Raw("odd", 0, "b", ""),
           Raw("odd", len(text), "c", "")]  # fmt: skip
    told = weigh(locate(statements, raw), SIZES, Limits(1, 1, False))
    assert [(one["rule"], one["line"]) for one in told] == [
        ("odd", 1), ("ban-drop-table", 2), ("odd", 4), ("rewriting-rows", 4),
    ]  # fmt: skip
    assert told[2]["statement"].startswith("UPDATE big SET a = 'xxx")
    assert len(told[2]["statement"]) == 202


def test_no_finding_gets_lost_before_the_first_statement():
    text = "-- a comment\nDROP TABLE small"
    assert len(locate(statements_of(text), [Raw("odd", 0, "a", "")])) == 1
