# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups that leave the host: encrypted for others, and copied to where they are safe."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_encrypt import decrypted
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import read_manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.tests.integration.backer import (
    Halting,
    Source,
    drop,
    new_source,
)
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.git_servers import ssh_server

MARK = "a-word-that-is-in-no-other-file"


@pytest.fixture
def source(postgresql: Postgresql, tmp_path: Path) -> Iterator[Source]:
    made = new_source(postgresql, tmp_path)
    # A comment is in the table of contents, which is not compressed.
    made.execute(f"COMMENT ON TABLE generations IS '{MARK}'")
    made.server.execute(f"ALTER DATABASE {made.name} SET app.secret = '{MARK}'")
    yield made
    drop(made)


@pytest.fixture
def age(tmp_path: Path) -> dict[str, Any]:
    """An encryption, and the identity that can read it."""
    identity = tmp_path / "age.key"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    public = subprocess.check_output(["age-keygen", "-y", identity], text=True).strip()
    return {"identity": identity, "encryption": {"method": "age", "recipients": [public]}}


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """An encryption for a key in a file, and the identity that can read it."""
    home, identity, public = tmp_path / "gpg", tmp_path / "gpg.key", tmp_path / "gpg.pub"
    home.mkdir(mode=0o700)
    run = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    make = ["--quick-generate-key", "Backup <backup@example.org>", "rsa2048", "encrypt"]
    subprocess.run([*run, *make], check=True, capture_output=True)
    subprocess.run([*run, "--armor", "--output", public, "--export"], check=True)
    subprocess.run([*run, "--output", identity, "--export-secret-keys"], check=True)
    yield {"identity": identity, "encryption": {"method": "gpg", "recipients": [str(public)]}}
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def readable(directory: Path) -> list[str]:
    """Return the files in which somebody can read what is in the database."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    found = [path for path in files if MARK.encode() in path.read_bytes()]
    return [str(path.relative_to(directory)) for path in found]


@pytest.mark.parametrize("method", ["age", "gpg"])
def test_what_is_encrypted_can_be_read_by_its_recipients_alone(
    source: Source, tmp_path: Path, request: pytest.FixtureRequest, method: str
) -> None:
    keys = request.getfixturevalue(method)
    source.back_up("plain", proof="list")
    assert "plain/dump/toc.dat" in readable(source.directory)
    result = source.back_up(encryption=keys["encryption"])
    assert "backup" in result, result["msg"]
    assert (result["backup"]["proven"], result["backup"]["encryption"]) == (
        True,
        keys["encryption"],
    )
    folder = source.directory / "one"
    assert readable(folder) == []
    names = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert names == {f".{method}", ".json", ""}
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True
    )
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest["properties"]["settings"] == []
    with decrypted(folder, manifest, tmp_path, keys["identity"]) as dump:
        assert dump.stat().st_mode & 0o777 == 0o700
        assert dump.parent.stat().st_mode & 0o777 == 0o700
        listing = subprocess.check_output(["pg_restore", "-f", "-", dump], text=True)
        assert MARK in listing
        assert MARK in str(manifest["properties"]["settings"])
        roles = (dump.parent / "roles.sql").read_text()
        assert "CREATE ROLE" in roles
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert not source.back_up(encryption=keys["encryption"])["changed"]
    assert "is encrypted with" in source.refused(
        encryption={"method": "age", "recipients": ["age1other"]}
    )


def test_another_key_does_not_read_it(source: Source, tmp_path: Path, age: dict[str, Any]) -> None:
    source.back_up(encryption=age["encryption"], proof="list")
    other = tmp_path / "other.key"
    subprocess.run(["age-keygen", "-o", other], check=True, capture_output=True)
    manifest = read_manifest(source.directory / "one")
    assert manifest is not None
    with pytest.raises(PgError, match=r"age failed .*no identity matched"):
        decrypted(source.directory / "one", manifest, tmp_path, other).__enter__()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_is_encrypted_cannot_be_proven_any_more(source: Source, age: dict[str, Any]) -> None:
    source.back_up(encryption=age["encryption"], proof="list")
    assert "is encrypted, so it cannot be proven any more" in source.refused()
    kept = source.back_up(proof="list", keep=True)
    assert (kept["changed"], kept["backup"]["keep"], kept["backup"]["proven"]) == (
        True,
        True,
        False,
    )


def test_killed_while_it_encrypts_the_next_run_removes_what_can_be_read(
    source: Source, tmp_path: Path, age: dict[str, Any]
) -> None:
    (tmp_path / "halting").mkdir()
    halting = Halting(source, tmp_path / "halting")
    options: dict[str, Any] = {"encryption": age["encryption"], "proof": "list"}
    halting.run(label="two", **options)
    steps = [step for step in halting.steps() if step.startswith("starting age")]
    assert {"starting age roles.sql", "starting age toc.dat"} <= set(steps)
    for number, step in enumerate(steps):
        halting.run(step, subprocess.Popen.kill, label=f"k{number}", **options)
        if number > 1:  # before that there is only the probe
            assert readable(source.directory), step
        assert "backup" in source.back_up(f"other{number}", **options)
        assert (readable(source.directory), source.left()) == ([], [])


class Vault:
    """Another host, which is this one behind an ssh server of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.copies = [{"host": "vault", "directory": str(folder)}]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with ssh_server(tmp_path / "sshd", monkeypatch) as url:
        # The module runs ssh as its user would; what that user's configuration says stands here.
        user, port = re.findall(r"ssh://(\w+)@127\.0\.0\.1:(\d+)", url)[0]
        options = os.environ["GIT_SSH_COMMAND"].removeprefix("ssh -F none")
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "ssh").write_text(
            f"#!/bin/sh\nexec /usr/bin/ssh -F none {options} -p {port} -l {user}"
            ' -o HostName=127.0.0.1 -o HostKeyAlias="[127.0.0.1]:'
            f'{port}" "$@"\n'
        )
        (programs / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        yield Vault(tmp_path / "a 'vault'")


def test_a_copy_is_checked_and_not_made_twice(source: Source, vault: Vault) -> None:
    told = source.back_up(copies=vault.copies)
    assert "backup" in told, told["msg"]
    path = str(vault.folder / "one")
    assert told["backup"]["copies"] == [{"host": "vault", "path": path, "verified": True}]
    assert vault.names() == ["one"]
    original = source.directory / "one"
    subprocess.run(["diff", "--recursive", original, vault.folder / "one"], check=True)
    modes = {path.stat().st_mode & 0o777 for path in vault.folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    again = source.back_up(copies=vault.copies)
    assert (again["changed"], again["backup"]["copies"][0]["verified"]) == (False, True)


def test_check_mode_tells_whether_there_is_a_copy(source: Source, vault: Vault) -> None:
    told = source.back_up(check_mode=True, copies=vault.copies)
    assert told["backup"]["copies"][0]["verified"] is False
    source.back_up()
    told = source.back_up(check_mode=True, copies=vault.copies)
    assert (told["changed"], told["backup"]["copies"][0]["verified"]) == (True, False)
    assert vault.names() == []


def test_a_copy_learns_that_the_backup_was_proven(source: Source, vault: Vault) -> None:
    source.back_up(copies=vault.copies, proof="list")
    proven = source.back_up(copies=vault.copies)
    assert proven["changed"]
    copy = read_manifest(vault.folder / "one")
    assert copy is not None
    assert copy["proof"]["proven"]
    assert not source.back_up(copies=vault.copies)["changed"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            lambda copy: (copy / "roles.sql").write_text("-- nothing\n"),
            r"roles\.sql: FAILED",
            id="a damaged copy",
        ),
        pytest.param(
            lambda copy: (copy / "dump" / "toc.dat").unlink(),
            r"toc\.dat: .*No such file",
            id="half a copy",
        ),
        pytest.param(
            lambda copy: (
                (copy / "SHA256SUMS").write_text(f"{'0' * 64}  x\n".replace("0" * 64, EMPTY))
                and (copy / "x").touch()
            ),
            "there is another backup of that label",
            id="another backup",
        ),
    ],
)
def test_what_is_there_under_that_label_is_not_touched(
    source: Source, vault: Vault, change: Callable[[Path], object], says: str
) -> None:
    source.back_up(copies=vault.copies)
    change(vault.folder / "one")
    before = sorted((path, path.stat().st_mtime) for path in vault.folder.rglob("*"))
    message = source.refused(copies=vault.copies)
    assert re.search(rf"one cannot be copied to vault:.*{says}", message, re.DOTALL)
    assert sorted((path, path.stat().st_mtime) for path in vault.folder.rglob("*")) == before


#: The SHA-256 of nothing.
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_label_that_is_taken_there_is_found_before_the_dump(source: Source, vault: Vault) -> None:
    source.back_up(copies=vault.copies)
    (source.directory / "one").rename(source.directory.parent / "moved")
    assert "there is another backup of that label" in source.refused(copies=vault.copies)
    assert source.backups() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda vault: vault.folder.rmdir(), "can't cd to", id="directory"),
        pytest.param(
            lambda vault: (vault.folder.parent / "sshd" / "client").unlink(),
            "Permission denied",
            id="a key",
        ),
    ],
)
def test_what_the_other_host_lacks_is_told_before_the_dump(
    source: Source, vault: Vault, change: Callable[[Vault], object], says: str
) -> None:
    change(vault)
    message = source.refused(copies=vault.copies)
    assert re.search(rf"one cannot be copied to vault:.*{says}", message, re.DOTALL)
    assert source.backups() == []


def test_killed_while_it_copies_the_next_run_finishes(
    source: Source, vault: Vault, tmp_path: Path
) -> None:
    (tmp_path / "halting").mkdir()
    halting = Halting(source, tmp_path / "halting")
    options: dict[str, Any] = {"copies": vault.copies, "proof": "list"}
    halting.run(label="two", **options)
    steps = [
        name for name in halting.steps() if name.startswith(("starting rsync", "starting ssh"))
    ]
    assert len(steps) >= 3
    for number, name in enumerate(steps):
        label = f"k{number:02}"
        halting.run(name.replace("two", label), subprocess.Popen.kill, label=label, **options)
        assert label not in vault.names() or read_manifest(vault.folder / label)
        told = source.back_up(label, **options)
        assert "backup" in told, told["msg"]
        assert read_manifest(vault.folder / label)
        assert [entry for entry in vault.names() if entry.startswith(".")] == []


def test_a_copy_that_arrives_damaged_does_not_get_its_name(
    source: Source, vault: Vault, tmp_path: Path
) -> None:
    real = subprocess.check_output(["which", "rsync"], text=True).strip()
    (tmp_path / "bin" / "rsync").write_text(
        f'#!/bin/sh\n{real} "$@" && echo x >>"{vault.folder}/.one~copy/roles.sql"\n'
    )
    (tmp_path / "bin" / "rsync").chmod(0o755)
    message = source.refused(copies=vault.copies)
    assert re.search(
        r"is complete, but not its copy to vault.*roles\.sql: FAILED", message, re.DOTALL
    )
    assert vault.names() == [".one~copy"]
    (tmp_path / "bin" / "rsync").unlink()
    assert source.back_up(copies=vault.copies)["changed"]
    assert vault.names() == ["one"]
