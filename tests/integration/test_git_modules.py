# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git_forecast_info and git_merge, run as modules against a real remote."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.tests.git_sandbox import ADA, BEA, Sandbox
from ansible_collections.phased.rollout.tests.integration.control import (
    PHASE_1,
    TAG,
    Control,
    release,
)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """main, development behind it, and a reviewed feature branch."""
    sandbox = Sandbox(tmp_path)
    sandbox.commit("main", {"app.py": "one\n", "README": "tower\n"})
    sandbox.commit("development", {})
    sandbox.git("checkout", "-q", "main")
    sandbox.commit("main", {"audit.md": "done\n"}, message="Audit")
    sandbox.commit(
        "feature/phase1",
        {"bridge.py": "bridge\n"},
        message=f"Bridge\n\nReviewed-by: {BEA}\nReviewed-by: {ADA}",
    )
    return sandbox


def test_a_phase_goes_from_its_branch_to_a_tag_and_a_second_run_changes_nothing(
    control: Control,
) -> None:
    sandbox, before = control.sandbox, control.sandbox.refs()
    candidate = control.merge(**PHASE_1)
    assert candidate["changed"], candidate
    assert candidate["pushed"] == []
    assert sandbox.refs() == before
    assert not control.merge(**PHASE_1)["changed"]
    published = control.merge(**PHASE_1, push=True, expected_tree=candidate["tree"])
    assert published["pushed"] == ["refs/heads/development"]
    assert published["after"] == candidate["after"]
    released = control.merge(**release(candidate))
    assert sorted(released["pushed"]) == ["refs/heads/main", f"refs/tags/{TAG}"]

    refs = sandbox.refs()
    assert refs["refs/heads/development"] == candidate["after"]
    assert refs["refs/heads/main"] == released["after"]
    main = sandbox.git("cat-file", "-p", "main", where=sandbox.remote)
    assert f"parent {before['refs/heads/main']}\nparent {candidate['after']}\n" in main
    assert "author phased.rollout <rollout@localhost>" in main
    assert main.endswith("Release phase 1\n\nChange: phase-1")
    assert sandbox.git("cat-file", "-t", TAG, where=sandbox.remote) == "tag"
    assert sandbox.tree(TAG, where=sandbox.remote) == candidate["tree"]
    merged = sandbox.git("log", "-1", "--format=%B", "development", where=sandbox.remote)
    assert merged.endswith("Rollout: tower\nPhase: 1\nChange: ssot-bridge")
    assert sandbox.git("fsck", "--strict", "--no-dangling", where=sandbox.remote) == ""

    for again in ({**PHASE_1, "push": True}, release(candidate)):
        result = control.merge(**again)
        assert not result["changed"]
        assert result["after"] == result["before"]
    assert sandbox.refs() == refs
    forecast = control.forecast(base="main", changes=PHASE_1["changes"], tag=TAG)
    assert forecast["changes"][0]["state"] == "integrated"
    assert forecast["released"] == {
        "tag": TAG,
        "commit": released["after"],
        "tree": candidate["tree"],
        "base": before["refs/heads/main"],
        "candidate": candidate["after"],
        "is_head": True,
        "in_base": True,
    }


def test_a_release_stays_done_when_main_has_moved_on(control: Control) -> None:
    candidate = control.merge(**PHASE_1)
    control.merge(**release(candidate))
    control.sandbox.git("fetch", "-q", "origin")
    control.sandbox.git("branch", "-f", "next", "origin/main")
    control.sandbox.git("checkout", "-q", "main")
    control.sandbox.git("reset", "-q", "--hard", "next")
    control.sandbox.commit("main", {"later": "more\n"})
    assert not control.merge(**release(candidate))["changed"]


def test_the_tree_is_the_one_that_git_merge_gives_in_a_work_tree(control: Control) -> None:
    sandbox = control.sandbox
    sandbox.git("checkout", "-q", "development")
    sandbox.commit("development", {"README": "tower\nmore\n"})
    result = control.merge(**PHASE_1)
    sandbox.git("merge", "-q", "--no-edit", "main")
    sandbox.git("merge", "-q", "--no-ff", "--no-edit", "feature/phase1")
    assert result["tree"] == sandbox.tree("HEAD")
    assert result["updates"][0]["state"] == "merged"


def test_development_is_fast_forwarded_to_main_first(control: Control) -> None:
    sandbox = control.sandbox
    sandbox.git("push", "-q", "-f", "origin", "main~1:refs/heads/development")
    result = control.merge(**PHASE_1)
    main = sandbox.refs()["refs/heads/main"]
    assert result["updates"] == [
        {"ref": "main", "sha": main, "state": "fast-forward", "commit": main}
    ]
    parents = sandbox.git("rev-parse", f"{result['after']}^@", where=control.mirror).split()
    assert parents == [main, sandbox.refs()["refs/heads/feature/phase1"]]


def test_check_mode_computes_everything_and_moves_no_ref(control: Control) -> None:
    before = control.sandbox.refs()
    result = control.merge(check_mode=True, **{**PHASE_1, "push": True, "tag": TAG})
    assert result["changed"]
    assert result["diff"]["after"]["files"] == ["A audit.md", "A bridge.py"]
    assert result["diff"]["before"]["commit"] == before["refs/heads/development"]
    assert control.sandbox.refs() == before
    mirrored = control.sandbox.git("for-each-ref", "refs/rollout", where=control.mirror)
    assert mirrored == ""


def test_a_run_killed_between_candidate_and_push_ends_with_the_same_commit(
    control: Control,
) -> None:
    candidate = control.merge(**PHASE_1)
    time.sleep(1.1)
    published = control.merge(**PHASE_1, push=True)
    assert published["after"] == candidate["after"]
    assert control.sandbox.refs()["refs/heads/development"] == candidate["after"]


def test_a_candidate_is_made_anew_when_what_it_was_made_of_changes(control: Control) -> None:
    candidate = control.merge(**PHASE_1)
    control.sandbox.commit("feature/phase1", {"bridge.py": "better\n"})
    again = control.merge(**PHASE_1, push=True, expected_tree=candidate["tree"])
    assert again["failed"]
    assert candidate["tree"] in again["msg"]
    assert again["tree"] in again["msg"]
    assert control.merge(**PHASE_1)["tree"] == again["tree"] != candidate["tree"]


def test_a_tree_that_was_not_tested_is_not_pushed(control: Control) -> None:
    before = control.sandbox.refs()
    candidate = control.merge(**PHASE_1)
    control.sandbox.git("checkout", "-q", "main")
    control.sandbox.commit("main", {"hotfix": "now\n"})
    moved = {**before, "refs/heads/main": control.sandbox.refs()["refs/heads/main"]}
    result = control.merge(**release(candidate))
    assert result["failed"]
    assert "is expected" in result["msg"]
    assert control.sandbox.refs() == moved


@pytest.mark.parametrize(
    ("theirs", "files"),
    [
        pytest.param("other", {"theirs": "1\n"}, id="somebody lands something else"),
        pytest.param("main~1", {}, id="somebody sets main back, which a plain push would undo"),
    ],
)
def test_a_lost_race_pushes_nothing_and_the_next_run_wins(
    control: Control, theirs: str, files: dict[str, Optional[str]]
) -> None:
    sandbox = control.sandbox
    candidate = control.merge(**PHASE_1)
    sandbox.commit("other", files, start="main", message="Theirs")
    before = sandbox.refs()
    control.intercept("push", f"git -C {sandbox.work} push -q -f origin {theirs}:main")
    result = control.merge(**release(candidate))
    now = sandbox.git("rev-parse", theirs)
    assert "Nothing was pushed" in result["msg"]
    assert result["moved"] == [
        {"ref": "refs/heads/main", "from": before["refs/heads/main"], "to": now}
    ]
    assert sandbox.refs() == {**before, "refs/heads/main": now}
    again = control.merge(**release(control.merge(**PHASE_1)))
    assert len(again["pushed"]) == 2, again


def test_a_lost_race_that_changes_nothing_of_the_result_is_run_again(control: Control) -> None:
    sandbox = control.sandbox
    candidate = control.merge(**PHASE_1)
    theirs = sandbox.commit("other", {}, start="main", message="Theirs")
    control.intercept("push", f"git -C {sandbox.work} push -q origin other:main")
    result = control.merge(**release(candidate))
    assert result["before"] == theirs
    assert result["tree"] == candidate["tree"]
    assert sandbox.refs()["refs/heads/main"] == result["after"]


def test_a_tag_on_a_commit_that_the_branch_lacks_is_refused(control: Control) -> None:
    candidate = control.merge(**PHASE_1, push=True)
    control.sandbox.git("tag", TAG, "development", where=control.sandbox.remote)
    before = control.sandbox.refs()
    result = control.merge(**release(candidate))
    assert f"exists at {candidate['after']}, which is not in main" in result["msg"]
    assert control.sandbox.refs() == before


def test_a_tag_that_appears_meanwhile_keeps_the_branch_back_too(control: Control) -> None:
    sandbox = control.sandbox
    candidate = control.merge(**PHASE_1)
    control.intercept("push", f"git -C {sandbox.work} push -q origin main:refs/tags/{TAG}")
    before = sandbox.refs()
    result = control.merge(**release(candidate))
    assert "does not contain change phase-1" in result["msg"]
    assert sandbox.refs()["refs/heads/main"] == before["refs/heads/main"]


def test_a_change_that_is_not_where_it_was_looked_at_is_not_merged(control: Control) -> None:
    change = PHASE_1["changes"][0]
    seen = control.sandbox.refs()["refs/heads/feature/phase1"]
    now = control.sandbox.commit("feature/phase1", {"late.py": "late\n"})
    result = control.merge(**{**PHASE_1, "changes": [{**change, "sha": seen}], "push": True})
    assert f"has moved from {seen}" in result["msg"]
    assert result["moved"] == [{"ref": "feature/phase1", "from": seen, "to": now}]
    assert control.merge(**{**PHASE_1, "changes": [{**change, "sha": now}]})["changed"]


INTEGRATION: dict[str, Any] = {
    "into": "integration/phase1-phase2-validation",
    "onto": "main",
    "changes": [
        {"id": "one", "branch": "feature/phase1"},
        {"id": "two", "branch": "feature/phase2"},
    ],
    "push": True,
}


def test_an_integration_branch_is_made_again_and_again(control: Control) -> None:
    sandbox = control.sandbox
    sandbox.commit("feature/phase2", {"flow.py": "flow\n"}, start="main")
    ref = f"refs/heads/{INTEGRATION['into']}"
    first = control.merge(**INTEGRATION)
    assert first["before"] is None
    assert sandbox.refs()[ref] == first["after"]
    time.sleep(1.1)
    assert not control.merge(**INTEGRATION)["changed"]
    # A branch that was written anew: git would refuse to push what is no fast-forward.
    sandbox.git("checkout", "-q", "feature/phase2")
    sandbox.git("commit", "-q", "--amend", "-m", "Written anew")
    sandbox.git("push", "-q", "-f", "origin", "feature/phase2")
    kept = control.merge(**INTEGRATION)
    assert kept["before"] == first["after"]
    assert kept["kept_as"] == f"refs/heads/rollback/{INTEGRATION['into']}-{first['after'][:10]}"
    assert sandbox.refs()[kept["kept_as"]] == first["after"]
    # What the old head has is now in a branch of its own, or still in the feature branches.
    sandbox.commit("feature/phase1", {"more.py": "more\n"})
    again = control.merge(**INTEGRATION)
    assert again["kept_as"] is None
    assert sandbox.refs()[ref] == again["after"]
    sandbox.git("fetch", "-q", "origin")
    sandbox.git("checkout", "-q", "--detach", "main")
    sandbox.git("merge", "-q", "--no-ff", "--no-edit", "feature/phase1")
    sandbox.git("merge", "-q", "--no-ff", "--no-edit", "feature/phase2")
    assert again["tree"] == sandbox.tree("HEAD")


def test_what_development_carries_besides_the_changes_is_named(control: Control) -> None:
    chain = control.forecast(base="main", changes=PHASE_1["changes"])["chain"]
    assert control.merge(**PHASE_1, expected_tree=chain["tree"])["tree"] == chain["tree"]
    control.sandbox.git("checkout", "-q", "development")
    control.sandbox.commit("development", {"wip.py": "half\n"}, message="Half done", author=BEA)
    result = control.merge(**PHASE_1, expected_tree=chain["tree"])
    assert "(Bea: Half done)" in result["msg"]


@pytest.mark.parametrize("form", ["ssh", "openpgp"])
def test_a_release_is_signed_by_a_key(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    candidate = control.merge(**PHASE_1)
    key, verify = (ssh_key if form == "ssh" else openpgp_key)(tmp_path, monkeypatch)
    result = control.merge(**release(candidate), signing_key=key, signing_format=form)
    assert len(result["pushed"]) == 2, result
    work = control.sandbox.work
    control.sandbox.git("fetch", "-q", "--tags", "origin")
    subprocess.run(["git", *verify, "verify-tag", TAG], cwd=work, check=True, capture_output=True)
    tag = control.sandbox.git("cat-file", "tag", TAG)
    assert tag.startswith(f"object {result['after']}\ntype commit\ntag {TAG}\n")


def test_without_its_signature_nothing_is_released(control: Control, tmp_path: Path) -> None:
    candidate = control.merge(**PHASE_1)
    before = control.sandbox.refs()
    (tmp_path / "no key").write_text("nonsense\n")
    for key in ("no key", "nowhere"):
        result = control.merge(**release(candidate), signing_key=str(tmp_path / key))
        assert key in result["msg"]
        assert control.sandbox.refs() == before


def ssh_key(folder: Path, _monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text()
    signers = folder / "allowed_signers"
    signers.write_text(f"rollout@localhost {public}")
    return str(key), ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}"]


def openpgp_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    make = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "rollout@localhost"]
    subprocess.run([*make, "ed25519", "sign"], check=True, capture_output=True)
    return "rollout@localhost", []


@pytest.mark.parametrize(
    ("hook", "script"),
    [
        pytest.param(
            "update", '[ "$1" != refs/heads/main ] || { echo no merges today >&2; exit 1; }'
        ),
        pytest.param("pre-receive", "echo no merges today >&2; exit 1"),
    ],
)
def test_a_hook_that_refuses_main_keeps_the_tag_back_too(
    control: Control, hook: str, script: str
) -> None:
    candidate = control.merge(**PHASE_1)
    before = control.sandbox.refs()
    control.sandbox.hook(hook, script)
    result = control.merge(**release(candidate))
    assert "Nothing was pushed" in result["msg"]
    assert "no merges today" in result["msg"]
    assert "refs/heads/main" in [rejected["ref"] for rejected in result["rejected"]]
    assert control.sandbox.refs() == before


def test_a_push_whose_answer_is_lost_counts_when_it_landed(control: Control) -> None:
    candidate = control.merge(**PHASE_1)
    control.intercept("push", '"$GIT" "$@" >/dev/null 2>&1; exit 128')
    assert len(control.merge(**release(candidate))["pushed"]) == 2


def test_odd_names_are_taken_as_they_are(control: Control) -> None:
    into, change = "release/$HOME", "feature/ünï;$(id)&"
    control.sandbox.git("push", "-q", "origin", f"main:refs/heads/{into}")
    control.sandbox.git("push", "-q", "origin", f"feature/phase1:refs/heads/{change}")
    result = control.merge(
        into=into, changes=[{"id": "$HOME", "branch": change}], tag="v$HOME", push=True
    )
    assert result["pushed"] == [f"refs/heads/{into}", "refs/tags/v$HOME"], result
    assert control.sandbox.refs()[f"refs/heads/{into}"] == result["after"]
    message = control.sandbox.git("log", "-1", "--format=%B", into, where=control.sandbox.remote)
    assert message == f"Merge $HOME ('{change}') into {into}\n\nChange: $HOME"


def test_two_runs_on_one_mirror_do_not_get_into_each_other(control: Control) -> None:
    runs = [control.start("git_merge", **PHASE_1, push=True) for _run in range(3)]
    results = [json.loads(run.communicate()[0]) for run in runs]
    assert [result.get("msg") for result in results] == [None] * 3
    assert [result["changed"] for result in results].count(True) == 1


def test_a_conflict_names_change_branch_base_and_files(control: Control) -> None:
    control.sandbox.git("checkout", "-q", "main")
    control.sandbox.commit("main", {"bridge.py": "other\n"})
    before = control.sandbox.refs()
    result = control.merge(**PHASE_1, push=True)
    for word in ("ssot-bridge", "feature/phase1", "development", "bridge.py (contents)"):
        assert word in result["msg"]
    assert result["conflicts"] == [{"path": "bridge.py", "kind": "contents"}]
    assert control.sandbox.refs() == before
    forecast = control.forecast(base="main", changes=PHASE_1["changes"])
    assert forecast["changes"][0]["conflicts"] == result["conflicts"]
    assert forecast["chain"]["conflicts"] == [{"id": "ssot-bridge", "files": ["bridge.py"]}]
    assert forecast["chain"]["tree"] is None


def test_a_change_that_was_taken_back_lands_again_whole(control: Control) -> None:
    sandbox = control.sandbox
    revert = sandbox.revert("main", sandbox.merge("main", "feature/phase1"))
    sandbox.commit("feature/phase1", {"more.py": "more\n"})
    forecast = control.forecast(base="main", changes=PHASE_1["changes"])
    assert forecast["changes"][0]["state"] == "reverted"
    assert forecast["changes"][0]["reverted_by"] == revert
    assert forecast["chain"]["state"] == "mergeable"
    result = control.merge(**{**PHASE_1, "into": "main", "push": True})
    assert result["merges"][0]["state"] == "reapplied", result
    assert result["tree"] == forecast["chain"]["tree"]
    log = sandbox.git("log", "-3", "--format=%s", "main", where=sandbox.remote).splitlines()
    assert log[:2] == [
        "Merge ssot-bridge ('feature/phase1') into main",
        'Reapply "Merge feature/phase1"',
    ]
    files = sandbox.git("ls-tree", "--name-only", "main", where=sandbox.remote).splitlines()
    assert {"bridge.py", "more.py"} <= set(files)
    forecast = control.forecast(base="main", changes=PHASE_1["changes"])
    assert forecast["changes"][0]["state"] == "integrated"
    assert not control.merge(**{**PHASE_1, "into": "main", "push": True})["changed"]


def test_forecast_moves_no_ref_anywhere(control: Control) -> None:
    before = control.sandbox.refs()
    changes = [*PHASE_1["changes"], {"id": "gone", "branch": "feature/none"}]
    forecast = control.forecast(base="main", changes=changes, pairwise=True)
    assert [change["state"] for change in forecast["changes"]] == ["mergeable", "missing"]
    assert forecast["changes"][0]["reviewed_by"] == [BEA]
    assert forecast["changes"][0]["files"] == ["bridge.py"]
    assert forecast["summary"].startswith("1 mergeable, 1 missing on main")
    mirrored = control.sandbox.git(
        "for-each-ref", "--format=%(refname) %(objectname)", where=control.mirror
    )
    assert dict(line.split(" ") for line in mirrored.splitlines()) == before
    assert control.sandbox.refs() == before


def test_a_mirror_forgets_what_the_remote_deleted_and_keeps_its_own_refs(control: Control) -> None:
    control.merge(**PHASE_1)
    control.sandbox.git("push", "-q", "--delete", "origin", "feature/phase1")
    forecast = control.forecast(base="main", changes=PHASE_1["changes"])
    assert forecast["changes"][0]["state"] == "missing"
    assert control.sandbox.git("for-each-ref", "refs/rollout", where=control.mirror) != ""


def test_a_repository_of_the_user_is_never_taken_for_a_mirror(control: Control) -> None:
    work = control.sandbox.work
    branches = control.sandbox.git("branch", "--list")
    result = control.merge(**{**PHASE_1, "repository": str(work)})
    assert "not made as a mirror" in result["msg"]
    assert control.sandbox.git("branch", "--list") == branches


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param({"into": "nowhere"}, "nowhere", id="unknown branch"),
        pytest.param({"into": "--upload-pack=x"}, "--upload-pack=x", id="branch like an option"),
        pytest.param({"into": "a b"}, "a b", id="branch with a space"),
        pytest.param({"update_from": ["gone"]}, "gone", id="unknown update"),
        pytest.param(
            {"changes": [{"id": "x", "branch": "--exec=x"}]}, "--exec=x", id="change like an option"
        ),
        pytest.param(
            {"changes": [{"id": "x", "branch": "a\nb"}]}, "a\\nb", id="change with a newline"
        ),
        pytest.param({"changes": []}, "empty", id="no change at all"),
        pytest.param({"tag": "bad..tag"}, "bad..tag", id="tag that git forbids"),
        pytest.param({"candidate": "refs/heads/main"}, "refs/rollout/", id="candidate elsewhere"),
        pytest.param({"expected_tree": "abc"}, "abc", id="short tree"),
        pytest.param({"identity": "nobody"}, "nobody", id="identity without mail"),
        pytest.param({"trailers": {"Phase": "1\nX: y"}}, "Phase", id="trailer of two lines"),
        pytest.param({"remote": "--upload-pack=x"}, "--upload-pack=x", id="remote like an option"),
        pytest.param({"remote": "/nonexistent.git"}, "/nonexistent.git", id="no such remote"),
    ],
)
def test_what_makes_no_sense_is_named(control: Control, args: dict[str, Any], said: str) -> None:
    before = control.sandbox.refs()
    result = control.merge(**{**PHASE_1, "push": True, **args})
    assert result["failed"]
    assert said in result["msg"]
    assert "exception" not in result
    assert control.sandbox.refs() == before


@pytest.mark.parametrize("kind", ["missing", "no repository", "empty"])
def test_a_repository_that_cannot_serve_is_named(
    control: Control, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / kind
    if kind != "missing":
        path.mkdir()
    if kind == "empty":
        control.sandbox.git("init", "-q", where=path)
    where = {"repository": str(path), "remote": None, "changes": PHASE_1["changes"]}
    for result in (control.forecast(base="main", **where), control.merge(into="main", **where)):
        assert str(path) in result["msg"], result
        assert ("no branch at all" in result["msg"]) == (kind == "empty")


def test_a_push_needs_a_remote(control: Control) -> None:
    """Not whatever remote the repository happens to have."""
    before = control.sandbox.refs()
    where = {"repository": str(control.sandbox.work), "remote": None}
    result = control.merge(into="main", changes=PHASE_1["changes"], push=True, **where)
    assert "A push needs a remote" in result["msg"]
    assert control.sandbox.refs() == before


def test_eight_pull_requests_stand_as_a_plan_of_them_says(control: Control) -> None:
    """Plan B's opening table: 4 mergeable, 2 conflicting, 2 integrated."""
    sandbox = control.sandbox
    requests = [f"pr-{letter}" for letter in "abcdefgh"]
    sandbox.commit("main", {"auth.py": "old\n", "speed.py": "old\n"})
    for request in requests:
        files = {"pr-a": "auth.py", "pr-b": "speed.py"}
        sandbox.commit(request, {files.get(request, request): f"{request}\n"}, start="main")
    for integrated in ("pr-c", "pr-d"):
        sandbox.merge("main", integrated)
    sandbox.commit("main", {"auth.py": "new\n", "speed.py": "new\n"})
    changes = [{"id": name, "branch": name, "owner": f"team {name}"} for name in requests]
    found = control.forecast(base="main", changes=changes, pairwise=True, analyse=True)
    assert found["summary"].startswith("2 integrated, 4 mergeable, 2 conflicting on main")
    assert {pair["state"] for pair in found["pairs"]} == {"mergeable"}
    assert len(found["pairs"]) == 15
    assert found["order_conflicts"] == 0
    conflicts = [(one["ids"], [file["path"] for file in one["files"]]) for one in found["analysis"]]
    assert conflicts == [(["main", "pr-a"], ["auth.py"]), (["main", "pr-b"], ["speed.py"])]
