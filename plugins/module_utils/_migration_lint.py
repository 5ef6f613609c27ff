# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the SQL of a migration to findings that are weighed.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._lint import (
    STOP,
    Limits,
    Size,
    locate,
    names_in,
    weigh,
    with_new,
)
from ansible_collections.phased.rollout.plugins.module_utils._lint_rules import is_work
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.plugins.module_utils._sql_tables import Name
from ansible_collections.phased.rollout.plugins.module_utils._sql_text import (
    normalise,
    statements_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._squawk import LintError, squawk
from ansible_collections.phased.rollout.plugins.module_utils._table_sizes import (
    server_version,
    sizes_of,
)


def lint(
    sql: str,
    snapshot: Optional[Snapshot],
    *,
    program: str,
    in_transaction: bool,
    search_path: Sequence[str],
    limits: Limits,
) -> Dict[str, Any]:
    """Return findings, stops, notes and statements, as the module migration_lint_info does.

    snapshot: of the live database. Raises LintError, SourceError.
    """
    text = normalise(sql)
    statements = statements_of(text)
    if not statements:
        raise LintError("there is no SQL: nothing was given to be judged")
    version = server_version(snapshot) if snapshot else None
    begun = any(statement.words[0] in ("BEGIN", "START") for statement in statements)
    raw = squawk(
        text,
        program=program,
        in_transaction=in_transaction and not begun,
        server_version=version,
    )
    located = locate(statements, raw)
    sizes: Mapping[Name, Size] = {}
    if snapshot:
        asked = sizes_of(snapshot, names_in(located), search_path=search_path, limits=limits)
        sizes = with_new(asked, statements)
    findings = weigh(located, sizes, limits)
    stops = [finding for finding in findings if finding["severity"] == STOP]
    return {
        "findings": findings,
        "stops": len(stops),
        "notes": len(findings) - len(stops),
        "statements": len([statement for statement in statements if is_work(statement)]),
    }
