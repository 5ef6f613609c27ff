# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _pg_encrypt
from ansible_collections.phased.rollout.plugins.module_utils._pg_encrypt import (
    Encryption,
    decrypted,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.mark.parametrize(
    ("encryption", "options"),
    [
        pytest.param(
            Encryption("age", ("age1x", "/etc/key.pub")),
            ["--recipient", "age1x", "--recipients-file", "/etc/key.pub"],
            id="age, a key and a file",
        ),
        pytest.param(
            Encryption("gpg", ("4F2B", "/etc/key.asc")),
            ["--recipient", "4F2B", "--recipient-file", "/etc/key.asc"],
            id="gpg, a key and a file",
        ),
    ],
)
def test_each_recipient_gets_the_option_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encryption: Encryption, options: list[str]
) -> None:
    ran: list[tuple[str, ...]] = []

    def run(*argv: str) -> str:
        ran.append(argv)
        Path(argv[-2]).touch()
        return ""

    monkeypatch.setattr(_pg_encrypt, "run_tool", run)
    encryption.try_out(tmp_path)
    (argv,) = ran
    assert argv[0] == encryption.method
    target = tmp_path / f"probe.{encryption.method}"
    assert list(argv[-7:]) == [*options, "-o", str(target), str(tmp_path / "probe")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "recipients",
    [[], [""], [" "], ["--output=/etc/passwd"]],
    ids=["none", "empty", "blank", "option"],
)
def test_recipients_that_are_none_are_refused(recipients: list[str]) -> None:
    with pytest.raises(PgError, match=r"encryption\.recipients is \["):
        Encryption.of({"method": "age", "recipients": recipients})


def test_what_is_not_encrypted_is_read_where_it_is(tmp_path: Path) -> None:
    with decrypted(tmp_path, {"encryption": None}, tmp_path / "none", None) as dump:
        assert dump == tmp_path / "dump"


@pytest.mark.parametrize(
    ("method", "says"),
    [
        pytest.param("rot13", "encrypted with rot13, which is not one of", id="another program"),
        pytest.param("age", "name the file with the secret key", id="no key"),
    ],
)
def test_what_cannot_be_decrypted_says_why(tmp_path: Path, method: str, says: str) -> None:
    manifest = {"label": "a", "encryption": {"method": method}, "files": {}}
    with pytest.raises(PgError, match=says):
        decrypted(tmp_path, manifest, tmp_path, None).__enter__()
    assert list(tmp_path.iterdir()) == []
