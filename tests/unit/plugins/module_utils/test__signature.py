# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._signature import (
    SignatureError,
    sign,
    statement,
    why_not,
)

ARMOURED = "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n"
APPROVAL = {
    "role": "cto",
    "person": "carl@x",
    "reason": "seen",
    "bound": {"tree": "t1", "changes": {"a": "1"}},
    "expires_at": None,
    "signature": ARMOURED,
    "principal": "carl@x",
}


class Keygen:
    """Answers as ssh-keygen does, and keeps what it was asked."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = {name.replace("_", "-"): answer for name, answer in answers.items()}
        self.asked: list[tuple[list[str], bytes]] = []

    def __call__(self, argv: list[str], data: bytes) -> tuple[int, str, str]:
        self.asked.append((argv, data))
        return self.answers[argv[2]]


@pytest.fixture
def allowed(tmp_path: Path) -> str:
    path = tmp_path / "allowed_signers"
    path.write_text("carl@x ssh-ed25519 AAAA\n")
    return str(path)


def test_what_is_signed_says_all_that_is_approved_and_for_what() -> None:
    assert json.loads(statement("tower", "phase-3", APPROVAL)) == {
        **{key: APPROVAL[key] for key in ("role", "person", "reason", "bound", "expires_at")},
        "rollout": "tower",
        "phase": "phase-3",
    }


@pytest.mark.parametrize("field", ["role", "person", "reason", "expires_at", "bound"])
def test_whatever_is_changed_is_another_text(field: str) -> None:
    other: Any = {**APPROVAL, field: {"tree": "t2"} if field == "bound" else "other"}
    assert statement("tower", "phase-3", other) != statement("tower", "phase-3", APPROVAL)


def test_another_phase_or_rollout_is_another_text() -> None:
    texts = {statement(rollout, phase, APPROVAL) for rollout in "ab" for phase in (None, "1", "2")}
    assert len(texts) == 6


def test_what_no_text_can_hold_is_still_told_apart() -> None:
    odd = statement("tower", "phase-3", {**APPROVAL, "reason": "\ud800"})
    assert odd != statement("tower", "phase-3", {**APPROVAL, "reason": "\\ud800"})


def test_signing_gives_the_text_on_stdin_and_no_secret_in_argv() -> None:
    keygen = Keygen(sign=(0, ARMOURED, "Signing data on standard input\n"))
    assert sign(keygen, b"text", "/home/carl/.ssh/id") == ARMOURED
    argv = ["ssh-keygen", "-Y", "sign", "-n", "phased.rollout", "-f", "/home/carl/.ssh/id"]
    assert keygen.asked == [(argv, b"text")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((255, "", "Load key: incorrect passphrase\n"), id="it fails"),
        pytest.param((0, "", "Load key: incorrect passphrase\n"), id="it gives no signature"),
    ],
)
def test_a_key_that_cannot_sign_is_named_with_what_to_do(answer: tuple[int, str, str]) -> None:
    with pytest.raises(SignatureError) as raised:
        sign(Keygen(sign=answer), b"text", "/k")
    assert str(raised.value).startswith("cannot sign with /k: Load key: incorrect passphrase.")
    assert "run ssh-add" in str(raised.value)


def test_a_signature_that_holds_has_no_reason_against_it(allowed: str) -> None:
    keygen = Keygen(verify=(0, "Good", ""))
    assert why_not(keygen, b"text", ARMOURED, "carl@x", allowed) is None
    [(argv, data)] = keygen.asked
    assert (argv[-2:], data) == (["-I", "carl@x"], b"text")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(
            (255, "", "no key\n"), "its signature is of no key in allowed_signers (no key)",
            id="of nobody",
        ),
        pytest.param((0, "", ""), "its signature is of no key in allowed_signers"
                     " (incorrect signature)", id="of nobody, without a word"),
        pytest.param((0, "eve@x\n", ""), "it is signed by eve@x, not by carl@x", id="of another"),
        pytest.param(
            (0, "carl@x\n", ""), "its signature does not fit what it says (incorrect signature)",
            id="of something else",
        ),
    ],
)  # fmt: skip
def test_why_a_signature_does_not_hold(allowed: str, found: tuple[int, str, str], why: str) -> None:
    keygen = Keygen(verify=(255, "", "incorrect signature\n"), find_principals=found)
    assert why_not(keygen, b"text", ARMOURED, "carl@x", allowed) == why


@pytest.mark.parametrize(
    "signature", [pytest.param(None, id="none"), pytest.param("", id="an empty one")]
)
def test_what_has_no_signature_is_not_signed(allowed: str, signature: str | None) -> None:
    assert why_not(Keygen(), b"text", signature, "carl@x", allowed) == "it is not signed"


@pytest.mark.parametrize(
    "missing", [pytest.param("nothing", id="no file"), pytest.param("", id="a folder")]
)
def test_without_the_file_of_allowed_signers_nothing_is_decided(
    tmp_path: Path, missing: str
) -> None:
    with pytest.raises(SignatureError, match="without it no approval can be checked"):
        why_not(Keygen(), b"text", None, "carl@x", str(tmp_path / missing))
