# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The git modules on every kind of remote, and on remotes and mirrors that are broken."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox
from ansible_collections.phased.rollout.tests.integration.control import (
    PHASE_1,
    TAG,
    Control,
    release,
)
from ansible_collections.phased.rollout.tests.integration.git_servers import (
    SECRET,
    https_server,
    ssh_server,
)

LINES = "".join(f"{number}\n" for number in range(9))

over_the_network = pytest.mark.parametrize("served", ["ssh", "https"], indirect=True)


@pytest.fixture
def ids() -> str:
    """The kind of the object ids."""
    return "sha1"


@pytest.fixture
def sandbox(tmp_path: Path, ids: str) -> Sandbox:
    """main, development behind it, and a feature branch."""
    sandbox = Sandbox(tmp_path, ids=ids)
    sandbox.commit("main", {"app.py": LINES, "README": "tower\n"})
    sandbox.commit("development", {})
    sandbox.git("checkout", "-q", "main")
    sandbox.commit("main", {"audit.md": "done\n"}, message="Audit")
    sandbox.commit("feature/phase1", {"bridge.py": "bridge\n"}, message="Bridge")
    return sandbox


@pytest.fixture
def served(
    request: pytest.FixtureRequest,
    control: Control,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Control]:
    """The control node with a remote that is served in one of the ways that git knows."""
    servers: dict[str, AbstractContextManager[str]] = {
        "path": nullcontext(""),
        "file": nullcontext("file://"),
        "ssh": ssh_server(tmp_path / "server", monkeypatch),
        "https": https_server(tmp_path / "server", monkeypatch),
    }
    with servers[request.param] as root:
        control.sandbox.url = f"{root}{control.sandbox.remote}"
        yield control


@pytest.mark.parametrize("served", ["path", "file", "ssh", "https"], indirect=True)
def test_a_phase_is_forecast_merged_and_released_on_any_remote(served: Control) -> None:
    forecast = served.forecast(base="main", changes=PHASE_1["changes"])
    assert forecast["changes"][0]["state"] == "mergeable", forecast
    candidate = served.merge(**PHASE_1, push=True)
    released = served.merge(**release(candidate))
    refs = served.sandbox.refs()
    assert refs["refs/heads/development"] == candidate["after"]
    assert refs["refs/heads/main"] == released["after"]
    assert f"refs/tags/{TAG}" in refs
    assert not served.merge(**release(candidate))["changed"]
    for result in (forecast, candidate, released):
        assert SECRET not in json.dumps(result)


@over_the_network
@pytest.mark.parametrize(
    ("hook", "script", "said"),
    [
        pytest.param("pre-receive", "echo frozen >&2; exit 1", "frozen", id="pre-receive says no"),
        pytest.param(
            "update",
            '[ "$1" != refs/heads/main ] || { echo protected >&2; exit 1; }',
            "protected",
            id="main is protected",
        ),
        pytest.param("pre-receive", "kill -9 $PPID", "push", id="the remote vanishes before"),
        pytest.param("update", "kill -9 $PPID", "push", id="the remote vanishes between two refs"),
    ],
)
def test_a_push_that_fails_names_the_refs_and_moves_none(
    served: Control, hook: str, script: str, said: str
) -> None:
    candidate = served.merge(**PHASE_1)
    before = served.sandbox.refs()
    served.sandbox.hook(hook, script)
    result = served.merge(**release(candidate))
    assert result["failed"]
    assert said in result["msg"]
    assert "refs/heads/main" in result["msg"]
    assert "Nothing was pushed" in result["msg"]
    assert SECRET not in json.dumps(result)
    assert served.sandbox.refs() == before
    (served.sandbox.remote / "hooks" / hook).unlink()
    assert len(served.merge(**release(candidate))["pushed"]) == 2


@over_the_network
def test_a_push_that_landed_counts_although_the_remote_vanished(served: Control) -> None:
    candidate = served.merge(**PHASE_1)
    served.sandbox.hook("post-receive", "kill -9 $PPID")
    result = served.merge(**release(candidate))
    assert len(result["pushed"]) == 2, result
    assert served.sandbox.refs()["refs/heads/main"] == result["after"]


@over_the_network
def test_a_remote_that_is_gone_is_named_without_its_token(served: Control) -> None:
    candidate = served.merge(**PHASE_1)
    away = f"mv {served.sandbox.remote} {served.sandbox.remote}.away"
    served.sandbox.hook("pre-receive", f"{away}; kill -9 $PPID")
    result = served.merge(**release(candidate))
    assert result["failed"]
    assert "refs/heads/main" in result["msg"]
    assert "not known" in result["msg"]
    again = served.merge(**release(candidate))
    assert str(served.sandbox.remote) in again["msg"]
    for said in (result, again):
        assert SECRET not in json.dumps(said)


def test_the_histories_of_a_shallow_remote_are_refused(control: Control, tmp_path: Path) -> None:
    sandbox = control.sandbox
    shallow = sandbox.remote.parent / "shallow.git"
    control.forecast(base="main", changes=PHASE_1["changes"])
    sandbox.commit("feature/phase1", {"more.py": "more\n"})
    sandbox.git(
        "clone", "-q", "--bare", "--depth=1", "--no-single-branch", sandbox.url, str(shallow)
    )
    for mirror in (control.mirror, tmp_path / "new.git"):
        where = {"repository": str(mirror), "remote": f"file://{shallow}"}
        result = control.merge(**{**PHASE_1, **where}, push=True)
        assert f"file://{shallow} is a shallow clone" in result["msg"], result
    result = control.merge(**{**PHASE_1, "repository": str(shallow), "remote": None})
    assert f"{shallow} is a shallow clone" in result["msg"], result


def test_a_branch_that_is_checked_out_at_the_remote_is_left_alone(control: Control) -> None:
    work = control.sandbox.work
    control.sandbox.git("checkout", "-q", "development")
    before = control.sandbox.git("rev-parse", "development")
    result = control.merge(**PHASE_1, remote=str(work), push=True)
    assert "refs/heads/development" in result["msg"]
    assert "Nothing was pushed" in result["msg"]
    assert control.sandbox.git("rev-parse", "development") == before


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/development"])
def test_a_branch_deleted_before_the_push_is_not_made_again(control: Control, ref: str) -> None:
    sandbox = control.sandbox
    candidate = control.merge(**PHASE_1)
    control.intercept("push", f"git -C {sandbox.remote} update-ref -d {ref}")
    asked = release(candidate) if ref.endswith("main") else {**PHASE_1, "push": True}
    result = control.merge(**asked)
    assert f"The branch {ref[11:]} to merge into does not exist" in result["msg"]
    assert ref not in sandbox.refs()


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(["update-ref --no-deref HEAD main~1"], id="HEAD is detached"),
        pytest.param(["symbolic-ref HEAD refs/heads/none"], id="HEAD leads nowhere"),
        pytest.param(["symbolic-ref HEAD refs/heads/development"], id="HEAD is another branch"),
        pytest.param(["symbolic-ref refs/heads/alias refs/heads/main"], id="a branch is a link"),
        pytest.param(
            ["tag main feature/phase1", "tag development main~1", "tag feature/phase1 main"],
            id="tags have the names of the branches",
        ),
        pytest.param(
            [f"update-ref refs/heads/{name} main" for name in ("--upload-pack=x", "HEAD", "-f")],
            id="branches look like options",
        ),
        pytest.param(
            ["branch ünï/$(id);&'\"", "branch " + "1" * 40],
            id="branches have odd names",
        ),
    ],
)
def test_what_else_is_on_the_remote_does_not_matter(control: Control, commands: list[str]) -> None:
    sandbox = control.sandbox
    for command in commands:
        sandbox.git(*command.split(" "), where=sandbox.remote)
    before = sandbox.refs()
    candidate = control.merge(**PHASE_1, push=True)
    assert candidate["merges"][0]["sha"] == before["refs/heads/feature/phase1"], candidate
    released = control.merge(**release(candidate))
    moved = {"refs/heads/development": candidate["after"], "refs/heads/main": released["after"]}
    if "refs/heads/alias" in before:
        moved["refs/heads/alias"] = released["after"]
    after = sandbox.refs()
    tag = after.pop(f"refs/tags/{TAG}")
    assert sandbox.git("rev-parse", f"{tag}^{{}}", where=sandbox.remote) == released["after"]
    assert after == {**before, **moved}


def _damage(path: Path) -> None:
    """Flip the bits of some bytes in the middle of a file."""
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    for place in range(half, min(half + 8, len(content))):
        content[place] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)


def _loose(repository: Path, sha: str) -> Path:
    return repository / "objects" / sha[:2] / sha[2:]


@pytest.mark.parametrize("what", ["feature/phase1", "feature/phase1^{tree}", "main:audit.md"])
def test_a_damaged_object_of_the_remote_is_named(control: Control, what: str) -> None:
    sandbox = control.sandbox
    before, sha = sandbox.refs(), sandbox.git("rev-parse", what)
    _damage(_loose(sandbox.remote, sha))
    result = control.merge(**PHASE_1, push=True)
    assert sha in result["msg"]
    assert sandbox.url in result["msg"]
    assert sandbox.refs() == before


@pytest.mark.parametrize("what", ["feature/phase1", "feature/phase1^{tree}", "main:app.py"])
def test_a_damaged_mirror_is_named_and_made_again_when_it_is_removed(
    control: Control, what: str
) -> None:
    sandbox = control.sandbox
    control.forecast(base="main", changes=PHASE_1["changes"])
    sandbox.git("checkout", "-q", "main")
    for number, branch in enumerate(("main", "feature/phase1")):
        sandbox.commit(branch, {"app.py": LINES.replace(str(8 * number), "new")})
    before = sandbox.refs()
    sha = sandbox.git("rev-parse", what)
    control.forecast(base="main", changes=PHASE_1["changes"])
    _damage(_loose(control.mirror, sha))
    result = control.merge(**PHASE_1, push=True)
    assert sha in result["msg"]
    assert f"remove {control.mirror}" in result["msg"]
    assert sandbox.refs() == before


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("refs/heads/main", "garbage\n", id="a ref holds garbage"),
        pytest.param("refs/heads/main", "", id="a ref is empty"),
        pytest.param("refs/heads/main", "1" * 40 + "\n", id="a ref holds no commit"),
        pytest.param("packed-refs", "garbage\n", id="the packed refs are garbage"),
        pytest.param("HEAD", "", id="HEAD is empty"),
        pytest.param("config", "[", id="the configuration is garbage"),
        pytest.param("config", "", id="the configuration is empty"),
    ],
)
def test_a_mirror_with_damaged_files_is_never_used(
    control: Control, path: str, content: str
) -> None:
    before = control.sandbox.refs()
    control.forecast(base="main", changes=PHASE_1["changes"])
    (control.mirror / path).write_text(content)
    result = control.merge(**PHASE_1, push=True)
    assert str(control.mirror) in result["msg"]
    advice = f"remove {control.mirror}" if content or "config" not in path else "another path"
    assert advice in result["msg"]
    assert control.sandbox.refs() == before
    shutil.rmtree(control.mirror)
    assert control.merge(**PHASE_1, push=True)["pushed"]


def test_a_mirror_that_lost_its_objects_gets_them_again(control: Control) -> None:
    control.forecast(base="main", changes=PHASE_1["changes"])
    shutil.rmtree(control.mirror / "objects")
    (control.mirror / "objects").mkdir()
    candidate = control.merge(**PHASE_1, push=True)
    assert candidate["pushed"] == ["refs/heads/development"]
    remote = control.sandbox.remote
    assert control.sandbox.git("fsck", "--strict", "--no-dangling", where=remote) == ""


@pytest.mark.parametrize("where", ["remote", "mirror"])
def test_a_full_disk_moves_no_ref_and_is_named(
    control: Control, tmp_path: Path, where: str
) -> None:
    sandbox = control.sandbox
    folder = sandbox.remote if where == "remote" else control.mirror
    control.forecast(base="main", changes=PHASE_1["changes"])
    if where == "remote":
        candidate = control.merge(**PHASE_1)
    else:
        sandbox.commit("feature/phase1", {"large": os.urandom(100_000).hex()})
    before = sandbox.refs()
    with full(folder):
        result = control.merge(**PHASE_1, push=True)
    assert re.search("No space left on device|File too large|signal 25|signal XFSZ", result["msg"])
    assert sandbox.refs() == before
    again = control.merge(**PHASE_1, push=True)
    assert again["pushed"] == ["refs/heads/development"], again
    if where == "remote":
        assert again["after"] == candidate["after"]


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Let a folder be on a disk that is full; without the right to mount, let no file grow."""
    away = folder.with_name(f"{folder.name}.away")
    folder.rename(away)
    folder.mkdir()
    size = sum(path.stat().st_blocks * 512 for path in away.rglob("*")) // 1024 + 4
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    shutil.copytree(away, folder, dirs_exist_ok=True, symlinks=True)
    try:
        if mounted.returncode == 0:
            _fill(folder / "ballast")
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, old[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder)
        away.rename(folder)


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


@pytest.mark.parametrize("ids", ["sha256"])
@pytest.mark.parametrize("served", ["file", "ssh", "https"], indirect=True)
def test_repositories_with_sha256_ids_are_merged_and_released(served: Control) -> None:
    candidate = served.merge(**PHASE_1, push=True)
    assert len(candidate["after"]) == 64, candidate
    released = served.merge(**release(candidate))
    assert served.sandbox.refs()["refs/heads/main"] == released["after"]
    forecast = served.forecast(base="main", changes=PHASE_1["changes"])
    assert forecast["changes"][0]["state"] == "integrated"
