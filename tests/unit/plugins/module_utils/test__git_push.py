# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import GitError
from ansible_collections.phased.rollout.plugins.module_utils._git_parse import PushedRef
from ansible_collections.phased.rollout.plugins.module_utils._git_push import refusal

MAIN, TAG = "refs/heads/main", "refs/tags/v1"
WANTED = {MAIN: "new", TAG: "tag"}
LEASES: dict[str, Optional[str]] = {MAIN: "old", TAG: None}
REFUSED = PushedRef(MAIN, False, "remote rejected: pre-receive hook declined")
FOLLOWS = PushedRef(TAG, False, "rejected: atomic push failed")


@pytest.mark.parametrize(
    ("refs", "said", "found", "message"),
    [
        pytest.param(
            [PushedRef(MAIN, False, "rejected: stale info"), FOLLOWS],
            "error: failed to push",
            {MAIN: "theirs"},
            "The remote moved refs/heads/main from old to theirs since it was fetched. Nothing was"
            " pushed. Run again to merge anew",
            id="a branch that moved",
        ),
        pytest.param(
            [],
            "",
            {MAIN: "old", TAG: "theirs"},
            "The remote moved refs/tags/v1 from absent to theirs since it was fetched. Nothing was"
            " pushed. Run again to merge anew",
            id="a tag that appeared",
        ),
        pytest.param(
            [],
            "",
            {},
            "The remote moved refs/heads/main from old to absent since it was fetched. Nothing was"
            " pushed. Run again to merge anew",
            id="a branch that was deleted",
        ),
        pytest.param(
            [REFUSED, FOLLOWS],
            "remote: frozen until Monday\nremote: \nTo forge\nerror: failed",
            {MAIN: "old"},
            "The remote refused the push of refs/heads/main: remote rejected: pre-receive hook"
            " declined. Nothing was pushed. It said: frozen until Monday",
            id="a hook that says why",
        ),
        pytest.param(
            [],
            "fatal: the receiving end does not support --atomic push",
            {MAIN: "old"},
            "The remote refused the push of refs/heads/main, refs/tags/v1. Nothing was pushed. It"
            " said: fatal: the receiving end does not support --atomic push",
            id="a remote that reports on no ref",
        ),
        pytest.param(
            [],
            "fatal: lost",
            {MAIN: "old", TAG: "tag"},
            "The remote refused the push of refs/heads/main, refs/tags/v1. Only refs/tags/v1 was"
            " pushed. It said: fatal: lost",
            id="a remote that breaks its promise to take all or nothing",
        ),
    ],
)
def test_refusal(refs: list[PushedRef], said: str, found: dict[str, str], message: str) -> None:
    assert str(refusal(refs, said, WANTED, LEASES, found)) == message


def test_an_error_shows_no_credentials() -> None:
    error = GitError("Cannot fetch https://user:secret@forge/tower.git: no")
    assert str(error) == "Cannot fetch https://***@forge/tower.git: no"
