# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypt the files of a backup for its recipients, and decrypt them where they are needed.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._pg_folders import hidden_folder
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import (
    DUMP,
    Manifest,
    write_file,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pg_tool import run_tool

METHODS = ("age", "gpg")
#: Settings of a database can be secrets; in an encrypted backup they are not in the manifest.
SETTINGS = "settings.json"


@dataclass(frozen=True)
class Encryption:
    """For whom the files of a backup are encrypted, and with which program.

    recipients: public keys, or absolute paths of files that hold one.
    """

    method: str
    recipients: Tuple[str, ...]

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Encryption:
        """Return what a module's parameter states. Raises PgError if it makes no sense."""
        recipients = tuple(params["recipients"])
        odd = [name for name in recipients if not name.strip() or name.startswith("-")]
        if odd or not recipients:
            raise PgError(
                f"encryption.recipients is {list(recipients)}: it must list public keys, or paths"
                " of files that hold one"
            )
        return cls(params["method"], recipients)

    def try_out(self, folder: Path) -> None:
        """Raise PgError if something small cannot be encrypted. It takes milliseconds."""
        probe = folder / "probe"
        write_file(probe, "probe")
        self._encrypt(probe).unlink()

    def apply(self, folder: Path, manifest: Manifest) -> Manifest:
        """Return the manifest of the backup in folder, of which no file can be read any more.

        Each file is encrypted for itself and removed before the next one. Raises PgError.
        """
        properties = manifest["properties"]
        write_file(folder / SETTINGS, json.dumps(properties["settings"]))
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._encrypt(path)
        return {
            **manifest,
            "properties": {**properties, "settings": []},
            "encryption": self.in_manifest(),
        }

    def in_manifest(self) -> Dict[str, Any]:
        """Return what the manifest says of it."""
        return {"method": self.method, "recipients": list(self.recipients)}

    def _encrypt(self, path: Path) -> Path:
        """Return the encrypted file that has taken the place of a file."""
        target = path.with_name(f"{path.name}.{self.method}")
        run_tool(self.method, *self._arguments(), "-o", str(target), str(path))
        path.unlink()
        return target

    def _arguments(self) -> List[str]:
        found: List[str] = []
        if self.method == "gpg":
            # Who may read it was decided by whoever wrote the plan, not by a web of trust.
            found += ["--batch", "--quiet", "--no-tty", "--trust-model", "always", "--encrypt"]
        for recipient in self.recipients:
            if self.method == "gpg":
                option = "--recipient-file" if recipient.startswith("/") else "--recipient"
            else:
                option = "--recipients-file" if recipient.startswith("/") else "--recipient"
            found += [option, recipient]
        return found


@contextmanager
def decrypted(
    folder: Path, manifest: Manifest, scratch_directory: Path, identity: Optional[Path]
) -> Iterator[Path]:
    """Yield the folder that pg_restore can read, and complete the manifest by what was encrypted.

    Of a backup that is not encrypted this is its own dump. Else the files are decrypted into a
    private folder in scratch_directory, which is gone afterwards.
    identity: file with the secret key; gpg does without, if its keyring has the key.
    Raises PgError.
    """
    encryption: Optional[Dict[str, Any]] = manifest.get("encryption")
    if not encryption:
        yield folder / DUMP
        return
    method = encryption["method"]
    if method not in METHODS:
        raise PgError(f"{folder} is encrypted with {method}, which is not one of {METHODS}")
    with (
        hidden_folder(scratch_directory, manifest["label"], "plain") as plain,
        _key(method, identity, plain) as options,
    ):
        for name in sorted(manifest["files"]):
            target = plain / name[: -len(f".{method}")]
            target.parent.mkdir(mode=0o700, exist_ok=True)
            run_tool(method, *options, "-o", str(target), str(folder / name))
        settings = json.loads((plain / SETTINGS).read_text(encoding="utf-8"))
        manifest["properties"] = {**manifest["properties"], "settings": settings}
        yield plain / DUMP


@contextmanager
def _key(method: str, identity: Optional[Path], plain: Path) -> Iterator[List[str]]:
    """Yield the options that decrypt with a secret key, of a file or of gpg's own keyring."""
    if method == "age":
        if identity is None:
            raise PgError("the backup is encrypted with age: name the file with the secret key")
        yield ["--decrypt", "--identity", str(identity)]
        return
    options = ["--batch", "--quiet", "--no-tty"]
    if identity is None:
        yield [*options, "--decrypt"]
        return
    keyring = plain / "keyring"
    keyring.mkdir(mode=0o700)
    options += ["--homedir", str(keyring)]
    try:
        run_tool("gpg", *options, "--import", str(identity))
        yield [*options, "--decrypt"]
    finally:
        run_tool("gpgconf", "--homedir", str(keyring), "--kill", "all")
