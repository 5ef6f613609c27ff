# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which test functions there are on disk, and which of them a test run has collected.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from ansible_collections.phased.rollout.plugins.module_utils._junit import Case


class DiscoveryError(Exception):
    """A file with tests cannot be read. The message names it."""


class Function(NamedTuple):
    """A test function. suite: its module and class, with dots; empty where it is not known."""

    suite: str
    name: str


def functions_in(path: Path, pattern: Optional[str]) -> List[Function]:
    """Return the test functions in a file.

    pattern: its first group, or all that it matches, is a name; without it the file is Python.
    Raises DiscoveryError.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if pattern is not None:
            return [Function("", match[match.re.groups and 1]) for match in re.finditer(
                pattern, text, re.MULTILINE
            )]  # fmt: skip
        tree = ast.parse(text, str(path))
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError) as exc:
        raise DiscoveryError(f"{path} cannot be read for tests: {exc}") from None
    module = ".".join(path.with_suffix("").parts).lstrip("./")
    return list(_python_functions(tree.body, module))


def collected(functions: Sequence[Function], cases: Iterable[Case]) -> int:
    """Return how many of the functions a report knows. A case speaks for one function only.

    The cases of one function with many parameters are one. A suite may be written with fewer
    folders in front in the one place than in the other.
    """
    known: Set[Tuple[str, str]] = {(case.suite, case.name.partition("[")[0]) for case in cases}
    suites: Dict[str, List[str]] = defaultdict(list)
    for suite, name in sorted(known):
        suites[name].append(suite)
    count = 0
    for exact in (True, False):
        rest = []
        for function in functions:
            match = _partner(function.suite, suites[function.name], exact)
            if match is None:
                rest.append(function)
            else:
                suites[function.name].remove(match)
                count += 1
        functions = rest
    return count


def _partner(suite: str, candidates: Sequence[str], exact: bool) -> Optional[str]:
    for candidate in candidates:
        if candidate == suite or (not exact and _same_end(candidate, suite)):
            return candidate
    return None


def _same_end(one: str, other: str) -> bool:
    """Return whether one is the end of the other, by whole parts; an unknown one is of any."""
    return not other or f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")


def _python_functions(body: Sequence[ast.stmt], suite: str) -> Iterator[Function]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name.startswith("test") and not _is_fixture(node):
                yield Function(suite, node.name)
        elif isinstance(node, ast.ClassDef):
            if node.name.startswith("Test") or any(_is_test_case(base) for base in node.bases):
                yield from _python_functions(node.body, f"{suite}.{node.name}")
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            for part in ("body", "orelse", "finalbody"):
                yield from _python_functions(getattr(node, part, []), suite)


def _is_fixture(node: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> bool:
    return any("fixture" in ast.dump(decorator) for decorator in node.decorator_list)


def _is_test_case(base: ast.expr) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    return str(name).endswith("TestCase")
