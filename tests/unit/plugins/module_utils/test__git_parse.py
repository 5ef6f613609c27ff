# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git_parse import (
    Commit,
    Merged,
    PushedRef,
    parse_commits,
    parse_merges,
    parse_push,
)

TREE = "0a0dd1677bdc5f5c9f3d94528f7f2a2cc1890ee7"
STAGES = b"".join(f"100644 {TREE} {stage}\tf\x00".encode() for stage in (1, 2, 3))
AUTO = b"1\0f\0Auto-merging\0Auto-merging f\n\0"
CONFLICT = b"1\0f\0CONFLICT (contents)\0CONFLICT (content): Merge conflict in f\n\0"
RENAME = b"2\0f\0new\xff name\0CONFLICT (rename/delete)\0CONFLICT (rename/delete): f renamed\n\0"


@pytest.mark.parametrize(
    ("status", "printed", "conflicts"),
    [
        pytest.param(b"1", b"\0", {}, id="clean without messages"),
        pytest.param(b"1", b"\0" + AUTO, {}, id="clean with a message"),
        pytest.param(
            b"0", STAGES + b"\0" + AUTO + CONFLICT, {"f": "contents"}, id="a conflict in a file"
        ),
        pytest.param(
            b"0",
            STAGES + b"\0" + RENAME,
            {"f": "rename/delete"},
            id="a conflict that names another path, which is not in conflict itself",
        ),
        pytest.param(
            b"0",
            b"\0" + RENAME,
            {"f": "rename/delete", "new\\xff name": "rename/delete"},
            id="a conflict without stages",
        ),
        pytest.param(b"0", STAGES + b"\0", {"f": "unmerged"}, id="stages that nothing explains"),
        pytest.param(b"0", b"\0", {".": "git says 0 and names no path"}, id="nothing explained"),
    ],
)
def test_parse_merges(status: bytes, printed: bytes, conflicts: dict[str, str]) -> None:
    merge = status + b"\0" + TREE.encode() + b"\0" + printed + b"\0"
    assert parse_merges(merge * 2) == [Merged(TREE, conflicts)] * 2


def test_a_merge_that_was_not_told_to_its_end_does_not_count() -> None:
    merge = b"1\0" + TREE.encode() + b"\0\0\0"
    assert parse_merges(merge) == [Merged(TREE, {})]
    for end in range(len(merge)):
        assert parse_merges(merge[:end]) == []


def test_parse_commits_keeps_messages_of_many_lines() -> None:
    record = f"{TREE}\x1f{TREE}\x1fp1 p2\x1f1700000000\x1fA\x1fa@x\x1fone\n\ntwo\n\0".encode()
    commit = Commit(TREE, TREE, ("p1", "p2"), 1700000000, "A", "a@x", "one\n\ntwo\n")
    assert parse_commits(record * 2) == [commit, commit]


@pytest.mark.parametrize(
    ("message", "reviewers"),
    [
        pytest.param("Work\n", [], id="no trailer"),
        pytest.param("Work\n\nReviewed-by: Bea <b@x>\n", ["Bea <b@x>"], id="one"),
        pytest.param(
            "Work\n\nReviewed-by: Bea <b@x>\nreviewed-by: Bea B <B@X>\nReviewed-by: Cy <c@x>\n",
            ["Bea B <B@X>", "Cy <c@x>"],
            id="two persons, one of them twice",
        ),
        pytest.param("Work\n\nReviewed-by: Bea\n", [], id="nobody without a mail address"),
        pytest.param("Work\n\nReviewed-by: B <b@x>\n\nmore", [], id="a quotation is no trailer"),
    ],
)
def test_reviewers(message: str, reviewers: list[str]) -> None:
    commit = Commit(TREE, TREE, (), 0, "A", "a@x", message)
    assert list(commit.reviewers.values()) == reviewers


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            " \tabc:refs/heads/main\t1..2", PushedRef("refs/heads/main", True, ""), id="moved"
        ),
        pytest.param(
            "*\tabc:refs/tags/v1\t[new tag]", PushedRef("refs/tags/v1", True, ""), id="new"
        ),
        pytest.param(
            "=\tabc:refs/heads/main\t[up to date]",
            PushedRef("refs/heads/main", True, ""),
            id="there already",
        ),
        pytest.param(
            "!\tabc:refs/heads/main\t[remote rejected] (hook declined)",
            PushedRef("refs/heads/main", False, "remote rejected: hook declined"),
            id="refused",
        ),
    ],
)
def test_parse_push(line: str, expected: PushedRef) -> None:
    assert parse_push(f"To ssh://forge/tower.git\n{line}\nDone\n".encode()) == [expected]
