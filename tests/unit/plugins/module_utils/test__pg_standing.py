# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_standing import statements

TABLE = "CREATE TABLE public.a (\n    n integer\n);"


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param("--\n-- PostgreSQL database dump\n--\n", id="a comment"),
        pytest.param("SET statement_timeout = 0;\n", id="a setting"),
        pytest.param(
            "SELECT pg_catalog.set_config('search_path', '', false);\n", id="the search path"
        ),
        pytest.param("\\restrict g2Yb1\n", id="what is another each time"),
        pytest.param("\n\n", id="nothing"),
    ],
)
def test_a_dump_says_the_same_with_and_without_noise(noise: str) -> None:
    assert statements(f"{noise}{TABLE}\n{noise}") == TABLE.splitlines()


def test_another_type_is_another_schema() -> None:
    assert statements(TABLE) != statements(TABLE.replace("integer", "bigint"))
