# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals that are signed with real keys, counted from a real ledger."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._entry import Draft
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.ledgers import ledger_database
from ansible_collections.phased.rollout.tests.integration.rollouts import (
    FIRST,
    ROLLOUT,
    SECOND,
    Rollout,
)

CARL, DORA, EVE = "carl@example.com", "dora@example.com", "eve@example.com"
PASSPHRASE = "not for others"
NEEDED = [{"role": "cto", "count": 1, "persons": [CARL, DORA], "exclude_runner": True}]
PHASES = [{**FIRST, "approvals": NEEDED}, {**SECOND, "approvals": NEEDED}]
BOUND = {
    "plan_hash": "p1",
    "changes": {"bridge": "c1"},
    "tree": "t1",
    "gate": "g1",
    "backup": "b1",
}


class Office:
    """Who may approve: their keys, the file with them, and the modules that they use."""

    def __init__(self, rollout: Rollout, folder: Path) -> None:
        self.rollout, self.folder, self.written = rollout, folder, 0
        self.allowed_signers = folder / "allowed_signers"
        for person in (CARL, DORA, EVE):
            self.key(person)
        self.allow(CARL, DORA, EVE)

    def key(self, person: str, *, kind: str = "ed25519", passphrase: str = "") -> Path:
        """Make a key and return the file of its private half."""
        path = self.folder / person
        argv = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", person, "-f", str(path)]
        subprocess.run(argv, check=True)
        return path

    def allow(self, *persons: str, options: str = 'namespaces="phased.rollout"') -> None:
        """Write the file of allowed signers."""
        lines = [
            f"{person} {options} {(self.folder / f'{person}.pub').read_text()}"
            for person in persons
        ]
        self.allowed_signers.write_text("".join(lines))

    def sign(self, person: str = CARL, **args: Any) -> dict[str, Any]:
        """Return what approval_sign gives for phase 1."""
        given = {
            **{"rollout": ROLLOUT, "phase": "phase-1", "role": "cto", "person": person},
            **{"reason": "seen it", "bound": BOUND, "key": str(self.folder / person)},
            **args,
        }
        told = self.rollout.run_module("approval_sign", given)
        assert "Traceback" not in str(told)
        return told

    def write(self, approval: dict[str, Any], phase: str = "phase-1", **other: Any) -> str:
        """Write an approval into the ledger, whoever made it, and return its key."""
        self.written += 1
        key, kind = other.get("key", f"approval-{self.written}"), other.get("kind", "approval")
        draft = Draft(ROLLOUT, key, kind, phase, "awx@control", "8", approval)
        with self.rollout.database.open() as ledger:
            entry, _is_new = ledger.append(draft)
        return entry.key

    def info(self, **args: Any) -> dict[str, Any]:
        """Return what ledger_info tells, with signatures checked."""
        given = {"phases": PHASES, "allowed_signers": str(self.allowed_signers), **args}
        return self.rollout.info(**given)

    def counted(self, phase: str = "phase-1", **args: Any) -> dict[str, Any]:
        """Return what the one approval that a phase requires has come to."""
        found: dict[str, Any] = self.info(**args)["phases"][phase]["approvals"][0]
        return found

    def why(self, **args: Any) -> str:
        """Return why the one approval of phase 1 does not count."""
        found = self.counted(**args)
        assert (found["have"], found["missing"]) == (0, 1)
        [refused] = found["refused"]
        why: str = refused["why"]
        return why


@pytest.fixture
def office(
    postgresql: Postgresql, run_module: Callable[..., dict[str, Any]], tmp_path: Path
) -> Iterator[Office]:
    """An office with a rollout that came up to the release gate of its first phase."""
    with ledger_database(postgresql) as database:
        rollout = Rollout(database, run_module)
        evidence = {"changes": {"bridge": "c1"}}
        rollout.write("step", 0, step="integrate", status="passed", evidence=evidence)
        rollout.write("backup", 1, hash="b1", label="pre-phase-1-deployment")
        rollout.write("gate", 2, gate="release", verdict="pass", tree="t1", hash="g1")
        yield Office(rollout, tmp_path)


def test_a_signed_approval_counts_and_is_bound_to_what_is_there(office: Office) -> None:
    before = office.info()
    assert [block["kind"] for block in before["phases"]["phase-1"]["blocked_by"]] == ["approval"]
    bound = before["phases"]["phase-1"]["bound"]
    signed = office.sign(bound=bound)
    assert signed["approval"]["bound"] == bound == BOUND
    assert not signed["changed"]
    assert signed["approval"]["principal"] == CARL
    written = {"rollout": ROLLOUT, "run": "approve", "actor": CARL}
    entry = {"key": signed["key"], "data": signed["approval"]}
    entries = [{"kind": "approval", "phase": "phase-1", **entry}]
    given = {**office.rollout.database.options(), **written, "entries": entries}
    assert office.rollout.run_module("ledger", given)["masked"] == []
    told = office.info()
    assert told["signed"]
    assert told["phases"]["phase-1"]["approvals"][0]["persons"] == [CARL]
    assert told["phases"]["phase-1"]["blocked_by"] == []


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_any_kind_of_key_will_do(office: Office, kind: str) -> None:
    (office.folder / CARL).unlink()
    office.key(CARL, kind=kind)
    office.allow(CARL)
    office.write(office.sign()["approval"])
    assert office.counted()["persons"] == [CARL]


def test_the_same_approval_is_written_once(office: Office) -> None:
    first, again = office.sign(), office.sign()
    assert first == again
    assert office.write(first["approval"], key=first["key"]) == office.write(
        again["approval"], key=again["key"]
    )


@pytest.fixture
def agent(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An agent that holds a key with a passphrase, whose file is gone; gives the public half."""
    (office.folder / CARL).unlink()
    path = office.key(CARL, passphrase=PASSPHRASE)
    office.allow(CARL, DORA)
    ask, socket = office.folder / "ask", office.folder / "agent"
    ask.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
    ask.chmod(0o700)
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert process.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        monkeypatch.setenv("SSH_ASKPASS", str(ask))
        monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
        subprocess.run(["ssh-add", "-q", str(path)], check=True, stdin=subprocess.DEVNULL)
        path.unlink()
        yield Path(f"{path}.pub")
    finally:
        process.kill()
        process.wait()


def test_an_agent_signs_with_a_key_that_nobody_hands_out(office: Office, agent: Path) -> None:
    office.write(office.sign(key=str(agent))["approval"])
    assert office.counted()["persons"] == [CARL]


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(office: Office) -> None:
    (office.folder / CARL).unlink()
    office.key(CARL, passphrase=PASSPHRASE)
    told = office.sign()
    assert told["failed"]
    assert "run ssh-add and give the file of its public key" in told["msg"]
    assert "passphrase" in told["msg"]


def test_a_key_that_is_not_there_is_named(office: Office) -> None:
    told = office.sign(key=str(office.folder / "nobody"))
    assert told["failed"]
    assert str(office.folder / "nobody") in told["msg"]


def test_an_unsigned_approval_counts_only_where_nothing_has_to_be_signed(office: Office) -> None:
    office.write(office.sign(key=None)["approval"])
    assert office.why() == "it is not signed"
    told = office.info(allowed_signers=None)
    assert told["signed"] is False
    assert told["phases"]["phase-1"]["approvals"][0]["persons"] == [CARL]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("reason", "another reason", id="its reason"),
        pytest.param("expires_at", "2099-01-01T00:00:00Z", id="when it expires"),
        pytest.param(
            "bound",
            {**BOUND, "more": "of it"},
            id="what it is bound to",
        ),
    ],
)  # fmt: skip
def test_whatever_was_changed_after_it_was_signed_voids_it(
    office: Office, field: str, value: Any
) -> None:
    office.write({**office.sign()["approval"], field: value})
    assert "its signature does not fit what it says (Signature verification" in office.why()


def test_nobody_approves_in_another_s_name(office: Office) -> None:
    forged = office.sign(EVE)["approval"]
    office.write({**forged, "person": CARL, "principal": CARL})
    assert office.why() == f"it is signed by {EVE}, not by {CARL}"


def test_a_signer_who_may_not_approve_in_this_role_is_refused(office: Office) -> None:
    office.write(office.sign(EVE)["approval"])
    assert office.why() == f"{EVE} may not approve as cto"


def test_an_approval_that_is_replayed_on_another_phase_or_role_is_refused(office: Office) -> None:
    approval = office.sign()["approval"]
    office.write(approval)
    office.write(approval, "phase-2")
    [refused] = office.counted("phase-2")["refused"]
    assert "its signature does not fit what it says" in refused["why"]
    assert refused["drifted"] == ["plan_hash", "changes", "tree", "gate", "backup"]
    reviewer = [{"role": "reviewer", "count": 1, "persons": [CARL]}]
    office.write({**approval, "role": "reviewer"})
    other = office.counted(phases=[{**FIRST, "approvals": reviewer}])
    assert "its signature does not fit what it says" in other["refused"][0]["why"]


def test_a_signature_for_another_purpose_is_none(office: Office) -> None:
    approval = office.sign()["approval"]
    argv = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(office.folder / CARL)]
    done = subprocess.run(argv, input=b"{}", capture_output=True, check=True)
    office.write({**approval, "signature": done.stdout.decode()})
    assert "signature" in office.why()


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        pytest.param("garbage", "its signature is of no key in allowed_signers", id="garbage"),
        pytest.param(
            "-----BEGIN SSH SIGNATURE-----\nAAAA\n",
            "its signature is of no key in allowed_signers", id="half of one",
        ),
        pytest.param(7, "it is not signed", id="a number"),
    ],
)  # fmt: skip
def test_what_is_no_signature_is_none(office: Office, signature: Any, why: str) -> None:
    office.write({**office.sign()["approval"], "signature": signature})
    assert office.why().startswith(why)


def test_a_key_that_was_taken_out_of_the_file_vouches_for_nothing_any_more(office: Office) -> None:
    office.write(office.sign()["approval"])
    assert office.counted()["persons"] == [CARL]
    office.allow(DORA)
    assert office.why().startswith("its signature is of no key in allowed_signers")
    office.allow(CARL, options='valid-before="20200101"')
    assert "key has expired" in office.why()


def test_without_the_file_of_allowed_signers_nothing_is_told(office: Office) -> None:
    office.allowed_signers.unlink()
    told = office.rollout.info(phases=PHASES, allowed_signers=str(office.allowed_signers))
    assert told["failed"]
    assert "without it no approval can be checked" in told["msg"]


def test_without_ssh_keygen_nothing_is_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = office.sign()["approval"]
    office.write(approval)
    monkeypatch.setenv("PATH", str(office.folder))
    assert "ssh-keygen cannot be run" in office.info()["msg"]


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        pytest.param("backup", {"hash": "b2"}, "backup", id="another backup"),
        pytest.param("gate", {"gate": "release", "verdict": "pass", "tree": "t1", "hash": "g2"},
                     "gate", id="another result of the gate"),
        pytest.param("gate", {"gate": "release", "verdict": "pass", "tree": "t2", "hash": "g1"},
                     "tree", id="another tree"),
    ],
)  # fmt: skip
def test_drift_voids_what_was_signed_and_is_named(
    office: Office, kind: str, data: dict[str, Any], field: str
) -> None:
    office.write(office.sign()["approval"])
    with office.rollout.database.open() as ledger:
        office.rollout.last = ledger.entries(ROLLOUT)[-1]
        office.rollout.began = office.rollout.last.at
    office.rollout.write(kind, 0, **data)
    [refused] = office.counted()["refused"]
    assert refused["drifted"] == [field]
    assert refused["why"].startswith("void: ")


def test_another_plan_or_a_moved_branch_voids_it_too(office: Office) -> None:
    office.write(office.sign()["approval"])
    moved = {"phase-1": {"changes": {"bridge": "c2"}}}
    assert office.why(present=moved) == "void: change bridge was c1, is c2"
    other = [{**PHASES[0], "plan_hash": "p9"}]
    assert office.why(phases=other) == "void: the plan was p1, is p9"


@pytest.mark.parametrize(
    "present",
    [
        pytest.param({"authors": [f"Carl <{CARL}>"]}, id="an author"),
        pytest.param({"runner": "carl"}, id="who runs it"),
    ],
)
def test_nobody_approves_what_is_their_own(office: Office, present: dict[str, Any]) -> None:
    office.write(office.sign()["approval"])
    assert CARL in office.why(present={"phase-1": present})


def test_what_was_withdrawn_is_not_brought_back_by_a_copy(office: Office) -> None:
    approval = office.sign()["approval"]
    key = office.write(approval)
    withdrawal = {"approval": key, "person": DORA, "reason": "not yet"}
    office.write(withdrawal, kind="withdrawal", key="withdrawn")
    assert office.why() == f"withdrawn by {DORA}: not yet"
    office.write(approval, key="a copy")
    assert office.counted()["have"] == 0
    office.write(office.sign(reason="it is time now")["approval"])
    assert office.counted()["persons"] == [CARL]


def test_an_approval_expires_by_its_own_word_and_by_the_plan(office: Office) -> None:
    signed = office.sign(expires_seconds=3600)["approval"]
    office.write(signed)
    assert office.counted()["have"] == 1
    office.write({**signed, "expires_at": "2026-01-01T00:00:00Z"})
    assert "it expired on Thu 2026-01-01" in office.counted()["refused"][0]["why"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param({"reason": "  "}, "reason is '  ': say why", id="no reason"),
        pytest.param(
            {"reason": "the password=hunter22 is set"},
            "data.reason is 'a secret, it seems'",
            id="a secret in it",
        ),
        pytest.param({"bound": {"tre": "t1"}}, "did you mean tree?", id="bound to a typo"),
        pytest.param({"expires_seconds": 0}, "expires_seconds", id="over before it begins"),
        pytest.param({"person": "carl\0"}, "NUL", id="no text"),
    ],
)
def test_an_approval_that_makes_no_sense_is_not_made(
    office: Office, args: dict[str, Any], message: str
) -> None:
    told = office.sign(**args)
    assert told["failed"]
    assert message in told["msg"]


def test_who_signs_learns_at_once_that_it_would_not_count(office: Office) -> None:
    fine = office.sign(allowed_signers=str(office.allowed_signers))
    assert fine["approval"]["signature"]
    office.allow(DORA)
    told = office.sign(allowed_signers=str(office.allowed_signers))
    assert told["msg"].startswith("Cannot approve phase-1: the approval would not count: ")


def test_a_branch_that_is_named_like_a_secret_can_be_approved(office: Office) -> None:
    present = {"phase-1": {"changes": {"rotate-token": "0123456789abcdef"}}}
    bound = office.info(present=present)["phases"]["phase-1"]["bound"]
    office.write(office.sign(bound=bound)["approval"])
    assert office.counted(present=present)["persons"] == [CARL]
