# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_proof import Proof
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

LISTED = {"kind": "list", "proven": False, "invariants": []}
PROVEN = {"kind": "database", "proven": True, "invariants": ["a"]}


class Lists:
    """A server whose pg_restore lists the same whatever it is given."""

    def __init__(self, listing: str) -> None:
        self._listing = listing

    def run(self, *_argv: str) -> str:
        return self._listing


@pytest.mark.parametrize(
    ("there", "kind", "invariants", "done"),
    [
        pytest.param(LISTED, "list", [], True, id="listed, and no more is wanted"),
        pytest.param(LISTED, "database", [], False, id="listed, but to be proven"),
        pytest.param(LISTED, "cluster", [], False, id="listed, but to be proven elsewhere"),
        pytest.param(PROVEN, "list", ["b"], True, id="proven, and no more is wanted"),
        pytest.param(PROVEN, "database", [], True, id="proven, and more than is wanted held"),
        pytest.param(PROVEN, "cluster", ["a"], True, id="proven elsewhere"),
        pytest.param(PROVEN, "database", ["a", "b"], False, id="one thing was not looked at"),
    ],
)
def test_whether_a_backup_is_proven_as_is_wanted(
    there: dict[str, Any], kind: str, invariants: list[str], done: bool
) -> None:
    proof = Proof(kind, Path("/scratch"), 2, dict.fromkeys(invariants, "SELECT true"))
    assert proof.is_in({"proof": there}) is done


TOC = """
; Selected TOC Entries:
215; 1259 16388 TABLE public t app
3344; 0 16388 TABLE DATA public t app
3345; 0 16391 TABLE DATA public u app
"""


@pytest.mark.parametrize(
    ("tables", "enough"),
    [
        pytest.param(["public.t", "public.u", "large objects"], True, id="all of them"),
        pytest.param(["public.t"], True, id="an extension has rows of its own"),
        pytest.param(["public.t", "public.u", "public.v"], False, id="one is not in it"),
    ],
)
def test_a_list_is_no_proof_but_must_have_every_table(tables: list[str], enough: bool) -> None:
    server: Any = Lists(TOC)
    proof, manifest = Proof("list", Path("/scratch"), 2), {"tables": dict.fromkeys(tables)}
    if not enough:
        with pytest.raises(PgError, match="lists the data of 2 tables instead of 3"):
            proof.of(server, manifest, Path("/a"), "public")
        return
    found = proof.of(server, manifest, Path("/a"), "public")
    assert found.pop("at").startswith("20")
    assert found == {"kind": "list", "proven": False, "seconds": None, "invariants": []}
