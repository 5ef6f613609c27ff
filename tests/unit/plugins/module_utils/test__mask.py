# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._mask import mask, mask_text

# Text of which every other one holds something that looks like a secret.
TEXT = st.lists(
    st.sampled_from(["token", "=", ":", " ", '"', "authorization", "bearer abcdefgh", "://", "@"])
    | st.text(max_size=3)
).map("".join)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "password", "changes", "token"]), inner, max_size=3)
    ),
)
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----"
SIGNATURE = "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(
            "postgresql://ada:p4ss@db:5432/x failed", "postgresql://ada:***@db:5432/x failed",
            id="the password of a URL",
        ),
        pytest.param("redis://:p4ss@cache", "redis://:***@cache", id="a URL without a user"),
        pytest.param("https://a:p@ss@host/x", "https://a:***@host/x", id="a password with an @"),
        pytest.param("host=db password=p4ss user=ada", "host=db password=*** user=ada", id="a DSN"),
        pytest.param("PGPASSWORD='p4 ss' psql", "PGPASSWORD=*** psql", id="an assignment"),
        pytest.param('{"api_key": "p4 ss", "a": 1}', '{"api_key": ***, "a": 1}', id="JSON"),
        pytest.param("GET /x?token=abc&a=1", "GET /x?token=***&a=1", id="a query"),
        pytest.param('token=""token', "token=***", id="found when more is masked"),
        pytest.param("client_secret: abc", "client_secret: ***", id="YAML"),
        pytest.param("Authorization: Basic YWRh", "Authorization: Basic ***", id="a header"),
        pytest.param("-H 'bearer eyJhbGciOi.J9'", "-H 'bearer ***'", id="a bearer token"),
        pytest.param(f"key:\n{KEY}\n", "key:\n***\n", id="a private key"),
        pytest.param(f"key:\n{KEY[:50]}", "key:\n***", id="half a private key"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("password authentication failed for user ada", id="a word"),
        pytest.param("https://host:8443/a@b", id="a port is no password"),
        pytest.param("git@forge:tower.git", id="an address"),
        pytest.param(SIGNATURE, id="a signature"),
        pytest.param("a" * 100_000, id="a long word"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert mask(text) == (text, [])


@pytest.mark.parametrize(
    ("key", "is_masked"),
    [
        pytest.param("password", True, id="password"),
        pytest.param("login_password", True, id="a part of a name"),
        pytest.param("loginPassword", True, id="camel case"),
        pytest.param("PGPASSWORD", True, id="capitals"),
        pytest.param("api_key", True, id="two words"),
        pytest.param("apiKey", True, id="two words in camel case"),
        pytest.param("access-key-id", True, id="two words of three"),
        pytest.param("key", False, id="a key alone"),
        pytest.param("signing_key", False, id="another key"),
        pytest.param("secretary", False, id="a longer word"),
        pytest.param("tokenizer", False, id="another longer word"),
    ],
)
def test_what_stands_under_such_a_key_is_masked(key: str, is_masked: bool) -> None:
    told = mask({key: "some value"})
    assert told == (({key: "***"}, [f"data.{key}"]) if is_masked else ({key: "some value"}, []))


@pytest.mark.parametrize(
    ("data", "masked", "paths"),
    [
        pytest.param(
            {"secrets": {"db": "x", "list": ["y", 7]}},
            {"secrets": {"db": "***", "list": ["***", "***"]}},
            ["data.secrets.db", "data.secrets.list[0]", "data.secrets.list[1]"],
            id="all below such a key",
        ),
        pytest.param(
            {"password": None, "token": True, "pwd": ""},
            {"password": None, "token": True, "pwd": ""},
            [],
            id="what is no secret under any key",
        ),
        pytest.param(
            {"bound": {"changes": {"rotate-token": "abc123"}}, "versions": {"libsecret": "1.0"}},
            {"bound": {"changes": {"rotate-token": "abc123"}}, "versions": {"libsecret": "1.0"}},
            [],
            id="names that people chose are no keys",
        ),
        pytest.param(
            {"changes": {"a": "sekret-1"}, "n": 12345, "m": 1},
            {"changes": {"a": "***"}, "n": "***", "m": 1},
            ["data.changes.a", "data.n"],
            id="given secrets are masked everywhere",
        ),
        pytest.param(
            {"a": "yes", "b": "yes, sekret-1-more", "c": "yesterday"},
            {"a": "***", "b": "yes, ***", "c": "yesterday"},
            ["data.a", "data.b"],
            id="a short secret is masked alone, the longest of two first",
        ),
        pytest.param((1, "x"), [1, "x"], [], id="a tuple becomes a list"),
    ],
)
def test_data(data: Any, masked: Any, paths: list[str]) -> None:
    assert mask(data, ["yes", "sekret-1", "12345", "sekret-1-more", ""]) == (masked, paths)


@given(DATA, st.lists(st.text(st.characters(exclude_characters="*"), min_size=4), max_size=2))
def test_what_is_masked_stays_masked(data: Any, secrets: list[str]) -> None:
    """Writing the same evidence again must find it unchanged."""
    once = mask(data, secrets).data
    assert mask(once, secrets) == (once, [])


@given(
    st.text(), st.text(),
    st.text(st.characters(categories=["L", "N"]), min_size=4),
)  # fmt: skip
def test_a_given_secret_is_nowhere(before: str, after: str, secret: str) -> None:
    masked = mask_text(f"{before} {secret} {after}", [secret])
    assert secret not in masked
