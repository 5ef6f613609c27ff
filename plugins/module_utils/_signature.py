# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of approvals: the one place that runs ssh-keygen, and the text that is signed.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Protocol, Tuple

from ansible_collections.phased.rollout.plugins.module_utils._chain import canonical

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

#: A signature for this purpose is good for no other, and the other way round.
NAMESPACE = "phased.rollout"
_SIGNED = ("role", "person", "reason", "bound", "expires_at")
# It must never wait for a passphrase that nobody is there to type.
_ENVIRONMENT = {"LC_ALL": "C", "SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}


class SignatureError(Exception):
    """Nothing can be signed or checked. The message says why, and what to do."""


class Run(Protocol):
    """Runs a program with some input and returns its exit code, stdout and stderr."""

    def __call__(self, argv: List[str], data: bytes) -> Tuple[int, str, str]: ...


def module_run(module: AnsibleModule) -> Run:
    """Return a run that goes through the module's own run_command."""

    def run(argv: List[str], data: bytes) -> Tuple[int, str, str]:
        try:
            code, out, err = module.run_command(
                argv,
                data=data,
                binary_data=True,
                environ_update=_ENVIRONMENT,
                handle_exceptions=False,
            )
        except (OSError, ValueError) as exc:
            raise SignatureError(f"{argv[0]} cannot be run: {exc}; install openssh-client") from exc
        return code, out, err

    return run


def statement(rollout: str, phase: Optional[str], data: Mapping[str, Any]) -> bytes:
    """Return the text that an approval's signature is for. data: as in the entry."""
    said = {name: data.get(name) for name in _SIGNED}
    return canonical({**said, "rollout": rollout, "phase": phase}).encode("utf-8", "surrogatepass")


def sign(run: Run, text: bytes, key: str) -> str:
    """Return the armoured signature of a text.

    key: file of a private key, or of a public key whose private half an agent holds. Raises
    SignatureError.
    """
    code, out, err = run(["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key], text)
    if code or not out.startswith("-----BEGIN SSH SIGNATURE-----"):
        raise SignatureError(
            f"cannot sign with {key}: {_line(err)}. A key with a passphrase has to be in an agent:"
            " run ssh-add and give the file of its public key"
        )
    return out


def require_signers(allowed_signers: str) -> None:
    """Raise SignatureError unless there is a file that says whose keys are whose."""
    if not (Path(allowed_signers).is_file() and os.access(allowed_signers, os.R_OK)):
        raise SignatureError(
            f"allowed_signers {allowed_signers} is missing or cannot be read: without it no"
            " approval can be checked"
        )


def why_not(
    run: Run, text: bytes, signature: Optional[str], person: str, allowed_signers: str
) -> Optional[str]:
    """Return why a signature is not this person's for this text, None if it is.

    allowed_signers: a file as ssh-keygen reads it, with persons as principals. A key that was taken
    out of it, or that is no longer valid, vouches for nothing any more. Raises SignatureError if
    there is no such file.
    """
    require_signers(allowed_signers)
    if not signature:
        return "it is not signed"
    with tempfile.TemporaryDirectory(prefix="rollout-") as folder:
        armoured = Path(folder, "signature")
        armoured.write_text(signature, encoding="utf-8")
        given = ["-f", allowed_signers, "-n", NAMESPACE, "-s", str(armoured)]
        code, _out, err = run(["ssh-keygen", "-Y", "verify", *given, "-I", person], text)
        if not code:
            return None
        code, out, more = run(["ssh-keygen", "-Y", "find-principals", *given], b"")
    signers = out.split() if not code else []
    if not signers:
        return f"its signature is of no key in allowed_signers ({_line(more or err)})"
    if person not in signers:
        return f"it is signed by {', '.join(signers)}, not by {person}"
    return f"its signature does not fit what it says ({_line(err)})"


def _line(stderr: str) -> str:
    """Return what ssh-keygen says in one line."""
    said = [line.strip() for line in stderr.splitlines() if "data on standard input" not in line]
    return "; ".join(filter(None, said)).rstrip(".") or "ssh-keygen gave no reason"
