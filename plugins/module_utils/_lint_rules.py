# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a linter's rule means for a rollout, and what no rule of the linter sees.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from enum import Enum
from typing import List, NamedTuple

from ansible_collections.phased.rollout.plugins.module_utils._sql_text import Statement


class Kind(Enum):
    """What decides whether a finding is a stop."""

    #: Matters as much as there is in the table: it rewrites or reads all of it under a lock.
    SIZE = "size"
    #: Takes away what the release before still uses; after the soak nobody does.
    BREAKS = "breaks"
    #: Destroys rows, as many as there are.
    ROWS = "rows"
    #: A matter of style, or done by pg_migrate itself.
    STYLE = "style"
    #: Whatever else, rules that are not known included.
    ALWAYS = "always"


_SIZE = {
    *("adding-field-with-default", "adding-foreign-key-constraint", "adding-not-nullable-field"),
    *("adding-serial-primary-key-field", "changing-column-type", "constraint-missing-not-valid"),
    *("disallowed-unique-constraint", "prefer-repack", "require-concurrent-index-creation"),
    *("require-concurrent-index-deletion", "require-concurrent-partition-detach"),
    *("require-concurrent-reindex",),
}
_BREAKS = {
    *("ban-drop-column", "ban-drop-constraint", "ban-drop-default", "ban-drop-domain"),
    *("ban-drop-function", "ban-drop-generated-expression", "ban-drop-index", "ban-drop-not-null"),
    *("ban-drop-policy", "ban-drop-sequence", "ban-drop-table", "ban-drop-trigger"),
    *("ban-drop-type", "ban-drop-view", "ban-revoke", "ban-set-schema", "renaming-column"),
    *("renaming-object", "renaming-table"),
}
# Adding a column that must be filled fails as soon as there is one row.
_ROWS = {"adding-required-field"}
_STYLE = {
    *("ban-char-field", "identifier-too-long", "prefer-bigint-over-int"),
    *("prefer-bigint-over-smallint", "prefer-identity", "prefer-robust-stmts"),
    *("prefer-text-field", "prefer-timestamp-tz", "require-enum-value-ordering"),
    *("require-lock-timeout", "require-statement-timeout", "require-table-schema"),
    *("require-timeout-settings", "unused-ignore"),
}


class Raw(NamedTuple):
    """A finding before it is weighed. start: its place in the text."""

    rule: str
    start: int
    message: str
    help: str


def kind_of(rule: str) -> Kind:
    """Return what decides about a rule's findings."""
    for kind, rules in (
        (Kind.SIZE, _SIZE | {"rewriting-table", "rewriting-rows"}),
        (Kind.BREAKS, _BREAKS),
        (Kind.ROWS, _ROWS | {"destroying-rows"}),
        (Kind.STYLE, _STYLE),
    ):
        if rule in rules:
            return kind
    return Kind.ALWAYS


def own_findings(statement: Statement) -> List[Raw]:
    """Return what is wrong with a statement that squawk has no rule for."""
    words = statement.words
    first, has = words[0], set(words)
    found = []
    if first in ("DO", "CALL", "EXECUTE") or statement.tokens[0].text == "\\":
        found.append(
            (
                "unreadable-statement",
                "What this does cannot be read from its text, so it cannot be judged.",
                "Write the statements themselves; the rehearsal shows what locks they take.",
            )
        )
    if _rewrites(statement, words, has):
        found.append(
            (
                "rewriting-table",
                "This writes the whole table anew under an ACCESS EXCLUSIVE lock.",
                "Do it in a maintenance window, or online with pg_repack.",
            )
        )
    if first == "UPDATE" and "WHERE" not in has:
        found.append(
            (
                "rewriting-rows",
                "This changes every row of the table in one transaction.",
                "Change the rows in batches, outside of the migration.",
            )
        )
    if first == "TRUNCATE" or (first == "DELETE" and "WHERE" not in has):
        found.append(
            (
                "destroying-rows",
                "This destroys every row of the table.",
                "Take a proven backup, and count and accept the loss as a way back does.",
            )
        )
    return [Raw(rule, statement.start, message, advice) for rule, message, advice in found]


def is_work(statement: Statement) -> bool:
    """Return whether a statement does something, rather than set up a session or a transaction."""
    idle = {"BEGIN", "COMMIT", "END", "ROLLBACK", "START", "SET", "RESET", "SAVEPOINT", "RELEASE"}
    return statement.words[0] not in idle


def _rewrites(statement: Statement, words: List[str], has: set[str]) -> bool:
    first = words[0]
    if first == "CLUSTER":
        return True
    if first == "VACUUM":
        return "FULL" in has
    if first == "REFRESH":
        return "CONCURRENTLY" not in has
    moves = ("TABLESPACE", "LOGGED", "UNLOGGED")
    pairs = list(zip(words, words[1:]))
    return first == "ALTER" and (
        any(("SET", word) in pairs for word in moves) or ("SET", "ACCESS") in pairs
    )
