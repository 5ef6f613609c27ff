# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of the linter has its place, and one that is not known is a stop."""

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._lint_rules import (
    Kind,
    is_work,
    kind_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._sql_text import statements_of


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("changing-column-type", Kind.SIZE),
        ("require-concurrent-index-creation", Kind.SIZE),
        ("rewriting-table", Kind.SIZE),
        ("ban-drop-column", Kind.BREAKS),
        ("renaming-table", Kind.BREAKS),
        ("adding-required-field", Kind.ROWS),
        ("destroying-rows", Kind.ROWS),
        ("require-lock-timeout", Kind.STYLE),
        ("prefer-robust-stmts", Kind.STYLE),
        ("ban-drop-database", Kind.ALWAYS),
        ("ban-concurrent-index-creation-in-transaction", Kind.ALWAYS),
        ("unreadable-statement", Kind.ALWAYS),
        ("a-rule-of-tomorrow", Kind.ALWAYS),
    ],
)
def test_kind_of(rule, kind):
    assert kind_of(rule) is kind


@pytest.mark.parametrize(
    ("sql", "work"),
    [
        ("BEGIN", False),
        ("START TRANSACTION", False),
        ("COMMIT", False),
        ("SET lock_timeout = '3s'", False),
        ("SELECT 1", True),
        ("DROP TABLE t", True),
        ("(SELECT 1)", True),
    ],
)
def test_is_work(sql, work):
    assert is_work(statements_of(sql)[0]) is work
