# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

LINES = "1\n2\n3\n"
ATTRIBUTES = """\
*.log merge=union
*.lock merge=ours
*.npm merge=npm-merge-driver
*.bin binary
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("git"))
    sandbox.commit("main", {"f": LINES, "gone": "1\n"})
    sandbox.commit("one", {"f": "1\nA\n3\n", "gone": None})
    sandbox.commit("two", {"f": "1\nB\n3\n", "gone": "2\n"})
    return sandbox


def test_merge_finds_the_conflicts_and_their_kinds(sandbox: Sandbox) -> None:
    repository = Repository(sandbox.remote)
    one, two = (sandbox.refs()[f"refs/heads/{name}"] for name in ("one", "two"))
    conflicts = {"f": "contents", "gone": "modify/delete"}
    assert Merges(repository).merge(one, two).conflicts == conflicts


def test_histories_without_a_common_commit_conflict_as_such_and_do_not_hold_up_others(
    sandbox: Sandbox,
) -> None:
    tree = sandbox.tree("main")
    alone = sandbox.git("commit-tree", "-m", "alone", tree, where=sandbox.remote)
    main, one = (sandbox.refs()[f"refs/heads/{name}"] for name in ("main", "one"))
    pairs = [(main, one), (main, alone), (alone, main), (main, one)] * 10
    merged = Merges(Repository(sandbox.remote)).merge_all(pairs)
    unrelated = {".": "unrelated histories"}
    assert [m.conflicts for m in merged] == [{}, unrelated, unrelated, {}] * 10
    assert merged[0].tree == merged[-1].tree == sandbox.tree(one, where=sandbox.remote)


@pytest.fixture(scope="module")
def attributed(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Two branches that change the same line of files with drivers of their own."""
    sandbox = Sandbox(tmp_path_factory.mktemp("git"))
    names = ["a.log", "deep/a.lock", "a.npm", "a.bin", "plain/a.log", "a.txt"]
    attributes = {".gitattributes": ATTRIBUTES, "plain/.gitattributes": "*.log !merge\n"}
    sandbox.commit("main", {**dict.fromkeys(names, LINES), **attributes})
    for branch in ("left", "right"):
        sandbox.commit(branch, dict.fromkeys(names, f"1\n{branch}\n3\n"), start="main")
    return sandbox


def test_files_merge_by_the_attributes_of_the_commit_that_is_merged_into(
    attributed: Sandbox,
) -> None:
    left, right = (attributed.refs()[f"refs/heads/{name}"] for name in ("left", "right"))
    merged = Merges(Repository(attributed.remote)).merge(left, right)
    assert merged.conflicts == {
        "a.npm": "needs the merge driver npm-merge-driver, which is not known here",
        "a.bin": "binary",
        "plain/a.log": "contents",
        "a.txt": "contents",
    }
    content = {
        name: attributed.git("show", f"{merged.tree}:{name}", where=attributed.remote)
        for name in ("a.log", "deep/a.lock")
    }
    assert content == {"a.log": "1\nleft\nright\n3", "deep/a.lock": "1\nleft\n3"}


def test_a_driver_is_only_a_name_whatever_it_is_called(attributed: Sandbox, tmp_path: Path) -> None:
    evil = f"*.txt merge=ours.driver=touch${{IFS}}{tmp_path}/ran;false\n"
    attributed.commit("left", {".gitattributes": evil})
    left, right = (attributed.refs()[f"refs/heads/{name}"] for name in ("left", "right"))
    assert "a.txt" in Merges(Repository(attributed.remote)).merge(left, right).conflicts
    assert list(tmp_path.iterdir()) == []


def test_attributes_of_the_user_and_of_the_work_tree_do_not_count(
    attributed: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "attributes").write_text("*.txt merge=union\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    attributed.git("checkout", "-q", "main")
    (attributed.work / ".gitattributes").write_text("*.txt merge=union\n")
    left, right = attributed.git("rev-parse", "left", "right").split()
    assert "a.txt" in Merges(Repository(attributed.work)).merge(left, right).conflicts


@pytest.mark.parametrize("merge", [False, True], ids=["a commit", "a merge"])
def test_a_revert_is_what_git_gives_in_a_work_tree(tmp_path: Path, merge: bool) -> None:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {"f": LINES, "g": LINES})
    commit = sandbox.commit("change", {"f": "1\nA\n3\n", "new": "n\n"})
    sandbox.commit("main", {"g": "1\nB\n3\n"})
    if merge:
        commit = sandbox.merge("main", "change")
    else:
        sandbox.git("checkout", "-q", "change")
    head = sandbox.commit("main" if merge else "change", {"later": "l\n"})
    repository = Repository(sandbox.work)
    merged = Merges(repository).revert(head, repository.commits([commit])[commit])
    sandbox.revert("main" if merge else "change", commit)
    assert merged.conflicts == {}
    assert merged.tree == sandbox.tree("HEAD")


def test_a_union_is_that_of_git_merge_whatever_conflicts_look_like(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {".gitattributes": "*.log merge=union\n", "f": LINES})
    for branch, first in (("left", 1), ("right", 2)):
        lines = [f"{number}\n" for number in range(first, 20)]
        sandbox.commit(branch, {"a.log": "".join(lines), "f": f"1\n{branch}\n3\n"}, start="main")
    left, right = sandbox.git("rev-parse", "left", "right").split()
    merged = Merges(Repository(sandbox.work)).merge(left, right)
    assert merged.conflicts == {"f": "contents"}
    assert "||||||| " in sandbox.git("show", f"{merged.tree}:f")
    for branch in ("left", "right"):
        sandbox.commit(branch, {"f": LINES})
    left, right = sandbox.git("rev-parse", "left", "right").split()
    merged = Merges(Repository(sandbox.work)).merge(left, right)
    sandbox.git("checkout", "-q", "left")
    sandbox.merge("left", "right")
    assert merged.tree == sandbox.tree("HEAD")


def test_a_file_where_a_folder_is_keeps_its_name(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {"f": LINES})
    sandbox.commit("left", {"place": "file\n"})
    sandbox.commit("right", {"place/inside": "folder\n"}, start="main")
    left, right = sandbox.git("rev-parse", "left", "right").split()
    merged = Merges(Repository(sandbox.work)).merge_all([(left, right), (right, left)])
    assert [m.conflicts for m in merged] == [{"place": "file/directory"}] * 2


def test_submodules_that_conflict_do_not_hold_up_other_merges(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, local=True)
    sandbox.commit("main", {"f": LINES})
    commits = {}
    for number, branch in enumerate(("main", "left", "right"), 1):
        sandbox.git("checkout", "-q", "-B", branch, "main")
        sandbox.git("update-index", "--add", "--cacheinfo", f"160000,{number:040x},sub")
        sandbox.git("commit", "-q", "-m", branch)
        commits[branch] = sandbox.git("rev-parse", "HEAD")
    pairs = [(commits[ours], commits["right"]) for ours in ("left", "main")]
    merged = Merges(Repository(sandbox.work)).merge_all(pairs)
    assert [m.conflicts for m in merged] == [{"sub": "submodule not initialized"}, {}]
