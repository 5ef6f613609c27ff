# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection; do not use it from elsewhere.
"""Annotated tags, signed or not; made as objects, named by the push alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils._git import (
    Completed,
    GitError,
    Repository,
    how_it_ended,
    run_program,
)
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import text


@dataclass(frozen=True)
class Signer:
    """A key that signs tags: of ssh a file or what the agent holds, of OpenPGP a key id."""

    key: str
    form: str

    def sign(self, payload: bytes) -> bytes:
        """Return the armoured signature. Raises GitError if the key cannot sign."""
        done = self._by_ssh(payload) if self.form == "ssh" else self._by_openpgp(payload)
        if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN "):
            reason = text(done.stderr).strip() or how_it_ended(done.returncode)
            raise GitError(f"The {self.form} key {self.key} cannot sign the tag: {reason}")
        return done.stdout

    def _by_ssh(self, payload: bytes) -> Completed:
        """Return the end of the program that git uses; it reads what is to be signed from stdin."""
        key = Path(self.key).expanduser()
        if not key.is_file():
            raise GitError(
                f"The ssh key {self.key} to sign the tag with is not a file: name the private key,"
                " or the public one of a key that the agent holds"
            )
        return run_program(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(key)],
            env={"SSH_ASKPASS_REQUIRE": "never"}, data=payload, pass_fds=[],
        )  # fmt: skip

    def _by_openpgp(self, payload: bytes) -> Completed:
        options = ["--batch", "--pinentry-mode", "error", "--detach-sign", "--armor"]
        return run_program(
            ["gpg", *options, "--local-user", self.key], env={}, data=payload, pass_fds=[]
        )


def tag_object(
    repository: Repository,
    name: str,
    commit: str,
    message: str,
    *,
    identity: tuple[str, str],
    at: int,
    signer: Optional[Signer] = None,
) -> str:
    """Return the id of a new annotated tag of a commit; no ref is made."""
    tagger = f"{identity[0]} <{identity[1]}> {at} +0000"
    body = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}".encode()
    if signer:
        body += signer.sign(body)
    return text(repository.git("mktag", data=body, doing=f"write tag {name}").stdout).strip()
